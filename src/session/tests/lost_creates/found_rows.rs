//! What becomes of rows that a read has found, beside the events about them.

use super::*;

#[test]
fn i2_rows_that_are_reported_while_they_are_read_are_not_reported_twice() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 12]);
    world.advance(SETTLE);
    // One is late, one was deleted, and one has changed.
    world.advance(MOMENT);
    world.change(&wire, "create", json!([{"id": 13, "n": 0}]));
    world.change(&wire, "delete", json!([14]));
    world.change(&wire, "update", json!([{"id": 15, "n": 5}]));
    world.told.clear();
    world.answer_read(rows(11..=16));
    assert!(world.told.is_empty());
    // There may be more around the one that was late.
    world.advance(SECOND);
    assert_eq!(world.sent[0]["query"]["filter"], json!({"id": {"_gt": 10}}));
    let rows = [(11, 0), (12, 0), (13, 0), (15, 5), (16, 0)];
    let rows = rows.map(|(id, n)| json!({"id": id, "n": n}));
    world.answer_read(json!(rows));
    found_later(&mut world, json!([{"id": 16, "n": 0}]));
    nothing_more(&mut world);
}

#[test]
fn i2_rows_with_events_that_are_held_back_are_reported_by_these() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    world.change(&wire, "delete", json!([13]));
    create(&mut world, &wire, &[11, 12]);
    world.advance(SETTLE);
    let read = world.next();
    // Whether the row that was deleted is there has to be read.
    world.change(&wire, "update", json!([{"id": 13, "n": 1}]));
    world.change(&wire, "update", json!([{"id": 12, "n": 1}]));
    world.change(&wire, "create", json!([{"id": 14, "n": 1}]));
    assert!(world.told.is_empty());
    let rows = [(11, 0), (12, 2), (14, 2), (15, 2)].map(|(id, n)| json!({"id": id, "n": n}));
    world.say(json!({"type": "items", "data": rows, "uid": read["uid"]}));
    assert!(world.told.is_empty());
    world.answer_read(json!([]));
    assert_eq!(
        reported(&mut world),
        [
            (Update, 0, json!([{"id": 12, "n": 1}])),
            (Create, 0, json!([{"id": 14, "n": 1}])),
        ]
    );
    // What is stored of them is found a second later.
    world.advance(SECOND);
    assert_eq!(world.sent[0]["ids"], json!([12, 15]));
    world.answer_read(json!([{"id": 12, "n": 2}, {"id": 15, "n": 2}]));
    assert_eq!(
        reported(&mut world),
        [
            (Create, FLAG_SETTLED, json!([{"id": 15, "n": 2}])),
            (Update, FLAG_SETTLED, json!([{"id": 12, "n": 2}])),
        ]
    );
}

#[test]
fn i2_rows_that_a_busy_server_reports_late_are_not_reported_by_a_read() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 12]);
    world.advance(SETTLE);
    world.answer_read(rows(11..=16));
    for key in 13..=15 {
        world.advance(SECOND - MOMENT);
        world.change(&wire, "create", json!([{"id": key, "n": 0}]));
        assert_eq!(reported(&mut world).len(), 1);
    }
    still_there(&mut world, json!([16]), json!([]));
    nothing_more(&mut world);
}

#[test]
fn rows_that_were_found_are_reported_after_15_seconds_though_others_are_created() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 13]);
    world.advance(SETTLE);
    world.answer_read(rows(11..=13));
    for key in 14..40 {
        world.change(&wire, "create", json!([{"id": key, "n": 0}]));
        world.advance(SECOND - MOMENT);
        if world
            .sent
            .front()
            .is_some_and(|read| read["ids"] == json!([12]))
        {
            assert_eq!(key, 29);
            return;
        }
        assert!(world.sent.is_empty());
    }
    panic!("12 was not read");
}

