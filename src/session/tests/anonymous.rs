//! Refusals and withheld events of an 11.x server, which does not say whom it means.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{
    CREATE, World, auth_ok, forbidden, init, is_of, items_error, limited, server_snapshot, spec,
    unsubscribed,
};
use crate::handover::EventKind::Error;
use crate::handover::FLAG_ENDED;
use crate::session::SubStatus;
use crate::subscriptions::spec::ON_CREATE;
use crate::subscriptions::{SubId, SubscriptionSpec};

/// The items service does not serve the second one: no read can say whether a
/// subscription to it is refused.
const COLLECTIONS: [&str; 2] = ["posts", "directus_users"];

fn creates() -> SubscriptionSpec {
    SubscriptionSpec {
        events: ON_CREATE,
        ..spec()
    }
}

#[test]
fn a_refusal_hits_the_right_one_of_several() {
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
    assert_eq!(answered, 11, "the good ones were asked for once");
    assert!(world.is_refused(bad));
    let good = subs.iter().filter(|id| **id != bad);
    for id in good {
        assert_eq!(world.session.sub_status(*id), SubStatus::Active);
    }
    let errors: Vec<_> = world.told.iter().filter(|t| t.kind == Error).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
}

#[test]
fn as_many_refusals_as_there_is_room_for_subscribes_are_found_out() {
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
fn an_error_that_was_not_the_subscribes_is_told_as_a_withheld_event() {
    // An event of the live one is withheld while another subscribe is under way,
    let mut world = World::connected();
    let (live, _) = world.active(spec());
    world.subscribe(spec());
    world.say(forbidden());
    assert!(world.told.is_empty(), "it may be the subscribe's");
    world.confirm();
    assert_eq!(world.kinds(), [Error]);
    assert_eq!(world.told_to(), [(live.slot(), 0)]);

    // or together with it.
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
fn a_refusal_that_comes_after_the_checks_is_nobody_elses() {
    let mut world = World::connected();
    let (live, wire) = world.active(server_snapshot());
    let refused = world.subscribe(server_snapshot());
    world.subscribe(server_snapshot());
    // An event of the live one is withheld; both are refused, and their checks before.
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
    // What the live one misses from now on is told.
    world.say(forbidden());
    world.change(&wire, "create", json!([{"id": 1}]));
    let of_live = world.told.iter().filter(|t| t.slot == live.slot());
    assert_eq!(of_live.count(), 3, "{:?}", world.told);
}

#[test]
fn i1_one_that_is_allowed_after_its_check_was_refused_is_ended_at_the_server() {
    let (mut world, refused) = World::with_one_live("posts");
    let wire = world.next()["uid"].clone();
    world.say(forbidden());
    world.next();
    world.say(items_error("FORBIDDEN"));
    assert!(world.is_refused(refused));
    world.session.reconnect(world.now).unwrap();
    world.settle();
    assert!(world.closed.is_empty(), "the subscribe is under way");
    world.say_on(world.opened[0], init(&wire));
    assert_eq!(world.closed, [world.opened[0]]);
}

#[test]
fn a_subscribe_to_one_kind_of_events_is_refused_for_its_query_alone() {
    let query = json!({"type": "subscribe", "status": "error", "error":
        {"code": "INVALID_QUERY", "message": "Invalid query."}});
    for (subscribe, check, is_over) in [
        (&query, "INVALID_QUERY", true),
        // What may not be read is no matter; the query may be another's.
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
        assert_eq!(world.session.sub_status(id) == SubStatus::Active, !is_over);
    }
}

#[test]
fn a_subscribe_to_one_kind_of_events_is_not_forbidden() {
    for collection in COLLECTIONS {
        let mut world = World::connected();
        world.active(server_snapshot());
        let id = world.subscribe_to(collection, creates());
        for _ in 0..60 {
            world.sent.clear();
            world.say(forbidden());
            world.advance(Duration::from_secs(1));
        }
        assert_eq!(world.session.sub_status(id), SubStatus::Pending);
    }
}

#[test]
fn i1_withheld_events_beside_subscribes_that_are_never_answered_are_no_refusal() {
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
    assert_eq!(world.session.sub_status(id), SubStatus::Pending);
}

#[test]
fn two_withheld_events_are_not_two_refusals_of_a_slow_subscribe() {
    let mut world = World::connected();
    world.active(server_snapshot());
    world.active(server_snapshot());
    let slow = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    // One write that both others may not see any more (11.x: no uid).
    world.say(forbidden());
    world.say(forbidden());
    world.advance(Duration::from_millis(700));
    world.say(init(&wire));
    assert_eq!(world.session.sub_status(slow), SubStatus::Active);
}

#[test]
fn a_late_error_for_a_subscribe_that_was_given_up_ends_nobody_else() {
    let mut world = World::connected();
    let first = world.subscribe(server_snapshot());
    world.next();
    // The link lives; the subscribe is not answered.
    world.live(10);
    world.unsubscribe(first);
    world.sent.clear();
    let second = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    world.say(forbidden());
    assert!(world.told.is_empty(), "whose was it?");
    world.say(init(&wire));
    assert_eq!(world.session.sub_status(second), SubStatus::Active);
}

#[test]
fn a_withheld_event_of_a_subscription_that_has_ended_is_no_refusal_of_the_next() {
    let mut world = World::connected();
    let (first, old) = world.active(server_snapshot());
    world.unsubscribe(first);
    assert_eq!(world.next()["type"], "unsubscribe");
    let second = world.subscribe(server_snapshot());
    let wire = world.next()["uid"].clone();
    // Of an event that the server had on its way to the first.
    world.say(forbidden());
    assert!(world.told.is_empty(), "whose was it?");
    world.say(unsubscribed(&old));
    world.say(init(&wire));
    assert_eq!(world.session.sub_status(second), SubStatus::Active);
}

#[test]
fn nor_is_one_that_comes_after_the_end() {
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
    assert_eq!(world.session.sub_status(id), SubStatus::Active);
}

#[test]
fn a_refusal_of_the_identity_before_does_not_count() {
    for collection in COLLECTIONS {
        let mut world = World::logged_in();
        world.active(server_snapshot());
        let id = world.subscribe_to(collection, server_snapshot());
        world.next();
        world.set_token("fresh");
        let auth = world.next();
        // As who the client was before: refused.
        world.say(forbidden());
        world.advance(Duration::from_millis(600));
        world.say(auth_ok(&auth["uid"]));
        world
            .sent
            .retain(|m| m["type"] == "subscribe" && is_of(m, id));
        assert_eq!(world.sent.len(), 1, "it is asked for anew");
        // An event of the other that the one before may not see.
        world.say(forbidden());
        world.live(12);
        assert!(!world.is_refused(id));
    }
}

#[test]
fn what_one_identity_was_refused_is_asked_for_anew_by_the_next() {
    for collection in COLLECTIONS {
        let (mut world, id) = World::with_one_live(collection);
        for _ in 0..2 {
            world.sent.retain(|m| m["type"] == "subscribe");
            world.next();
            world.say(forbidden());
            world.set_token("fresh");
            world.sent.retain(|m| m["type"] == "auth");
            let auth = world.next();
            world.say(auth_ok(&auth["uid"]));
            world.advance(Duration::from_millis(600));
        }
        world.sent.retain(|m| m["type"] == "subscribe");
        world.confirm();
        assert_eq!(world.session.sub_status(id), SubStatus::Active);
    }
}

#[test]
fn a_check_that_the_identity_before_is_refused_says_nothing() {
    let mut world = World::logged_in();
    world.active(server_snapshot());
    let id = world.subscribe(server_snapshot());
    world.next();
    world.say(forbidden());
    assert_eq!(world.next()["query"]["limit"], 0);
    world.set_token("fresh");
    let auth = world.next();
    world.say(items_error("FORBIDDEN"));
    assert!(!world.is_refused(id));
    world.say(auth_ok(&auth["uid"]));
    world.sent.retain(|m| m["query"]["limit"] == 0);
    assert_eq!(world.sent.len(), 1, "it is asked again");
    world.say(items_error("FORBIDDEN"));
    assert!(!world.is_refused(id), "the subscribe was the other's, too");
}

#[test]
fn what_the_limiter_dropped_was_not_refused() {
    for collection in COLLECTIONS {
        let (mut world, id) = World::with_one_live(collection);
        for _ in 0..2 {
            world.sent.retain(|m| m["type"] == "subscribe");
            world.next();
            // It is dropped; meanwhile an event of the other is withheld.
            world.say(limited(2_000));
            world.advance(Duration::from_millis(500));
            world.say(forbidden());
            world.advance(Duration::from_secs(4));
        }
        assert_eq!(world.session.sub_status(id), SubStatus::Pending);
    }
}

#[test]
fn i1_withheld_events_do_not_keep_a_refusal_from_being_told() {
    for collection in COLLECTIONS {
        let (mut world, id) = World::with_one_live(collection);
        for _ in 0..75 {
            // It is refused as often as it is sent; an event of the other is withheld
            // every 400 ms.
            while let Some(message) = world.sent.pop_front() {
                if message["type"] == "items" {
                    world.say(items_error("FORBIDDEN"));
                }
            }
            world.say(forbidden());
            world.advance(Duration::from_millis(400));
        }
        assert!(world.is_refused(id), "{:?}", world.session.sub_status(id));
    }
}

/// How a subscription fares whose INIT takes `latency`, where events of another one are
/// withheld `every` so often, from `phase` on, in milliseconds.
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
        if world.session.sub_status(id) != SubStatus::Pending {
            break;
        }
    }
    world.session.sub_status(id)
}

