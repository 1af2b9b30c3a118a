//! Rows that are to be read once more, because what was told of them last may be wrong.
//!
//! An event is no record of a change: the server reads the row again, with the subscription's
//! query, at some moment around the change. So an event may show the row as it was before, come in
//! the wrong order, or tell of a change that was rolled back. That happens where updates follow
//! each other closely, and where one row is told twice within a moment. Those rows are read again
//! when it has been quiet for a while; where they differ from what was told last, an event says so.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::handover::EventKind;
use crate::protocol::key;

/// Events within this time of each other are close together.
const CLOSE: Duration = Duration::from_secs(1);
/// Where it does not get quiet, rows are read so long after the first of them was told,
const LATEST: Duration = Duration::from_secs(2);
/// and the reads of one subscription are so far apart.
const APART: Duration = Duration::from_secs(1);
/// A transaction is not over while its events come within this time of each other: what was read
/// meanwhile may be what was stored before it.
const PAUSE: Duration = Duration::from_secs(2);
/// No transaction is expected to last longer.
const LONGEST: Duration = Duration::from_secs(15);
/// So many rows are remembered. Where more are to be read again, a snapshot is.
const MOST: usize = 4096;

/// What was told of a row last.
#[derive(Debug)]
struct Told {
    /// The key, as JSON.
    key: Box<str>,
    /// The hash of the row; `None` after a delete.
    row: Option<u64>,
    at: Duration,
    /// It is to be read again.
    wanted: bool,
    /// The read that is under way is about it.
    asked: bool,
}

impl Told {
    fn new(key: &str) -> Told {
        Told {
            key: key.into(),
            row: None,
            at: Duration::ZERO,
            wanted: false,
            asked: false,
        }
    }
}

/// A read that is under way.
#[derive(Clone, Copy, Debug)]
struct Read {
    serial: u64,
    at: Duration,
    /// It was quiet when it was sent, so that it sees everything that was told of.
    is_last: bool,
}

/// What is to be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Recheck {
    /// The rows with these keys, which are JSON.
    Rows(Vec<String>),
    /// More than can be read one by one.
    Everything,
}

/// What the rows are, where that differs from what was told.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Corrections {
    /// Rows that were told to be deleted.
    pub creates: Vec<String>,
    /// Rows that were told otherwise.
    pub updates: Vec<String>,
    /// The keys, as JSON, of rows that are not there (any more).
    pub deletes: Vec<String>,
}

/// See the module. One subscription's; it begins anew with each snapshot.
#[derive(Debug, Default)]
pub struct Rechecks {
    /// By the hash of the key, which all of its spellings share.
    rows: HashMap<u64, Told>,
    wanted: usize,
    /// When the first of the rows that are wanted was told; since the last read, if there was one.
    first: Duration,
    last: Duration,
    /// The last update, if the ones before it were not close.
    lone_update: Option<u64>,
    /// When the last update was told, or a snapshot, which shows what updates have done.
    last_update: Option<Duration>,
    last_read: Option<Duration>,
    read: Option<Read>,
    /// Rows that were read when it was quiet, in what may be the pause of a transaction.
    checked: Vec<u64>,
    /// There were more than [`MOST`].
    overflowed: bool,
}

impl Rechecks {
    /// A snapshot was told then.
    pub fn after_snapshot(at: Option<Duration>) -> Rechecks {
        Rechecks {
            last_update: at,
            ..Rechecks::default()
        }
    }

    /// Whether nothing is remembered that may still count.
    pub fn is_over(&self, now: Duration) -> bool {
        self.wanted == 0
            && !self.overflowed
            && self.read.is_none()
            && self.last + CLOSE.max(APART).max(PAUSE) <= now
    }

