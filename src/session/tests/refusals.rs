//! Errors that are late or have no uid: which subscription or request they refuse.

use std::time::Duration;

use serde_json::json;

use super::world::{
    CREATE, World, auth_ok, config, expired, forbidden, init, items_error, limited, named,
    server_snapshot, spec,
};
use crate::error::Status;
use crate::handover::EventKind::{Error, Init};
use crate::handover::{FLAG_ENDED, State};
use crate::secret::Secret;
use crate::session::{Config, Credentials, SubStatus};
use crate::subscriptions::SubId;

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
    world.session.connect(world.now).unwrap();
    world.settle();
    for _ in 0..50 {
        world.set_token("stale, the same each time");
        if world.session.state() == State::Connecting {
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

/// A read was abandoned before it was answered.
fn with_a_late_read() -> World {
    let mut world = World::connected();
    let first = world.subscribe(spec());
    world.confirm();
    assert_eq!(world.next()["action"], "read");
    world.unsubscribe(first);
    world.sent.clear();
    world
}

/// The same, and the read of another subscription is under way.
fn with_a_read_behind_a_late_one() -> (World, SubId) {
    let mut world = with_a_late_read();
    let second = world.subscribe(spec());
    world.confirm();
    assert_eq!(world.sent[0]["action"], "read");
    (world, second)
}

#[test]
fn a_late_error_for_an_abandoned_read_ends_no_other_subscription() {
    let (mut world, second) = with_a_read_behind_a_late_one();
    world.say(items_error("FORBIDDEN"));
    assert!(world.told.is_empty(), "whose was it?");
    world.answer_read(json!([{"id": 1}]));
    assert_eq!(world.kinds(), [Init]);
    assert!(matches!(
        world.session.sub_status(second),
        SubStatus::Active
    ));
    // Nobody is left whose the next one could be.
    world.request(CREATE);
    world.say(items_error("FORBIDDEN"));
    assert_eq!(world.replies[0].0, Status::Server);
}

#[test]
fn a_late_error_for_an_abandoned_request_ends_no_subscription() {
    let mut world = World::connected();
    world.request(CREATE);
    world.live(6);
    assert_eq!(world.replies[0].0, Status::Timeout);
    world.sent.clear();
    let id = world.subscribe(spec());
    world.confirm();
    world.next();
    world.say(items_error("FORBIDDEN"));
    assert!(world.told.is_empty(), "whose was it?");
    world.answer_read(json!([]));
    assert!(matches!(world.session.sub_status(id), SubStatus::Active));
}

#[test]
fn reads_are_refused_after_as_many_errors_as_reads_came_twice() {
    let (mut world, _) = with_a_read_behind_a_late_one();
    world.next();
    world.say(items_error("FORBIDDEN"));
    world.say(items_error("INVALID_QUERY"));
    assert!(world.told.is_empty(), "is it certain?");
    assert_eq!(world.next()["action"], "read");
    world.say(items_error("INVALID_QUERY"));
    assert_eq!(world.kinds(), [Error]);
    assert_eq!(world.told[0].flags, FLAG_ENDED);
    assert_eq!(world.told[0].data["code"], "INVALID_QUERY");
}

#[test]
fn i1_reads_are_repeated_one_by_one_after_errors_without_uids_for_several() {
    let mut world = World::connected();
    let subs = [world.subscribe(spec()), world.subscribe(spec())];
    world.confirm();
    world.confirm();
    world.sent.clear();
    // One of them may be the end of something that is forgotten.
    world.say(items_error("FORBIDDEN"));
    world.say(items_error("FORBIDDEN"));
    assert!(world.told.is_empty());
    world.answer_read(json!([]));
    assert_eq!(world.next()["action"], "read");
    world.say(items_error("FORBIDDEN"));
    let [first, second] = subs.map(|id| world.session.sub_status(id));
    assert_eq!(first, SubStatus::Active);
    assert!(matches!(second, SubStatus::Refused(_)), "{second:?}");
}

#[test]
fn an_error_without_a_uid_refuses_the_only_unanswered_read() {
    let (mut world, _) = with_a_read_behind_a_late_one();
    world.say(items_error("FORBIDDEN"));
    world.live(11);
    assert!(world.told.is_empty());
    world.sent.retain(|m| m["type"] == "subscribe");
    world.confirm();
    assert_eq!(world.next()["action"], "read");
    world.say(items_error("FORBIDDEN"));
    assert_eq!(world.kinds(), [Error]);
}

#[test]
fn i2_an_error_for_an_abandoned_read_does_not_fail_a_request() {
    let mut world = with_a_late_read();
    world.request(CREATE);
    let create = world.next();
    world.say(items_error("FORBIDDEN"));
    world.say(json!({"type": "items", "data": {"id": 1}, "uid": create["uid"]}));
    assert_eq!(world.replies[0].0, Status::Ok, "{:?}", world.replies);
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
    // The server had begun with the subscribe while it knew us as somebody else.
    world.say(named(forbidden(), &subscribe["uid"]));
    assert_eq!(world.next()["type"], "subscribe");
    let status = world.session.sub_status(id);
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

#[test]
fn an_error_without_a_uid_is_the_reads_when_the_request_has_its_own() {
    let mut world = World::connected();
    let id = world.subscribe(spec());
    world.confirm();
    assert_eq!(world.next()["action"], "read");
    world.request(r#"{"type":"items","action":"read","collection":"nosuch"}"#);
    let request = world.next()["uid"].clone();
    world.say(items_error("FORBIDDEN"));
    world.say(named(items_error("INVALID_COLLECTION"), &request));
    // It may be looked at once more.
    for _ in 0..9 {
        world.live(1);
        while world
            .sent
            .pop_front()
            .is_some_and(|m| m["action"] == "read")
        {
            world.say(items_error("FORBIDDEN"));
        }
    }
    assert!(world.is_refused(id));
}

#[test]
fn repeated_reads_of_one_link_do_not_count_on_the_next() {
    let mut world = World::connected();
    let give_up_a_request = |world: &mut World| {
        world.request(r#"{"type":"items","action":"read","collection":"secret"}"#);
        world.live(6);
        world.sent.clear();
    };
    give_up_a_request(&mut world);
    let id = world.subscribe(spec());
    world.confirm();
    world.next();
    world.say(items_error("FORBIDDEN"));
    assert_eq!(world.next()["action"], "read", "once more");
    world.reopen();
    // The subscription waits meanwhile.
    let wire = world.next()["uid"].clone();
    world.request(r#"{"type":"items","action":"read","collection":"secret"}"#);
    world.live(6);
    world.sent.clear();
    world.say(init(&wire));
    assert_eq!(world.next()["action"], "read");
    // That for the request.
    world.say(items_error("FORBIDDEN"));
    assert!(!world.is_refused(id));
}
