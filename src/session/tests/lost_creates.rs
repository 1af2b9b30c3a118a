//! Rows that were created without being reported, as an import may leave them.

mod found_rows;

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{World, forbidden, named, spec};
use crate::handover::EventKind::{self, Create, Delete, Init, Update};
use crate::handover::{FLAG_RESYNC, FLAG_SETTLED};
use crate::subscriptions::SubscriptionSpec;
use crate::subscriptions::spec::{ON_CREATE, ON_DELETE, ON_UPDATE};

const SETTLE: Duration = Duration::from_millis(250);
const MOMENT: Duration = Duration::from_millis(50);
const SECOND: Duration = Duration::from_secs(1);

fn with_query(query: &str) -> SubscriptionSpec {
    SubscriptionSpec {
        query: Some(query.into()),
        settle: Some(SETTLE),
        ..spec()
    }
}

fn every_row() -> SubscriptionSpec {
    with_query(r#"{"limit":-1}"#)
}

/// A subscription whose snapshot has these rows.
fn following(spec: SubscriptionSpec, rows: &Value) -> (World, String) {
    let mut world = World::connected();
    world.subscribe(spec);
    let wire = world.confirm();
    if world
        .sent
        .front()
        .is_some_and(|read| read["type"] == "items")
    {
        world.answer_read(rows.clone());
    }
    world.told.clear();
    (world, wire)
}

fn ten_rows() -> Value {
    (1..=10).map(|id| json!({"id": id})).collect()
}

/// The rows with these keys, and a number.
fn rows(keys: std::ops::RangeInclusive<i64>) -> Value {
    keys.map(|id| json!({"id": id, "n": 0})).collect()
}

/// Creates shortly after one another.
fn create(world: &mut World, wire: &str, keys: &[i64]) {
    for key in keys {
        world.change(wire, "create", json!([{"id": key, "n": 0}]));
        world.advance(MOMENT);
    }
    world.told.clear();
    assert!(world.sent.is_empty());
}

/// What was reported, so far: kinds, flags and data.
fn reported(world: &mut World) -> Vec<(EventKind, u32, Value)> {
    let told = std::mem::take(&mut world.told);
    told.into_iter()
        .map(|told| (told.kind, told.flags, told.data))
        .collect()
}

/// What was found counts as not reported a second later, and is read once more.
fn still_there(world: &mut World, ids: Value, rows: Value) {
    assert!(world.told.is_empty(), "they may be about to be reported");
    world.advance(SECOND);
    assert_eq!(world.sent[0]["ids"], ids);
    world.answer_read(rows);
}

/// These rows are read once more a second later, and then reported as created.
fn found_later(world: &mut World, rows: Value) {
    let ids = rows.as_array().unwrap().iter().map(|row| row["id"].clone());
    still_there(world, ids.collect(), rows.clone());
    assert_eq!(reported(world), [(Create, FLAG_SETTLED, rows)]);
}

fn nothing_more(world: &mut World) {
    world.live(10);
    assert!(world.sent.is_empty(), "{:?}", world.sent);
    assert!(world.told.is_empty(), "{:?}", world.told);
}

#[test]
fn i7_rows_that_an_import_did_not_report_are_found_before_amid_and_behind_the_others() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[12, 14]);
    world.advance(SETTLE);
    let read = &world.sent[0]["query"];
    assert_eq!(
        *read,
        json!({"filter": {"id": {"_gt": 10}}, "sort": ["id"], "limit": 100})
    );
    world.answer_read(rows(11..=15));
    found_later(
        &mut world,
        json!([{"id": 11, "n": 0}, {"id": 13, "n": 0}, {"id": 15, "n": 0}]),
    );
    nothing_more(&mut world);
}

