//! The application's own messages and their answers.

use std::time::Duration;

use serde_json::json;

use super::world::World;
use crate::error::Status;
use crate::handover::State;
use crate::protocol::outgoing::CustomMessage;

#[test]
fn requests_find_their_answers_and_their_end() {
    let mut world = World::connected();
    world.request(r#"{"type":"items","action":"read","collection":"a","uid":"own"}"#);
    world.request(r#"{"type":"silent"}"#);
    let first = world.next();
    assert_ne!(first["uid"], "own", "ours, so that two cannot collide");
    world.next();
    world.say(json!({"type": "items", "data": [1], "uid": first["uid"]}));
    assert_eq!(world.replies.len(), 1);
    let answer: serde_json::Value = serde_json::from_str(&world.replies[0].1).unwrap();
    assert_eq!(answer, json!({"type": "items", "data": [1], "uid": "own"}));
    world.advance(Duration::from_secs(6));
    assert_eq!(world.replies[1].0, Status::Timeout);
    world.request(r#"{"type":"silent"}"#);
    world.lose();
    assert_eq!(world.replies[2].0, Status::NotConnected);
    assert_eq!(world.session.state(), State::Backoff);
}

/// The server's word that it has dropped a message.
fn limited() -> serde_json::Value {
    json!({"type": "server", "status": "error", "error": {
        "code": "REQUESTS_EXCEEDED", "message": "Too many messages, retry after 900ms."}})
}

const CREATE: &str = r#"{"type":"items","action":"create","collection":"posts","data":{}}"#;

#[test]
fn a_request_that_was_certainly_dropped_is_sent_again() {
    let mut world = World::connected();
    world.request(CREATE);
    let first = world.next();
    world.say(limited());
    world.advance(Duration::from_millis(1100));
    assert_eq!(world.next(), first);
}

#[test]
fn a_request_that_may_have_been_carried_out_is_not_sent_again() {
    // A message that nobody answers may be what was dropped.
    let mut world = World::connected();
    let shout = CustomMessage::parse(r#"{"type":"shout"}"#).unwrap();
    world.session.send_message(world.now, &shout, 0).unwrap();
    world.request(CREATE);
    world.next();
    world.next();
    world.say(limited());
    world.advance(Duration::from_millis(1100));
    assert!(world.sent.is_empty());
    world.advance(Duration::from_secs(5));
    assert_eq!(world.replies[0].0, Status::Timeout);
}

#[test]
fn a_request_that_waits_to_be_sent_again_is_not_when_its_answer_comes() {
    let mut world = World::connected();
    for _ in 0..3 {
        world.request(CREATE);
    }
    let sent: Vec<_> = world.sent.drain(..).collect();
    for _ in 0..3 {
        world.say(limited());
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
