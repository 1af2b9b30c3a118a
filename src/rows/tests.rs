use std::collections::BTreeMap;

use proptest::prelude::*;

use super::diff::{apply, diff};
use super::*;

fn text(key: u32, version: u32) -> String {
    format!(r#"{{"v":{version},"id":{key},"t":"a row of some length"}}"#)
}

fn row_of(text: &str) -> RowRef<'_> {
    let rows = answer::rows(text, "id").expect("a row");
    rows[0]
}

fn list(rows: &[(u32, u32)]) -> Rows {
    let texts: Vec<String> = rows.iter().map(|(key, v)| text(*key, *v)).collect();
    let rows: Vec<_> = texts.iter().map(|text| row_of(text)).collect();
    Rows::build(&rows)
}

fn texts(rows: &Rows) -> Vec<String> {
    rows.iter().map(|row| row.text().to_owned()).collect()
}

/// Follows an update's steps.
fn follow(rows: &mut Rows, update: &Update) {
    for step in update.steps() {
        step.old.map(|old| rows.remove(old));
        if let Some(new) = step.new {
            rows.insert(new, step.row.clone());
        }
    }
}

#[test]
fn rows_are_found_by_place_and_by_key() {
    let all: Vec<_> = (0..5_000).map(|n| (n * 7 % 5_000, n)).collect();
    let rows = list(&all);
    for (at, (key, version)) in all.iter().enumerate() {
        assert_eq!(rows.position(&key.to_string()), Some(at));
        assert_eq!(rows.get(at).map(Row::text), Some(&*text(*key, *version)));
    }
    assert_eq!(rows.find("007"), Match::Similar(1));
    assert_eq!(rows.find("5000"), Match::None);
    assert!(rows.get(5_000).is_none());
    let tail: Vec<_> = rows
        .iter_from(4_990)
        .map(|row| row.key().to_owned())
        .collect();
    let expected: Vec<_> = all[4_990..]
        .iter()
        .map(|(key, _)| key.to_string())
        .collect();
    assert_eq!(tail, expected);
    assert_eq!(rows.iter_from(5_000).count(), 0);
}

