//! Errors of the items service that carry no uid: which read or request they answer.

use serde_json::json;

use crate::error::Status;
use crate::handover::EventKind::{Error, Init};
use crate::handover::FLAG_ENDED;
use crate::session::SubStatus;
use crate::session::tests::world::{CREATE, World, init, items_error, named, spec};
use crate::subscriptions::SubId;

/// A read was abandoned before it was answered.
fn with_an_abandoned_read() -> World {
    let mut world = World::connected();
    let first = world.subscribe(spec());
    world.confirm();
    assert_eq!(world.next()["action"], "read");
    world.unsubscribe(first);
    world.sent.clear();
    world
}

/// The same, and another read is in flight.
fn with_a_read_beside_an_abandoned_one() -> (World, SubId) {
    let mut world = with_an_abandoned_read();
    let second = world.subscribe(spec());
    world.confirm();
    assert_eq!(world.sent[0]["action"], "read");
    (world, second)
}

#[test]
fn a_late_error_of_an_abandoned_read_rejects_no_other_subscription() {
    let (mut world, second) = with_a_read_beside_an_abandoned_one();
    world.say(items_error("FORBIDDEN"));
    assert!(world.told.is_empty(), "it may be that of the abandoned one");
    world.answer_read(json!([{"id": 1}]));
    assert_eq!(world.kinds(), [Init]);
    assert!(matches!(
        world.engine.session.sub_status(second),
        SubStatus::Active
    ));
    // The next error can only be the request's.
    world.request(CREATE);
    world.say(items_error("FORBIDDEN"));
    assert_eq!(world.replies[0].0, Status::Server);
}

#[test]
fn a_late_error_of_an_abandoned_request_rejects_no_subscription() {
    let mut world = World::connected();
    world.request(CREATE);
    world.live(6);
    assert_eq!(world.replies[0].0, Status::Timeout);
    world.sent.clear();
    let id = world.subscribe(spec());
    world.confirm();
    world.next();
    world.say(items_error("FORBIDDEN"));
    assert!(world.told.is_empty(), "it may be that of the abandoned one");
    world.answer_read(json!([]));
    assert!(matches!(
        world.engine.session.sub_status(id),
        SubStatus::Active
    ));
}

#[test]
fn a_read_that_is_refused_twice_beside_an_abandoned_one_rejects_its_subscription() {
    let (mut world, _) = with_a_read_beside_an_abandoned_one();
    world.next();
    world.say(items_error("FORBIDDEN"));
    world.say(items_error("INVALID_QUERY"));
    assert!(
        world.told.is_empty(),
        "a read is repeated before its error is believed"
    );
    assert_eq!(world.next()["action"], "read");
    world.say(items_error("INVALID_QUERY"));
    assert_eq!(world.kinds(), [Error]);
    assert_eq!(world.told[0].flags, FLAG_ENDED);
    assert_eq!(world.told[0].data["code"], "INVALID_QUERY");
}

#[test]
fn i1_reads_that_failed_together_are_repeated_one_by_one() {
    let mut world = World::connected();
    let subs = [world.subscribe(spec()), world.subscribe(spec())];
    world.confirm();
    world.confirm();
    world.sent.clear();
    // One of them may answer something that is no longer remembered.
    world.say(items_error("FORBIDDEN"));
    world.say(items_error("FORBIDDEN"));
    assert!(world.told.is_empty());
    world.answer_read(json!([]));
    assert_eq!(world.next()["action"], "read");
    world.say(items_error("FORBIDDEN"));
    let [first, second] = subs.map(|id| world.engine.session.sub_status(id));
    assert_eq!(first, SubStatus::Active);
    assert!(matches!(second, SubStatus::Refused(_)), "{second:?}");
}

#[test]
fn a_refused_read_beside_an_abandoned_one_is_found_after_it_has_timed_out() {
    let (mut world, _) = with_a_read_beside_an_abandoned_one();
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
fn i2_a_late_error_of_an_abandoned_read_does_not_fail_a_request() {
    let mut world = with_an_abandoned_read();
    world.request(CREATE);
    let create = world.next();
    world.say(items_error("FORBIDDEN"));
    world.say(json!({"type": "items", "data": {"id": 1}, "uid": create["uid"]}));
    assert_eq!(world.replies[0].0, Status::Ok, "{:?}", world.replies);
}

#[test]
fn an_error_with_a_requests_uid_leaves_the_error_without_one_to_the_read() {
    let mut world = World::connected();
    let id = world.subscribe(spec());
    world.confirm();
    assert_eq!(world.next()["action"], "read");
    world.request(r#"{"type":"items","action":"read","collection":"nosuch"}"#);
    let request = world.next()["uid"].clone();
    world.say(items_error("FORBIDDEN"));
    world.say(named(items_error("INVALID_COLLECTION"), &request));
    // The read may be repeated once.
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
    assert_eq!(world.next()["action"], "read", "the read is repeated");
    world.reopen();
    // The request times out before the INIT comes.
    let wire = world.next()["uid"].clone();
    world.request(r#"{"type":"items","action":"read","collection":"secret"}"#);
    world.live(6);
    world.sent.clear();
    world.say(init(&wire));
    assert_eq!(world.next()["action"], "read");
    // The error is the request's.
    world.say(items_error("FORBIDDEN"));
    assert!(!world.is_refused(id));
}
