//! The application's own messages and their answers.

use std::time::Duration;

use serde_json::json;

use super::world::{CREATE, World, forbidden, items_error, named, spec, unsubscribed};
use crate::error::Status;
use crate::handover::{EventKind, State};
use crate::session::SubStatus;

#[test]
fn a_request_gets_its_answer_its_error_or_a_timeout() {
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
    assert_eq!(world.engine.session.state(), State::Backoff);
}

#[test]
fn i1_a_late_refusal_of_a_subscribe_does_not_answer_the_unsubscribe_behind_it() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.next()["uid"].clone();
    world.live(10);
    assert_eq!(world.next()["type"], "unsubscribe");
    world.sent.clear();
    world.say(named(forbidden(), &wire));
    assert!(world.sent.is_empty(), "the unsubscribe is still awaited");
    world.say(unsubscribed(&wire));
    world.advance(Duration::from_secs(9));
    assert!(
        !world
            .sent
            .iter()
            .any(|message| message["type"] == "unsubscribe")
    );
}

#[test]
fn a_refused_message_ends_no_subscription_and_fails_no_request() {
    for named in [true, false] {
        let mut world = World::connected();
        world.message(CREATE);
        let message = world.next();
        world.subscribe(spec());
        world.confirm();
        world.request(CREATE);
        let mut error = items_error("FORBIDDEN");
        if named {
            error["uid"] = message["uid"].clone();
        }
        world.say(error);
        while !world.sent.is_empty() {
            if world.sent[0]["action"] == "read" {
                world.answer_read(json!([]));
            } else {
                let uid = world.next()["uid"].clone();
                world.say(json!({"type": "items", "data": {}, "uid": uid}));
            }
        }
        let kinds = world.kinds();
        assert_eq!(
            (kinds.as_slice(), world.replies.len()),
            ([EventKind::Init].as_slice(), 1),
            "named: {named}"
        );
        assert_eq!(world.replies[0].0, Status::Ok);
    }
}

#[test]
fn a_message_with_the_wire_uid_of_a_subscription_is_not_mistaken_for_it() {
    let mut world = World::connected();
    let (id, wire) = world.active(spec());
    world.message(&CREATE.replace("{}}", &format!(r#"{{}},"uid":"{wire}"}}"#)));
    let sent = world.next();
    assert_ne!(sent["uid"], json!(wire));
    world.say(named(items_error("FORBIDDEN"), &sent["uid"]));
    assert!(world.told.is_empty());
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Active);
}

#[test]
fn a_message_without_an_answer_delays_others_by_two_seconds_at_most() {
    let mut world = World::connected();
    // The server does not say whom it means.
    world.request(CREATE);
    world.next();
    world.say(items_error("FORBIDDEN"));
    world.request(r#"{"type":"items","action":"mute","collection":"posts"}"#);
    world.next();
    world.subscribe(spec());
    world.confirm();
    assert!(world.sent.is_empty(), "an error would be anybody's");
    world.advance(Duration::from_secs(2));
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [EventKind::Init]);
}

#[test]
fn an_error_of_a_message_that_timed_out_is_not_taken_for_anothers() {
    let mut world = World::connected();
    world.request(r#"{"type":"items","action":"mute","collection":"posts"}"#);
    world.next();
    let id = world.subscribe(spec());
    world.confirm();
    let read = world.next();
    world.say(items_error("FORBIDDEN"));
    world.advance(Duration::from_secs(5));
    assert_eq!(world.replies[0].0, Status::Timeout);
    world.say(json!({"type": "items", "data": [], "uid": read["uid"]}));
    assert_eq!(world.kinds(), [EventKind::Init]);
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Active);
}

#[test]
fn messages_are_not_sent_one_at_a_time_on_the_next_link() {
    let mut world = World::connected();
    world.request(CREATE);
    world.next();
    world.say(items_error("FORBIDDEN"));
    world.lose();
    world.advance(Duration::from_secs(1));
    world.open();
    world.next();
    world.say(json!({"type": "auth", "status": "ok"}));
    world.request(CREATE);
    world.request(CREATE);
    assert_eq!(world.sent.len(), 2);
}

#[test]
fn a_reply_that_is_no_answer_says_why() {
    let mut world = World::connected();
    world.request(CREATE);
    let wire = world.next()["uid"].clone();
    world.say(named(items_error("FORBIDDEN"), &wire));
    world.request(CREATE);
    world.next();
    world.advance(Duration::from_secs(5));
    world.request(CREATE);
    world.lose();
    assert_eq!(
        world.reply_messages,
        [
            "the server answered with FORBIDDEN: no",
            "the server did not answer within 5000 ms",
            "the link was lost before the server answered: the link was lost",
        ]
    );
}

#[test]
fn a_reply_says_that_the_application_ended_the_link() {
    let mut world = World::connected();
    world.request(CREATE);
    world.engine.session.reconnect(world.now).unwrap();
    world.settle();
    world.open();
    world.next();
    world.say(json!({"type": "auth", "status": "ok"}));
    world.request(CREATE);
    world.engine.session.disconnect(world.now).unwrap();
    world.settle();
    assert_eq!(
        world.reply_messages,
        [
            "the application reconnected before the server answered",
            "the application disconnected before the server answered",
        ]
    );
}

#[test]
fn a_request_about_nothing_is_answered_here_and_never_sent() {
    for (rest, is_nothing) in [
        (r#""action":"delete","ids":[ ]"#, true),
        (r#""action":"update","ids":[],"data":{"a":1}"#, true),
        (r#""action":"read","ids":[],"query":{}"#, true),
        (r#""action":"create","data":[]"#, true),
        (r#""action":"delete","ids":[1]"#, false),
        (r#""action":"read","query":{"filter":{}}"#, false),
        (r#""action":"update","data":[]"#, false),
    ] {
        let mut world = World::connected();
        let text = format!(r#"{{"type":"items","collection":"posts","uid":"mine",{rest}}}"#);
        world.request(&text);
        let reply = (
            Status::Ok,
            r#"{"type":"items","data":[],"uid":"mine"}"#.to_owned(),
        );
        let replies = if is_nothing { vec![reply] } else { Vec::new() };
        assert_eq!(world.replies, replies, "{rest}");
        world.message(&text);
        assert_eq!(world.sent.len(), if is_nothing { 0 } else { 2 }, "{rest}");
    }
}

#[test]
fn i8_a_reply_whose_uid_has_changed_on_the_way_leaves_the_message_unanswered() {
    let mut world = World::connected();
    world.request(CREATE);
    let uid = world.next()["uid"].as_str().unwrap().to_owned();
    let serial = uid.split_once('.').unwrap().1;
    world.say(json!({"type": "items", "data": [], "uid": format!("7.{serial}")}));
    world.say(named(
        items_error("FORBIDDEN"),
        &json!(format!("7.{serial}")),
    ));
    assert!(world.replies.is_empty());
    world.advance(Duration::from_secs(5));
    assert_eq!(world.replies[0].0, Status::Timeout);
    // The other way round: a subscription waits for its snapshot until that is read.
    let id = world.subscribe(spec());
    world.confirm();
    let uid = world.sent[0]["uid"].as_str().unwrap().to_owned();
    let serial = uid.split_once('.').unwrap().1.to_owned();
    world.say(json!({"type": "items", "data": [], "uid": format!("ffffffff.{serial}")}));
    world.answer_read(json!([]));
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Active);
}
