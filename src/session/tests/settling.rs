//! Updates and creates that come behind the delete of their row.

use std::time::Duration;

use serde_json::json;

use super::world::{World, config, expired, forbidden, limited, named, spec};
use crate::handover::EventKind::{Create, Delete, Error, Init, Update};
use crate::handover::FLAG_RESYNC;
use crate::session::{Config, SubStatus};
use crate::subscriptions::SubscriptionSpec;
use crate::subscriptions::spec::{ON_CREATE, ON_DELETE, ON_UPDATE};

/// Two rows, of which one is deleted; it may come back.
fn deleted() -> (World, String) {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([{"id": 1}, {"id": 2}]));
    world.change(&wire, "delete", json!(["1"]));
    assert_eq!(world.changes(), [(Delete, json!(["1"]))]);
    (world, wire)
}

#[test]
fn i7_a_late_event_does_not_restore_a_deleted_row() {
    for event in ["update", "create"] {
        let (mut world, wire) = deleted();
        world.change(&wire, event, json!([{"id": 1, "n": 1}]));
        assert!(world.told.is_empty(), "it is not known whether it is true");
        assert_eq!(world.sent[0]["ids"], json!([1]));
        world.answer_read(json!([]));
        assert!(world.told.is_empty() && world.sent.is_empty());
        world.change(&wire, "update", json!([{"id": 2}]));
        assert_eq!(world.kinds(), [Update]);
    }
}

#[test]
fn an_event_of_a_row_created_again_is_delivered_after_a_read_has_found_it() {
    for (event, kind) in [("update", Update), ("create", Create)] {
        let (mut world, wire) = deleted();
        let row = json!([{"id": 1, "n": 1}]);
        world.change(&wire, event, row.clone());
        world.answer_read(json!([{"id": 1}]));
        assert_eq!(world.changes(), [(kind, row.clone())]);
        world.change(&wire, "update", row.clone());
        assert_eq!(world.changes(), [(Update, row)], "it is known to be there");
        assert!(world.sent.is_empty());
    }
}

#[test]
fn i2_events_behind_an_unsettled_one_are_held_and_keep_their_order() {
    let (mut world, wire) = deleted();
    world.change(&wire, "update", json!([{"id": 1}]));
    world.change(&wire, "update", json!([{"id": 2, "n": 1}]));
    world.say(named(forbidden(), &json!(wire)));
    world.change(&wire, "delete", json!([2]));
    // This one came after the read was sent: another has to decide.
    world.change(&wire, "update", json!([{"id": 2, "n": 2}]));
    world.change(&wire, "create", json!([{"id": 3}]));
    assert!(world.told.is_empty());
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Update, Error, Delete]);
    assert_eq!(world.sent[0]["ids"], json!([2]));
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Update, Error, Delete, Create]);
    assert_eq!(world.engine.session.held_bytes(), 0);
}

#[test]
fn only_the_deleted_rows_of_a_message_are_left_out() {
    let (mut world, wire) = deleted();
    world.say(
        json!({"type": "subscription", "event": "update", "uid": wire,
                     "data": [{"id": 2}, {"id": 1}, {"id": 3}], "meta": {"n": 1}}),
    );
    world.answer_read(json!([]));
    assert_eq!(world.changes(), [(Update, json!([{"id": 2}, {"id": 3}]))]);
}

#[test]
fn a_delete_is_remembered_for_two_seconds_in_any_spelling() {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([{"id": 1}, {"id": 2}]));
    world.change(&wire, "delete", json!([" 001"]));
    world.live(1);
    world.change(&wire, "update", json!([{"id": 1}]));
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Delete]);
    world.live(2);
    world.change(&wire, "update", json!([{"id": 1}]));
    assert_eq!(world.kinds(), [Delete, Update]);
}

#[test]
fn a_silence_after_a_delete_does_not_count_as_time_since_it() {
    let (mut world, wire) = deleted();
    world.advance(Duration::from_secs(20));
    world.change(&wire, "update", json!([{"id": 1}]));
    assert!(world.told.is_empty());
}

#[test]
fn a_silence_before_a_delete_does_not_prolong_its_memory() {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([{"id": 1}]));
    world.advance(Duration::from_secs(20));
    world.change(&wire, "delete", json!([1]));
    world.change(&wire, "update", json!([{"id": 1}]));
    assert_eq!(world.kinds(), [Delete]);
}

