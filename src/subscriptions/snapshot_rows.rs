//! The rows that a snapshot has shown, whose creates may still be on the way.

use std::time::Duration;

use super::row_hash::row_hash;
use crate::handover::{Event, EventKind};
use crate::protocol::{items, key};

/// The server reports a create some time after the item can be read, so a snapshot may
/// hold items whose create is still on the way. Such a create is left out where it
/// repeats the snapshot: the same key with the same content. Any other create is of an
/// item that was made since, after the server had deleted the first without an event. Rows that
/// were found later, and reported as created, are remembered, too: any create of them is a second
/// one.
#[derive(Debug)]
pub struct SnapshotRows {
    /// Hashes of key and content of the rows whose create may still come, sorted. All
    /// spellings of one key have the same hash.
    rows: Vec<(u64, u64)>,
    /// Hashes of the keys of those that were reported as created since, because a read had found
    /// them.
    told: Vec<u64>,
    until: Duration,
}

/// What an event says beside the rows that are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// Something else.
    No,
    /// The same.
    Same,
    /// It reports rows as created that were reported as created before, with other content.
    Changed,
}

impl SnapshotRows {
    /// Remembers the rows of a snapshot until then; `None` where it has none. Their keys, as far
    /// as they have one, are shown to `see`.
    pub fn of(
        data: Option<&str>,
        primary_key: &str,
        until: Duration,
        mut see: impl FnMut(Option<&str>),
    ) -> Option<Box<SnapshotRows>> {
        let mut rows = Vec::new();
        for item in elements(data?) {
            let key = items::member(item, primary_key);
            see(key);
            if let Some(text) = key.and_then(items::key_text) {
                rows.push((key::folded(&text), row_hash(item)));
            }
        }
        rows.sort_unstable();
        rows.dedup();
        rows.shrink_to_fit();
        let told = Vec::new();
        (!rows.is_empty()).then(|| Box::new(SnapshotRows { rows, told, until }))
    }

    /// The rows are reported as created.
    pub fn told(mut self: Box<Self>) -> Box<SnapshotRows> {
        self.told = self.rows.iter().map(|(key, _)| *key).collect();
        self
    }

    /// Remembers further rows.
    pub fn add(&mut self, more: SnapshotRows) {
        self.told.extend(more.told);
        for (key, content) in more.rows {
            let at = self.rows.partition_point(|row| *row < (key, content));
            self.rows.insert(at, (key, content));
        }
        self.until = self.until.max(more.until);
    }

    /// Whether it is too late for their creates.
    pub fn is_over(&self, now: Duration) -> bool {
        self.until <= now
    }

    /// Until when they are remembered, as far as is known now.
    pub fn until(&self) -> Duration {
        self.until
    }

    /// Whether an event repeats what the snapshot has shown: a create of which every item was.
    /// Every create or delete of a remembered key forgets its row, also where the answer is
    /// no. If it repeats, other creates may be as late, because late ones follow each other
    /// closely: the rows are remembered until `until`.
    pub fn repeats(&mut self, event: &Event, primary_key: &str, until: Duration) -> Repetition {
        match (event.kind, event.data_text()) {
            (EventKind::Create, Some(data)) => {
                let (mut created, mut shown, mut told) = (0, 0, 0);
                for item in elements(data) {
                    created += 1;
                    let key = items::member(item, primary_key).and_then(items::key_text);
                    let Some(key) = key.map(|key| key::folded(&key)) else {
                        continue;
                    };
                    if self.has(key) {
                        shown +=
                            usize::from(self.rows.binary_search(&(key, row_hash(item))).is_ok());
                        told += usize::from(self.told.contains(&key));
                        // An item is created once: the next create is of another one with that key.
                        self.forget(key);
                    }
                }
                if created == 0 || (shown < created && told < created) {
                    return Repetition::No;
                }
                self.until = self.until.max(until);
                if shown == created {
                    Repetition::Same
                } else {
                    Repetition::Changed
                }
            }
            (EventKind::Delete, Some(data)) => {
                // They may be created again.
                for key in elements(data).filter_map(items::key_text) {
                    self.forget(key::folded(&key));
                }
                Repetition::No
            }
            _ => Repetition::No,
        }
    }

    fn range_of(&self, key: u64) -> std::ops::Range<usize> {
        let from = self.rows.partition_point(|(row, _)| *row < key);
        let length = self.rows[from..].iter().take_while(|(row, _)| *row == key);
        from..from + length.count()
    }

    fn has(&self, key: u64) -> bool {
        !self.range_of(key).is_empty()
    }

    fn forget(&mut self, key: u64) {
        self.rows.drain(self.range_of(key));
        self.told.retain(|told| *told != key);
    }
}

fn elements(data: &str) -> impl Iterator<Item = &str> {
    let mut places = Vec::new();
    if items::elements(data, &mut places).is_err() {
        places.clear();
    }
    places
        .into_iter()
        .filter_map(|(from, to)| data.get(from as usize..to as usize))
}
