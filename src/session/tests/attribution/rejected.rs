//! Subscribes that a server of 11.x refuses, without saying which it means.

use std::time::Duration;

use serde_json::json;

use super::{COLLECTIONS, creates};
use crate::handover::EventKind::Error;
use crate::session::SubStatus;
use crate::session::tests::world::{
    CREATE, World, forbidden, init, is_of, items_error, server_snapshot, unsubscribed,
};
use crate::subscriptions::SubId;

#[test]
fn one_refused_subscribe_of_twelve_is_found_and_the_others_become_active() {
    let mut world = World::connected();
    let subs: Vec<_> = (0..12)
        .map(|_| world.subscribe(server_snapshot()))
        .collect();
    let bad = subs[1];
    let mut answered = 0;
    for _ in 0..40 {
        while let Some(message) = world.sent.pop_front() {
            let (kind, uid) = (&message["type"], &message["uid"]);
            if kind == "unsubscribe" {
                world.say(unsubscribed(uid));
            } else if is_of(&message, bad) {
                world.refuse(&message);
            } else if kind == "items" {
                world.say(json!({"type": "items", "data": [], "uid": uid}));
            } else {
                answered += 1;
                world.say(init(uid));
            }
        }
        world.advance(Duration::from_millis(50));
    }
    assert_eq!(answered, 11, "those that are allowed were sent once");
    assert!(world.is_refused(bad));
    let good = subs.iter().filter(|id| **id != bad);
    for id in good {
        assert_eq!(world.engine.session.sub_status(*id), SubStatus::Active);
    }
    let errors: Vec<_> = world.told.iter().filter(|t| t.kind == Error).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn eight_refused_subscribes_in_flight_are_all_rejected() {
    let mut world = World::connected();
    let subs: Vec<_> = (0..8).map(|_| world.subscribe(server_snapshot())).collect();
    for _ in 0..100 {
        while let Some(message) = world.sent.pop_front() {
            world.refuse(&message);
        }
        world.advance(Duration::from_millis(20));
    }
    assert!(subs.iter().all(|id| world.is_refused(*id)));
}

#[test]
fn a_refusal_that_comes_after_its_probes_is_not_reported_to_other_subscriptions() {
    let mut world = World::connected();
    let (live, wire) = world.active(server_snapshot());
    let refused = world.subscribe(server_snapshot());
    world.subscribe(server_snapshot());
    // An event of the active one is withheld; both others are refused, their probes first.
    world.say(forbidden());
    for _ in 0..3 {
        world.advance(Duration::from_millis(1));
        while let Some(message) = world.sent.pop_front() {
            if message["type"] == "items" {
                world.say(items_error("FORBIDDEN"));
            }
        }
    }
    assert!(world.is_refused(refused));
    world.say(forbidden());
    world.say(forbidden());
    world.advance(Duration::from_secs(1));
    let of_live = world.told.iter().filter(|t| t.slot == live.slot());
    assert_eq!(of_live.count(), 1, "{:?}", world.told);
    // What the active one misses from now on is reported.
    world.say(forbidden());
    world.change(&wire, "create", json!([{"id": 1}]));
    let of_live = world.told.iter().filter(|t| t.slot == live.slot());
    assert_eq!(of_live.count(), 3, "{:?}", world.told);
}

#[test]
fn i1_a_subscribe_that_succeeds_after_its_probe_was_refused_is_ended_at_the_server() {
    let (mut world, refused) = World::with_one_live("posts");
    let wire = world.next()["uid"].clone();
    world.say(forbidden());
    world.next();
    world.say(items_error("FORBIDDEN"));
    assert!(world.is_refused(refused));
    world.engine.session.reconnect(world.now).unwrap();
    world.settle();
    assert!(world.closed.is_empty(), "the subscribe is in flight");
    world.say_on(world.opened[0], init(&wire));
    assert_eq!(world.closed, [world.opened[0]]);
}

#[test]
fn a_subscribe_to_one_kind_of_event_is_rejected_only_for_an_invalid_query() {
    let query = json!({"type": "subscribe", "status": "error", "error":
        {"code": "INVALID_QUERY", "message": "Invalid query."}});
    for (subscribe, check, is_over) in [
        (&query, "INVALID_QUERY", true),
        // A missing permission refuses the probe only; the query may be another's.
        (&query, "FORBIDDEN", false),
    ] {
        let mut world = World::connected();
        world.active(server_snapshot());
        let id = world.subscribe(creates());
        let wire = world.next()["uid"].clone();
        world.say(subscribe.clone());
        world.next();
        let mut error = items_error(check);
        error["error"]["message"] = query["error"]["message"].clone();
        world.say(error);
        assert_eq!(world.is_refused(id), is_over, "{subscribe} {check}");
        world.say(init(&wire));
        assert_eq!(
            world.engine.session.sub_status(id) == SubStatus::Active,
            !is_over
        );
    }
}

#[test]
fn i1_a_refusal_is_reported_though_events_are_withheld_all_the_time() {
    for collection in COLLECTIONS {
        let (mut world, id) = World::with_one_live(collection);
        for _ in 0..75 {
            // It is refused each time that it is sent; an event of the other one is
            // withheld every 400 ms.
            while let Some(message) = world.sent.pop_front() {
                if message["type"] == "items" {
                    world.say(items_error("FORBIDDEN"));
                }
            }
            world.say(forbidden());
            world.advance(Duration::from_millis(400));
        }
        assert!(
            world.is_refused(id),
            "{:?}",
            world.engine.session.sub_status(id)
        );
    }
}

#[test]
fn i1_candidates_that_have_ended_soon_make_room_for_other_subscribes() {
    let mut world = World::connected();
    world.active(server_snapshot());
    let candidates: Vec<_> = (0..8).map(|_| world.subscribe(server_snapshot())).collect();
    world.say(forbidden());
    for id in candidates {
        world.unsubscribe(id);
    }
    let id = world.subscribe(server_snapshot());
    world.advance(Duration::from_secs(1));
    assert!(
        world
            .sent
            .iter()
            .any(|m| m["type"] == "subscribe" && is_of(m, id))
    );
}

/// Plays a server that refuses one subscription: after how many milliseconds the
/// application learns it.
fn until_refused(world: &mut World, id: SubId) -> u64 {
    for ms in 0..60_000 {
        if world.is_refused(id) {
            return ms;
        }
        while let Some(m) = world.sent.pop_front() {
            match m["type"].as_str() {
                Some("unsubscribe") => world.say(unsubscribed(&m["uid"])),
                Some("subscribe" | "items") if is_of(&m, id) => world.refuse(&m),
                _ => {}
            }
        }
        if ms % 1000 == 0 {
            world.say(json!({"type": "ping"}));
        }
        world.advance(Duration::from_millis(1));
    }
    60_000
}

#[test]
fn i1_a_refusal_is_found_beside_requests_that_are_never_answered() {
    let (mut world, id) = World::with_one_live("posts");
    let mut ms = 0;
    world.request(CREATE);
    while !world.is_refused(id) && ms < 120_000 {
        while let Some(m) = world.sent.pop_front() {
            match m["type"].as_str() {
                Some("items") if m["action"] != "read" => {}
                Some("subscribe" | "items") => world.refuse(&m),
                Some("unsubscribe") => world.say(unsubscribed(&m["uid"])),
                _ => {}
            }
        }
        if ms % 3_000 == 0 {
            world.request(CREATE);
        }
        if ms % 1000 == 0 {
            world.say(json!({"type": "ping"}));
        }
        world.advance(Duration::from_millis(50));
        ms += 50;
    }

    assert!(world.is_refused(id), "{ms}");
}

#[test]
fn an_expected_error_that_never_comes_does_not_hide_another_refusal() {
    let (mut world, first) = World::with_one_live("posts");
    world.next();
    let second = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    world.say(forbidden());
    for _ in 0..2 {
        assert_eq!(world.next()["query"]["limit"], 0);
        world.say(items_error("FORBIDDEN"));
    }
    assert!(world.is_refused(first) && world.is_refused(second));
    // The first one's refusal has come. The second one is allowed by now, so that the
    // expected error never comes.
    let third = world.subscribe(server_snapshot());
    world.say(init(&wire));
    world.advance(Duration::from_millis(600));
    let ms = until_refused(&mut world, third);

    assert!(ms < 10_000, "{ms}");
}
