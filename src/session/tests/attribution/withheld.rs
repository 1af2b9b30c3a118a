//! Events that a server of 11.x withholds: the same frame as a refusal, which must end no
//! subscription.

use std::time::Duration;

use serde_json::{Value, json};

use super::{COLLECTIONS, creates};
use crate::handover::EventKind::Error;
use crate::handover::FLAG_ENDED;
use crate::session::SubStatus;
use crate::session::tests::world::{
    World, forbidden, init, items_error, server_snapshot, spec, unsubscribed,
};

#[test]
fn an_error_that_was_no_subscribes_is_reported_as_a_withheld_event() {
    // An event of the active one is withheld while a subscribe is in flight,
    let mut world = World::connected();
    let (live, _) = world.active(spec());
    world.subscribe(spec());
    world.say(forbidden());
    assert!(world.told.is_empty(), "it may be the subscribe's");
    world.confirm();
    assert_eq!(world.kinds(), [Error]);
    assert_eq!(world.told_to(), [(live.slot(), 0)]);

    // or while a subscribe is refused.
    let mut world = World::connected();
    let (live, _) = world.active(spec());
    let refused = world.subscribe(spec());
    world.next();
    world.say(forbidden());
    world.say(forbidden());
    let check = world.next();
    assert_eq!(
        (&check["action"], &check["query"]["limit"]),
        (&json!("read"), &json!(0))
    );
    world.say(items_error("FORBIDDEN"));
    world.advance(Duration::from_secs(1));
    assert_eq!(
        world.told_to(),
        [(refused.slot(), FLAG_ENDED), (live.slot(), 0)]
    );
}

#[test]
fn forbidden_does_not_reject_a_subscribe_to_one_kind_of_event() {
    for collection in COLLECTIONS {
        let mut world = World::connected();
        world.active(server_snapshot());
        let id = world.subscribe_to(collection, creates());
        for _ in 0..60 {
            world.sent.clear();
            world.say(forbidden());
            world.advance(Duration::from_secs(1));
        }
        assert_eq!(world.engine.session.sub_status(id), SubStatus::Pending);
    }
}

#[test]
fn i1_withheld_events_do_not_reject_a_subscribe_that_is_never_answered() {
    let (mut world, id) = World::with_one_live("posts");
    for _ in 0..60 {
        while let Some(message) = world.sent.pop_front() {
            if message["type"] == "items" {
                world.say(json!({"type": "items", "data": [], "uid": message["uid"]}));
            }
        }
        world.say(forbidden());
        world.advance(Duration::from_secs(1));
    }
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Pending);
}

#[test]
fn two_withheld_events_do_not_reject_a_slow_subscribe() {
    let mut world = World::connected();
    world.active(server_snapshot());
    world.active(server_snapshot());
    let slow = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    // One write that both active ones may not see any more.
    world.say(forbidden());
    world.say(forbidden());
    world.advance(Duration::from_millis(700));
    world.say(init(&wire));
    assert_eq!(world.engine.session.sub_status(slow), SubStatus::Active);
}

#[test]
fn a_withheld_event_of_a_subscription_that_is_ending_does_not_reject_the_next_one() {
    let mut world = World::connected();
    let (first, old) = world.active(server_snapshot());
    world.unsubscribe(first);
    assert_eq!(world.next()["type"], "unsubscribe");
    let second = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    // An event of the first one is withheld that the server was just reading.
    world.say(forbidden());
    assert!(world.told.is_empty(), "it may be that of the ended one");
    world.say(unsubscribed(&old));
    world.say(init(&wire));
    assert_eq!(world.engine.session.sub_status(second), SubStatus::Active);
}

#[test]
fn a_withheld_event_of_a_subscription_that_has_ended_does_not_reject_the_next_one() {
    let mut world = World::connected();
    let (first, old) = world.active(server_snapshot());
    world.unsubscribe(first);
    world.next();
    world.say(unsubscribed(&old));
    let id = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    // The server was reading the event for the first when it was told to forget it.
    world.say(forbidden());
    world.say(init(&wire));
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Active);
}

/// The status of a subscription whose INIT takes `latency`, while events of another one
/// are withheld `every` so often, first at `phase`. All in milliseconds.
fn slow_init(collection: &str, latency: u64, every: u64, phase: u64) -> SubStatus {
    let (mut world, id) = World::with_one_live(collection);
    let mut answers: Vec<(Duration, Value)> = Vec::new();
    for ms in 0..60_000 {
        while let Some(message) = world.sent.pop_front() {
            let uid = &message["uid"];
            match message["type"].as_str() {
                Some("subscribe") => {
                    let at = world.now.mono + Duration::from_millis(latency);
                    answers.push((at, init(uid)));
                }
                Some("unsubscribe") => world.say(unsubscribed(uid)),
                Some("items") => world.say(json!({"type": "items", "data": [], "uid": uid})),
                _ => {}
            }
        }
        while answers.first().is_some_and(|(at, _)| *at <= world.now.mono) {
            let (_, init) = answers.remove(0);
            world.say(init);
        }
        if ms % every == phase {
            world.say(forbidden());
        }
        world.advance(Duration::from_millis(1));
        if world.engine.session.sub_status(id) != SubStatus::Pending {
            break;
        }
    }
    world.engine.session.sub_status(id)
}

#[test]
fn i1_withheld_events_do_not_reject_a_subscribe_with_a_slow_init() {
    let times = [
        (5_400, 1_000, 100),
        (1_500, 1_000, 500),
        (1_500, 600, 100),
        (800, 700, 50),
        (2_600, 2_000, 300),
        (400, 100, 0),
    ];
    for (latency, every, phase) in times {
        for collection in COLLECTIONS {
            let status = slow_init(collection, latency, every, phase);
            assert_eq!(
                status,
                SubStatus::Active,
                "{collection} {latency} {every} {phase}"
            );
        }
    }
}
