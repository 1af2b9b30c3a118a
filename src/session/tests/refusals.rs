//! Credentials that are refused, and replies that were meant for an earlier identity.

use std::time::Duration;

use serde_json::json;

use super::world::{
    CREATE, World, auth_ok, config, expired, forbidden, init, limited, named, server_snapshot, spec,
};
use crate::handover::State;
use crate::secret::Secret;
use crate::session::{Config, Credentials, SubStatus};

#[test]
fn the_rest_of_a_tokens_life_is_not_taken_for_the_lifetime_of_a_login() {
    let mut world = World::new(Config {
        credentials: Credentials {
            access_token: Some(Secret::new("almost-over")),
            refresh_token: Some(Secret::new("r1")),
            ..Credentials::default()
        },
        ..config()
    });
    world.connect();
    world.advance(Duration::from_secs(1));
    world.say(expired());
    let (mut auths, mut opened) = (0, 1);
    for _ in 0..6_000 {
        if world.opened.len() > opened {
            opened += 1;
            world.open();
        }
        while let Some(message) = world.sent.pop_front() {
            if message["type"] == "auth" {
                auths += 1;
                world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r"}));
            }
        }
        world.advance(Duration::from_millis(10));
    }
    assert!(
        (1..=2).contains(&auths),
        "{auths} authentications in a minute"
    );
}

#[test]
fn a_refused_token_from_the_callback_does_not_bypass_the_backoff() {
    let mut world = World::new(Config {
        credentials: Credentials::default(),
        ..config()
    });
    world.set_token_callback();
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    for _ in 0..50 {
        world.set_token("stale, the same each time");
        if world.engine.session.state() == State::Connecting {
            world.open();
            world.say(json!({"type": "auth", "status": "error",
                "error": {"code": "AUTH_FAILED", "message": "Authentication handshake failed."}}));
        }
    }
    assert!(
        world.opened.len() < 10,
        "{} links in no time",
        world.opened.len()
    );
}

#[test]
fn a_request_is_not_repeated_where_too_many_untracked_messages_were_sent() {
    let mut world = World::connected();
    world.request(CREATE);
    for _ in 0..3_000 {
        world.message(r#"{"type":"shout"}"#);
    }
    world.settle();
    world.sent.clear();
    // The create was the first, and is carried out; the server takes fifty.
    for _ in 0..2_951 {
        world.say(limited(999));
    }
    world.advance(Duration::from_secs(4));
    assert_eq!(
        world.creates(),
        0,
        "a create that is being carried out was sent again"
    );
}

#[test]
fn i1_a_refusal_of_the_previous_identity_is_not_final() {
    let mut world = World::logged_in();
    let id = world.subscribe(spec());
    let subscribe = world.next();
    world.set_token("fresh");
    let auth = world.next();
    assert_eq!(auth["type"], "auth");
    world.say(auth_ok(&auth["uid"]));
    // The server had judged the subscribe by the previous identity.
    world.say(named(forbidden(), &subscribe["uid"]));
    assert_eq!(world.next()["type"], "subscribe");
    let status = world.engine.session.sub_status(id);
    assert!(!matches!(status, SubStatus::Refused(_)), "{status:?}");
}

#[test]
fn i7_a_server_snapshot_for_the_previous_identity_is_replaced_by_a_new_one() {
    let mut world = World::logged_in();
    world.subscribe(server_snapshot());
    let subscribe = world.next();
    world.set_token("fresh");
    let auth = world.next();
    world.say(auth_ok(&auth["uid"]));
    // What the one before may see.
    world.say(init(&subscribe["uid"]));
    world.advance(Duration::from_secs(1));
    assert!(
        world.sent.iter().any(|m| m["type"] == "subscribe"),
        "it is not asked again: {:?} {:?}",
        world.sent,
        world.told
    );
}
