//! Subscriptions to system collections on 11.x: no read can probe whether one is refused.

use std::time::Duration;

use serde_json::{Value, json};

use crate::handover::EventKind::Create;
use crate::handover::FLAG_ENDED;
use crate::session::SubStatus;
use crate::session::tests::world::{
    World, forbidden, init, is_of, server_snapshot, spec, unsubscribed,
};

const USERS: &str = "directus_users";

fn unavailable() -> Value {
    json!({"type": "subscribe", "status": "error",
           "error": {"code": "SERVICE_UNAVAILABLE", "message": "no"}})
}

/// The link is lost and a new one opened, on which only the subscribe of slot 0 is answered.
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
fn a_refused_system_subscribe_is_rejected_by_its_second_error() {
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
fn a_late_init_shows_that_an_error_was_an_events_and_is_adopted() {
    let mut world = World::connected();
    let (live, _) = world.active(spec());
    let slow = world.subscribe_to(USERS, server_snapshot());
    let first = world.next()["uid"].clone();
    world.say(forbidden());
    world.advance(Duration::from_millis(600));
    let second = world.next()["uid"].clone();
    // It was only slow: the server has registered it, so the second subscribe is not needed.
    world.say(init(&first));
    assert_eq!(world.engine.session.sub_status(slow), SubStatus::Active);
    world.say(init(&second));
    assert_eq!(world.next(), json!({"type": "unsubscribe", "uid": second}));
    let told = world.told_to();
    assert!(told.contains(&(live.slot(), 0)), "{told:?}");
    assert!(!told.contains(&(slow.slot(), FLAG_ENDED)), "{told:?}");
    world.change(first.as_str().unwrap(), "create", json!([{"id": 1}]));
    assert_eq!(world.told.last().map(|t| t.kind), Some(Create));
}

#[test]
fn i7_a_refusal_of_the_previous_identity_is_not_remembered() {
    let (mut world, id) = World::with_one_live(USERS);
    world.next();
    world.say(forbidden());
    world.advance(Duration::from_millis(600));
    world.next();
    world.set_token("fresh");
    world.say(forbidden());
    world.live(12);
    // Later errors would be taken for its own.
    assert!(!world.engine.session.attribution().remembers(id));
    let subscription = world.engine.session.registry().get(id).unwrap();
    assert!(!subscription.is_sent() && !subscription.is_registered());
}

#[test]
fn only_errors_of_attempts_in_a_row_reject_a_system_subscribe() {
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
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Pending);
}

#[test]
fn i1_a_late_init_of_a_serial_that_was_unsubscribed_is_not_adopted() {
    let (mut world, id) = World::with_one_live(USERS);
    world.next();
    world.say(unavailable());
    world.advance(Duration::from_millis(600));
    let second = world.next()["uid"].clone();
    world.say(unavailable());
    world.live(11);
    let unsubscribe = json!({"type": "unsubscribe", "uid": second});
    assert!(world.sent.contains(&unsubscribe), "{:?}", world.sent);
    // The errors were others', and its INIT was only slow.
    world.say(init(&second));
    world.say(unsubscribed(&second));
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Pending);
}

#[test]
fn attempts_of_one_link_do_not_count_on_the_next() {
    let (mut world, id) = World::with_one_live(USERS);
    world.next();
    world.say(forbidden());
    world.advance(Duration::from_millis(600));
    again(&mut world);
    // The only error on this link is that of a withheld event.
    world.say(forbidden());
    world.live(11);
    assert!(!world.is_refused(id));
}

#[test]
fn a_withheld_event_is_reported_whatever_was_presumed_refused_on_the_last_link() {
    let mut world = World::connected();
    let (live, _) = world.active(server_snapshot());
    let id = world.subscribe_to(USERS, server_snapshot());
    world.next();
    world.say(forbidden());
    world.advance(Duration::from_millis(600));
    again(&mut world);
    // The refusal, and an event of the other one that is withheld.
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
fn refused_system_subscribes_do_not_delay_another_subscription() {
    for refused in 1..6 {
        let mut world = World::connected();
        world.active(server_snapshot());
        world.say(forbidden());
        for _ in 0..refused {
            world.subscribe_to(USERS, server_snapshot());
        }
        let good = world.subscribe(server_snapshot());
        let mut ms = 0;
        while world.engine.session.sub_status(good) != SubStatus::Active {
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
