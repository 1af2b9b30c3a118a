//! Rows that are read again, because their last event may be wrong.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{World, config, forbidden, limited, named, spec};
use crate::handover::EventKind::{self, Create, Delete, Error, Init, Update};
use crate::handover::{FLAG_RESYNC, FLAG_SETTLED};
use crate::session::Config;
use crate::subscriptions::SubscriptionSpec;
use crate::subscriptions::spec::ON_UPDATE;

const SETTLE: Duration = Duration::from_millis(250);
const MOMENT: Duration = Duration::from_millis(50);

fn settling() -> SubscriptionSpec {
    SubscriptionSpec {
        settle: Some(SETTLE),
        ..spec()
    }
}

/// A subscription that is up to date, and nothing else.
fn following(spec: SubscriptionSpec) -> (World, String) {
    let mut world = World::connected();
    let (_, wire) = world.active(spec);
    (world, wire)
}

/// What was reported, so far: kinds, flags and data.
fn reported(world: &mut World) -> Vec<(EventKind, u32, Value)> {
    let told = std::mem::take(&mut world.told);
    told.into_iter()
        .map(|told| (told.kind, told.flags, told.data))
        .collect()
}

/// Two updates of an array, of which the first shows its row as it was before.
fn array_update(world: &mut World, wire: &str) {
    world.change(wire, "update", json!([{"id": 1, "n": 0}]));
    world.advance(MOMENT);
    world.change(wire, "update", json!([{"id": 2, "n": 2}]));
    world.told.clear();
    assert!(world.sent.is_empty());
}

#[test]
fn i7_after_updates_close_together_the_last_word_is_what_is_stored() {
    let (mut world, wire) = following(settling());
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    assert_eq!(world.sent[0]["ids"], json!([1, 2]));
    assert_eq!(world.sent[0]["query"], json!({"limit": 2}));
    world.answer_read(json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}]));
    assert_eq!(
        reported(&mut world),
        [(Update, FLAG_SETTLED, json!([{"id": 1, "n": 1}]))]
    );
    world.live(10);
    assert!(world.sent.is_empty() && world.told.is_empty());
}

/// The server emits each object's event at once, but what it shows is stored at the end.
#[test]
fn i7_an_array_that_takes_its_time_is_right_at_the_end() {
    let (mut world, wire) = following(settling());
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    world.answer_read(json!([{"id": 1, "n": 0}, {"id": 2, "n": 2}]));
    world.advance(Duration::from_millis(1300));
    world.change(&wire, "update", json!([{"id": 3, "n": 3}]));
    world.told.clear();
    world.advance(SETTLE);
    assert_eq!(world.sent[0]["ids"], json!([1, 2]));
    world.answer_read(json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}]));
    assert_eq!(
        reported(&mut world),
        [(Update, FLAG_SETTLED, json!([{"id": 1, "n": 1}]))]
    );
}

#[test]
fn lone_events_are_not_read_again() {
    let (mut world, wire) = following(settling());
    for n in 0..5 {
        world.change(&wire, "update", json!([{"id": n % 2}]));
        world.live(2);
    }
    for n in 7..10 {
        world.change(&wire, "create", json!([{"id": n}]));
        world.live(2);
    }
    world.change(&wire, "delete", json!([1]));
    world.live(10);
    assert!(world.sent.is_empty());
}

#[test]
fn nothing_is_read_again_where_the_application_wants_none_of_it() {
    let (mut world, wire) = following(spec());
    array_update(&mut world, &wire);
    world.live(10);
    assert!(world.sent.is_empty());
}

#[test]
fn rows_of_system_collections_are_not_read_again() {
    let mut world = World::connected();
    world.subscribe_to("directus_users", settling());
    let wire = world.confirm();
    array_update(&mut world, &wire);
    world.live(5);
    assert!(world.sent.is_empty());
}

#[test]
fn i7_an_update_that_was_rolled_back_is_taken_back() {
    let (mut world, wire) = following(settling());
    world.change(&wire, "create", json!([{"id": 1, "n": 0}]));
    world.advance(MOMENT);
    world.change(&wire, "update", json!([{"id": 1, "n": 9}]));
    world.told.clear();
    world.advance(SETTLE);
    world.answer_read(json!([{"id": 1, "n": 0}]));
    assert_eq!(
        reported(&mut world),
        [(Update, FLAG_SETTLED, json!([{"id": 1, "n": 0}]))]
    );
}

