//! A refusal of what the server has accepted before may be an outage: it answers
//! AUTH_FAILED to whatever goes wrong while it checks.

use std::time::Duration;

use serde_json::json;

use crate::error::Status;
use crate::handover::State;
use crate::secret::Secret;
use crate::session::tests::world::{World, auth_failed, config, with};
use crate::session::{AuthMode, Config, Credentials, Loss};

/// The next attempt, as soon as it is made, and its `auth` message; how long it took.
fn attempt(world: &mut World) -> (Duration, serde_json::Value) {
    let (begin, links) = (world.now.mono, world.opened.len());
    for _ in 0..6_000 {
        if world.opened.len() > links {
            break;
        }
        world.advance(Duration::from_millis(10));
    }
    assert!(world.opened.len() > links, "{:?}", world.states.last());
    world.sent.clear();
    world.open();
    (world.now.mono - begin, world.next())
}

fn refused_with(world: &mut World, state: State) {
    world.say(auth_failed());
    assert_eq!(
        world.engine.session.state(),
        state,
        "{:?}",
        world.states.last()
    );
    assert_eq!(world.engine.session.reason().0, Status::Auth);
}

#[test]
fn an_accepted_token_is_retried_for_ever_after_a_refusal() {
    let mut world = World::connected();
    world.live(60);
    world.lose();
    for _ in 0..100 {
        let (wait, auth) = attempt(&mut world);
        assert_eq!(auth["access_token"], "token");
        assert!(wait <= Duration::from_secs(31));
        refused_with(&mut world, State::Backoff);
        let message = world.engine.session.reason().1;
        assert!(message.contains("AUTH_FAILED"), "{message}");
        assert!(message.contains("accepted before"), "{message}");
        assert!(message.contains("next attempt in"), "{message}");
    }
    attempt(&mut world);
    world.say(json!({"type": "auth", "status": "ok"}));
    assert_eq!(world.engine.session.state(), State::Connected);
}

#[test]
fn an_accepted_token_is_retried_on_a_live_link_and_in_the_url() {
    let mut world = World::connected();
    world.live(60);
    // The same token once more.
    world.set_token("token");
    world.next();
    refused_with(&mut world, State::Backoff);

    let mut world = with(Credentials {
        mode: AuthMode::Strict,
        access_token: Some(Secret::new("t")),
        ..Credentials::default()
    });
    let refusal = || Loss {
        unauthorized: true,
        ..Loss::new(
            Status::Auth,
            "the server refused the access token (HTTP 401)",
        )
    };
    world.dial();
    assert_eq!(world.engine.session.state(), State::Connected);
    world.lose();
    for _ in 0..20 {
        world.advance(Duration::from_secs(31));
        world.lose_by(refusal());
        assert_eq!(world.engine.session.state(), State::Backoff);
    }
    // One that was never accepted.
    world.set_token("another");
    world.advance(Duration::from_secs(31));
    world.lose_by(refusal());
    assert_eq!(world.engine.session.state(), State::Failed);
}

#[test]
fn a_refused_token_that_was_never_accepted_fails_the_client() {
    let mut world = World::connected();
    world.lose();
    attempt(&mut world);
    refused_with(&mut world, State::Backoff);
    world.set_token("fresh");
    attempt(&mut world);
    refused_with(&mut world, State::Failed);
}

fn with_password() -> World {
    with(Credentials {
        email: Some("e@example.com".into()),
        password: Some(Secret::new("p")),
        ..Credentials::default()
    })
}

#[test]
fn an_accepted_password_is_retried_five_times_ten_seconds_apart() {
    let mut world = with_password();
    world.dial();
    world.say(json!({"type": "auth", "status": "ok"}));
    world.live(60);
    world.lose();
    attempt(&mut world);
    for _ in 0..5 {
        refused_with(&mut world, State::Backoff);
        let (wait, auth) = attempt(&mut world);
        assert_eq!(auth["password"], "p");
        assert!(wait >= Duration::from_secs(10), "{wait:?}");
    }
    refused_with(&mut world, State::Failed);
    // Accepted once more, it has as many tries as before.
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    world.open();
    world.say(json!({"type": "auth", "status": "ok"}));
    world.lose();
    attempt(&mut world);
    refused_with(&mut world, State::Backoff);
}

#[test]
fn password_retries_stay_ten_seconds_apart_beside_refresh_tokens() {
    let mut world = with_password();
    world.dial();
    world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r1"}));
    world.live(60);
    world.lose();
    let mut shown: Vec<Duration> = Vec::new();
    let mut refreshes = 0;
    while world.engine.session.state() != State::Failed {
        let (_, auth) = attempt(&mut world);
        // Passwords are checked slowly.
        world.advance(Duration::from_secs(3));
        if auth["refresh_token"] == "r1" {
            refreshes += 1;
            world.say(auth_failed());
            world.open();
            continue_with_password(&mut world, &mut shown);
        } else {
            shown.push(world.now.mono);
            world.say(auth_failed());
        }
        assert!(shown.len() < 20);
    }
    assert_eq!(shown.len(), 6);
    assert!(refreshes > 0);
    let apart = |pair: &[Duration]| pair[1] - pair[0] >= Duration::from_secs(10);
    assert!(shown.windows(2).all(apart), "{shown:?}");
}

