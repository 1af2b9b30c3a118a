//! Subscriptions on a link: snapshots, refusals, endings, gaps.

use std::time::Duration;

use serde_json::json;

use super::world::{World, init, spec, unsubscribed};
use crate::handover::EventKind::{Create, Delete, Error, Init, Update};
use crate::handover::{FLAG_ENDED, FLAG_RESYNC};
use crate::session::{Effect, SubStatus};
use crate::subscriptions::SubscriptionSpec;
use crate::subscriptions::spec::ON_CREATE;

#[test]
fn an_exact_snapshot_is_read_after_the_registration_and_events_follow_it() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    assert!(
        world.told.is_empty(),
        "the server's own snapshot is not passed on"
    );
    world.change(&wire, "create", json!([{"id": 1}]));
    world.change(&wire, "create", json!([{"id": 2}]));
    world.change(&wire, "delete", json!(["1"]));
    world.answer_read(json!([{"id": 2}]));
    world.change(&wire, "update", json!([{"id": 2}]));
    assert_eq!(
        world.kinds(),
        [Init, Create, Delete, Update],
        "2 is in the snapshot already"
    );
    assert_eq!(world.told[1].data, json!([{"id": 1}]));
}

#[test]
fn i2_a_create_that_comes_late_is_told_once_by_the_snapshot() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    world.answer_read(json!([{"id": 1}, {"id": 2}, {"id": 4}, {"id": 5}]));
    world.change(&wire, "create", json!([{"id": 1}]));
    world.change(&wire, "create", json!([{"id": 3}]));
    world.change(&wire, "delete", json!(["2"]));
    world.change(&wire, "create", json!([{"id": 2}]));
    world.answer_read(json!([{"id": 2}]));
    assert_eq!(world.kinds(), [Init, Create, Delete, Create]);
    assert_eq!(world.told[1].data, json!([{"id": 3}]));
    // What comes behind a silence may have been on the way all the time,
    world.advance(Duration::from_secs(20));
    world.change(&wire, "create", json!([{"id": 4}]));
    assert_eq!(world.told.len(), 4);
    world.live(121);
    world.change(&wire, "create", json!([{"id": 5}]));
    assert_eq!(world.told.len(), 5, "but no create is as late as that");
}

#[test]
fn i2_creates_may_be_later_and_later_as_long_as_they_come() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    let rows: Vec<_> = (0..100).map(|id| json!({"id": id})).collect();
    world.answer_read(json!(rows));
    for id in 0..100 {
        world.advance(Duration::from_secs(4));
        world.change(&wire, "create", json!([{"id": id}]));
    }
    assert_eq!(world.kinds(), [Init]);
    world.live(130);
    let all_forgotten = world.session.registry().iter().all(|s| !s.remembers_rows());
    assert!(all_forgotten && world.session.forget.is_empty());
}

#[test]
fn i2_an_item_of_the_snapshot_is_made_once_and_another_by_its_key_is_told() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    world.answer_read(json!([{"id": 1}]));
    for _ in 0..3 {
        world.change(&wire, "create", json!([{"id": 1}]));
    }
    assert_eq!(world.kinds(), [Init, Create, Create]);
}

#[test]
fn i7_a_create_of_a_key_that_the_snapshot_had_is_told_where_it_is_of_another_row() {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([{"id": "en", "name": "old"}, {"id": "de", "name": "old"}]));
    // The first one went without a word: a cascade, SQL, a flow.
    world.change(&wire, "create", json!([{"id": "en", "name": "new"}]));
    world.change(&wire, "create", json!([{"id": "de", "name": "old"}]));
    world.change(&wire, "create", json!([{"id": "en", "name": "old"}]));
    let told = world.changes();
    assert_eq!(
        told,
        [
            (Create, json!([{"id": "en", "name": "new"}])),
            (Create, json!([{"id": "en", "name": "old"}]))
        ]
    );
}

