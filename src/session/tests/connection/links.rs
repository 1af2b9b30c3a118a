//! The life of links: authentication, heartbeat, backoff, draining.

use std::time::Duration;

use serde_json::json;

use crate::handover::State;
use crate::secret::Secret;
use crate::session::tests::world::{
    World, auth_ok, config, init, limited, server_snapshot, spec, with,
};
use crate::session::{AuthMode, Config, Credentials, Effect, Now, Session};

#[test]
fn nothing_is_sent_before_auth_is_answered() {
    let mut world = World::new(config());
    world.subscribe(spec());
    world.open();
    assert_eq!(world.next()["type"], "auth");
    world.subscribe(spec());
    world.advance(Duration::from_secs(2));
    assert!(world.sent.is_empty(), "the server would lose it");
    world.say(json!({"type": "auth", "status": "ok"}));
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn public_and_strict_links_are_usable_at_once() {
    for mode in [AuthMode::Public, AuthMode::Strict] {
        let access_token = (mode == AuthMode::Strict).then(|| Secret::new("t"));
        let mut world = with(Credentials {
            mode,
            access_token,
            ..Credentials::default()
        });
        world.subscribe(spec());
        world.open();
        assert_eq!(world.engine.session.state(), State::Connected);
        assert_eq!(world.next()["type"], "subscribe");
    }
}

#[test]
fn nothing_but_pongs_is_sent_while_the_authentication_is_renewed() {
    let mut world = World::connected();
    world.set_token("fresh");
    let fresh = world.next();
    assert_eq!(fresh["access_token"], "fresh");
    world.subscribe(spec());
    assert!(world.sent.is_empty());
    world.say(json!({"type": "ping"}));
    assert_eq!(world.next()["type"], "pong");
    world.say(auth_ok(&fresh["uid"]));
    assert_eq!(world.next()["type"], "subscribe");
}

#[test]
fn a_silent_server_is_pinged_and_the_link_given_up_after_another_silence() {
    let mut world = World::connected();
    world.advance(Duration::from_secs(26));
    assert_eq!(world.next()["type"], "ping");
    assert_eq!(
        world.next()["type"],
        "unsubscribe",
        "where pings are not answered this is"
    );
    world.say(json!({"type": "pong"}));
    world.advance(Duration::from_secs(26));
    assert_eq!(world.next()["type"], "ping");
    assert!(world.sent.is_empty(), "this server answers pings");
    world.advance(Duration::from_secs(26));
    let (_, _, message) = world.states.iter().find(|s| s.0 == State::Backoff).unwrap();
    assert!(message.contains("heartbeat"), "{message}");
    assert_eq!(world.closed, world.opened[..1]);
}

#[test]
fn a_pong_that_may_have_been_dropped_is_sent_again() {
    let mut world = World::connected();
    world.say(json!({"type": "ping"}));
    assert_eq!(world.next()["type"], "pong");
    world.say(limited(400));
    assert!(world.sent.is_empty());
    world.advance(Duration::from_secs(1));
    assert_eq!(
        world.next()["type"],
        "pong",
        "the server would end the link"
    );
    // Not for ever: the next thing was answered.
    world.advance(Duration::from_secs(3));
    world.active(server_snapshot());
    world.say(limited(400));
    world.advance(Duration::from_secs(1));
    assert!(world.sent.is_empty());
}

#[test]
fn an_idle_session_wakes_only_for_heartbeats() {
    let mut world = World::connected();
    world.active(spec());
    let mut wakes = 0;
    let begin = world.now.mono;
    while world.now.mono < begin + Duration::from_secs(3600) {
        let at = world.engine.session.next_deadline(world.now).unwrap();
        world.now.mono = at;
        world.engine.session.on_timer(world.now);
        world.settle();
        while let Some(message) = world.sent.pop_front() {
            if message["type"] == "ping" {
                world.say(json!({"type": "pong"}));
            }
        }
        wakes += 1;
    }
    assert!(wakes <= 3600 / 25 + 1, "{wakes} wake-ups in an hour");
}

#[test]
fn a_link_that_opens_and_fails_at_once_does_not_reset_the_backoff_a_healthy_one_does() {
    let mut world = World::new(Config {
        reconnect_attempts: 4,
        ..config()
    });
    world.connect();
    for round in 0..2 {
        // This link is healthy when it is lost.
        world.advance(Duration::from_secs(10));
        world.lose();
        for _ in 1..4 {
            assert_eq!(
                world.engine.session.state(),
                State::Backoff,
                "round {round}"
            );
            world.advance(Duration::from_secs(40));
            world.open();
            world.say(json!({"type": "auth", "status": "ok"}));
            if round == 0 {
                world.advance(Duration::from_secs(1));
            }
            world.lose();
        }
        assert_eq!(
            world.engine.session.state(),
            State::Backoff,
            "four failures"
        );
        world.advance(Duration::from_secs(40));
        world.open();
        world.say(json!({"type": "auth", "status": "ok"}));
    }
    world.lose();
    assert_eq!(
        world.engine.session.state(),
        State::Failed,
        "a fifth one in a row"
    );
}

#[test]
fn the_client_fails_after_reconnect_attempts_and_says_how_many() {
    let mut world = World::new(Config {
        reconnect_attempts: 2,
        ..config()
    });
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    for _ in 0..3 {
        world.lose();
        world.advance(Duration::from_secs(40));
    }
    assert_eq!(world.opened.len(), 3);
    assert_eq!(world.engine.session.state(), State::Failed);
    assert!(
        world.engine.session.reason().1.contains("2 attempts"),
        "{}",
        world.engine.session.reason().1
    );
}

#[test]
fn a_link_that_is_left_stays_open_until_its_subscribes_are_answered() {
    let mut world = World::connected();
    world.subscribe(spec());
    let link = world.link();
    let wire = world.next()["uid"].clone();
    world.engine.session.disconnect(world.now).unwrap();
    world.settle();
    assert_eq!(world.engine.session.state(), State::Idle);
    assert!(
        world.closed.is_empty(),
        "the server would keep the subscription for ever"
    );
    world.say_on(link, init(&wire));
    assert_eq!(world.closed, [link]);
    assert!(world.engine.session.has_left_every_link());

    let mut world = World::connected();
    world.subscribe(spec());
    world.engine.session.close(world.now).unwrap();
    world.settle();
    world.advance(Duration::from_secs(3));
    assert_eq!(world.closed.len(), 1, "but not for ever");
}

#[test]
fn a_malformed_frame_ends_the_link() {
    let mut world = World::connected();
    world.active(spec());
    let mut frames = vec![crate::protocol::Frame::from_static("{\"type\":\"subscr")];
    world
        .engine
        .session
        .on_frames(world.now, world.link(), &mut frames);
    world.settle();
    assert_eq!(world.engine.session.state(), State::Backoff);
}

#[test]
fn i9_the_debug_output_of_effects_shows_no_credential() {
    let mut session = Session::new(config());
    let now = Now {
        mono: Duration::ZERO,
        wall: Duration::ZERO,
    };
    session.connect(now).unwrap();
    session.on_opened(now, 1);
    let effects = session.take_effects();
    let sends =
        |effect: &Effect| matches!(effect, Effect::Send { text, .. } if text.contains("token"));
    assert!(effects.iter().any(sends), "the authentication");
    assert!(!format!("{effects:?}").contains("\"token\""), "{effects:?}");
}

#[test]
fn a_subscribe_is_repeated_only_once_a_silent_link_has_answered_a_ping() {
    let mut world = World::connected();
    world.advance(Duration::from_secs(1));
    world.subscribe(spec());
    let first = world.next();
    world.advance(Duration::from_secs(20));
    let asked: Vec<_> = world.sent.drain(..).map(|m| m["type"].clone()).collect();
    assert_eq!(
        asked,
        ["ping", "unsubscribe"],
        "whether it lives is asked once"
    );
    world.say(json!({"type": "pong"}));
    world.advance(Duration::from_secs(5));
    let again: Vec<_> = world.sent.drain(..).collect();
    let subscribes: Vec<_> = again.iter().filter(|m| m["type"] == "subscribe").collect();
    assert_eq!(subscribes.len(), 1);
    assert_ne!(subscribes[0]["uid"], first["uid"]);
}

#[test]
fn a_read_is_not_repeated_on_a_silent_link() {
    let mut world = World::new(config());
    world.subscribe(spec());
    world.open();
    world.next();
    world.say(json!({"type": "auth", "status": "ok"}));
    world.confirm();
    assert_eq!(world.next()["action"], "read");
    world.advance(Duration::from_secs(20));
    let asked: Vec<_> = world.sent.drain(..).map(|m| m["type"].clone()).collect();
    assert_eq!(asked, ["ping", "unsubscribe"]);
}
