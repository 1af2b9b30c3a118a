//! What a snapshot has told already.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::handover::{Event, EventKind};
use crate::protocol::{items, key};

use super::spelling::Spelling;

/// The server tells of a create some time after the item can be read, so a
/// snapshot may hold items whose create is still on the way. It is left out where it
/// tells the same: that key with that content. Anything else is an item that was made
/// since, after the server had deleted the first without a word.
#[derive(Debug)]
pub struct Recent {
    /// Of the items in the snapshot that have been neither told of nor deleted since, in
    /// order: hashes of their keys, which are the same for all spellings of one key, and
    /// of what the snapshot has told of them.
    rows: Vec<(u64, u64)>,
    until: Duration,
}

impl Recent {
    /// The items of a snapshot, for as long; `None` where there are none to remember.
    /// `spelling` sees their keys.
    pub fn of(
        data: Option<&str>,
        primary_key: &str,
        until: Duration,
        spelling: &mut Spelling,
    ) -> Option<Box<Recent>> {
        let mut rows = Vec::new();
        for item in elements(data?) {
            let Some(key) = items::member(item, primary_key) else {
                continue;
            };
            spelling.see(key);
            if let Some(text) = items::key_text(key) {
                rows.push((key::folded(&text), content_of(item)));
            }
        }
        rows.sort_unstable();
        rows.dedup();
        rows.shrink_to_fit();
        (!rows.is_empty()).then(|| Box::new(Recent { rows, until }))
    }

    /// Whether no create can be as late as that.
    pub fn is_over(&self, now: Duration) -> bool {
        self.until <= now
    }

    /// Until when they are remembered, as it stands.
    pub fn until(&self) -> Duration {
        self.until
    }

    /// Whether an event tells what the snapshot has told. If so, others may be as late:
    /// they come one soon after the other, and are remembered until then.
    pub fn has_told(&mut self, event: &Event, primary_key: &str, until: Duration) -> bool {
        let data = event
            .data
            .and_then(|(from, to)| event.frame.get(from as usize..to as usize));
        match (event.kind, data) {
            (EventKind::Create, Some(data)) => {
                let (mut made, mut told) = (0, 0);
                for item in elements(data) {
                    made += 1;
                    let key = items::member(item, primary_key).and_then(items::key_text);
                    let Some(key) = key.map(|key| key::folded(&key)) else {
                        continue;
                    };
                    if self.has(key) {
                        told +=
                            usize::from(self.rows.binary_search(&(key, content_of(item))).is_ok());
                        // An item is made once. The next create is of another by that key.
                        self.forget(key);
                    }
                }
                let has_told = made > 0 && told == made;
                if has_told {
                    self.until = self.until.max(until);
                }
                has_told
            }
            (EventKind::Delete, Some(data)) => {
                // It may be made again.
                for key in elements(data).filter_map(items::key_text) {
                    self.forget(key::folded(&key));
                }
                false
            }
            _ => false,
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

/// The server writes the same item in the same way, if nothing has changed.
fn content_of(item: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    item.hash(&mut hasher);
    hasher.finish()
}
