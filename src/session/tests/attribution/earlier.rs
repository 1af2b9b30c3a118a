//! Errors without a uid that belong to something earlier: an abandoned message, another
//! identity, or what the rate limiter has dropped.

use std::time::Duration;

use serde_json::json;

use super::COLLECTIONS;
use crate::session::SubStatus;
use crate::session::tests::world::{
    World, auth_ok, forbidden, init, is_of, items_error, limited, server_snapshot, spec,
};

#[test]
fn a_late_refusal_of_an_abandoned_subscribe_does_not_reject_the_next_one() {
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
    assert!(world.told.is_empty(), "it may be that of the abandoned one");
    world.say(init(&wire));
    assert_eq!(world.engine.session.sub_status(second), SubStatus::Active);
}

#[test]
fn a_refusal_of_the_previous_identity_does_not_count() {
    for collection in COLLECTIONS {
        let mut world = World::logged_in();
        world.active(server_snapshot());
        let id = world.subscribe_to(collection, server_snapshot());
        world.next();
        world.set_token("fresh");
        let auth = world.next();
        // The refusal was judged by the previous identity.
        world.say(forbidden());
        world.advance(Duration::from_millis(600));
        world.say(auth_ok(&auth["uid"]));
        world
            .sent
            .retain(|m| m["type"] == "subscribe" && is_of(m, id));
        assert_eq!(world.sent.len(), 1, "it is sent again");
        // An event of the other subscription is withheld.
        world.say(forbidden());
        world.live(12);
        assert!(!world.is_refused(id));
    }
}

#[test]
fn what_one_identity_was_refused_is_subscribed_again_with_the_next() {
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
        assert_eq!(world.engine.session.sub_status(id), SubStatus::Active);
    }
}

#[test]
fn a_probe_that_the_previous_identity_is_refused_is_repeated() {
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
    assert_eq!(world.sent.len(), 1, "the probe is repeated");
    world.say(items_error("FORBIDDEN"));
    assert!(
        !world.is_refused(id),
        "the subscribe was the previous identity's, too"
    );
}

#[test]
fn a_subscribe_that_the_rate_limiter_dropped_is_not_rejected() {
    for collection in COLLECTIONS {
        let (mut world, id) = World::with_one_live(collection);
        for _ in 0..2 {
            world.sent.retain(|m| m["type"] == "subscribe");
            world.next();
            // It is dropped; meanwhile an event of the other subscription is withheld.
            world.say(limited(2_000));
            world.advance(Duration::from_millis(500));
            world.say(forbidden());
            world.advance(Duration::from_secs(4));
        }
        assert_eq!(world.engine.session.sub_status(id), SubStatus::Pending);
    }
}

#[test]
fn late_errors_of_abandoned_requests_reject_no_subscription() {
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

    // Nor a subscribe whose probes get those errors.
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
fn i1_a_candidate_is_sent_again_though_the_token_is_renewed_all_the_time() {
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