#[test]
fn i7_a_delete_before_the_snapshot_is_remembered_after_it() {
    for is_read in [false, true] {
        let mut world = World::connected();
        world.subscribe(spec());
        let subscribe = world.next();
        let wire = subscribe["uid"].as_str().unwrap().to_owned();
        world.say(super::world::limited(500));
        world.say(super::world::init(&wire));
        if !is_read {
            world.change(&wire, "delete", json!(["1"]));
        }
        world.advance(Duration::from_millis(700));
        assert_eq!(world.sent[0]["type"], "items");
        if is_read {
            world.change(&wire, "delete", json!(["1"]));
            world.change(&wire, "update", json!([{"id": 1}]));
        }
        world.answer_read(json!([{"id": 2}]));
        if !is_read {
            world.change(&wire, "update", json!([{"id": 1}]));
        }
        world.advance(Duration::from_secs(2));
        world.answer_read(json!([]));
        let told: &[_] = if is_read { &[Init, Delete] } else { &[Init] };
        assert_eq!(world.kinds(), told);
    }
}

#[test]
fn i7_a_delete_held_for_a_repeated_read_is_remembered() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    world.next();
    world.say(limited(500));
    world.change(&wire, "delete", json!(["1"]));
    world.advance(Duration::from_millis(700));
    world.change(&wire, "update", json!([{"id": 1}]));
    world.answer_read(json!([]));
    world.advance(Duration::from_secs(2));
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Init]);
}

#[test]
fn i3_a_settling_read_without_an_answer_leads_to_a_resync() {
    // The server does not answer, or has trouble.
    for answers in [false, true] {
        let (mut world, wire) = deleted();
        world.change(&wire, "update", json!([{"id": 1}]));
        let read = world.next();
        if answers {
            world.say(
                json!({"type": "items", "status": "error", "uid": read["uid"],
                             "error": {"code": "SERVICE_UNAVAILABLE", "message": "no"}}),
            );
        } else {
            world.live(11);
        }
        assert!(world.told.is_empty());
        world.answer_read(json!([{"id": 2}]));
        assert_eq!(world.kinds(), [Init]);
        assert_eq!(world.told[0].flags, FLAG_RESYNC);
    }
}

#[test]
fn an_event_whose_row_may_not_be_read_is_withheld_without_ending_the_subscription() {
    let mut world = World::connected();
    let (id, wire) = world.follow(json!([{"id": 1}]));
    world.change(&wire, "delete", json!(["1"]));
    world.change(&wire, "update", json!([{"id": 1}]));
    world.change(&wire, "update", json!([{"id": 2}]));
    let read = world.next();
    let error = json!({"code": "FORBIDDEN", "message": "no"});
    world.say(json!({"type": "items", "status": "error", "uid": read["uid"], "error": error}));
    assert_eq!(world.kinds(), [Delete, Error, Update]);
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Active);
    assert!(world.told.iter().all(|told| told.flags == 0));
}

#[test]
fn an_error_without_a_uid_ends_no_subscription_that_is_settling() {
    let mut world = World::connected();
    let (id, wire) = world.follow(json!([{"id": 1}]));
    world.change(&wire, "delete", json!(["1"]));
    world.change(&wire, "update", json!([{"id": 1}]));
    world.next();
    world.say(super::world::items_error("FORBIDDEN"));
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Delete, Init]);
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Active);
}

#[test]
fn i6_the_events_held_for_a_settling_read_are_bounded() {
    let (mut world, wire) = deleted();
    world.change(&wire, "update", json!([{"id": 1}]));
    let stale = world.next();
    for n in 3..63 {
        world.change(&wire, "create", json!([{"id": n, "text": "x".repeat(100)}]));
    }
    // What came after the loss waits for the snapshot.
    assert!(world.engine.session.held_bytes() < 2_000);
    world.say(json!({"type": "items", "data": [], "uid": stale["uid"]}));
    assert!(world.told.is_empty());
    world.answer_read(json!([]));
    assert_eq!(world.kinds()[..2], [Init, Create]);
    assert_eq!(world.engine.session.held_bytes(), 0);
}

#[test]
fn i6_the_events_held_by_many_settling_subscriptions_are_bounded() {
    let mut world = World::connected();
    let wires: Vec<_> = (0..12)
        .map(|_| world.follow(json!([{"id": 1}])).1)
        .collect();
    for wire in &wires {
        world.change(wire, "delete", json!([1]));
        let text = "x".repeat(1_000);
        world.change(wire, "update", json!([{"id": 1, "text": text}]));
        assert!(world.engine.session.held_bytes() <= 10_000);
    }
    assert!(world.engine.session.held_bytes() > 8_000);
}

