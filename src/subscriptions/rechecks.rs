//! Rows that are to be read once more, because their last event may be wrong.
//!
//! An event is no record of a change: the server reads the row again, with the subscription's
//! query, at some moment around the change. So an event may show the row as it was before, come in
//! the wrong order, or report a change that was rolled back. That happens where updates follow
//! each other closely, and where one row is reported twice within a moment. Those rows are read
//! again when it has been quiet for a while; where they differ from what was reported last, an
//! event says so.

mod allowance;
mod lost_creates;
mod reported;
mod room;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use self::lost_creates::LostCreates;
pub use self::reported::HeldKeys;
use self::reported::{Reported, hash_of_key, hash_of_spelling};
use super::row_hash::row_hash;
use crate::handover::EventKind;

pub use allowance::{Allowance, Passed};
pub use lost_creates::{Created, Page};

/// Events within this time of each other are close together.
const CLOSE: Duration = Duration::from_secs(1);
/// Where it does not get quiet, rows are read so long after the first of them was reported,
const LATEST: Duration = Duration::from_secs(2);
/// and the reads of one subscription are so far apart.
const APART: Duration = Duration::from_secs(1);
/// A transaction is not over while its events come within this time of each other: what was read
/// meanwhile may be what was stored before it.
const PAUSE: Duration = Duration::from_secs(2);
/// No transaction is expected to last longer.
pub const LONGEST: Duration = Duration::from_secs(15);
/// So many rows of a subscription are remembered, and so many of its messages are looked at within
/// [`LATEST`]. Where more are to be read again, a snapshot is.
const MOST: usize = 4096;

/// A read that is under way.
#[derive(Clone, Copy, Debug)]
struct Read {
    serial: u64,
    at: Duration,
    /// It was quiet when it was sent, so that it sees everything that was reported.
    is_last: bool,
    /// It looks for rows whose creates were lost.
    page: Option<Page>,
}

/// What is to be read.
#[derive(Debug, PartialEq, Eq)]
pub enum Recheck {
    /// The rows with these keys, which are JSON.
    Rows(Vec<String>),
    /// The rows that may have been created without being reported.
    Created(Page),
    /// More than can be read one by one.
    Everything,
}

/// What the rows are, where that differs from what was reported; in the order of their keys.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Corrections {
    /// Rows that were reported as deleted, or not at all.
    pub creates: Vec<String>,
    /// Rows that were reported otherwise.
    pub updates: Vec<String>,
    /// The keys, as JSON, of rows that are not there (any more).
    pub deletes: Vec<String>,
}

/// See the module. One subscription's; it begins anew with each snapshot.
#[derive(Debug, Default)]
pub struct Rechecks {
    /// By the hash of the key, which all of its spellings share.
    rows: HashMap<u64, Reported>,
    /// Old ones are forgotten where there are more than these.
    room: usize,
    wanted: usize,
    /// When the first of the rows that are wanted was reported; since the last read, if there was one.
    first: Duration,
    last: Duration,
    /// The last update, if the ones before it were not close.
    lone_update: Option<u64>,
    /// When the last update was reported, or a snapshot, which shows what updates have done.
    last_update: Option<Duration>,
    last_read: Option<Duration>,
    read: Option<Read>,
    /// Rows that may have been created without being reported.
    lost: LostCreates,
    /// Rows that were read when it was quiet, in what may be the pause of a transaction.
    checked: Vec<u64>,
    /// Messages that were looked at since then.
    looked_at: usize,
    looking_since: Duration,
    /// There were more than [`MOST`] rows or messages: everything may be wrong.
    overflowed: bool,
}

impl Rechecks {
    /// A snapshot was reported then, at a busy time: what comes next may be older.
    pub fn after_snapshot(at: Duration) -> Rechecks {
        Rechecks {
            last_update: Some(at),
            ..Rechecks::default()
        }
    }

    /// Whether nothing is to be read, and nothing was reported for so long.
    pub fn is_over(&self, now: Duration, silence: Duration) -> bool {
        let is_waiting = self.waits() || self.read.is_some();
        !is_waiting && self.last + silence <= now
    }

    /// Whether nothing is remembered that may still be read again.
    pub fn is_settled(&self, now: Duration) -> bool {
        self.is_over(now, PAUSE)
    }

    /// What is left to know once it is over.
    pub fn left(&self) -> Passed {
        let creates = self.lost.lost_track();
        Passed {
            at: creates.then_some(self.last),
            creates,
        }
    }