#[test]
fn i7_rows_are_found_in_a_collection_that_was_empty_and_by_the_querys_filter() {
    let query = r#"{"fields":["id","n"],"filter":{"n":{"_eq":0}},"sort":["-n"],"limit":-1}"#;
    let (mut world, wire) = following(with_query(query), &json!([]));
    world.change(
        &wire,
        "create",
        json!([{"id": 2, "n": 0}, {"id": 3, "n": 0}]),
    );
    world.told.clear();
    world.advance(SETTLE);
    let read = &world.sent[0]["query"];
    assert_eq!(
        *read,
        json!({"fields": ["id", "n"], "filter": {"n": {"_eq": 0}}, "sort": ["id"], "limit": 100})
    );
    world.answer_read(rows(1..=3));
    found_later(&mut world, json!([{"id": 1, "n": 0}]));
    create(&mut world, &wire, &[4, 5]);
    world.advance(SECOND);
    assert_eq!(
        world.sent[0]["query"]["filter"],
        json!({"_and": [{"n": {"_eq": 0}}, {"id": {"_gt": 3}}]})
    );
    world.answer_read(rows(4..=5));
    nothing_more(&mut world);
}

#[test]
fn integer_keys_may_be_texts_as_big_integers_are() {
    let rows = json!([{"id": "8"}, {"id": "9"}]);
    let (mut world, wire) = following(every_row(), &rows);
    for key in ["11", "12"] {
        world.change(&wire, "create", json!([{"id": key}]));
    }
    world.told.clear();
    world.advance(SETTLE);
    assert_eq!(
        world.sent[0]["query"]["filter"],
        json!({"id": {"_gt": 9}}),
        "not by the order of texts"
    );
    world.answer_read(json!([{"id": "10"}, {"id": "11"}, {"id": "12"}]));
    found_later(&mut world, json!([{"id": "10"}]));
}

#[test]
fn rows_that_have_changed_since_their_create_are_updated() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 12]);
    world.advance(SETTLE);
    world.answer_read(json!([{"id": 11, "n": 0}, {"id": 12, "n": 1}]));
    assert_eq!(
        reported(&mut world),
        [(Update, FLAG_SETTLED, json!([{"id": 12, "n": 1}]))]
    );
}

#[test]
fn lone_creates_lead_to_no_read() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    for key in 11..20 {
        world.change(&wire, "create", json!([{"id": key}]));
        world.advance(SETTLE);
    }
    world.told.clear();
    nothing_more(&mut world);
}

