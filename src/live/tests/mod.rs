//! Live collections in virtual time, with a session that only the tests play.

use std::time::Duration;

mod world;

use self::world::*;
use super::*;
use crate::handover::{EventKind, FLAG_ENDED};
use crate::protocol::Frame;
use crate::rows::LiveStatus;

/// With two rows, some time after its snapshot.
fn current(query: &str) -> World {
    let mut world = World::open(query);
    world.read();
    world.answer(r#"[{"id":1,"n":1},{"id":5,"n":5}]"#);
    assert_eq!(world.status(), LiveStatus::Current);
    world.pass(Duration::from_secs(20));
    world
}

#[test]
fn a_lone_event_is_shown_at_once_and_costs_no_read() {
    let mut world = current("{}");
    for (kind, data, expected) in [
        (
            EventKind::Create,
            r#"[{"id":3,"n":3}]"#,
            r#"[{"id":1,"n":1},{"id":3,"n":3},{"id":5,"n":5}]"#,
        ),
        (
            EventKind::Update,
            r#"[{"id":3,"n":4}]"#,
            r#"[{"id":1,"n":1},{"id":3,"n":4},{"id":5,"n":5}]"#,
        ),
        (
            EventKind::Delete,
            "[1]",
            r#"[{"id":3,"n":4},{"id":5,"n":5}]"#,
        ),
    ] {
        world.event(world.main(), kind, data);
        assert_eq!(world.shown(), expected);
        world.pass(Duration::from_secs(3));
    }
    assert!(world.reads.is_empty(), "{:?}", world.reads);
}

#[test]
fn events_close_together_are_read_again_when_it_is_quiet() {
    let mut world = current("{}");
    for key in [1, 5] {
        let row = format!(r#"[{{"id":{key},"n":{key}}}]"#);
        world.event(world.main(), EventKind::Update, &row);
        world.pass(ms(50));
    }
    world.pass(ms(200));
    let read = world.read();
    assert_eq!(
        read.keys.as_deref(),
        Some(&["1".to_owned(), "5".to_owned()][..])
    );
    world.answer(r#"[{"id":1,"n":10},{"id":5,"n":50}]"#);
    assert_eq!(world.shown(), r#"[{"id":1,"n":10},{"id":5,"n":50}]"#);
    world.pass(Duration::from_secs(5));
    assert!(world.reads.is_empty());
}

#[test]
fn a_row_that_only_the_keys_tell_of_has_left_the_filter() {
    let mut world = current(r#"{"filter":{"n":{"_gt":0}}}"#);
    world.event(world.touches(), EventKind::Update, r#"[{"id":5}]"#);
    world.pass(ms(250));
    assert_eq!(world.read().keys.as_deref(), Some(&["5".to_owned()][..]));
    world.answer("[]");
    assert_eq!(world.shown(), r#"[{"id":1,"n":1}]"#);
    // One that was not there stays away, and costs nothing.
    world.pass(Duration::from_secs(5));
    world.event(world.touches(), EventKind::Update, r#"[{"id":7}]"#);
    world.event(world.touches(), EventKind::Delete, "[7]");
    world.pass(Duration::from_secs(5));
    assert!(world.reads.len() <= 1, "{:?}", world.reads);
}

#[test]
fn an_update_that_its_delete_has_overtaken_does_not_bring_the_row_back() {
    let mut world = current("{}");
    world.event(world.main(), EventKind::Delete, "[5]");
    world.pass(Duration::from_secs(3));
    world.event(world.main(), EventKind::Update, r#"[{"id":5,"n":6}]"#);
    assert_eq!(world.shown(), r#"[{"id":1,"n":1}]"#);
    world.pass(ms(250));
    world.read();
    world.answer("[]");
    assert_eq!(world.shown(), r#"[{"id":1,"n":1}]"#);
}

#[test]
fn where_a_text_decides_the_order_the_server_is_asked_for_all_keys() {
    let mut world = World::open(r#"{"sort":["t"]}"#);
    world.read();
    let many: Vec<String> = (0..300)
        .map(|n| format!(r#"{{"id":{n},"t":"x"}}"#))
        .collect();
    world.answer(&format!("[{}]", many.join(",")));
    world.pass(Duration::from_secs(20));
    world.event(world.main(), EventKind::Create, r#"[{"id":900,"t":"B"}]"#);
    world.pass(ms(250));
    assert!(world.read().query.contains(r#""fields":["id"]"#));
    let mut keys: Vec<String> = (0..300).map(|n| format!(r#"{{"id":{n}}}"#)).collect();
    keys.insert(2, r#"{"id":900}"#.to_owned());
    world.answer(&format!("[{}]", keys.join(",")));
    assert!(world.reads.is_empty(), "its row is known");
    let (rows, _) = world.feed.shown();
    assert_eq!(rows.position("900"), Some(2));
}

#[test]
fn no_more_than_two_reads_a_second_are_sent_whatever_comes() {
    let mut world = current("{}");
    let mut sent = Vec::new();
    for n in 0..400 {
        let row = format!(r#"[{{"id":{},"n":{n}}}]"#, 1 + 4 * (n % 2));
        world.event(world.main(), EventKind::Update, &row);
        world.pass(ms(37));
        if !world.reads.is_empty() {
            sent.push(world.now);
            world.reads.clear();
            world.answer(r#"[{"id":1,"n":1},{"id":5,"n":5}]"#);
        }
    }
    assert!(sent.len() > 5, "it is read though it does not get quiet");
    for window in sent.windows(3) {
        assert!(window[2] - window[0] > ms(1_000), "{window:?}");
    }
}

#[test]
fn after_a_gap_only_differences_are_told() {
    let mut world = current("{}");
    world.lives.on_link_lost(world.now, false);
    world.settle();
    assert_eq!(world.status(), LiveStatus::Stale);
    let (_, before) = world.feed.shown();
    world.event(world.main(), EventKind::Init, "[]");
    world.read();
    world.answer(r#"[{"id":1,"n":1},{"id":5,"n":5}]"#);
    assert_eq!(world.status(), LiveStatus::Current);
    assert_eq!(world.feed.shown().1, before, "nothing has changed");
}

#[test]
fn what_is_told_while_a_read_is_under_way_is_read_again() {
    let mut world = World::open("{}");
    world.event(world.main(), EventKind::Update, r#"[{"id":5,"n":6}]"#);
    world.read();
    world.answer(r#"[{"id":1,"n":1},{"id":5,"n":5}]"#);
    world.pass(ms(600));
    assert_eq!(world.read().keys.as_deref(), Some(&["5".to_owned()][..]));
    world.answer(r#"[{"id":5,"n":6}]"#);
    assert_eq!(world.shown(), r#"[{"id":1,"n":1},{"id":5,"n":6}]"#);
}

#[test]
fn what_may_not_be_read_for_long_is_stale() {
    let mut world = current("{}");
    world.event(world.main(), EventKind::Update, r#"[{"id":5,"n":6}]"#);
    world.event(world.main(), EventKind::Update, r#"[{"id":5,"n":7}]"#);
    world.pass(ms(300));
    world.read();
    // No answer comes, and more is told.
    world.event(world.main(), EventKind::Update, r#"[{"id":5,"n":8}]"#);
    world.pass(Duration::from_secs(3));
    assert_eq!(world.status(), LiveStatus::Stale);
    world.answer(r#"[{"id":5,"n":8}]"#);
    world.pass(ms(600));
    world.read();
    world.answer(r#"[{"id":5,"n":8}]"#);
    assert_eq!(world.status(), LiveStatus::Current);
}

#[test]
fn an_answer_that_is_too_large_is_read_in_pages() {
    let mut world = World::open("{}");
    world.read();
    world.lives.on_link_lost(world.now, false);
    world.lives.on_link_lost(world.now, true);
    world.event(world.main(), EventKind::Init, "[]");
    assert!(world.read().query.contains(r#""fields":["id"]"#));
    let keys: Vec<String> = (0..70).map(|n| format!(r#"{{"id":{n}}}"#)).collect();
    world.answer(&format!("[{}]", keys.join(",")));
    let mut read = 0;
    while world.status() != LiveStatus::Current {
        let keys = world.read().keys.expect("keys");
        read += keys.len();
        let rows: Vec<String> = keys
            .iter()
            .map(|n| format!(r#"{{"id":{n},"n":1}}"#))
            .collect();
        world.answer(&format!("[{}]", rows.join(",")));
    }
    assert_eq!((read, world.feed.count()), (70, 70));
}

#[test]
fn a_row_that_changed_between_the_order_and_the_rows_is_placed_again() {
    let mut world = World::open_with(r#"{"sort":["t"]}"#, 4_000);
    world.read();
    world.answer(r#"[{"id":1},{"id":5}]"#);
    world.read();
    // The server has changed row 1 meanwhile, and tells of that afterwards.
    world.answer(r#"[{"id":1,"t":"z"},{"id":5,"t":"m"}]"#);
    world.pass(ms(300));
    world.event(world.main(), EventKind::Update, r#"[{"id":1,"t":"z"}]"#);
    world.pass(ms(600));
    assert_eq!(world.read().keys, None);
    world.answer(r#"[{"id":5},{"id":1}]"#);
    assert_eq!(world.shown(), r#"[{"id":5,"t":"m"},{"id":1,"t":"z"}]"#);
}

#[test]
fn what_is_to_be_read_is_not_forgotten_while_a_read_has_to_wait() {
    let mut world = current("{}");
    world.defers_reads = true;
    for n in 0..2 {
        world.event(world.main(), EventKind::Update, r#"[{"id":1,"n":1}]"#);
        world.pass(ms(300 * n));
    }
    assert_eq!(world.reads.len(), 1);
    // The event is of before the change, and the read has not gone yet.
    world.event(world.main(), EventKind::Update, r#"[{"id":5,"n":5}]"#);
    world.pass(Duration::from_secs(3));
    world.event(world.main(), EventKind::Update, r#"[{"id":1,"n":2}]"#);
    world.lives.on_read_sent(world.id);
    world.read();
    world.answer(r#"[{"id":1,"n":2}]"#);
    world.pass(ms(300));
    let keys = world.read().keys.expect("keys");
    assert!(keys.contains(&"5".to_owned()), "{keys:?}");
}

#[test]
fn a_row_that_was_told_of_before_the_keys_were_read_is_read_itself() {
    let mut world = World::open_with(r#"{"sort":["t"]}"#, 4_000);
    world.read();
    world.answer(r#"[{"id":1},{"id":5}]"#);
    world.read();
    world.answer(r#"[{"id":1,"t":"a"},{"id":5,"t":"m"}]"#);
    world.pass(Duration::from_secs(20));
    world.defers_reads = true;
    for (kind, data) in [
        (EventKind::Create, r#"[{"id":7,"t":"b"}]"#),
        (EventKind::Create, r#"[{"id":8,"t":"c"}]"#),
    ] {
        world.event(world.main(), kind, data);
    }
    world.pass(ms(300));
    // The read waits for its turn when more is told.
    for text in ["x", "y"] {
        let row = format!(r#"[{{"id":5,"t":{text:?}}}]"#);
        world.event(world.main(), EventKind::Update, &row);
    }
    world.defers_reads = false;
    world.lives.on_read_sent(world.id);
    world.read();
    world.answer(r#"[{"id":1},{"id":7},{"id":8},{"id":5}]"#);
    world.pass(ms(600));
    let mut read = Vec::new();
    while !world.reads.is_empty() {
        if let Some(keys) = world.read().keys {
            let row = |key: &String| format!(r#"{{"id":{key},"t":"z"}}"#);
            let rows: Vec<String> = keys.iter().map(row).collect();
            read.extend(keys);
            world.answer(&format!("[{}]", rows.join(",")));
        } else {
            world.answer(r#"[{"id":1},{"id":7},{"id":8},{"id":5}]"#);
        }
        world.pass(ms(1_000));
    }
    assert!(read.contains(&"5".to_owned()), "{read:?}");
}

#[test]
fn what_the_server_refuses_at_first_ends_it_and_later_does_not() {
    let refused = || ReadAnswer::Refused {
        json: r#"{"code":"FORBIDDEN"}"#.to_owned(),
        is_temporary: false,
    };
    let mut world = World::open("{}");
    world.lives.on_read_over(world.now, world.id, refused());
    world.settle();
    assert_eq!(world.ends, [r#"{"code":"FORBIDDEN"}"#]);

    let mut world = current("{}");
    world.lives.resync(world.now, world.id);
    world.pass(ms(300));
    world.read();
    world.lives.on_read_over(world.now, world.id, refused());
    world.settle();
    assert_eq!((world.status(), world.ends.len()), (LiveStatus::Stale, 0));
    assert_eq!(
        world.feed.error().as_deref(),
        Some(r#"{"code":"FORBIDDEN"}"#)
    );
    world.pass(Duration::from_secs(2));
    world.read();
    world.answer(r#"[{"id":1,"n":1}]"#);
    assert_eq!(world.status(), LiveStatus::Current);
    assert_eq!(world.feed.error(), None);
}

#[test]
fn the_end_is_its_last_update() {
    let mut world = current("{}");
    let json = r#"{"code":"FORBIDDEN"}"#;
    let event = Event {
        slot: world.main(),
        epoch: 0,
        kind: EventKind::Error,
        flags: FLAG_ENDED,
        frame: Frame::from(json.to_owned()),
        data: Some((0, json.len() as u32)),
        meta: None,
        checked: true,
    };
    world.lives.on_event(world.now, &event);
    world.settle();
    assert_eq!(world.status(), LiveStatus::Ended);
    world.lives.on_release(world.id.slot());
    assert!(world.lives.collections.is_empty() && world.lives.deadlines.is_empty());
}
