//! The server's rate limiter, which does not say which message it has dropped.

use std::time::Duration;

use serde_json::json;

use super::world::{
    CREATE, World, config, init, items_error, limited, server_snapshot, spec, unsubscribed,
};
use crate::error::Status;
use crate::handover::EventKind::Init;
use crate::handover::State;
use crate::subscriptions::SubscriptionSpec;

#[test]
fn a_request_that_was_certainly_dropped_is_sent_again() {
    let mut world = World::connected();
    world.request(CREATE);
    let first = world.next();
    world.say(limited(900));
    world.advance(Duration::from_millis(1100));
    assert_eq!(world.next(), first);
}

#[test]
fn i2_a_request_that_may_have_been_carried_out_is_not_sent_again() {
    // A message that nobody answers may be what was dropped.
    let mut world = World::connected();
    world.message(r#"{"type":"shout"}"#);
    world.request(CREATE);
    world.next();
    world.next();
    world.say(limited(900));
    world.advance(Duration::from_millis(1100));
    assert!(world.sent.is_empty());
    world.advance(Duration::from_secs(5));
    assert_eq!(world.replies[0].0, Status::Timeout);
}

#[test]
fn i2_two_unsubscribes_are_not_confirmed_by_one_answer() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.next()["uid"].clone();
    let unsubscribe = json!({"type": "unsubscribe", "uid": wire});
    world.live(10);
    assert_eq!(world.next(), unsubscribe, "the subscribe was not answered");
    world.sent.clear();
    // It was only late, and perhaps later than the unsubscribe.
    world.say(init(&wire));
    assert_eq!(world.next(), unsubscribe);
    world.request(CREATE);
    world.sent.clear();
    world.say(limited(900));
    world.say(unsubscribed(&wire));
    world.advance(Duration::from_millis(1100));
    let repeated: Vec<_> = world.sent.drain(..).collect();
    assert!(repeated.contains(&unsubscribe), "it may have been dropped");
    let creates = repeated.iter().filter(|m| m["action"] == "create");
    assert_eq!(creates.count(), 0, "it may have been carried out");
}