#[test]
fn nothing_is_looked_for_where_keys_or_query_do_not_allow_it() {
    let uuid = "abcdef01-2345-4678-8abc-def012345678";
    let off = SubscriptionSpec {
        settle: None,
        ..every_row()
    };
    let no_creates = SubscriptionSpec {
        events: ON_UPDATE | ON_DELETE,
        ..every_row()
    };
    for (spec, keys) in [
        (off, [json!(11), json!(12)]),
        (no_creates, [json!(11), json!(12)]),
        (every_row(), [json!(uuid), json!("x")]),
        (every_row(), [json!(1.5), json!(2)]),
        (every_row(), [json!(1_i64 << 60), json!(2)]),
        (with_query(r#"{"limit":50}"#), [json!(11), json!(12)]),
        (
            with_query(r#"{"limit":-1,"offset":1}"#),
            [json!(11), json!(12)],
        ),
        (with_query(r#"{"page":1}"#), [json!(11), json!(12)]),
        (
            with_query(r#"{"fields":["n"]}"#),
            [Value::Null, Value::Null],
        ),
    ] {
        let what = format!("{spec:?}");
        let (mut world, wire) = following(spec, &ten_rows());
        for key in keys {
            let row = if key.is_null() {
                json!({"n": 0})
            } else {
                json!({"id": key})
            };
            world.change(&wire, "create", json!([row]));
        }
        world.told.clear();
        world.live(5);
        assert!(world.sent.is_empty(), "{what}: {:?}", world.sent);
    }
}

#[test]
fn many_rows_are_read_page_by_page_a_second_apart() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 12]);
    world.advance(SETTLE);
    world.answer_read(rows(11..=110));
    // The first one went out a moment before.
    world.advance(SECOND - 2 * MOMENT);
    assert!(world.sent.is_empty());
    world.advance(MOMENT);
    assert_eq!(
        world.sent[0]["query"]["filter"],
        json!({"id": {"_gt": 110}})
    );
    world.answer_read(rows(111..=120));
    // In the order of the keys, not of their texts.
    found_later(&mut world, rows(13..=120));
    nothing_more(&mut world);
}

#[test]
fn large_rows_make_small_pages() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    let link = world.link();
    world
        .engine
        .session
        .on_frames(world.now, link, &mut Vec::new());
    let text = "x".repeat(20_000);
    for key in [11, 12] {
        world.change(&wire, "create", json!([{"id": key, "text": text}]));
    }
    world.advance(SETTLE);
    assert_eq!(world.sent[0]["query"]["limit"], 52);
}

#[test]
fn what_is_older_than_the_subscription_is_not_reported_where_the_snapshot_may_be_a_part() {
    let hundred: Value = rows(1..=100);
    let (mut world, wire) = following(with_query("{}"), &hundred);
    create(&mut world, &wire, &[501, 503]);
    world.advance(SETTLE);
    assert_eq!(
        world.sent[0]["query"]["filter"],
        json!({"id": {"_gt": 501}})
    );
    world.answer_read(rows(502..=503));
    found_later(&mut world, json!([{"id": 502, "n": 0}]));
    // A server that is set to a lower limit than usual.
    let (mut world, wire) = following(with_query("{}"), &ten_rows());
    create(&mut world, &wire, &[501, 503]);
    world.advance(SETTLE);
    world.answer_read(rows(11..=110));
    nothing_more(&mut world);
}

#[test]
fn where_only_creates_are_wanted_the_first_one_begins() {
    let mut world = World::connected();
    world.subscribe(SubscriptionSpec {
        events: ON_CREATE,
        ..every_row()
    });
    let wire = world.next()["uid"].as_str().unwrap().to_owned();
    world.say(json!({"type": "subscription", "event": "init", "uid": wire}));
    create(&mut world, &wire, &[21, 23]);
    world.advance(SETTLE);
    assert_eq!(world.sent[0]["query"]["filter"], json!({"id": {"_gt": 21}}));
    world.answer_read(json!([{"id": 22, "n": 0}, {"id": 23, "n": 1}]));
    found_later(&mut world, json!([{"id": 22, "n": 0}]));
}

#[test]
fn i7_rows_of_a_transaction_that_was_slower_than_the_next_are_found() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[15, 17]);
    world.advance(SETTLE);
    world.answer_read(rows(15..=17));
    world.told.clear();
    create(&mut world, &wire, &[12, 13]);
    world.advance(SECOND);
    assert_eq!(world.sent[0]["query"]["filter"], json!({"id": {"_gt": 10}}));
    world.answer_read(rows(11..=17));
    let found = json!([{"id": 11, "n": 0}, {"id": 14, "n": 0}]);
    still_there(&mut world, json!([11, 14, 16]), found);
    assert_eq!(
        reported(&mut world),
        [(
            Create,
            FLAG_SETTLED,
            json!([{"id": 11, "n": 0}, {"id": 14, "n": 0}])
        )]
    );
}

#[test]
fn a_read_that_is_refused_is_given_up() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 12]);
    world.advance(SETTLE);
    let read = world.next();
    world.say(named(forbidden(), &read["uid"]));
    assert!(world.told.is_empty(), "nothing that was reported is wrong");
    create(&mut world, &wire, &[13, 14]);
    nothing_more(&mut world);
}

#[test]
fn i3_an_answer_of_before_a_gap_counts_for_nothing() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 13]);
    world.advance(SETTLE);
    world.next();
    world.reopen();
    world.confirm();
    world.answer_read(rows(11..=13));
    assert_eq!(reported(&mut world), [(Init, FLAG_RESYNC, rows(11..=13))]);
    nothing_more(&mut world);
}

#[test]
fn i6_a_flood_of_creates_leads_to_no_read_and_neither_does_what_is_close_behind() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    for key in 11..5_011 {
        world.change(&wire, "create", json!([{"id": key}]));
    }
    world.advance(SETTLE);
    assert!(world.sent.is_empty());
    world.live(3);
    world.told.clear();
    create(&mut world, &wire, &[5_012, 5_014]);
    world.advance(SETTLE);
    assert_eq!(
        world.sent[0]["query"]["filter"],
        json!({"id": {"_gt": 5_012}}),
        "the ones before were reported"
    );
    world.answer_read(json!([{"id": 5_013, "n": 0}, {"id": 5_014, "n": 0}]));
    found_later(&mut world, json!([{"id": 5_013, "n": 0}]));
}