    /// A message of that kind is delivered now, about these rows: their keys as JSON, and
    /// their text (of deletes, none). True where rows are to be read again that were not
    /// before.
    pub fn told<'a>(
        &mut self,
        now: Duration,
        kind: EventKind,
        rows: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    ) -> bool {
        let goes_on = now < self.last + PAUSE;
        self.last = now;
        if self.overflowed {
            return false;
        }
        let before = self.wanted;
        self.want_checked(now, goes_on);
        let is_close = |at: Duration| now < at + CLOSE;
        let follows_update = kind == EventKind::Update && self.last_update.is_some_and(is_close);
        let mut last_row = None;
        for (json, row) in rows {
            let Some(hash) = self.place_of(json, row.is_some()) else {
                continue;
            };
            let row = row.map(hash_of_row);
            let (told, is_again) = match self.rows.entry(hash) {
                Entry::Occupied(told) => {
                    let told = told.into_mut();
                    let is_again = is_close(told.at);
                    (told, is_again)
                }
                Entry::Vacant(place) => (place.insert(Told::new(json)), false),
            };
            if (is_again || follows_update) && !told.wanted {
                told.wanted = true;
                self.wanted += 1;
            }
            // A delete may spell the key otherwise than the row does.
            if row.is_some() && *told.key != *json {
                told.key = json.into();
            }
            (told.row, told.at, told.asked) = (row, now, false);
            last_row = Some(hash);
        }
        if kind == EventKind::Update {
            let lone = std::mem::replace(&mut self.lone_update, last_row);
            if let Some(told) = lone.and_then(|hash| self.rows.get_mut(&hash)) {
                if follows_update && !told.wanted {
                    told.wanted = true;
                    self.wanted += 1;
                }
            }
            self.last_update = Some(now);
        }
        if self.rows.len() > MOST {
            self.forget(now);
        }
        if before > 0 || self.wanted == 0 {
            return false;
        }
        self.first = now;
        true
    }

    /// Where a row is remembered. The server spells a key in one way, except in deletes: two rows
    /// whose keys are spelled otherwise are two, as with the texts "a" and "A".
    fn place_of(&self, json: &str, is_row: bool) -> Option<u64> {
        let (folded, own) = (hash_of_key(json)?, hash_of_spelling(json));
        let is_another = |told: &Told| is_row && told.row.is_some() && *told.key != *json;
        let is_own = self.rows.contains_key(&own) || self.rows.get(&folded).is_some_and(is_another);
        Some(if is_own { own } else { folded })
    }

    /// The rows that were read in the pause of a transaction are read again after it.
    fn want_checked(&mut self, now: Duration, goes_on: bool) {
        for hash in std::mem::take(&mut self.checked) {
            let told = self.rows.get_mut(&hash).filter(|told| !told.wanted);
            if let Some(told) = told.filter(|told| goes_on && now < told.at + LONGEST) {
                told.wanted = true;
                self.wanted += 1;
            }
        }
    }

    /// Makes room.
    fn forget(&mut self, now: Duration) {
        self.rows
            .retain(|_, told| told.wanted || now < told.at + CLOSE);
        if self.rows.len() <= MOST {
            return;
        }
        // What is told once and quickly, such as the creates of an import, is not wrong.
        self.overflowed = self.wanted > 0;
        self.rows = HashMap::new();
        self.wanted = usize::from(self.overflowed);
    }

    /// Whether there is more than can be remembered.
    #[inline]
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// It is not quiet.
    #[inline]
    pub fn hear(&mut self, now: Duration) {
        self.last = now;
    }

    /// When the rows are to be read; `None` where none are.
    pub fn due_at(&self, settle: Duration) -> Option<Duration> {
        if self.wanted == 0 || self.read.is_some() {
            return None;
        }
        let quiet = self.last + settle;
        let due = if self.overflowed {
            quiet
        } else {
            quiet.min(self.first + LATEST)
        };
        Some(self.last_read.map_or(due, |read| due.max(read + APART)))
    }

    /// Reads them now, under that serial. `None` where nothing is due.
    pub fn begin(&mut self, now: Duration, settle: Duration, serial: u64) -> Option<Recheck> {
        if self.due_at(settle).is_none_or(|at| at > now) {
            return None;
        }
        if self.overflowed {
            return Some(Recheck::Everything);
        }
        let mut keys = Vec::with_capacity(self.wanted);
        for told in self.rows.values_mut().filter(|told| told.wanted) {
            told.asked = true;
            keys.push(told.key.to_string());
        }
        keys.sort_unstable();
        self.read = Some(Read {
            serial,
            at: now,
            is_last: self.last + settle <= now,
        });
        self.last_read = Some(now);
        Some(Recheck::Rows(keys))
    }

    /// Whether that read is under way.
    pub fn is_read_by(&self, serial: u64) -> bool {
        self.read.is_some_and(|read| read.serial == serial)
    }

    /// That read is to be sent once more.
    pub fn repeat(&mut self) {
        self.read = None;
        self.last_read = None;
    }

    /// The read that is under way is answered with these rows: keys as JSON, and rows.
    pub fn settle<'a>(
        &mut self,
        now: Duration,
        found: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Corrections {
        let mut corrections = Corrections::default();
        let Some(read) = self.read.take() else {
            return corrections;
        };
        // What has been told since then may be of the same transaction, which was not over.
        let is_last = read.is_last && self.last <= read.at;
        let mut spelled = HashMap::new();
        let mut folded = HashMap::new();
        for (key, row) in found {
            spelled.insert(hash_of_spelling(key), row);
            folded.insert(hash_of_key(key), row);
        }
        for (hash, told) in self.rows.iter_mut().filter(|(_, told)| told.asked) {
            told.asked = false;
            let row = spelled.get(&hash_of_spelling(&told.key)).copied();
            let row = match told.row {
                Some(_) => row,
                // A delete may spell the key otherwise.
                None => row.or_else(|| folded.get(&hash_of_key(&told.key)).copied()),
            };
            let now_is = row.map(hash_of_row);
            match (told.row, row) {
                (before, Some(_)) if before == now_is => {}
                (Some(_), Some(row)) => corrections.updates.push(row.to_owned()),
                (None, Some(row)) => corrections.creates.push(row.to_owned()),
                (Some(_), None) => corrections.deletes.push(told.key.to_string()),
                (None, None) => {}
            }
            told.row = now_is;
            if is_last {
                told.wanted = false;
                self.wanted -= 1;
                self.checked.push(*hash);
            }
        }
        for list in [
            &mut corrections.creates,
            &mut corrections.updates,
            &mut corrections.deletes,
        ] {
            list.sort_unstable();
        }
        self.first = now;
        corrections
    }
}