#[test]
fn i6_a_snapshot_is_read_when_one_event_has_more_than_a_hundred_unsettled_rows() {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([]));
    let keys: Vec<_> = (0..500).collect();
    world.change(&wire, "delete", json!(keys));
    let rows: Vec<_> = keys.iter().map(|id| json!({"id": id})).collect();
    world.change(&wire, "update", json!(rows));
    assert_eq!(world.sent[0]["query"], json!(null));
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Delete, Init]);
}

#[test]
fn rows_of_many_messages_are_read_a_hundred_at_a_time() {
    let mut world = World::new(Config {
        queue_bytes: 1 << 20,
        ..config()
    });
    world.connect();
    let (_, wire) = world.follow(json!([]));
    world.change(&wire, "delete", json!((0..150).collect::<Vec<_>>()));
    for id in 0..150 {
        world.change(&wire, "update", json!([{"id": id}]));
    }
    let mut reads = Vec::new();
    while let Some(read) = world.sent.front() {
        reads.push(read["query"]["limit"].clone());
        world.answer_read(json!([{"id": 149}]));
    }
    assert_eq!(reads, [1, 100, 49]);
    assert_eq!(world.kinds(), [Delete, Update]);
}

#[test]
fn a_settling_read_obeys_the_rate_limit_and_is_repeated_if_it_was_dropped() {
    let (mut world, wire) = deleted();
    world.change(&wire, "update", json!([{"id": 1}]));
    let first = world.next();
    world.say(limited(900));
    world.advance(Duration::from_millis(500));
    assert!(world.sent.is_empty());
    world.advance(Duration::from_secs(1));
    assert_ne!(world.sent[0]["uid"], first["uid"]);
    world.answer_read(json!([]));
    assert!(world.told.is_empty());
}

#[test]
fn i3_a_gap_during_a_settling_read_leads_to_one_resync() {
    for cause in ["overflow", "link", "expiry"] {
        let mut world = World::logged_in();
        let (id, wire) = world.follow(json!([{"id": 1}]));
        world.change(&wire, "delete", json!(["1"]));
        world.change(&wire, "update", json!([{"id": 1}]));
        let stale = world.next();
        world.told.clear();
        match cause {
            "overflow" => {
                world.engine.session.on_overflow(id.slot(), 1);
                world.engine.session.on_caught_up(world.now, id.slot(), 1);
                world.settle();
            }
            "link" => {
                world.reopen();
                world.confirm();
            }
            _ => {
                world.say(expired());
                return;
            }
        }
        world.say(json!({"type": "items", "data": [{"id": 1}], "uid": stale["uid"]}));
        assert!(world.told.is_empty(), "{cause}");
        world.answer_read(json!([]));
        assert_eq!(world.kinds(), [Init], "{cause}");
        assert_eq!(world.engine.session.held_bytes(), 0);
    }
}

#[test]
fn a_subscription_without_deletes_or_with_nothing_else_reads_no_rows() {
    for events in [ON_CREATE | ON_UPDATE, ON_DELETE] {
        let mut world = World::connected();
        let (_, wire) = world.active(SubscriptionSpec { events, ..spec() });
        for event in ["delete", "update", "delete", "create"] {
            let row = json!([{"id": 1}]);
            let data = if event == "delete" { json!([1]) } else { row };
            world.change(&wire, event, data);
        }
        assert_eq!(world.told.len(), 2);
        assert!(world.sent.is_empty());
    }
}

#[test]
fn a_system_collection_is_subscribed_again_instead_of_read() {
    let mut world = World::connected();
    world.subscribe_to("directus_users", spec());
    let wire = world.confirm();
    world.change(&wire, "delete", json!(["a"]));
    world.change(&wire, "update", json!([{"id": "a"}]));
    assert_eq!(world.kinds(), [Init, Delete]);
    assert!(
        world
            .sent
            .iter()
            .any(|message| message["type"] == "subscribe")
    );
}

#[test]
fn an_unsubscribe_abandons_the_settling_read() {
    let mut world = World::connected();
    let (id, wire) = world.follow(json!([{"id": 1}]));
    world.change(&wire, "delete", json!(["1"]));
    world.change(&wire, "update", json!([{"id": 1}]));
    let read = world.next();
    world.unsubscribe(id);
    assert_eq!(world.next()["type"], "unsubscribe");
    world.say(json!({"type": "items", "data": [{"id": 1}], "uid": read["uid"]}));
    assert_eq!(world.kinds(), [Delete]);
    assert_eq!(world.engine.session.held_bytes(), 0);
}
