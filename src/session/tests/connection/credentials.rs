//! Which credential is shown, and what its refusal is held against.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::error::Status;
use crate::handover::State;
use crate::secret::Secret;
use crate::session::tests::world::{
    World, auth_failed, auth_ok, config, expired, limited, named, with,
};
use crate::session::{Config, Credentials};

#[test]
fn a_quick_refusal_fails_the_client_and_a_slow_one_is_retried() {
    let mut world = World::new(config());
    world.dial();
    world.say(auth_failed());
    assert_eq!(world.engine.session.state(), State::Failed);
    assert_eq!(world.engine.session.reason().0, Status::Auth);

    let mut world = World::new(config());
    world.dial();
    world.advance(Duration::from_secs(9));
    world.say(auth_failed());
    assert_eq!(
        world.engine.session.state(),
        State::Backoff,
        "the server's own time-out looks the same"
    );
}

#[test]
fn after_a_refused_token_the_next_credential_is_shown() {
    let mut world = with(Credentials {
        access_token: Some(Secret::new("t")),
        email: Some("e@example.com".into()),
        password: Some(Secret::new("p")),
        ..Credentials::default()
    });
    world.dial();
    assert_eq!(world.next()["access_token"], "t");
    world.say(auth_failed());
    world.open();
    assert_eq!(world.next()["email"], "e@example.com");
}

#[test]
fn a_refusal_counts_for_the_token_whose_uid_it_has() {
    let mut world = World::connected();
    world.set_token("second");
    let second = world.next();
    assert_eq!(second["access_token"], "second");
    world.say(limited(500));
    world.set_token("wrong");
    world.advance(Duration::from_secs(1));
    let wrong = world.next();
    assert_eq!(wrong["access_token"], "wrong", "shown after the pause");
    world.set_token("good");
    world.say(auth_ok(&second["uid"]));
    assert!(
        world.sent.is_empty(),
        "the answer to the last one is awaited"
    );
    world.say(named(auth_failed(), &wrong["uid"]));
    world.open();
    assert_eq!(world.next()["access_token"], "good");
}

#[test]
fn a_late_refusal_does_not_count_for_a_newer_token() {
    let mut world = World::connected();
    world.set_token("wrong");
    let wrong = world.next();
    world.say(limited(500));
    world.set_token("good");
    world.advance(Duration::from_secs(1));
    let good = world.next();
    assert_eq!(good["access_token"], "good");
    world.say(named(auth_failed(), &wrong["uid"]));
    world.lose();
    assert_eq!(world.engine.session.state(), State::Backoff);
    world.advance(Duration::from_secs(1));
    world.open();
    assert_eq!(world.next()["access_token"], "good");
}

#[test]
fn a_used_refresh_token_is_replaced_by_its_successor() {
    let mut world = with(Credentials {
        refresh_token: Some(Secret::new("r1")),
        ..Credentials::default()
    });
    world.dial();
    world.next();
    world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r2"}));
    let first = world.expire_and_renew("r2", "r3");
    assert_eq!(first["refresh_token"], "r3");
    world.say(limited(500));
    world.advance(Duration::from_secs(1));
    let again = world.next();
    assert_eq!(again["refresh_token"], "r3");
    let mut answer = auth_ok(&first["uid"]);
    answer["refresh_token"] = "r4".into();
    world.say(answer);
    world.say(named(auth_failed(), &again["uid"]));
    world.open();
    assert_eq!(world.next()["refresh_token"], "r4");
}

#[test]
fn the_token_callback_runs_before_connecting_and_after_a_refusal() {
    let mut world = with(Credentials::default());
    world.set_token_callback();
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    assert_eq!(world.tokens_wanted, [Status::Ok]);
    assert!(world.opened.is_empty());
    world.set_token("t");
    world.open();
    world.say(auth_failed());
    assert_eq!(world.tokens_wanted, [Status::Ok, Status::Auth]);
    world.set_token("t2");
    assert_eq!(world.opened.len(), 2, "at once");
}

