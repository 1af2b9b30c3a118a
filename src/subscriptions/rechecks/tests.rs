use super::*;
use crate::subscriptions::highest_key::HighestKey;

const SETTLE: Duration = Duration::from_millis(250);

fn ms(time: u64) -> Duration {
    Duration::from_millis(10_000 + time)
}

fn update(rechecks: &mut Rechecks, at: u64, key: &str, row: &str) -> bool {
    rechecks.reported(ms(at), EventKind::Update, [(key, Some(row))].into_iter())
}

fn delete(rechecks: &mut Rechecks, at: u64, key: &str) -> bool {
    rechecks.reported(ms(at), EventKind::Delete, [(key, None)].into_iter())
}

fn passed_at(at: u64, creates: bool) -> Passed {
    let at = Some(ms(at));
    Passed { at, creates }
}

fn create(rechecks: &mut Rechecks, at: u64, key: i64) {
    let json = key.to_string();
    let rows = [(json.as_str(), Some("{}"))];
    rechecks.reported(ms(at), EventKind::Create, rows.into_iter());
    let created = Created {
        before: HighestKey::of(key - 1),
        lowest: key,
        count: 1,
        bytes: 2,
    };
    rechecks.created(ms(at), SETTLE, created);
}

fn keys(recheck: Option<Recheck>) -> Vec<String> {
    match recheck {
        Some(Recheck::Rows(keys)) => keys,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lone_event_is_not_read_again() {
    let mut rechecks = Rechecks::default();
    for (at, key) in [(0, "1"), (1000, "2"), (2000, "1"), (3500, "1")] {
        assert!(!update(&mut rechecks, at, key, "{}"));
    }
    assert_eq!(rechecks.due_at(SETTLE), None);
    let created = [("7", Some("{}")), ("8", Some("{}"))];
    assert!(!rechecks.reported(ms(3600), EventKind::Create, created.into_iter()));
    assert!(!delete(&mut rechecks, 3700, "9"));
    assert_eq!(rechecks.begin(ms(9000), SETTLE, 1), None);
    assert!(rechecks.is_settled(ms(9000)));
}

#[test]
fn updates_close_together_are_read_again_when_it_is_quiet() {
    let mut rechecks = Rechecks::default();
    assert!(!update(&mut rechecks, 0, "1", "{a}"));
    assert!(update(&mut rechecks, 100, "2", "{b}"));
    assert!(!update(&mut rechecks, 200, "3", "{c}"), "they wait already");
    assert_eq!(rechecks.due_at(SETTLE), Some(ms(450)));
    assert_eq!(rechecks.begin(ms(449), SETTLE, 1), None);
    assert_eq!(keys(rechecks.begin(ms(450), SETTLE, 1)), ["1", "2", "3"]);
    assert!(rechecks.is_read_by(1) && !rechecks.is_read_by(2));
    let found = [("1", "{a}"), ("2", "{B}")];
    let corrections = rechecks.settle(ms(500), &HeldKeys::default(), found.into_iter());
    assert_eq!(corrections.updates, ["{B}"]);
    assert_eq!(corrections.deletes, ["3"]);
    assert_eq!(rechecks.due_at(SETTLE), None);
}

#[test]
fn a_row_that_is_reported_twice_is_read_again_in_any_spelling() {
    let mut rechecks = Rechecks::default();
    rechecks.reported(ms(0), EventKind::Create, [("7", Some("{}"))].into_iter());
    assert!(delete(&mut rechecks, 300, "\"007\""));
    assert_eq!(keys(rechecks.begin(ms(550), SETTLE, 1)), ["7"]);
    let corrections = rechecks.settle(ms(560), &HeldKeys::default(), [("7", "{x}")].into_iter());
    assert_eq!(corrections.creates, ["{x}"]);
    assert!(corrections.updates.is_empty() && corrections.deletes.is_empty());
}

#[test]
fn what_is_reported_while_a_read_is_under_way_is_read_once_more() {
    let mut rechecks = Rechecks::default();
    update(&mut rechecks, 0, "1", "{a}");
    update(&mut rechecks, 10, "1", "{b}");
    assert_eq!(keys(rechecks.begin(ms(260), SETTLE, 1)), ["1"]);
    update(&mut rechecks, 270, "1", "{c}");
    let stale = rechecks.settle(ms(280), &HeldKeys::default(), [("1", "{b}")].into_iter());
    assert_eq!(stale, Corrections::default());
    assert_eq!(rechecks.due_at(SETTLE), Some(ms(1260)), "a second apart");
    assert_eq!(keys(rechecks.begin(ms(1260), SETTLE, 2)), ["1"]);
    let last = rechecks.settle(ms(1270), &HeldKeys::default(), [("1", "{d}")].into_iter());
    assert_eq!(last.updates, ["{d}"]);
}

#[test]
fn where_it_does_not_get_quiet_rows_are_read_every_two_seconds_and_at_the_end() {
    let mut rechecks = Rechecks::default();
    let mut reads = Vec::new();
    for at in (0..5000).step_by(100) {
        update(&mut rechecks, at, "1", &at.to_string());
        if rechecks.begin(ms(at), SETTLE, at).is_some() {
            reads.push(at);
            rechecks.settle(ms(at), &HeldKeys::default(), [("1", "{}")].into_iter());
        }
    }
    assert_eq!(reads, [2100, 4100]);
    assert_eq!(rechecks.due_at(SETTLE), Some(ms(5150)));
}

#[test]
fn what_was_read_while_a_transaction_paused_is_read_again_after_it() {
    let mut rechecks = Rechecks::default();
    update(&mut rechecks, 0, "1", "{a}");
    update(&mut rechecks, 10, "2", "{b}");
    assert_eq!(keys(rechecks.begin(ms(260), SETTLE, 1)), ["1", "2"]);
    rechecks.settle(
        ms(270),
        &HeldKeys::default(),
        [("1", "{a}"), ("2", "{b}")].into_iter(),
    );
    assert!(update(&mut rechecks, 1500, "3", "{c}"));
    assert_eq!(keys(rechecks.begin(ms(1750), SETTLE, 2)), ["1", "2"]);
    let corrections = rechecks.settle(
        ms(1760),
        &HeldKeys::default(),
        [("1", "{A}"), ("2", "{B}")].into_iter(),
    );
    assert_eq!(corrections.updates, ["{A}", "{B}"]);
    assert!(!update(&mut rechecks, 4000, "4", "{d}"), "that one is over");
    assert!(rechecks.is_settled(ms(6000)));
}

#[test]
fn what_was_read_while_a_transaction_went_on_is_read_again_after_it() {
    let mut rechecks = Rechecks::default();
    update(&mut rechecks, 0, "1", "{a}");
    update(&mut rechecks, 10, "2", "{b}");
    rechecks.begin(ms(260), SETTLE, 1).unwrap();
    update(&mut rechecks, 270, "3", "{c}");
    rechecks.settle(
        ms(280),
        &HeldKeys::default(),
        [("1", "{a}"), ("2", "{b}")].into_iter(),
    );
    assert_eq!(keys(rechecks.begin(ms(1260), SETTLE, 2)), ["1", "2", "3"]);
}

#[test]
fn rows_whose_keys_differ_in_their_case_are_two() {
    let mut rechecks = Rechecks::default();
    update(&mut rechecks, 0, "\"a\"", "{a}");
    update(&mut rechecks, 10, "\"A\"", "{b}");
    let wanted = keys(rechecks.begin(ms(260), SETTLE, 1));
    assert_eq!(wanted, ["\"A\"", "\"a\""]);
    let corrections = rechecks.settle(
        ms(270),
        &HeldKeys::default(),
        [("\"A\"", "{c}")].into_iter(),
    );
    assert_eq!(corrections.updates, ["{c}"]);
    assert_eq!(corrections.deletes, ["\"a\""]);
}

#[test]
fn i6_beyond_4096_rows_a_snapshot_is_read_once_it_is_quiet() {
    let mut rechecks = Rechecks::default();
    for n in 0..20_000_u64 {
        if rechecks.looks(ms(n / 10)) {
            update(&mut rechecks, n / 10, &n.to_string(), "{}");
        } else {
            rechecks.doubt_everything();
            rechecks.passed(passed_at(n / 10, false));
        }
    }
    assert!(rechecks.rows.len() <= MOST);
    assert_eq!(rechecks.due_at(SETTLE), Some(ms(2249)));
    let begun = rechecks.begin(ms(2249), SETTLE, 1);
    assert_eq!(begun, Some(Recheck::Everything));
    // Creates alone do not matter.
    let mut rechecks = Rechecks::default();
    for n in 0..20_000_u64 {
        let key = n.to_string();
        let row = [(key.as_str(), Some("{}"))];
        assert!(!rechecks.reported(ms(n / 10), EventKind::Create, row.into_iter()));
    }
    assert!(rechecks.rows.len() <= MOST);
    assert_eq!(rechecks.due_at(SETTLE), None);
}

#[test]
fn i6_no_more_than_4096_messages_are_looked_at_within_two_seconds() {
    let mut rechecks = Rechecks::default();
    let looked = |rechecks: &mut Rechecks, at| {
        let looks = |_: &u32| rechecks.looks(ms(at));
        (0..10_000).filter(looks).count()
    };
    assert_eq!(looked(&mut rechecks, 0), MOST);
    rechecks.passed(passed_at(10, true));
    assert_eq!(looked(&mut rechecks, 1_999), 0);
    assert_eq!(looked(&mut rechecks, 2_000), MOST);
    assert_eq!(rechecks.due_at(SETTLE), None);
    assert!(rechecks.doubt_everything());
    assert!(!rechecks.doubt_everything(), "it waits already");
    rechecks.passed(passed_at(2_002, false));
    assert_eq!(rechecks.due_at(SETTLE), Some(ms(2_252)));
    assert_eq!(looked(&mut rechecks, 9_000), 0);
}

#[test]
fn i6_rows_of_lone_creates_are_forgotten_and_those_that_may_still_matter_are_not() {
    let mut rechecks = Rechecks::default();
    for n in 0..3_000_u64 {
        create(&mut rechecks, 1_000 * n, n as i64 + 10);
    }
    assert!(rechecks.rows.len() <= 64, "{}", rechecks.rows.len());
    assert!(rechecks.rows.capacity() <= 128);
    // A transaction that was slower: only what was reported above is remembered.
    create(&mut rechecks, 3_000_000, 3);
    create(&mut rechecks, 3_000_010, 4);
    let begun = rechecks.begin(ms(3_000_260), SETTLE, 1);
    let Some(Recheck::Created(Page { above, .. })) = begun else {
        panic!("{begun:?}");
    };
    let is_remembered = |key: i64| rechecks.rows.values().any(|r| *r.key == *key.to_string());
    let floor = above.key().unwrap();
    assert!(floor <= 3_009 - 15, "as long as a transaction may take");
    assert!((floor + 1..3_010).all(is_remembered));
}

#[test]
fn i7_rows_of_an_import_that_takes_long_are_remembered_until_they_are_read() {
    let mut rechecks = Rechecks::default();
    for n in 0..300 {
        create(&mut rechecks, 200 * n, 2 * n as i64 + 11);
    }
    assert_eq!(rechecks.rows.len(), 300);
    let begun = rechecks.begin(ms(200 * 299 + 250), SETTLE, 1);
    let Some(Recheck::Created(Page { above, .. })) = begun else {
        panic!("{begun:?}");
    };
    assert_eq!(above, HighestKey::of(10));
}

#[test]
fn rows_that_are_forgotten_before_the_first_create_do_not_say_where_to_look() {
    let mut rechecks = Rechecks::default();
    for n in 0..100_u64 {
        update(&mut rechecks, 2_000 * n, &n.to_string(), "{}");
    }
    assert!(rechecks.rows.len() <= 40);
    create(&mut rechecks, 300_000, 501);
    create(&mut rechecks, 300_010, 400);
    let begun = rechecks.begin(ms(300_260), SETTLE, 1);
    let Some(Recheck::Created(Page { above, .. })) = begun else {
        panic!("{begun:?}");
    };
    assert_eq!(above, HighestKey::of(500), "the rows below are known");
}

#[test]
fn i2_rows_that_are_read_while_creates_are_not_looked_at_count_for_nothing() {
    let mut rechecks = Rechecks::default();
    create(&mut rechecks, 0, 11);
    create(&mut rechecks, 10, 13);
    rechecks.begin(ms(260), SETTLE, 1).unwrap();
    rechecks.passed(passed_at(270, true));
    let found = [("11", "{}"), ("13", "{}"), ("14", "{}")];
    let corrections =
        rechecks.settle_created(ms(280), &HeldKeys::default(), found.into_iter(), true);
    assert_eq!(corrections, Corrections::default());
}

#[test]
fn i7_what_a_late_read_has_found_stays_known_until_it_is_reported() {
    let mut rechecks = Rechecks::default();
    create(&mut rechecks, 0, 11);
    create(&mut rechecks, 10, 13);
    // Below a rate limit, the read goes late, and the next one later still.
    rechecks.begin(ms(17_000), SETTLE, 1).unwrap();
    let found = [("11", "{}"), ("12", "{}"), ("13", "{}")];
    rechecks.settle_created(ms(17_010), &HeldKeys::default(), found.into_iter(), true);
    rechecks.forget_old(ms(17_020));
    assert_eq!(keys(rechecks.begin(ms(20_000), SETTLE, 2)), ["12"]);
    let found = [("12", "{}")];
    let corrections = rechecks.settle(ms(20_010), &HeldKeys::default(), found.into_iter());
    assert_eq!(corrections.creates, ["{}"]);
    rechecks.forget_old(ms(60_000));
    assert!(rechecks.rows.is_empty());
}