    /// Whether something is to be read.
    #[inline]
    pub fn waits(&self) -> bool {
        self.has_wanted() || self.lost.is_wanted() || self.lost.has_found()
    }

    fn has_wanted(&self) -> bool {
        self.wanted > 0 || self.overflowed
    }

    /// Whether the next message is looked at, and goes to [`Rechecks::reported`].
    #[inline]
    pub fn looks(&mut self, now: Duration) -> bool {
        if self.overflowed {
            return false;
        }
        if now >= self.looking_since + LATEST {
            (self.looking_since, self.looked_at) = (now, 0);
        }
        self.looked_at += 1;
        self.looked_at <= MOST
    }

    /// Messages were delivered without being looked at.
    pub fn passed(&mut self, passed: Passed) {
        let Some(at) = passed.at else { return };
        self.last = self.last.max(at);
        if passed.creates {
            self.lost.lose_track(at);
        }
    }

    /// An update or a delete is delivered now without being looked at: whether it may be wrong,
    /// or show that what was reported before is.
    pub fn doubts(&self, now: Duration) -> bool {
        let is_close =
            now < self.last + CLOSE || self.last_update.is_some_and(|at| now < at + CLOSE);
        is_close || (!self.checked.is_empty() && now < self.last + PAUSE)
    }

    /// Messages were not looked at that may be wrong. True where nothing was to be read before.
    pub fn doubt_everything(&mut self) -> bool {
        let is_first = !self.has_wanted();
        self.overflow();
        is_first
    }