#[test]
fn i2_a_create_that_says_otherwise_than_what_was_found_is_an_update() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 13]);
    world.advance(SETTLE);
    world.answer_read(rows(11..=13));
    still_there(&mut world, json!([12]), rows(12..=12));
    world.told.clear();
    world.change(&wire, "create", json!([{"id": 12, "n": 1}]));
    assert_eq!(
        reported(&mut world),
        [(Update, 0, json!([{"id": 12, "n": 1}]))]
    );
}

#[test]
fn i2_the_create_of_a_row_that_was_found_is_left_out() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 13]);
    world.advance(SETTLE);
    world.answer_read(rows(11..=13));
    still_there(&mut world, json!([12]), rows(12..=12));
    assert_eq!(world.kinds(), [Create]);
    world.told.clear();
    world.change(&wire, "create", json!([{"id": 12, "n": 0}]));
    assert!(world.told.is_empty());
    world.change(&wire, "delete", json!([12]));
    world.change(&wire, "create", json!([{"id": 12, "n": 0}]));
    world.answer_read(json!([{"id": 12}]));
    assert_eq!(world.kinds(), [Delete, Create]);
}

#[test]
fn i7_a_row_that_was_deleted_and_is_there_is_read_by_its_key() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    world.change(&wire, "delete", json!([12]));
    create(&mut world, &wire, &[11, 13]);
    world.advance(SETTLE);
    world.answer_read(rows(11..=13));
    assert!(world.told.is_empty(), "the delete may be on its way");
    world.advance(SECOND);
    assert_eq!(world.sent[0]["ids"], json!([12]));
    world.answer_read(rows(12..=12));
    assert_eq!(
        reported(&mut world),
        [(Create, FLAG_SETTLED, json!([{"id": 12, "n": 0}]))]
    );
}

/// So many creates at once that the last ones are not looked at, then one that is.
fn flood(world: &mut World, wire: &str) {
    for key in 14..5_014 {
        world.change(wire, "create", json!([{"id": key, "n": 0}]));
    }
    world.advance(3 * SECOND);
    create(world, wire, &[5_014]);
}

#[test]
fn i2_a_read_counts_for_nothing_if_creates_were_not_looked_at_meanwhile() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 13]);
    world.advance(SETTLE);
    let read = world.next();
    flood(&mut world, &wire);
    world.say(json!({"type": "items", "data": rows(5_000..=5_014), "uid": read["uid"]}));
    nothing_more(&mut world);
}

#[test]
fn i2_what_was_found_counts_for_nothing_if_creates_were_not_looked_at_meanwhile() {
    for begins in [false, true] {
        let (mut world, wire) = following(every_row(), &ten_rows());
        create(&mut world, &wire, &[11, 13]);
        world.advance(SETTLE);
        world.answer_read(json!([{"id": 11, "n": 0}, {"id": 13, "n": 0}, {"id": 5_010, "n": 0}]));
        let read = begins.then(|| {
            world.advance(SECOND);
            world.next()
        });
        flood(&mut world, &wire);
        if let Some(read) = read {
            world.say(json!({"type": "items", "data": rows(5_010..=5_010), "uid": read["uid"]}));
        }
        nothing_more(&mut world);
    }
}

#[test]
fn i2_a_read_counts_for_nothing_where_what_was_reported_since_is_forgotten() {
    let (mut world, wire) = following(every_row(), &ten_rows());
    create(&mut world, &wire, &[11, 13]);
    world.advance(SETTLE);
    let read = world.next();
    for times in 0..3 {
        for key in 0..3_000 {
            let key = 14 + 3_000 * times + key;
            world.change(&wire, "create", json!([{"id": key, "n": 0}]));
        }
        world.advance(2 * SECOND);
    }
    world.told.clear();
    world.say(json!({"type": "items", "data": rows(11..=50), "uid": read["uid"]}));
    for _ in 0..5 {
        world.advance(SECOND);
        if let Some(read) = world.sent.front() {
            assert_eq!(read["ids"], Value::Null);
            world.answer_read(json!([]));
        }
    }
    assert!(world.told.is_empty());
}