#[test]
fn a_token_that_is_set_while_another_is_being_shown_is_shown_next() {
    let answers = [
        json!({"type": "auth", "status": "ok"}),
        json!({"type": "auth", "status": "error", "error":
            {"code": "AUTH_FAILED", "message": "Authentication handshake failed."}}),
    ];
    for first in &answers {
        // On a live link,
        let mut world = World::connected();
        world
            .engine
            .session
            .set_token(world.now, Secret::new("b"))
            .unwrap();
        world.set_token("c");
        assert_eq!(world.next()["access_token"], "b");
        world.say(first.clone());
        if world.engine.session.state() != State::Connected {
            world.open();
        }
        assert_eq!(world.next()["access_token"], "c");

        // and on one that is being opened.
        let mut world = World::new(config());
        world.dial();
        assert_eq!(world.next()["access_token"], "token");
        world
            .engine
            .session
            .set_token(world.now, Secret::new("b"))
            .unwrap();
        world.say(first.clone());
        if world.engine.session.state() != State::Connected {
            world.open();
        }
        assert_eq!(world.next()["access_token"], "b");
    }
}

#[test]
fn i8_a_refusal_after_a_healthy_link_is_the_first_failure() {
    let mut world = World::new(Config {
        reconnect_attempts: 2,
        ..config()
    });
    world.set_token_callback();
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    for _ in 0..2 {
        world.lose();
        world.advance(Duration::from_secs(40));
    }
    world.open();
    world.say(json!({"type": "auth", "status": "ok"}));
    world.live(3600);
    world.sent.clear();
    world.set_token("stale");
    let stale = world.next();
    world.say(named(auth_failed(), &stale["uid"]));
    assert_eq!(world.engine.session.state(), State::Backoff);
    assert_eq!(world.tokens_wanted, [Status::Auth]);
}

#[test]
fn an_expiry_asks_for_a_token_again_though_the_renewal_was_not_answered() {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"iat":1800000000,"exp":1800000100}"#);
    let mut world = with(Credentials {
        access_token: Some(Secret::new(&format!("e30.{claims}.c2ln"))),
        ..Credentials::default()
    });
    world.set_token_callback();
    world.connect();
    world.live(100);
    assert_eq!(world.tokens_wanted, [Status::Ok]);
    world.say(expired());
    assert_eq!(world.tokens_wanted, [Status::Ok, Status::Auth]);
}

/// Connected with a refresh token alone, which is shown again just now; the frame.
fn renewing() -> (World, Value) {
    let mut world = with(Credentials {
        refresh_token: Some(Secret::new("r0")),
        ..Credentials::default()
    });
    world.dial();
    world.next();
    world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r1"}));
    let auth = world.expire_and_renew("r1", "r2");
    assert_eq!(auth["refresh_token"], "r2");
    (world, auth)
}

#[test]
fn a_refresh_token_that_may_be_in_use_is_not_shown_twice() {
    let (mut world, auth) = renewing();
    world.advance(Duration::from_millis(10));
    world.say(json!({"type": "ping"}));
    assert_eq!(world.next()["type"], "pong");
    // The pong was over the limit; the server is busy with the token.
    world.say(limited(50));
    world.advance(Duration::from_millis(400));
    assert!(world.sent.iter().all(|m| m["type"] == "pong"));
    let mut answer = auth_ok(&auth["uid"]);
    answer["refresh_token"] = "r3".into();
    world.say(answer);
    assert_eq!(world.engine.session.state(), State::Connected);
}

#[test]
fn a_dropped_refresh_token_is_shown_on_the_next_link() {
    let (mut world, _) = renewing();
    world.advance(Duration::from_millis(10));
    world.say(json!({"type": "ping"}));
    world.say(limited(50));
    world.live(12);
    assert_eq!(world.opened.len(), 3);
    world.sent.clear();
    world.open();
    assert_eq!(world.next()["refresh_token"], "r2");
}