    /// A message of that kind is delivered now, about these rows: their keys as JSON, and
    /// their text (of deletes, none). True where rows are to be read again and none were
    /// before.
    pub fn reported<'a>(
        &mut self,
        now: Duration,
        kind: EventKind,
        rows: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    ) -> bool {
        let goes_on = now < self.last + PAUSE;
        self.last = now;
        let is_first = !self.has_wanted();
        self.want_checked(now, goes_on);
        let is_close = |at: Duration| now < at + CLOSE;
        let follows_update = kind == EventKind::Update && self.last_update.is_some_and(is_close);
        let mut last_row = None;
        for (json, row) in rows {
            let Some(hash) = self.place_of(json, row.is_some()) else {
                continue;
            };
            let row = row.map(row_hash);
            let (reported, is_again) = match self.rows.entry(hash) {
                Entry::Occupied(reported) => {
                    let reported = reported.into_mut();
                    let is_again = !reported.found && is_close(reported.at);
                    (reported, is_again)
                }
                Entry::Vacant(place) => (place.insert(Reported::new(json)), false),
            };
            if is_again || follows_update {
                self.wanted += reported.want();
            }
            // A delete may spell the key otherwise than the row does.
            if row.is_some() && *reported.key != *json {
                reported.key = json.into();
            }
            (reported.row, reported.at) = (row, now);
            (reported.found, reported.asked) = (false, false);
            last_row = Some(hash);
        }
        if kind == EventKind::Update {
            let lone = std::mem::replace(&mut self.lone_update, last_row);
            let lone = lone.filter(|_| follows_update);
            if let Some(reported) = lone.and_then(|hash| self.rows.get_mut(&hash)) {
                self.wanted += reported.want();
            }
            self.last_update = Some(now);
        }
        self.make_room(now);
        let begins = is_first && self.has_wanted();
        if begins {
            self.first = now;
        }
        begins
    }

    /// Where a row is remembered. The server spells a key in one way, except in deletes: two rows
    /// whose keys are spelled otherwise are two, as with the texts "a" and "A".
    fn place_of(&self, json: &str, is_row: bool) -> Option<u64> {
        let (folded, own) = (hash_of_key(json)?, hash_of_spelling(json));
        let is_another =
            |reported: &Reported| is_row && reported.row.is_some() && *reported.key != *json;
        let is_own = self.rows.contains_key(&own) || self.rows.get(&folded).is_some_and(is_another);
        Some(if is_own { own } else { folded })
    }

    /// The rows that were read in the pause of a transaction are read again after it.
    fn want_checked(&mut self, now: Duration, goes_on: bool) {
        for hash in std::mem::take(&mut self.checked) {
            let reported = self.rows.get_mut(&hash);
            if let Some(reported) = reported.filter(|r| goes_on && now < r.at + LONGEST) {
                self.wanted += reported.want();
            }
        }
    }

    /// When rows are to be read; `None` where none are.
    pub fn due_at(&self, settle: Duration) -> Option<Duration> {
        if self.read.is_some() {
            return None;
        }
        let rows = self.rows_due_at(settle);
        let lost = [self.lost.due_at(settle), self.lost.found_due_at()];
        let lost = lost.into_iter().flatten().filter(|_| !self.overflowed);
        let due = rows.into_iter().chain(lost).min()?;
        Some(self.last_read.map_or(due, |read| due.max(read + APART)))
    }

    /// When it is time for the rows that are wanted.
    fn rows_due_at(&self, settle: Duration) -> Option<Duration> {
        let quiet = self.last + settle;
        let due = if self.overflowed {
            quiet
        } else {
            quiet.min(self.first + LATEST)
        };
        self.has_wanted().then_some(due)
    }

    /// Reads them now, under that serial. `None` where nothing is due.
    pub fn begin(&mut self, now: Duration, settle: Duration, serial: u64) -> Option<Recheck> {
        let is_due = |at: Option<Duration>| at.is_some_and(|at| at <= now);
        if !is_due(self.due_at(settle)) {
            return None;
        }
        if self.overflowed {
            return Some(Recheck::Everything);
        }
        if is_due(self.lost.found_due_at()) {
            self.want_found(now);
            // All of them may have been reported.
            if !is_due(self.due_at(settle)) {
                return None;
            }
        }
        let mut read = Read {
            serial,
            at: now,
            is_last: self.last + settle <= now,
            page: None,
        };
        self.last_read = Some(now);
        if !is_due(self.rows_due_at(settle)) {
            let page = self.lost.page();
            read.page = Some(page);
            self.read = Some(read);
            return Some(Recheck::Created(page));
        }
        let wanted = self.rows.values_mut().filter(|reported| reported.wanted);
        let mut asked: Vec<_> = wanted.collect();
        asked.sort_unstable_by(|one, other| one.order().cmp(&other.order()));
        let keys = asked.iter_mut().map(|reported| {
            reported.asked = true;
            reported.key.to_string()
        });
        self.read = Some(read);
        Some(Recheck::Rows(keys.collect()))
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

    /// The read that is under way is answered with these rows: keys as JSON, and rows. Events of the
    /// rows that are `held` are still to be delivered.
    pub fn settle<'a>(
        &mut self,
        now: Duration,
        held: &HeldKeys,
        found: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Corrections {
        let mut corrections = Corrections::default();
        let Some(read) = self.read.take() else {
            return corrections;
        };
        // What was reported since then may be of the same transaction, which was not over.
        let is_last = read.is_last && self.last <= read.at;
        let mut spelled = HashMap::new();
        let mut folded = HashMap::new();
        for (key, row) in found {
            spelled.insert(hash_of_spelling(key), row);
            folded.insert(hash_of_key(key), row);
        }
        let asked = self.rows.iter_mut().filter(|(_, reported)| reported.asked);
        let mut asked: Vec<_> = asked.collect();
        asked.sort_unstable_by(|(_, one), (_, other)| one.order().cmp(&other.order()));
        for (hash, reported) in asked {
            reported.asked = false;
            let was_found = std::mem::take(&mut reported.found);
            if held.contain(&reported.key) {
                continue;
            }
            if was_found && !self.lost.would_know(&reported.key) {
                reported.wanted = false;
                self.wanted -= 1;
                continue;
            }
            let row = spelled.get(&hash_of_spelling(&reported.key)).copied();
            let row = match reported.row {
                Some(_) => row,
                // A delete may spell the key otherwise.
                None => row.or_else(|| folded.get(&hash_of_key(&reported.key)).copied()),
            };
            let now_is = row.map(row_hash);
            match (reported.row, row) {
                (before, Some(_)) if before == now_is => {}
                (Some(_), Some(row)) => corrections.updates.push(row.to_owned()),
                (None, Some(row)) => corrections.creates.push(row.to_owned()),
                (Some(_), None) => corrections.deletes.push(reported.key.to_string()),
                (None, None) => {}
            }
            reported.row = now_is;
            if is_last {
                reported.wanted = false;
                self.wanted -= 1;
                // What was found was committed.
                if !was_found {
                    self.checked.push(*hash);
                }
            }
        }
        self.first = now;
        corrections
    }
}