#[test]
fn i7_the_snapshot_of_an_empty_singleton_is_null() {
    let mut world = World::connected();
    for (read, told) in [
        (json!({"id": null, "name": "default"}), json!(null)),
        (json!({"id": 1, "name": "x"}), json!({"id": 1, "name": "x"})),
        (json!({"name": null}), json!({"name": null})),
        (json!([{"id": null}]), json!([{"id": null}])),
    ] {
        world.told.clear();
        world.subscribe(spec());
        world.confirm();
        world.answer_read(read);
        assert_eq!((world.told[0].kind, &world.told[0].data), (Init, &told));
    }
}

#[test]
fn i3_after_a_gap_trouble_is_for_the_log_until_the_snapshot_comes() {
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
fn a_collection_that_does_not_exist_is_found_out_where_the_server_says_nothing() {
    for named in [true, false] {
        let mut world = World::connected();
        let id = world.subscribe(spec());
        world.next();
        // The link lives; the subscribe is not answered.
        for _ in 0..11 {
            world.advance(Duration::from_secs(1));
            world.say(json!({"type": "ping"}));
            world.sent.retain(|message| message["type"] != "pong");
        }
        while world.sent[0]["type"] != "items" {
            world.next();
        }
        let check = world.next();
        assert_eq!(check["query"], json!({"limit": 0}));
        let mut error = json!({"type": "items", "status": "error", "error": {
            "code": "INVALID_COLLECTION", "message": "Invalid collection \"posts\"."}});
        if named {
            error["uid"] = check["uid"].clone();
        }
        world.say(error);
        assert_eq!(world.kinds(), [Error]);
        assert_eq!(world.told[0].flags, FLAG_ENDED);
        assert!(matches!(
            world.session.sub_status(id),
            SubStatus::Refused(_)
        ));
    }
}

#[test]
fn a_snapshot_of_the_servers_own_is_passed_on_where_it_is_wanted() {
    let mut world = World::connected();
    world.subscribe(SubscriptionSpec {
        exact: false,
        ..spec()
    });
    world.confirm();
    assert_eq!(world.kinds(), [Init]);
    assert!(world.sent.is_empty());
}

#[test]
fn i1_an_unsubscribe_waits_for_the_answer_to_the_subscribe() {
    let mut world = World::connected();
    let id = world.subscribe(spec());
    let wire = world.next()["uid"].clone();
    world.unsubscribe(id);
    assert!(
        world.sent.is_empty(),
        "an unsubscribe now would be overtaken"
    );
    world.say(init(&wire));
    assert_eq!(world.next(), json!({"type": "unsubscribe", "uid": wire}));
    assert!(world.told.is_empty());
}

#[test]
fn i1_an_unsubscribe_that_nobody_confirms_is_repeated() {
    let mut world = World::connected();
    let (id, wire) = world.active(spec());
    world.unsubscribe(id);
    assert_eq!(world.next()["uid"], json!(wire));
    world.live(11);
    assert_eq!(world.next()["uid"], json!(wire));
    world.say(unsubscribed(&wire));
    world.advance(Duration::from_secs(11));
    assert!(world.sent.is_empty());
}

#[test]
fn i2_events_under_a_wire_uid_of_the_past_are_not_delivered() {
    let mut world = World::connected();
    let (_, old) = world.active(spec());
    world.lose();
    world.advance(Duration::from_secs(1));
    world.open();
    world.next();
    world.say(json!({"type": "auth", "status": "ok"}));
    let new = world.confirm();
    world.answer_read(json!([]));
    assert_ne!(old, new);
    world.change(&old, "create", json!([{"id": 1}]));
    world.change(&new, "create", json!([{"id": 2}]));
    assert_eq!(world.kinds(), [Init, Create]);
    assert_eq!(world.told[0].flags, FLAG_RESYNC);
    assert_eq!(world.told[1].data, json!([{"id": 2}]));
}

#[test]
fn no_more_than_eight_subscribes_and_reads_are_under_way() {
    let mut world = World::connected();
    for _ in 0..100 {
        world.subscribe(spec());
    }
    let mut confirmed = 0;
    while !world.sent.is_empty() {
        assert!(world.sent.len() <= 8, "{}", world.sent.len());
        if world.sent[0]["type"] == "items" {
            world.answer_read(json!([]));
            confirmed += 1;
        } else {
            world.confirm();
        }
    }
    assert_eq!(confirmed, 100);
}

#[test]
fn a_refusal_ends_one_subscription_and_is_remembered_for_who_asks() {
    let mut world = World::connected();
    let good = world.subscribe(spec());
    let bad = world.subscribe(spec());
    world.confirm();
    let wire = world.next()["uid"].clone();
    world.say(json!({"type": "subscribe", "status": "error", "uid": wire,
                     "error": {"code": "FORBIDDEN", "message": "no"}}));
    world.answer_read(json!([]));
    assert_eq!(world.session.sub_status(good), SubStatus::Active);
    assert!(matches!(world.session.sub_status(bad), SubStatus::Refused(w) if w.contains("no")));
    let ended = &world.told[0];
    assert_eq!(
        (ended.slot, ended.kind, ended.flags),
        (bad.slot(), Error, FLAG_ENDED)
    );
}

#[test]
fn an_event_that_is_withheld_is_told_without_an_end() {
    let mut world = World::connected();
    let (id, wire) = world.active(spec());
    world.say(json!({"type": "subscribe", "status": "error", "uid": wire,
                     "error": {"code": "FORBIDDEN", "message": "no"}}));
    assert_eq!((world.told[0].kind, world.told[0].flags), (Error, 0));
    assert_eq!(world.session.sub_status(id), SubStatus::Active);
}

#[test]
fn an_event_that_is_withheld_while_the_snapshot_is_read_is_told_behind_it() {
    for names_it in [true, false] {
        let mut world = World::connected();
        world.subscribe(spec());
        let wire = world.confirm();
        let mut error = json!({"type": "subscribe", "status": "error",
                               "error": {"code": "FORBIDDEN", "message": "no"}});
        if names_it {
            error["uid"] = json!(wire);
        }
        world.say(error);
        world.change(&wire, "create", json!([{"id": 7}]));
        // The snapshot may be of the time before.
        world.answer_read(json!([]));
        assert_eq!(world.kinds(), [Init, Error, Create], "{names_it}");
        assert_eq!(world.told[1].flags, 0);
    }
}

#[test]
fn a_subscribe_that_is_not_answered_is_sent_again_under_a_fresh_uid() {
    let mut world = World::connected();
    world.subscribe(SubscriptionSpec {
        exact: false,
        ..spec()
    });
    let first = world.next()["uid"].clone();
    world.live(11);
    assert_eq!(world.next(), json!({"type": "unsubscribe", "uid": first}));
    assert_eq!(world.next()["type"], "items", "is there such a collection?");
    let second = world.next();
    assert_eq!(second["type"], "subscribe");
    assert_ne!(second["uid"], first);
    // The first one's answer comes after all: it lives at the server.
    world.say(init(&first));
    assert_eq!(world.next(), json!({"type": "unsubscribe", "uid": first}));
    assert!(world.told.is_empty());
}

#[test]
fn i3_an_overflow_ends_in_a_resync_once_the_application_has_caught_up() {
    let mut world = World::connected();
    let (id, wire) = world.active(spec());
    world.session.on_overflow(id.slot(), 1);
    world.change(&wire, "create", json!([{"id": 1}]));
    assert!(world.told.is_empty(), "it will be in the snapshot");
    world.session.on_caught_up(world.now, id.slot(), 1);
    world.settle();
    world.answer_read(json!([{"id": 1}]));
    world.change(&wire, "create", json!([{"id": 2}]));
    assert_eq!(world.kinds(), [Init, Create]);
    assert_eq!(world.told[0].flags, FLAG_RESYNC);
}

#[test]
fn i3_a_subscription_without_a_snapshot_is_told_of_an_overflow_too() {
    let mut world = World::connected();
    let (id, _) = world.active(SubscriptionSpec {
        events: ON_CREATE,
        ..spec()
    });
    world.session.on_overflow(id.slot(), 1);
    world.session.on_caught_up(world.now, id.slot(), 1);
    world.settle();
    assert_eq!(
        (world.told[0].kind, world.told[0].flags),
        (Init, FLAG_RESYNC)
    );
    assert!(world.told[0].data.is_null() && world.sent.is_empty());
}

#[test]
fn i6_what_is_held_for_a_snapshot_is_bounded_and_the_snapshot_asked_for_anew() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    let stale = world.next();
    for n in 0..200 {
        world.change(&wire, "create", json!([{"id": n, "text": "x".repeat(100)}]));
    }
    assert_eq!(world.sent[0]["type"], "items");
    world.say(json!({"type": "items", "data": [], "uid": stale["uid"]}));
    assert!(world.told.is_empty(), "the stale snapshot is not used");
}

