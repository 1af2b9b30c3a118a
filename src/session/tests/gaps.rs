//! Gaps that come one upon another.

use std::time::Duration;

use serde_json::json;

use super::world::{World, init, spec};

#[test]
fn i6_held_events_of_all_subscriptions_fit_into_the_budget() {
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
    let held = world.session.held.get();
    assert!(
        held <= 10_000,
        "{held} bytes are held with a budget of 10,000"
    );
}

#[test]
fn a_snapshot_that_there_is_never_room_for_is_read_more_and_more_seldom() {
    let mut world = World::connected();
    let (id, _) = world.active(spec());
    let mut reads = 0;
    for epoch in 1..1000 {
        world.session.on_overflow(id.slot(), epoch);
        world.session.on_caught_up(world.now, id.slot(), epoch);
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
fn i6_what_is_to_be_forgotten_does_not_pile_up_with_gaps() {
    let mut world = World::connected();
    let (id, _) = world.active(spec());
    for epoch in 1..=500 {
        world.session.on_overflow(id.slot(), epoch);
        world.session.on_caught_up(world.now, id.slot(), epoch);
        world.settle();
        minute(&mut world);
    }
    assert!(world.session.forget.len() < 20);
}

#[test]
fn i6_nor_with_links_that_are_lost() {
    let mut world = World::connected();
    world.active(spec());
    for _ in 0..500 {
        world.reopen();
        world.confirm();
        minute(&mut world);
    }
    assert!(world.session.forget.len() < 20);
}
