//! Gaps: what follows them, also where they come one after another.

use std::time::Duration;

use serde_json::json;

use super::world::{World, init, spec};
use crate::handover::EventKind::{Create, Init};
use crate::handover::FLAG_RESYNC;
use crate::subscriptions::SubscriptionSpec;
use crate::subscriptions::spec::ON_CREATE;

#[test]
fn i6_the_held_events_of_all_subscriptions_fit_into_the_budget() {
    let mut world = World::connected();
    let subs: Vec<_> = (0..4)
        .map(|_| {
            world.subscribe(spec());
            let w = world.next();
            w["uid"].as_str().unwrap().to_owned()
        })
        .collect();
    for wire in &subs {
        world.say(init(wire));
    }
    for wire in &subs {
        for n in 0..80 {
            world.change(wire, "create", json!([{"id": n, "t": "x".repeat(40)}]));
        }
    }
    let held = world.engine.session.held_bytes();
    assert!(
        held <= 10_000,
        "{held} bytes are held with a budget of 10,000"
    );
}

#[test]
fn a_snapshot_that_overflows_again_and_again_is_read_less_and_less_often() {
    let mut world = World::connected();
    let (id, _) = world.active(spec());
    let mut reads = 0;
    for epoch in 1..1000 {
        world.engine.session.on_overflow(id.slot(), epoch);
        world
            .engine
            .session
            .on_caught_up(world.now, id.slot(), epoch);
        world.settle();
        for _ in 0..600 {
            world.sent.retain(|message| message["type"] == "items");
            if !world.sent.is_empty() {
                break;
            }
            world.advance(Duration::from_millis(100));
            world.say(json!({"type": "pong"}));
        }
        world.answer_read(json!([{"id": 1}]));
        reads += 1;
        if world.now.mono > Duration::from_secs(600) {
            break;
        }
    }
    assert!((10..120).contains(&reads), "{reads} reads in ten minutes");
}

/// The link lives for a minute, and a read that was sent meanwhile is answered.
fn minute(world: &mut World) {
    for _ in 0..60 {
        world.live(1);
        world.sent.retain(|m| m["type"] == "items");
        if !world.sent.is_empty() {
            world.answer_read(json!([{"id": 1}]));
        }
    }
}

#[test]
fn i6_expiries_of_snapshot_rows_do_not_accumulate_with_gaps() {
    let mut world = World::connected();
    let (id, _) = world.active(spec());
    for epoch in 1..=500 {
        world.engine.session.on_overflow(id.slot(), epoch);
        world
            .engine
            .session
            .on_caught_up(world.now, id.slot(), epoch);
        world.settle();
        minute(&mut world);
    }
    assert!(world.engine.session.remembered_snapshots() < 20);
}

#[test]
fn i6_expiries_of_snapshot_rows_do_not_accumulate_with_lost_links() {
    let mut world = World::connected();
    world.active(spec());
    for _ in 0..500 {
        world.reopen();
        world.confirm();
        minute(&mut world);
    }
    assert!(world.engine.session.remembered_snapshots() < 20);
}

#[test]
fn i3_temporary_errors_after_a_gap_are_logged_and_not_delivered_before_the_init() {
    let mut world = World::connected();
    world.active(spec());
    world.lose();
    world.advance(Duration::from_secs(1));
    world.open();
    world.next();
    world.say(json!({"type": "auth", "status": "ok"}));
    for _ in 0..3 {
        let uid = world.next()["uid"].clone();
        world.say(
            json!({"type": "subscribe", "status": "error", "uid": uid, "error": {
            "code": "SERVICE_UNAVAILABLE", "message": "Not now."}}),
        );
        world.advance(Duration::from_secs(5));
        while world.sent.front().is_some_and(|m| m["type"] != "subscribe") {
            world.next();
        }
    }
    world.confirm();
    world.sent.retain(|message| message["type"] == "items");
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Init]);
    assert_eq!(world.told[0].flags, FLAG_RESYNC);
}

#[test]
fn i3_an_overflow_is_followed_by_a_resync_once_the_queue_is_drained() {
    let mut world = World::connected();
    let (id, wire) = world.active(spec());
    world.engine.session.on_overflow(id.slot(), 1);
    world.change(&wire, "create", json!([{"id": 1}]));
    assert!(world.told.is_empty(), "it will be in the snapshot");
    world.engine.session.on_caught_up(world.now, id.slot(), 1);
    world.settle();
    world.answer_read(json!([{"id": 1}]));
    world.change(&wire, "create", json!([{"id": 2}]));
    assert_eq!(world.kinds(), [Init, Create]);
    assert_eq!(world.told[0].flags, FLAG_RESYNC);
}

#[test]
fn i3_an_overflow_of_a_subscription_without_a_snapshot_is_followed_by_a_resync() {
    let mut world = World::connected();
    let (id, _) = world.active(SubscriptionSpec {
        events: ON_CREATE,
        ..spec()
    });
    world.engine.session.on_overflow(id.slot(), 1);
    world.engine.session.on_caught_up(world.now, id.slot(), 1);
    world.settle();
    assert_eq!(
        (world.told[0].kind, world.told[0].flags),
        (Init, FLAG_RESYNC)
    );
    assert!(world.told[0].data.is_null() && world.sent.is_empty());
}
