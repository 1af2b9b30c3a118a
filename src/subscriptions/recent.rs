//! What a snapshot has told already.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::handover::{Event, EventKind};
use crate::protocol::items;

/// The server tells of a create some time after the item can be read, so a
/// snapshot may hold items whose create is still on the way. It is left out, so
/// that every item is told once; whatever changed it later has an event of its
/// own.
#[derive(Debug)]
pub struct Recent {
    /// Hashes of the keys in the snapshot that have been neither told of nor deleted
    /// since, in order.
    keys: Vec<u64>,
    until: Duration,
}

impl Recent {
    /// The keys of a snapshot, for as long; `None` where there are none to remember.
    pub fn of(data: Option<&str>, primary_key: &str, until: Duration) -> Option<Box<Recent>> {
        let mut keys = keys_of(data?, primary_key);
        keys.sort_unstable();
        keys.dedup();
        keys.shrink_to_fit();
        (!keys.is_empty()).then(|| Box::new(Recent { keys, until }))
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
                let created = keys_of(data, primary_key);
                let told = !created.is_empty() && created.iter().all(|key| self.has(*key));
                if told {
                    // An item is made once. The next create is of another by that key.
                    created.into_iter().for_each(|key| self.forget(key));
                    self.until = self.until.max(until);
                }
                told
            }
            (EventKind::Delete, Some(data)) => {
                // It may be made again.
                for key in elements(data).filter_map(items::key_text) {
                    self.forget(hash(&key));
                }
                false
            }
            _ => false,
        }
    }

    fn has(&self, key: u64) -> bool {
        self.keys.binary_search(&key).is_ok()
    }

    fn forget(&mut self, key: u64) {
        if let Ok(at) = self.keys.binary_search(&key) {
            self.keys.remove(at);
        }
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

fn keys_of(data: &str, primary_key: &str) -> Vec<u64> {
    elements(data)
        .filter_map(|item| items::member(item, primary_key))
        .filter_map(|key| items::key_text(key).map(|key| hash(&key)))
        .collect()
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}