#[test]
fn a_clone_is_not_changed_with_the_original() {
    let mut rows = list(&(0..300).map(|n| (n, 0)).collect::<Vec<_>>());
    let before = rows.clone();
    for n in 0..300 {
        rows.replace(n, Row::copy(row_of(&text(n as u32, 1))));
    }
    rows.remove(7);
    assert_eq!(before.len(), 300);
    assert!(before.iter().all(|row| row.text().contains(r#""v":0"#)));
    assert_eq!(before.position("7"), Some(7));
    assert_eq!(rows.position("7"), None);
}

#[test]
fn a_row_that_is_moved_to_the_end_is_one_change() {
    let old = list(&[(1, 0), (2, 0), (3, 0), (4, 0)]);
    let new = list(&[(2, 0), (3, 0), (4, 0), (1, 0)]);
    let new: Vec<_> = new.iter().map(Row::as_ref).collect();
    let changes = diff(&old, &new);
    let seen: Vec<_> = changes.iter().map(|c| (c.kind, c.old, c.new)).collect();
    assert_eq!(seen, [(ChangeKind::Modified, Some(0), Some(3))]);
}

#[test]
fn a_row_that_is_the_same_is_not_told_where_one_that_has_changed_can_move() {
    for (old, new) in [
        ([(1, 0), (2, 0), (3, 0)], [(2, 0), (1, 1), (3, 0)]),
        ([(1, 0), (2, 0), (3, 0)], [(3, 1), (1, 0), (2, 0)]),
        ([(1, 0), (2, 0), (3, 0)], [(3, 0), (2, 1), (1, 1)]),
        ([(1, 0), (2, 0), (3, 0)], [(1, 1), (2, 0), (3, 1)]),
    ] {
        let (mut rows, new_rows) = (list(&old), list(&new));
        let all: Vec<_> = new_rows.iter().map(Row::as_ref).collect();
        let changes = diff(&rows, &all);
        assert!(apply(&mut rows, &changes));
        assert_eq!(texts(&rows), texts(&new_rows));
        let changed = new.iter().filter(|(_, version)| *version > 0).count();
        assert_eq!(changes.len(), changed, "{old:?} to {new:?}");
    }
}

#[test]
fn members_in_another_order_are_no_difference() {
    let old = Rows::build(&[row_of(r#"{"id":1,"a":2}"#)]);
    assert!(diff(&old, &[row_of(r#"{"a":2,"id":1}"#)]).is_empty());
    assert_eq!(diff(&old, &[row_of(r#"{"a":3,"id":1}"#)]).len(), 1);
}

#[test]
fn two_rows_that_look_alike_are_two_rows() {
    let one = r#"{"id":9007199254740992}"#;
    let old = Rows::build(&[row_of(one)]);
    let mut rows = old.clone();
    let changes = diff(&old, &[row_of(one), row_of(one)]);
    assert!(apply(&mut rows, &changes));
    assert_eq!(rows.len(), 2);
}

#[test]
fn i6_updates_that_wait_are_merged_where_there_are_too_many() {
    let budget = FeedBudget::new(10_000);
    let feed = Feed::new(&budget);
    let mut rows = Rows::default();
    let mut announced = 0;
    for n in 0..1_000 {
        let before = rows.clone();
        rows.insert(0, Row::copy(row_of(&text(n, 0))));
        let all: Vec<_> = rows.iter().map(Row::as_ref).collect();
        let update = Update {
            status: LiveStatus::Current,
            revision: u64::from(n) + 1,
            rows: rows.clone(),
            changes: diff(&before, &all).into(),
            error: None,
        };
        announced += usize::from(feed.push(update));
        assert!(budget.used() <= 10_000 + 400);
    }
    let mut copy = Rows::default();
    for _ in 0..announced {
        if let Some((update, _)) = feed.deliver() {
            follow(&mut copy, &update);
            assert_eq!(texts(&copy), texts(&update.rows));
        }
    }
    assert_eq!(texts(&copy), texts(&rows));
    assert_eq!(feed.shown().1, 1_000);
    assert_eq!(budget.used(), 0);
}

fn some_rows() -> impl Strategy<Value = Vec<(u32, u32)>> {
    let keys = prop::collection::btree_map(0..400_u32, 0..3_u32, 0..300);
    (keys, any::<u64>(), 0..3_u32).prop_map(|(rows, seed, order)| {
        let mut rows: Vec<_> = BTreeMap::into_iter(rows).collect();
        let mut rng = fastrand::Rng::with_seed(seed);
        match order {
            0 => {}
            1 => rng.shuffle(&mut rows),
            _ if rows.len() < 3 => {}
            _ => (0..3).for_each(|_| {
                let row = rows.remove(rng.usize(..rows.len()));
                rows.insert(rng.usize(..=rows.len()), row);
            }),
        }
        rows
    })
}

proptest! {
    #[test]
    fn i10_following_a_difference_gives_the_new_list(old in some_rows(), new in some_rows()) {
        let (mut rows, new) = (list(&old), list(&new));
        let all: Vec<_> = new.iter().map(Row::as_ref).collect();
        let changes = diff(&rows, &all);
        prop_assert!(apply(&mut rows, &changes));
        prop_assert_eq!(texts(&rows), texts(&new));
        for (at, row) in new.iter().enumerate() {
            prop_assert_eq!(rows.position(row.key()), Some(at));
        }
        for change in &changes {
            prop_assert_eq!(change.old.is_none(), change.kind == ChangeKind::Added);
            prop_assert_eq!(change.new.is_none(), change.kind == ChangeKind::Removed);
        }
        prop_assert!(diff(&rows, &all).is_empty());
    }

    #[test]
    fn changes_at_any_place_are_those_of_a_plain_list(
        first in 0..2_000_u32,
        steps in prop::collection::vec((0..3_u32, any::<prop::sample::Index>()), 0..400),
    ) {
        let mut plain: Vec<(u32, u32)> = (0..first).map(|n| (n, 0)).collect();
        let mut rows = list(&plain);
        for (n, (kind, at)) in steps.into_iter().enumerate() {
            let (key, version) = (5_000 + n as u32, n as u32);
            match kind {
                0 => {
                    let at = at.index(plain.len() + 1);
                    plain.insert(at, (key, version));
                    rows.insert(at, Row::copy(row_of(&text(key, version))));
                }
                _ if plain.is_empty() => {}
                1 => {
                    let at = at.index(plain.len());
                    plain.remove(at);
                    prop_assert!(rows.remove(at).is_some());
                }
                _ => {
                    let at = at.index(plain.len());
                    plain[at].1 = version;
                    rows.replace(at, Row::copy(row_of(&text(plain[at].0, version))));
                }
            }
        }
        prop_assert_eq!(rows.len(), plain.len());
        let expected: Vec<_> = plain.iter().map(|(key, v)| text(*key, *v)).collect();
        prop_assert_eq!(texts(&rows), expected);
        for (at, (key, _)) in plain.iter().enumerate() {
            prop_assert_eq!(rows.position(&key.to_string()), Some(at));
        }
    }
}