#[test]
fn i7_rows_that_are_gone_are_deleted_and_deleted_ones_that_are_there_created() {
    let (mut world, wire) = following(settling());
    world.change(&wire, "create", json!([{"id": 1}, {"id": 2}]));
    world.change(&wire, "update", json!([{"id": 1}]));
    world.change(&wire, "delete", json!([2]));
    world.told.clear();
    world.advance(SETTLE);
    world.answer_read(json!([{"id": 2, "n": 1}]));
    assert_eq!(
        reported(&mut world),
        [
            (Create, FLAG_SETTLED, json!([{"id": 2, "n": 1}])),
            (Delete, FLAG_SETTLED, json!([1])),
        ]
    );
    // What comes late of the row that is gone is judged as behind a delete.
    world.change(&wire, "update", json!([{"id": 1}]));
    assert!(world.told.is_empty());
    world.answer_read(json!([]));
    assert!(world.told.is_empty());
}

#[test]
fn a_row_is_read_as_the_query_shows_it() {
    let query = r#"{"fields":["id","a.*"],"filter":{"b":{"_eq":1}},"sort":["a"],"limit":5,
        "deep":{"a":{"_limit":3}},"search":"x","page":2}"#;
    let (mut world, wire) = following(SubscriptionSpec {
        query: Some(query.into()),
        ..settling()
    });
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    let read = world.next();
    assert_eq!(read["ids"], json!([1, 2]));
    assert_eq!(
        read["query"],
        json!({
            "fields": ["id", "a.*"],
            "filter": {"b": {"_eq": 1}},
            "deep": {"a": {"_limit": 3}},
            "search": "x",
            "limit": 2,
        })
    );
}

#[test]
fn only_the_kinds_that_are_wanted_are_reported() {
    let (mut world, wire) = following(SubscriptionSpec {
        events: ON_UPDATE,
        ..settling()
    });
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    world.answer_read(json!([{"id": 2, "n": 3}]));
    assert_eq!(
        reported(&mut world),
        [(Update, FLAG_SETTLED, json!([{"id": 2, "n": 3}]))]
    );
}

#[test]
fn what_comes_while_a_read_is_under_way_is_not_overwritten_by_it() {
    let (mut world, wire) = following(settling());
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    world.change(&wire, "update", json!([{"id": 1, "n": 5}]));
    world.answer_read(json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}]));
    assert_eq!(
        reported(&mut world),
        [(Update, 0, json!([{"id": 1, "n": 5}]))]
    );
    world.advance(Duration::from_secs(1));
    world.answer_read(json!([{"id": 1, "n": 5}]));
    assert!(world.told.is_empty());
    world.live(10);
    assert!(world.sent.is_empty());
}

#[test]
fn i3_where_rows_cannot_be_read_again_a_snapshot_is() {
    let (mut world, wire) = following(settling());
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    let read = world.next();
    let error = json!({"type": "items", "status": "error", "uid": read["uid"],
        "error": {"code": "SERVICE_UNAVAILABLE", "message": "no"}});
    world.say(error);
    world.answer_read(json!([{"id": 1, "n": 1}]));
    assert_eq!(
        reported(&mut world),
        [(Init, FLAG_RESYNC, json!([{"id": 1, "n": 1}]))]
    );
}

#[test]
fn a_read_that_is_forbidden_is_reported_and_given_up() {
    let (mut world, wire) = following(settling());
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    let read = world.next();
    world.say(named(forbidden(), &read["uid"]));
    assert_eq!(world.kinds(), [Error], "what was reported may be wrong");
    world.live(10);
    assert!(world.told.len() == 1 && world.sent.is_empty());
}

#[test]
fn i3_an_answer_of_before_a_gap_counts_for_nothing() {
    let (mut world, wire) = following(settling());
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    world.next();
    world.reopen();
    world.confirm();
    world.answer_read(json!([{"id": 1, "n": 7}]));
    assert_eq!(world.kinds(), [Init]);
    world.live(10);
    assert!(world.sent.is_empty(), "the snapshot has shown it");
}