#[test]
fn i2_a_request_sent_before_an_answered_message_is_not_repeated() {
    let mut world = World::connected();
    world.message(r#"{"type":"shout"}"#);
    world.advance(Duration::from_secs(5));
    world.message(CREATE);
    world.subscribe(server_snapshot());
    world.sent.clear();
    // The shout was dropped, or one of the others.
    world.say(limited(1_500));
    world.advance(Duration::from_secs(3));
    world.confirm();
    world.advance(Duration::from_secs(3));
    // Not the create: the server had got it before the subscribe, and carries it out.
    world.say(limited(500));
    world.advance(Duration::from_secs(1));
    assert_eq!(world.creates(), 0);
}

#[test]
fn i2_a_message_that_was_under_way_for_long_may_be_the_dropped_one() {
    let mut world = World::connected();
    let (_, wire) = world.active(server_snapshot());
    world.advance(Duration::from_secs(1));
    // It gets stuck, though the server is heard.
    world.message(r#"{"type":"shout"}"#);
    for _ in 0..20 {
        world.advance(Duration::from_secs(1));
        world.change(&wire, "update", json!([{"id": 1}]));
    }
    world.message(CREATE);
    world.sent.clear();
    world.say(limited(500));
    world.advance(Duration::from_secs(1));
    assert_eq!(world.creates(), 0);
}

#[test]
fn a_message_sent_after_the_last_answered_one_is_the_dropped_one() {
    let mut world = World::connected();
    world.message(r#"{"type":"shout"}"#);
    world.advance(Duration::from_secs(1));
    world.next();
    world.active(server_snapshot());
    world.advance(Duration::from_secs(1));
    world.message(CREATE);
    let create = world.next();
    world.say(limited(500));
    world.advance(Duration::from_secs(3));
    assert!(world.sent.contains(&create));
}

#[test]
fn a_request_that_is_answered_is_taken_out_of_the_send_queue() {
    let mut world = World::connected();
    for _ in 0..3 {
        world.request(CREATE);
    }
    let sent: Vec<_> = world.sent.drain(..).collect();
    for _ in 0..3 {
        world.say(limited(900));
    }
    world.advance(Duration::from_millis(1100));
    // The server takes one message a second, as far as is known.
    let again = world.sent.len();
    assert!(again < 3);
    for message in &sent {
        world.say(json!({"type": "items", "data": {"id": 1}, "uid": message["uid"]}));
    }
    assert_eq!(world.replies.len(), 3);
    world.advance(Duration::from_secs(10));
    assert_eq!(world.sent.len(), again);
}

#[test]
fn a_message_queued_again_does_not_probe_the_server() {
    let mut world = World::connected();
    world.message(CREATE);
    world.next();
    world.say(limited(1_000));
    // Ahead of it, and the server takes one a second.
    for _ in 0..50 {
        world.message(r#"{"type":"shout"}"#);
    }
    for _ in 0..80 {
        world.advance(Duration::from_secs(1));
        world.say(json!({"type": "pong"}));
    }
    let kinds: Vec<_> = world.sent.iter().map(|m| m["type"].clone()).collect();
    assert!(!kinds.contains(&json!("ping")), "{kinds:?}");
    assert!(kinds.contains(&json!("items")), "{kinds:?}");
}

#[test]
fn dropped_messages_are_repeated_though_a_send_comes_before_the_timer() {
    let mut world = World::connected();
    world.request(CREATE);
    let first = world.next();
    world.say(limited(900));
    // The timer is a little late.
    world.now.mono += Duration::from_millis(1_100);
    world.request(r#"{"type":"ping"}"#);
    world.advance(Duration::from_secs(3));
    assert!(world.sent.contains(&first), "{:?}", world.sent);
}

/// The answer to the first of two unsubscribes comes; the second was dropped, and a create
/// is being carried out.
fn the_second_was_dropped(mut world: World, wire: &str) {
    world.advance(Duration::from_millis(100));
    world.say(unsubscribed(wire));
    world.say(limited(500));
    world.advance(Duration::from_secs(1));
    assert_eq!(world.creates(), 0);
}

#[test]
fn i2_a_late_confirmation_does_not_hide_that_the_second_unsubscribe_was_dropped() {
    let mut world = World::connected();
    let (id, wire) = world.active(server_snapshot());
    let (_, other) = world.active(server_snapshot());
    world.unsubscribe(id);
    assert_eq!(world.next()["type"], "unsubscribe");
    for n in 0..10 {
        world.advance(Duration::from_secs(1));
        world.change(&other, "create", json!([{"id": n}]));
    }
    world.advance(Duration::from_millis(100));
    assert_eq!(world.next()["type"], "unsubscribe");
    world.request(CREATE);
    assert_eq!(world.next()["action"], "create");
    the_second_was_dropped(world, &wire);
}

#[test]
fn i2_a_late_confirmation_after_another_answer_does_not_hide_the_dropped_unsubscribe() {
    let mut world = World::connected();
    let (id, wire) = world.active(server_snapshot());
    let (_, other) = world.active(server_snapshot());
    world.advance(Duration::from_secs(1));
    world.unsubscribe(id);
    assert_eq!(world.next()["type"], "unsubscribe");
    world.advance(Duration::from_secs(1));
    // Answers may overtake.
    world.active(server_snapshot());
    for n in 0..8 {
        world.advance(Duration::from_secs(1));
        world.change(&other, "create", json!([{"id": n}]));
    }
    world.advance(Duration::from_millis(950));
    world.request(CREATE);
    assert_eq!(world.next()["action"], "create");
    world.advance(Duration::from_millis(100));
    assert_eq!(world.next()["type"], "unsubscribe");
    the_second_was_dropped(world, &wire);
}

#[test]
fn i2_a_late_confirmation_does_not_hide_a_certainly_dropped_unsubscribe() {
    let mut world = World::connected();
    let slow = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    world.live(10);
    assert_eq!(world.next(), json!({"type": "unsubscribe", "uid": wire}));
    world.unsubscribe(slow);
    world.advance(Duration::from_secs(1));
    world.sent.clear();
    world.active(server_snapshot());
    world.advance(Duration::from_secs(1));
    // It was only late.
    world.say(init(&wire));
    assert_eq!(world.next(), json!({"type": "unsubscribe", "uid": wire}));
    // The second one is dropped.
    world.say(limited(500));
    world.advance(Duration::from_secs(2));
    assert_eq!(world.next(), json!({"type": "unsubscribe", "uid": wire}));
    world.request(CREATE);
    world.advance(Duration::from_secs(2));
    assert_eq!(world.next()["action"], "create");
    // The answer to the first one. The third one is dropped, not the create.
    world.say(unsubscribed(&wire));
    world.say(limited(500));
    world.advance(Duration::from_secs(2));
    assert_eq!(world.creates(), 0);
}

#[test]
fn i2_a_read_refused_by_an_error_without_a_uid_may_be_the_dropped_one() {
    let mut world = World::connected();
    world.request(r#"{"type":"items","action":"read","collection":"secret"}"#);
    world.live(6);
    world.advance(Duration::from_secs(1));
    world.sent.clear();
    world.subscribe(spec());
    world.confirm();
    assert_eq!(world.next()["action"], "read");
    // That for the request.
    world.say(items_error("FORBIDDEN"));
    assert_eq!(world.next()["action"], "read");
    world.request(CREATE);
    world.advance(Duration::from_secs(2));
    assert_eq!(world.next()["action"], "create");
    // Both reads, not the create.
    world.say(limited(500));
    world.say(limited(500));
    let mut creates = 0;
    for _ in 0..5 {
        world.advance(Duration::from_millis(500));
        while let Some(m) = world.sent.pop_front() {
            creates += usize::from(m["action"] == "create");
            if m["action"] == "read" {
                world.say(json!({"type": "items", "data": [], "uid": m["uid"]}));
            }
        }
    }
    assert_eq!(creates, 0);
    assert_eq!(world.creates(), 0);
}

#[test]
fn i2_a_confirmation_may_be_that_of_any_abandoned_unsubscribe() {
    let mut world = World::connected();
    let slow = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    world.live(10);
    world.unsubscribe(slow);
    world.live(20);
    world.live(41);
    let unsubscribe = json!({"type": "unsubscribe", "uid": wire});
    let asked = world.sent.iter().filter(|m| **m == unsubscribe).count();
    assert_eq!(asked, 3);
    world.sent.clear();
    world.say(unsubscribed(&wire));
    world.advance(Duration::from_secs(1));
    world.say(init(&wire));
    assert_eq!(world.next(), unsubscribe);
    world.request(CREATE);
    world.next();
    world.say(unsubscribed(&wire));
    world.say(limited(500));
    world.advance(Duration::from_secs(2));
    assert_eq!(world.creates(), 0);
}

#[test]
fn subscribes_dropped_by_the_rate_limiter_are_sent_again_after_its_pause() {
    let mut world = World::connected();
    for _ in 0..4 {
        world.subscribe(SubscriptionSpec {
            exact: false,
            ..spec()
        });
    }
    let (first, second) = (world.next(), world.next());
    let limited = json!({"type": "server", "status": "error", "error": {
        "code": "REQUESTS_EXCEEDED", "message": "Too many messages, retry after 900ms."}});
    world.say(limited.clone());
    world.say(limited);
    for message in [first, second] {
        world.say(init(&message["uid"]));
    }
    let dropped: Vec<_> = world.sent.drain(..).map(|m| m["uid"].clone()).collect();
    assert_eq!(dropped.len(), 2);
    world.request(r#"{"type":"ping"}"#);
    assert!(world.sent.is_empty(), "nothing goes out in the pause");
    world.advance(Duration::from_millis(1100));
    assert_eq!(world.next()["type"], "ping");
    let mut again = Vec::new();
    for _ in 0..40 {
        world.advance(Duration::from_millis(100));
        while let Some(message) = world.sent.pop_front() {
            if message["type"] == "subscribe" {
                let uid = message["uid"].clone();
                assert!(!dropped.contains(&uid), "a fresh uid");
                let init = init(&uid);
                world.say(init);
                again.push(uid);
            }
        }
    }
    assert_eq!(again.len(), 2);
    assert_eq!(world.kinds(), [Init; 4]);
}

#[test]
fn a_rate_limit_does_not_prolong_the_first_authentication() {
    let mut world = World::new(config());
    world.dial();
    world.advance(Duration::from_secs(1));
    world.say(limited(60_000));
    assert_eq!(world.engine.session.state(), State::Authenticating);
    // Nothing shows the credential again on this link.
    world.advance(config().ack_timeout + Duration::from_secs(1));
    assert_ne!(world.engine.session.state(), State::Authenticating);
}