/// The refresh token was refused: the password is shown at once, or waits.
fn continue_with_password(world: &mut World, shown: &mut Vec<Duration>) {
    if world.engine.session.state() == State::Authenticating {
        assert_eq!(world.next()["password"], "p");
        shown.push(world.now.mono);
        world.say(auth_failed());
    }
}

#[test]
fn a_refused_password_fails_the_client_and_names_two_factor_authentication() {
    let mut world = with_password();
    world.dial();
    refused_with(&mut world, State::Failed);
    let message = world.engine.session.reason().1;
    assert!(message.contains("two-factor"), "{message}");
}

#[test]
fn with_a_token_callback_the_old_token_is_retried_until_a_fresh_one_is_set() {
    let mut world = with(Credentials {
        access_token: Some(Secret::new("old")),
        ..Credentials::default()
    });
    world.set_token_callback();
    world.connect();
    world.live(60);
    world.lose();
    for n in 1..=5 {
        let (wait, auth) = attempt(&mut world);
        assert_eq!(auth["access_token"], "old");
        assert!(wait <= Duration::from_secs(31));
        refused_with(&mut world, State::Backoff);
        assert_eq!(world.tokens_wanted.len(), n, "asked once for an attempt");
    }
    world.set_token("fresh");
    let (_, auth) = attempt(&mut world);
    assert_eq!(auth["access_token"], "fresh");
}

#[test]
fn a_refresh_token_from_the_server_is_retried_one_from_the_application_is_not() {
    let refresh = || Credentials {
        refresh_token: Some(Secret::new("r0")),
        ..Credentials::default()
    };
    let mut world = with(refresh());
    world.dial();
    refused_with(&mut world, State::Failed);

    let mut world = with(refresh());
    world.dial();
    world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r1"}));
    world.live(60);
    world.lose();
    for _ in 0..20 {
        let (_, auth) = attempt(&mut world);
        assert_eq!(auth["refresh_token"], "r1");
        refused_with(&mut world, State::Backoff);
    }
}

#[test]
fn refused_attempts_count_towards_reconnect_attempts() {
    let mut world = World::new(Config {
        reconnect_attempts: 3,
        ..config()
    });
    world.connect();
    world.live(60);
    world.lose();
    for _ in 0..2 {
        attempt(&mut world);
        refused_with(&mut world, State::Backoff);
    }
    attempt(&mut world);
    refused_with(&mut world, State::Failed);
}

#[test]
fn a_token_callback_that_has_not_returned_is_not_called_again() {
    let mut world = with(Credentials::default());
    world.set_token_callback();
    world.token_callback_is_slow = true;
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    world.advance(Duration::from_secs(120));
    assert_eq!(world.tokens_wanted, [Status::Ok]);
    // Its late answer is used at once.
    assert!(world.opened.is_empty());
    world.set_token("late");
    assert_eq!(world.opened.len(), 1, "{:?}", world.states.last());
    world.engine.session.token_callback_returned();
    world.open();
    assert_eq!(world.next()["access_token"], "late");
}

#[test]
fn a_token_callback_that_returned_without_a_token_is_called_for_the_next_attempt() {
    let mut world = with(Credentials::default());
    world.set_token_callback();
    world.token_callback_is_slow = true;
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    world.advance(Duration::from_secs(30));
    world.engine.session.token_callback_returned();
    assert_eq!(world.tokens_wanted.len(), 1);
    world.advance(Duration::from_secs(60));
    assert_eq!(world.tokens_wanted.len(), 2);
}

#[test]
fn a_guest_on_a_server_that_wants_credentials_fails() {
    let mut world = with(Credentials {
        mode: AuthMode::Public,
        ..Credentials::default()
    });
    world.dial();
    assert_eq!(world.engine.session.state(), State::Connected);
    refused_with(&mut world, State::Failed);
    let message = world.engine.session.reason().1;
    assert!(message.contains("wants credentials"), "{message}");
    // What it lacks leaves FAILED.
    world.set_token("t");
    world.open();
    assert_eq!(world.next()["access_token"], "t");

    let mut world = with(Credentials {
        mode: AuthMode::Public,
        ..Credentials::default()
    });
    world.set_token_callback();
    world.dial();
    refused_with(&mut world, State::Backoff);
    assert_eq!(world.tokens_wanted, [Status::Auth]);
    world.set_token("t");
    world.open();
    assert_eq!(world.next()["access_token"], "t");
}

#[test]
fn a_strict_client_on_a_server_that_wants_an_auth_message_as_well_fails() {
    let mut world = with(Credentials {
        mode: AuthMode::Strict,
        access_token: Some(Secret::new("t")),
        ..Credentials::default()
    });
    world.dial();
    refused_with(&mut world, State::Failed);
    let message = world.engine.session.reason().1;
    assert!(message.contains("`auth_mode` to handshake"), "{message}");
}