/// All spellings of a key have the same hash.
fn hash_of_key(json: &str) -> Option<u64> {
    crate::protocol::items::key_text(json).map(|text| key::folded(&text))
}

fn hash_of_spelling(json: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    ("spelling", json).hash(&mut hasher);
    hasher.finish()
}

/// The server writes the same row in the same way.
fn hash_of_row(row: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    row.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTLE: Duration = Duration::from_millis(250);

    fn ms(time: u64) -> Duration {
        Duration::from_millis(10_000 + time)
    }

    fn update(rechecks: &mut Rechecks, at: u64, key: &str, row: &str) -> bool {
        rechecks.told(ms(at), EventKind::Update, [(key, Some(row))].into_iter())
    }

    fn delete(rechecks: &mut Rechecks, at: u64, key: &str) -> bool {
        rechecks.told(ms(at), EventKind::Delete, [(key, None)].into_iter())
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
        assert!(!rechecks.told(ms(3600), EventKind::Create, created.into_iter()));
        assert!(!delete(&mut rechecks, 3700, "9"));
        assert_eq!(rechecks.begin(ms(9000), SETTLE, 1), None);
        assert!(rechecks.is_over(ms(9000)));
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
        let corrections = rechecks.settle(ms(500), found.into_iter());
        assert_eq!(corrections.updates, ["{B}"]);
        assert_eq!(corrections.deletes, ["3"]);
        assert_eq!(rechecks.due_at(SETTLE), None);
    }

    #[test]
    fn a_row_that_is_told_twice_is_read_again_in_any_spelling() {
        let mut rechecks = Rechecks::default();
        rechecks.told(ms(0), EventKind::Create, [("7", Some("{}"))].into_iter());
        assert!(delete(&mut rechecks, 300, "\"007\""));
        assert_eq!(keys(rechecks.begin(ms(550), SETTLE, 1)), ["7"]);
        let corrections = rechecks.settle(ms(560), [("7", "{x}")].into_iter());
        assert_eq!(corrections.creates, ["{x}"]);
        assert!(corrections.updates.is_empty() && corrections.deletes.is_empty());
    }

    #[test]
    fn what_is_told_while_a_read_is_under_way_is_read_once_more() {
        let mut rechecks = Rechecks::default();
        update(&mut rechecks, 0, "1", "{a}");
        update(&mut rechecks, 10, "1", "{b}");
        assert_eq!(keys(rechecks.begin(ms(260), SETTLE, 1)), ["1"]);
        update(&mut rechecks, 270, "1", "{c}");
        let stale = rechecks.settle(ms(280), [("1", "{b}")].into_iter());
        assert_eq!(stale, Corrections::default());
        assert_eq!(rechecks.due_at(SETTLE), Some(ms(1260)), "a second apart");
        assert_eq!(keys(rechecks.begin(ms(1260), SETTLE, 2)), ["1"]);
        let last = rechecks.settle(ms(1270), [("1", "{d}")].into_iter());
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
                rechecks.settle(ms(at), [("1", "{}")].into_iter());
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
        rechecks.settle(ms(270), [("1", "{a}"), ("2", "{b}")].into_iter());
        assert!(update(&mut rechecks, 1500, "3", "{c}"));
        assert_eq!(keys(rechecks.begin(ms(1750), SETTLE, 2)), ["1", "2"]);
        let corrections = rechecks.settle(ms(1760), [("1", "{A}"), ("2", "{B}")].into_iter());
        assert_eq!(corrections.updates, ["{A}", "{B}"]);
        assert!(!update(&mut rechecks, 4000, "4", "{d}"), "that one is over");
        assert!(rechecks.is_over(ms(6000)));
    }

    #[test]
    fn what_was_read_while_a_transaction_went_on_is_read_again_after_it() {
        let mut rechecks = Rechecks::default();
        update(&mut rechecks, 0, "1", "{a}");
        update(&mut rechecks, 10, "2", "{b}");
        rechecks.begin(ms(260), SETTLE, 1).unwrap();
        update(&mut rechecks, 270, "3", "{c}");
        rechecks.settle(ms(280), [("1", "{a}"), ("2", "{b}")].into_iter());
        assert_eq!(keys(rechecks.begin(ms(1260), SETTLE, 2)), ["1", "2", "3"]);
    }

    #[test]
    fn rows_whose_keys_differ_in_their_case_are_two() {
        let mut rechecks = Rechecks::default();
        update(&mut rechecks, 0, "\"a\"", "{a}");
        update(&mut rechecks, 10, "\"A\"", "{b}");
        let wanted = keys(rechecks.begin(ms(260), SETTLE, 1));
        assert_eq!(wanted, ["\"A\"", "\"a\""]);
        let corrections = rechecks.settle(ms(270), [("\"A\"", "{c}")].into_iter());
        assert_eq!(corrections.updates, ["{c}"]);
        assert_eq!(corrections.deletes, ["\"a\""]);
    }

    #[test]
    fn i6_beyond_4096_rows_a_snapshot_is_read_once_it_is_quiet() {
        let mut rechecks = Rechecks::default();
        for n in 0..20_000_u64 {
            update(&mut rechecks, n / 10, &n.to_string(), "{}");
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
            assert!(!rechecks.told(ms(n / 10), EventKind::Create, row.into_iter()));
        }
        assert!(rechecks.rows.len() <= MOST);
        assert_eq!(rechecks.due_at(SETTLE), None);
    }
}
