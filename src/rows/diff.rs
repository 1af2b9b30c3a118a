//! The difference between two lists, as steps that can be followed one by one.

use std::collections::HashMap;

use super::longest::increasing;
use super::{Change, ChangeKind, Row, RowRef, Rows, same_row};

/// The steps that turn the old list into the new one: first the rows that are gone, from the last
/// to the first, then the new list from its beginning. As many rows as possible are not told: those
/// that are the same, and stay in place.
pub fn diff(old: &Rows, new: &[RowRef<'_>]) -> Vec<Change> {
    let equal = old.len() == new.len()
        && old
            .iter()
            .zip(new)
            .all(|(old, new)| old.key() == new.key && same_row(old.text(), new.text));
    if equal {
        return Vec::new();
    }
    let old: Vec<&Row> = old.iter().collect();
    let before = places(&old, new);
    let mut survives = vec![false; old.len()];
    before.iter().flatten().for_each(|at| survives[*at] = true);

    let mut changes = Vec::new();
    let gone = (0..old.len()).rev().filter(|at| !survives[*at]);
    changes.extend(gone.map(|at| Change {
        kind: ChangeKind::Removed,
        row: old[at].clone(),
        old: Some(at),
        new: None,
    }));

    // The places that the survivors have now.
    let mut rank = 0;
    let ranks: Vec<usize> = survives
        .iter()
        .map(|survives| {
            rank += usize::from(*survives);
            rank - usize::from(*survives)
        })
        .collect();
    let now: Vec<Option<usize>> = before.iter().map(|at| at.map(|at| ranks[at])).collect();
    let same: Vec<bool> = before
        .iter()
        .zip(new)
        .map(|(at, row)| at.is_some_and(|at| same_row(old[at].text(), row.text)))
        .collect();
    let stays = staying(&now, &same);
    Walk::new(rank, &now, &stays).follow(&old, new, &before, &mut changes);
    changes
}

/// Which of the new rows stay where they are among the survivors.
fn staying(now: &[Option<usize>], same: &[bool]) -> Vec<bool> {
    let mut stays = vec![false; now.len()];
    mark_increasing(&mut stays, now, |at| same[at]);
    // A row that has changed is told in any case. It stays where it fits between those that are
    // not told.
    let mut limits = vec![(0, usize::MAX); now.len()];
    let (mut least, mut most) = (0, usize::MAX);
    for at in 0..now.len() {
        limits[at].0 = least;
        if let Some(place) = now[at].filter(|_| stays[at]) {
            least = place + 1;
        }
    }
    for at in (0..now.len()).rev() {
        limits[at].1 = most;
        if let Some(place) = now[at].filter(|_| stays[at]) {
            most = place;
        }
    }
    let fits = |at: usize| {
        let (least, most) = limits[at];
        !same[at] && now[at].is_some_and(|place| (least..most).contains(&place))
    };
    mark_increasing(&mut stays, now, fits);
    stays
}

/// Marks the longest increasing subsequence of those places that may be in it.
fn mark_increasing(marks: &mut [bool], places: &[Option<usize>], may: impl Fn(usize) -> bool) {
    let (at, numbers): (Vec<usize>, Vec<usize>) = places
        .iter()
        .enumerate()
        .filter(|(at, _)| may(*at))
        .filter_map(|(at, place)| Some((at, (*place)?)))
        .unzip();
    for (at, is_in) in at.into_iter().zip(increasing(&numbers)) {
        marks[at] |= is_in;
    }
}

/// For each new row, where its key was in the old list.
fn places(old: &[&Row], new: &[RowRef<'_>]) -> Vec<Option<usize>> {
    // Most rows follow the one that they followed before.
    let mut map: Option<HashMap<&str, usize>> = None;
    let mut next = 0;
    // Two rows may look as if they had the same key, where the server rounds it.
    let mut used = vec![false; old.len()];
    new.iter()
        .map(|row| {
            let at = if old.get(next).is_some_and(|old| old.key() == row.key) {
                Some(next)
            } else {
                let all = || {
                    let keys = old.iter().enumerate();
                    keys.map(|(at, row)| (row.key(), at)).collect()
                };
                map.get_or_insert_with(all).get(row.key).copied()
            };
            let at = at.filter(|at| !std::mem::replace(&mut used[*at], true));
            next = at.map_or(next, |at| at + 1);
            at
        })
        .collect()
}

/// Walks through the new list, and keeps account of the survivors that it has not come to.
struct Walk<'a> {
    now: &'a [Option<usize>],
    stays: &'a [bool],
    /// The survivors that it has not come to, counted by their places.
    ahead: Fenwick,
    /// For each place among the survivors, where the first row that stays at or behind it is in
    /// the new list.
    next_staying: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(survivors: usize, now: &'a [Option<usize>], stays: &'a [bool]) -> Walk<'a> {
        let mut ahead = Fenwick(vec![0; survivors + 1]);
        let mut next_staying = vec![usize::MAX; survivors + 1];
        for (new, at) in now.iter().enumerate() {
            let Some(at) = *at else { continue };
            ahead.add(at, 1);
            if stays[new] {
                next_staying[at] = new;
            }
        }
        for at in (0..survivors).rev() {
            if next_staying[at] == usize::MAX {
                next_staying[at] = next_staying[at + 1];
            }
        }
        Walk {
            now,
            stays,
            ahead,
            next_staying,
        }
    }

    fn follow(
        mut self,
        old: &[&Row],
        new: &[RowRef<'_>],
        before: &[Option<usize>],
        changes: &mut Vec<Change>,
    ) {
        // The place of the last row that stays and was passed: what was inserted since is behind it.
        let mut anchor = None;
        for (at, row) in new.iter().enumerate() {
            let waiting = anchor.map_or(0, |anchor| self.ahead.below(anchor));
            match (self.now[at], before[at]) {
                (Some(place), Some(was)) if self.stays[at] => {
                    anchor = Some(place);
                    self.ahead.add(place, -1);
                    if !same_row(old[was].text(), row.text) {
                        let index = at + self.ahead.below(place);
                        changes.push(Change {
                            kind: ChangeKind::Modified,
                            row: Row::copy(*row),
                            old: Some(index),
                            new: Some(index),
                        });
                    }
                }
                (Some(place), Some(was)) => {
                    let passed = at.min(self.next_staying[place]);
                    let from = passed + self.ahead.below(place);
                    self.ahead.add(place, -1);
                    let waiting = anchor.map_or(0, |anchor| self.ahead.below(anchor));
                    let row = match same_row(old[was].text(), row.text) {
                        true => old[was].clone(),
                        false => Row::copy(*row),
                    };
                    changes.push(Change {
                        kind: ChangeKind::Modified,
                        row,
                        old: Some(from),
                        new: Some(at + waiting),
                    });
                }
                _ => changes.push(Change {
                    kind: ChangeKind::Added,
                    row: Row::copy(*row),
                    old: None,
                    new: Some(at + waiting),
                }),
            }
        }
    }
}

/// Numbers whose sums up to any place are found quickly.
struct Fenwick(Vec<isize>);

impl Fenwick {
    fn add(&mut self, at: usize, by: isize) {
        let mut node = at + 1;
        while node < self.0.len() {
            self.0[node] += by;
            node += node & node.wrapping_neg();
        }
    }

    /// The sum of what is before that place.
    fn below(&self, at: usize) -> usize {
        let (mut node, mut sum) = (at, 0);
        while node > 0 {
            sum += self.0[node];
            node -= node & node.wrapping_neg();
        }
        sum.max(0) as usize
    }
}

/// Follows the steps of a difference. False where they do not fit the list.
pub fn apply(rows: &mut Rows, changes: &[Change]) -> bool {
    changes.iter().all(|change| match (change.old, change.new) {
        (Some(old), Some(new)) if old == new => rows.replace(old, change.row.clone()).is_some(),
        (old, new) => {
            let removed = old.is_none_or(|old| rows.remove(old).is_some());
            let fits = new.is_none_or(|new| new <= rows.len());
            if let (true, true, Some(new)) = (removed, fits, new) {
                rows.insert(new, change.row.clone());
            }
            removed && fits
        }
    })
}