#[test]
fn i1_a_slow_init_beside_withheld_events_is_no_refusal() {
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

#[test]
fn late_errors_for_requests_that_were_given_up_end_nobody_however_many() {
    let mut world = World::connected();
    for _ in 0..2 {
        world.request(r#"{"type":"items","action":"read","collection":"secret"}"#);
        world.next();
    }
    world.live(6);
    world.sent.clear();
    assert_eq!(world.replies.len(), 2, "both timed out");
    let id = world.subscribe(spec());
    world.confirm();
    assert_eq!(world.next()["action"], "read");
    world.say(items_error("FORBIDDEN"));
    world.say(items_error("FORBIDDEN"));
    assert!(!world.is_refused(id));

    // Nor those that take them for the answers to their checks.
    assert_eq!(world.next()["action"], "read");
    world.answer_read(json!([]));
    let id = world.subscribe(server_snapshot());
    world.next();
    world.say(forbidden());
    for _ in 0..2 {
        assert_eq!(world.next()["query"]["limit"], 0);
        world.say(items_error("FORBIDDEN"));
    }
    assert!(!world.is_refused(id));
    assert_eq!(world.next()["query"]["limit"], 0);
    world.say(items_error("FORBIDDEN"));
    assert!(world.is_refused(id));
}

#[test]
fn i1_the_room_that_suspects_take_is_free_soon_after_their_end() {
    let mut world = World::connected();
    world.active(server_snapshot());
    let suspects: Vec<_> = (0..8).map(|_| world.subscribe(server_snapshot())).collect();
    world.say(forbidden());
    for id in suspects {
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

/// What an 11.x server says that refuses one subscription, and how long it takes to be told.
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
fn i1_requests_that_are_never_answered_do_not_hide_a_refusal() {
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
fn what_was_owed_by_one_that_is_allowed_after_all_is_not_taken_from_another() {
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
    // The first one's refusal has come. The second is allowed by now.
    let third = world.subscribe(server_snapshot());
    world.say(init(&wire));
    world.advance(Duration::from_millis(600));
    let ms = until_refused(&mut world, third);

    assert!(ms < 10_000, "{ms}");
}

#[test]
fn i1_a_token_that_is_renewed_all_the_time_does_not_keep_a_suspect_waiting() {
    let (mut world, id) = World::with_one_live("posts");
    world.next();
    world.say(forbidden());
    world.next();
    let mut again = 0;
    for n in 0..4 {
        world.set_token(&format!("fresh-{n}"));
        let auth = world.sent.pop_back().unwrap();
        world.say(auth_ok(&auth["uid"]));
        world.advance(Duration::from_millis(350));
        let subscribes = world.sent.drain(..).filter(|m| m["type"] == "subscribe");
        again += subscribes.filter(|m| is_of(m, id)).count();
    }
    assert_eq!(again, 1);
}