#[test]
fn a_read_that_the_rate_limiter_dropped_is_sent_again() {
    let mut world = World::new(Config {
        ack_timeout: Duration::from_secs(60),
        ..config()
    });
    world.connect();
    let (_, wire) = world.active(settling());
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    let first = world.next();
    world.say(limited(500));
    world.advance(Duration::from_secs(2));
    let again = world.next();
    assert_eq!(first["query"], again["query"]);
    world.say(json!({"type": "items", "uid": again["uid"],
        "data": [{"id": 1, "n": 1}, {"id": 2, "n": 2}]}));
    assert_eq!(
        reported(&mut world),
        [(Update, FLAG_SETTLED, json!([{"id": 1, "n": 1}]))]
    );
}

#[test]
fn i6_where_too_many_rows_change_a_snapshot_is_read_once_it_is_quiet() {
    let (mut world, wire) = following(settling());
    for n in 0..5000 {
        world.change(&wire, "update", json!([{"id": n}]));
    }
    world.told.clear();
    world.advance(SETTLE);
    assert_eq!(world.sent.len(), 1);
    world.answer_read(json!([]));
    assert_eq!(reported(&mut world), [(Init, FLAG_RESYNC, json!([]))]);
}

/// Three subscriptions, of which the last two have had as many creates as are looked at.
fn in_a_flood() -> (World, String, String) {
    let (mut world, wire) = following(settling());
    let flooded: Vec<_> = (0..2).map(|_| world.active(settling()).1).collect();
    for n in 0..5000 {
        for wire in &flooded {
            world.change(wire, "create", json!([{"id": n}]));
        }
    }
    world.told.clear();
    let [.., last] = &flooded[..] else { panic!() };
    (world, wire, last.clone())
}

#[test]
fn i6_creates_that_are_not_looked_at_lead_to_no_read() {
    let (mut world, ..) = in_a_flood();
    world.live(5);
    assert!(world.sent.is_empty() && world.told.is_empty());
}

#[test]
fn i7_changes_close_together_that_are_not_looked_at_lead_to_a_snapshot() {
    let (mut world, wire, _) = in_a_flood();
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    assert_eq!(world.sent.len(), 1, "of the others, none");
    world.answer_read(json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}]));
    let rows = json!([{"id": 1, "n": 1}, {"id": 2, "n": 2}]);
    assert_eq!(reported(&mut world), [(Init, FLAG_RESYNC, rows)]);
    world.live(10);
    assert!(world.sent.is_empty() && world.told.is_empty());
}

#[test]
fn i7_a_change_close_behind_what_was_not_looked_at_leads_to_a_snapshot() {
    let (mut world, _, flooded) = in_a_flood();
    world.advance(MOMENT);
    world.change(&flooded, "delete", json!([1]));
    world.advance(SETTLE);
    assert_eq!(world.sent.len(), 1);
    world.answer_read(json!([]));
    assert!(reported(&mut world).contains(&(Init, FLAG_RESYNC, json!([]))));
}

#[test]
fn i6_a_lone_change_that_is_not_looked_at_leads_to_no_read() {
    let (mut world, wire, _) = in_a_flood();
    world.change(&wire, "update", json!([{"id": 1}]));
    world.advance(Duration::from_millis(1500));
    world.change(&wire, "update", json!([{"id": 1}]));
    world.live(5);
    assert!(world.sent.is_empty());
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    assert_eq!(world.sent[0]["ids"], json!([1, 2]), "it is looked at again");
}

#[test]
fn i7_a_subscription_in_a_flood_leaves_half_to_the_others() {
    let (mut world, wire) = following(settling());
    let (_, flooded) = world.active(settling());
    for n in 0..20_000 {
        world.change(&flooded, "create", json!([{"id": n}]));
    }
    array_update(&mut world, &wire);
    world.advance(SETTLE);
    assert_eq!(world.sent[0]["ids"], json!([1, 2]));
}

#[test]
fn i6_what_was_reported_is_forgotten_though_nothing_more_comes() {
    let (mut world, wire) = following(settling());
    let (id, other) = world.active(settling());
    for n in 0..100 {
        world.change(&other, "create", json!([{"id": n}]));
        world.live(2);
    }
    assert!(world.engine.session.remembers_reported(id));
    for _ in 0..20 {
        world.change(&wire, "create", json!([{"id": 1}]));
        world.live(2);
    }
    assert!(!world.engine.session.remembers_reported(id));
}
