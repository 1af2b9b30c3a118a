//! Subscribing, unsubscribing, refusals.

use std::time::Duration;

use serde_json::json;

use super::world::{World, init, spec, unsubscribed};
use crate::handover::EventKind::{Create, Error, Init};
use crate::handover::{FLAG_ENDED, FLAG_RESYNC};
use crate::session::{Effect, SubStatus};
use crate::subscriptions::SubscriptionSpec;

#[test]
fn a_subscribe_without_an_answer_is_refused_if_its_collection_does_not_exist() {
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
            world.engine.session.sub_status(id),
            SubStatus::Refused(_)
        ));
    }
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
fn i1_an_unconfirmed_unsubscribe_is_repeated() {
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
fn i2_events_of_an_earlier_registration_are_not_delivered() {
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
fn at_most_eight_subscribes_and_reads_are_in_flight() {
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
fn a_refusal_ends_its_subscription_only_and_stays_in_its_status() {
    let mut world = World::connected();
    let good = world.subscribe(spec());
    let bad = world.subscribe(spec());
    world.confirm();
    let wire = world.next()["uid"].clone();
    world.say(json!({"type": "subscribe", "status": "error", "uid": wire,
                     "error": {"code": "FORBIDDEN", "message": "no"}}));
    world.answer_read(json!([]));
    assert_eq!(world.engine.session.sub_status(good), SubStatus::Active);
    assert!(
        matches!(world.engine.session.sub_status(bad), SubStatus::Refused(w) if w.contains("no"))
    );
    let ended = &world.told[0];
    assert_eq!(
        (ended.slot, ended.kind, ended.flags),
        (bad.slot(), Error, FLAG_ENDED)
    );
}

#[test]
fn the_error_for_a_withheld_event_does_not_end_the_subscription() {
    let mut world = World::connected();
    let (id, wire) = world.active(spec());
    world.say(json!({"type": "subscribe", "status": "error", "uid": wire,
                     "error": {"code": "FORBIDDEN", "message": "no"}}));
    assert_eq!((world.told[0].kind, world.told[0].flags), (Error, 0));
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Active);
}

#[test]
fn an_unanswered_subscribe_is_sent_again_under_a_fresh_wire_uid() {
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
fn i8_one_confirmation_answers_an_unsubscribe_that_was_queued_twice() {
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
fn i4_a_refusal_is_not_delivered_after_the_application_has_unsubscribed() {
    let mut world = World::connected();
    let id = world.subscribe(spec());
    let wire = world.next()["uid"].clone();
    world.say(
        json!({"type": "subscribe", "status": "error", "uid": wire, "error":
        {"code": "FORBIDDEN", "message": "You don't have permission to access this."}}),
    );
    assert_eq!(world.kinds(), [Error]);
    assert_eq!(
        world.engine.session.unsubscribe(world.now, id),
        Some(id.slot()),
        "as long as the application has not been told"
    );
    let effects = world.engine.session.take_effects();
    assert!(matches!(effects.as_slice(), [Effect::End(_)]));
    world.engine.session.released(id.slot());
    assert_eq!(world.engine.session.unsubscribe(world.now, id), None);
}
