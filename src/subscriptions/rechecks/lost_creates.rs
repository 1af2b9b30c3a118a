//! Rows that were created without being reported.
//!
//! An import reports its rows when it has written them, but before its transaction is over, and
//! the server reads them on another connection: what it does not find there yet, it does not
//! report. So where creates come close together, others may be missing before, amid and behind
//! them. New rows have higher keys than those before them: once it is quiet, the rows are read
//! whose keys are above all that were known before. A busy server may be about to report those that
//! were not reported yet. So they are read once more when it has been quiet for longer, and only
//! those that are still not reported then, are.

use std::collections::hash_map::Entry;
use std::time::Duration;

use super::{APART, CLOSE, Corrections, HeldKeys, LONGEST, Rechecks, Reported};
use crate::protocol::key;
use crate::subscriptions::highest_key::HighestKey;
use crate::subscriptions::row_hash::row_hash;

/// Some hundred kilobytes of rows are read at a time, by what was reported,
const PAGE_BYTES: usize = 1 << 20;
/// and so many rows.
const FEWEST: usize = 10;
const FEW: usize = 100;
const MOST: usize = 1000;

/// What a message has reported as created.
#[derive(Clone, Copy, Debug)]
pub struct Created {
    /// The highest key that was known before.
    pub before: HighestKey,
    /// The lowest key in the message.
    pub lowest: i64,
    /// How many rows.
    pub count: usize,
    /// How many bytes they have.
    pub bytes: usize,
}

/// Rows to be read, in the order of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Those above this key; all where it is no key.
    pub above: HighestKey,
    /// No more than these.
    pub limit: usize,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct LostCreates {
    /// All that was reported above this key is remembered.
    floor: HighestKey,
    /// The highest key before the creates that are close together.
    above: HighestKey,
    /// How many of those there are,
    count: usize,
    /// and the most bytes that one of their messages has.
    bytes: usize,
    last: Duration,
    /// Creates were delivered since then whose keys are not known.
    lost_track: bool,
    /// Rows that a read has found, and nothing has reported: where they are remembered.
    found: Vec<u64>,
    /// The lowest key of them.
    lowest_found: HighestKey,
    /// When the first of them was found,
    first_found: Duration,
    /// and the last.
    last_found: Duration,
}

impl LostCreates {
    /// Whether creates were close together. A lone one is not doubted.
    #[inline]
    pub fn is_wanted(&self) -> bool {
        self.count > 1
    }

    pub fn lost_track(&self) -> bool {
        self.lost_track
    }

    /// Creates are delivered now, and not looked at.
    #[inline]
    pub fn lose_track(&mut self, now: Duration) {
        (self.lost_track, self.count, self.last) = (true, 0, now);
    }

    /// Whether a row with this key, as JSON, would be remembered if it had been reported.
    pub fn would_know(&self, json: &str) -> bool {
        let key = key::exact_integer(json).map(HighestKey::of);
        !self.lost_track && key.is_some_and(|key| key > self.floor)
    }

    /// Whether rows were found that nothing has reported yet.
    #[inline]
    pub fn has_found(&self) -> bool {
        !self.found.is_empty()
    }

    /// When they count as not reported.
    pub fn found_due_at(&self) -> Option<Duration> {
        let quiet = self.last.max(self.last_found) + APART;
        self.has_found()
            .then(|| quiet.min(self.first_found + LONGEST))
    }

    fn add_found(&mut self, now: Duration, place: u64, key: HighestKey) {
        if self.found.is_empty() {
            (self.first_found, self.lowest_found) = (now, key);
        }
        self.lowest_found = self.lowest_found.min(key);
        self.last_found = now;
        self.found.push(place);
    }

    /// Whether a row with this key, as JSON, has to be known when the rows are found, or until those
    /// that were found are reported: they count only where all reports above them are remembered.
    pub fn needs(&self, json: &str) -> bool {
        let key = key::exact_integer(json).map(HighestKey::of);
        key.is_some_and(|key| {
            self.is_wanted() && key > self.above || self.has_found() && key >= self.lowest_found
        })
    }

    fn add(&mut self, now: Duration, settle: Duration, created: Created) {
        let Created { before, lowest, .. } = created;
        let since = now.saturating_sub(self.last);
        self.last = now;
        if self.lost_track {
            // What was not looked at may come out of order.
            self.lost_track = since < CLOSE || HighestKey::of(lowest) <= before;
            if self.lost_track {
                return;
            }
            self.floor = HighestKey::of(lowest);
        }
        if !self.is_wanted() && since >= settle {
            self.count = 0;
        }
        if self.count == 0 {
            if self.floor == HighestKey::UNKNOWN {
                self.floor = before;
            }
            self.above = before.max(self.floor);
            self.bytes = 0;
        }
        if self.above == HighestKey::UNKNOWN {
            self.floor = HighestKey::of(lowest);
            self.above = self.floor;
        } else if HighestKey::of(lowest) <= self.above {
            // A transaction that was slower, or a key that was chosen.
            self.above = self.floor;
        }
        self.count += created.count;
        self.bytes = self.bytes.max(created.bytes);
    }

