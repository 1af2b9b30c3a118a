//! Subscriptions to collections of the server's own, on 11.x: no read can show whether
//! one is refused.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{World, forbidden, init, is_of, server_snapshot, spec, unsubscribed};
use crate::handover::EventKind::Create;
use crate::handover::FLAG_ENDED;
use crate::session::SubStatus;

const USERS: &str = "directus_users";

fn unavailable() -> Value {
    json!({"type": "subscribe", "status": "error",
           "error": {"code": "SERVICE_UNAVAILABLE", "message": "no"}})
}

/// The link is lost and there again; what it sends first is answered for slot 0.
fn again(world: &mut World) {
    world.reopen();
    while let Some(message) = world.sent.pop_front() {
        if message["uid"].as_str().unwrap().starts_with("0.") {
            world.say(init(&message["uid"]));
        }
    }
    world.told.clear();
}

#[test]
fn a_refused_system_collection_is_found_out_without_a_read() {
    let mut world = World::connected();
    let (live, _) = world.active(spec());
    let refused = world.subscribe_to(USERS, server_snapshot());
    for _ in 0..2 {
        assert_eq!(world.next()["type"], "subscribe");
        world.say(forbidden());
        world.advance(Duration::from_millis(600));
    }
    assert!(!world.is_refused(refused), "its INIT may be slow");
    world.live(12);
    assert!(world.is_refused(refused));
    assert!(world.told_to().iter().all(|told| *told != (live.slot(), 0)));
}

#[test]
fn a_late_init_shows_that_an_error_was_of_a_withheld_event() {
    let mut world = World::connected();
    let (live, _) = world.active(spec());
    let slow = world.subscribe_to(USERS, server_snapshot());
    let first = world.next()["uid"].clone();
    world.say(forbidden());
    world.advance(Duration::from_millis(600));
    let second = world.next()["uid"].clone();
    // It was only slow: the server has it, and what was sent meanwhile is not needed.
    world.say(init(&first));
    assert_eq!(world.session.sub_status(slow), SubStatus::Active);
    world.say(init(&second));
    assert_eq!(world.next(), json!({"type": "unsubscribe", "uid": second}));
    let told = world.told_to();
    assert!(told.contains(&(live.slot(), 0)), "{told:?}");
    assert!(!told.contains(&(slow.slot(), FLAG_ENDED)), "{told:?}");
    world.change(first.as_str().unwrap(), "create", json!([{"id": 1}]));
    assert_eq!(world.told.last().map(|t| t.kind), Some(Create));
}

#[test]
fn i7_a_refusal_of_a_previous_identity_is_not_counted() {
    let (mut world, id) = World::with_one_live(USERS);
    world.next();
    world.say(forbidden());
    world.advance(Duration::from_millis(600));
    world.next();
    world.set_token("fresh");
    world.say(forbidden());
    world.live(12);
    // Whose later errors would be taken for its own?
    let subscription = world.session.registry().get(id).unwrap();
    assert_eq!((subscription.strikes, subscription.blamed.len()), (0, 0));
    assert!(!subscription.is_sent() && !subscription.is_registered());
}

#[test]
fn only_errors_in_consecutive_attempts_are_a_refusal() {
    let (mut world, id) = World::with_one_live(USERS);
    for _ in 0..4 {
        world.sent.retain(|m| m["type"] == "subscribe");
        world.next();
        world.say(forbidden());
        world.advance(Duration::from_millis(600));
        world.sent.retain(|m| m["type"] == "subscribe");
        world.next();
        // Neither an answer nor an error: the server is busy.
        for _ in 0..30 {
            world.live(1);
            if world.sent.iter().any(|m| m["type"] == "subscribe") {
                break;
            }
        }
    }
    assert_eq!(world.session.sub_status(id), SubStatus::Pending);
}

#[test]
fn i1_a_late_init_of_an_unsubscribed_wire_uid_is_not_adopted() {
    let (mut world, id) = World::with_one_live(USERS);
    world.next();
    world.say(unavailable());
    world.advance(Duration::from_millis(600));
    let second = world.next()["uid"].clone();
    world.say(unavailable());
    world.live(11);
    let unsubscribe = json!({"type": "unsubscribe", "uid": second});
    assert!(world.sent.contains(&unsubscribe), "{:?}", world.sent);
    // The errors were others'; it was only slow.
    world.say(init(&second));
    world.say(unsubscribed(&second));
    assert_eq!(world.session.sub_status(id), SubStatus::Pending);
}

#[test]
fn errors_of_one_link_do_not_count_on_the_next() {
    let (mut world, id) = World::with_one_live(USERS);
    world.next();
    world.say(forbidden());
    world.advance(Duration::from_millis(600));
    again(&mut world);
    // The only error on this link, an event's.
    world.say(forbidden());
    world.live(11);
    assert!(!world.is_refused(id));
}

#[test]
fn a_withheld_event_is_reported_after_another_was_suspected_on_the_last_link() {
    let mut world = World::connected();
    let (live, _) = world.active(server_snapshot());
    let id = world.subscribe_to(USERS, server_snapshot());
    world.next();
    world.say(forbidden());
    world.advance(Duration::from_millis(600));
    again(&mut world);
    // The refusal and an event of the other's.
    world.say(forbidden());
    world.say(forbidden());
    for _ in 0..30 {
        world.live(1);
        while world
            .sent
            .pop_front()
            .is_some_and(|m| m["type"] == "subscribe")
        {
            world.say(forbidden());
        }
    }
    assert!(world.is_refused(id));
    let of_live = world.told.iter().filter(|t| t.slot == live.slot());
    assert_eq!(of_live.count(), 1, "{:?}", world.told);
}

#[test]
fn refused_system_collections_do_not_delay_other_subscriptions() {
    for refused in 1..6 {
        let mut world = World::connected();
        world.active(server_snapshot());
        world.say(forbidden());
        for _ in 0..refused {
            world.subscribe_to(USERS, server_snapshot());
        }
        let good = world.subscribe(server_snapshot());
        let mut ms = 0;
        while world.session.sub_status(good) != SubStatus::Active {
            while let Some(m) = world.sent.pop_front() {
                if m["type"] != "subscribe" {
                    continue;
                }
                if is_of(&m, good) {
                    world.say(init(&m["uid"]));
                } else {
                    world.say(forbidden());
                }
            }
            world.advance(Duration::from_millis(50));
            if ms % 1000 == 0 {
                world.say(json!({"type": "ping"}));
            }
            ms += 50;
        }
        assert!(ms < 15_000, "{refused} refused: {ms} ms");
    }
}