#[test]
fn a_rate_limit_is_waited_out_and_what_was_dropped_is_sent_again() {
    let mut world = World::connected();
    for _ in 0..4 {
        world.subscribe(SubscriptionSpec {
            exact: false,
            ..spec()
        });
    }
    let (first, second) = (world.next(), world.next());
    let limited = json!({"type": "server", "status": "error", "error": {
        "code": "REQUESTS_EXCEEDED", "message": "Too many messages, retry after 900ms."}});
    world.say(limited.clone());
    world.say(limited);
    for message in [first, second] {
        world.say(init(&message["uid"]));
    }
    let dropped: Vec<_> = world.sent.drain(..).map(|m| m["uid"].clone()).collect();
    assert_eq!(dropped.len(), 2);
    world.request(r#"{"type":"ping"}"#);
    assert!(world.sent.is_empty(), "nothing goes out in the pause");
    world.advance(Duration::from_millis(1100));
    assert_eq!(world.next()["type"], "ping");
    let mut again = Vec::new();
    for _ in 0..40 {
        world.advance(Duration::from_millis(100));
        while let Some(message) = world.sent.pop_front() {
            if message["type"] == "subscribe" {
                let uid = message["uid"].clone();
                assert!(!dropped.contains(&uid), "a fresh uid");
                let init = init(&uid);
                world.say(init);
                again.push(uid);
            }
        }
    }
    assert_eq!(again.len(), 2);
    assert_eq!(world.kinds(), [Init; 4]);
}

#[test]
fn i8_an_unsubscribe_that_is_asked_for_twice_is_confirmed_once() {
    let mut world = World::connected();
    let id = world.subscribe(spec());
    let wire = world.next()["uid"].as_str().unwrap().to_owned();
    world.unsubscribe(id);
    // During the pause, the subscription turns out to live.
    world.say(json!({"type": "server", "status": "error", "error":
        {"code": "REQUESTS_EXCEEDED", "message": "Too many requests, retry after 500ms."}}));
    for _ in 0..2 {
        world.say(init(&wire));
    }
    world.advance(Duration::from_secs(2));
    let sent = |world: &mut World| {
        world
            .sent
            .drain(..)
            .filter(|m| m["type"] == "unsubscribe")
            .count()
    };
    assert!(sent(&mut world) > 0);
    world.say(unsubscribed(&wire));
    world.advance(Duration::from_secs(20));
    assert_eq!(sent(&mut world), 0, "it was confirmed");
}

#[test]
fn i4_a_refusal_is_not_told_of_what_the_application_has_ended_meanwhile() {
    let mut world = World::connected();
    let id = world.subscribe(spec());
    let wire = world.next()["uid"].clone();
    world.say(
        json!({"type": "subscribe", "status": "error", "uid": wire, "error":
        {"code": "FORBIDDEN", "message": "You don't have permission to access this."}}),
    );
    assert_eq!(world.kinds(), [Error]);
    assert_eq!(
        world.session.unsubscribe(world.now, id),
        Some(id.slot()),
        "as long as the application has not been told"
    );
    let effects = world.session.take_effects();
    assert!(matches!(effects.as_slice(), [Effect::End(_)]));
    world.session.released(id.slot());
    assert_eq!(world.session.unsubscribe(world.now, id), None);
}