    /// A row with this key, as JSON, is not remembered any more.
    pub fn forget(&mut self, json: &str) {
        // Where no create has come yet, the first one says where the floor is.
        let is_known = self.floor != HighestKey::UNKNOWN;
        let key = key::exact_integer(json).filter(|_| is_known);
        if let Some(key) = key.map(HighestKey::of) {
            self.floor = self.floor.max(key);
            self.above = self.above.max(key);
        }
    }

    pub fn due_at(&self, settle: Duration) -> Option<Duration> {
        self.is_wanted().then_some(self.last + settle)
    }

    pub fn page(&self) -> Page {
        let fits = PAGE_BYTES / self.bytes.max(1);
        let limit = (2 * self.count).clamp(FEW, MOST).min(fits).max(FEWEST);
        Page {
            above: self.above,
            limit,
        }
    }
}

impl Rechecks {
    /// A message is delivered now that reports rows as created; they went to
    /// [`Rechecks::reported`].
    pub fn created(&mut self, now: Duration, settle: Duration, created: Created) {
        self.lost.add(now, settle, created);
    }

    /// Whether the read that is under way looks for rows that were not reported.
    pub fn reads_created(&self) -> bool {
        self.read.is_some_and(|read| read.page.is_some())
    }

    /// That read came to nothing.
    pub fn give_up_created(&mut self) {
        (self.read, self.lost.count) = (None, 0);
    }

    /// That read has found these rows, as in [`Rechecks::settle`]. `may_go_on` where there may be so
    /// many that they are read page by page.
    pub fn settle_created<'a>(
        &mut self,
        now: Duration,
        held: &HeldKeys,
        found: impl Iterator<Item = (&'a str, &'a str)>,
        may_go_on: bool,
    ) -> Corrections {
        let mut corrections = Corrections::default();
        let Some((read, page)) = self.read.take().and_then(|read| Some((read, read.page?))) else {
            return corrections;
        };
        let found: Vec<_> = found.collect();
        let is_whole = found.len() < page.limit;
        if !is_whole && !may_go_on {
            // Most of them are older than the subscription.
            self.lost.count = 0;
            return corrections;
        }
        let mut last = page.above;
        for (json, row) in found {
            let key = key::exact_integer(json).map(HighestKey::of);
            if let Some(key) = key.filter(|key| *key > page.above) {
                last = last.max(key);
                // What is not remembered of them may have been reported since the read was sent.
                if held.contain(json) || !self.lost.would_know(json) {
                    continue;
                }
                self.find(now, read.at, (key, json), row, &mut corrections);
            }
        }
        // What was created since may belong to the same transaction as what is missing.
        if self.lost.last <= read.at {
            if is_whole || last == page.above {
                self.lost.count = 0;
            } else {
                self.lost.above = self.lost.above.max(last);
            }
        }
        self.make_room(now);
        corrections
    }

    /// The rows that were found are read again, as far as nothing has reported them.
    pub(super) fn want_found(&mut self, now: Duration) {
        let is_first = !self.has_wanted();
        for place in std::mem::take(&mut self.lost.found) {
            let reported = self.rows.get_mut(&place);
            let lost = &self.lost;
            if let Some(reported) = reported.filter(|r| r.found && lost.would_know(&r.key)) {
                self.wanted += reported.want();
            }
        }
        if is_first {
            self.first = now;
        }
    }

    /// A row exists that may have been created without being reported.
    fn find(
        &mut self,
        now: Duration,
        read_at: Duration,
        (key, json): (HighestKey, &str),
        row: &str,
        corrections: &mut Corrections,
    ) {
        let Some(place) = self.place_of(json, true) else {
            return;
        };
        let hash = Some(row_hash(row));
        let reported = match self.rows.entry(place) {
            Entry::Vacant(entry) => {
                entry.insert(Reported::found(json, now));
                return self.lost.add_found(now, place, key);
            }
            Entry::Occupied(entry) => entry.into_mut(),
        };
        if reported.found || reported.at >= read_at || reported.row == hash {
            return;
        }
        if reported.row.is_some() {
            reported.row = hash;
            corrections.updates.push(row.to_owned());
        } else {
            // It was deleted, and is there again.
            if !self.has_wanted() {
                self.first = now;
            }
            if let Some(reported) = self.rows.get_mut(&place) {
                self.wanted += reported.want();
            }
        }
    }
}
