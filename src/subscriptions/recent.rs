//! What a snapshot has told already.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use crate::handover::{Event, EventKind};
use crate::protocol::items;

/// The server tells of a create some time after the item can be read, so a
/// snapshot may hold items whose create is still on the way. It is left out, so
/// that every item is told once; whatever changed it later has an event of its
/// own.
#[derive(Debug)]
pub struct Recent {
    /// Hashes of the keys in the snapshot that were not deleted since.
    keys: HashSet<u64>,
}

impl Recent {
    /// The keys of a snapshot; `None` where there are none to remember.
    pub fn of(data: Option<&str>, primary_key: &str) -> Option<Box<Recent>> {
        let keys: HashSet<u64> = keys_of(data?, primary_key);
        (!keys.is_empty()).then(|| Box::new(Recent { keys }))
    }

    /// Whether an event tells what the snapshot has told.
    pub fn has_told(&mut self, event: &Event, primary_key: &str) -> bool {
        let data = event
            .data
            .and_then(|(from, to)| event.frame.get(from as usize..to as usize));
        match (event.kind, data) {
            (EventKind::Create, Some(data)) => {
                let created = keys_of(data, primary_key);
                !created.is_empty() && created.is_subset(&self.keys)
            }
            (EventKind::Delete, Some(data)) => {
                // It may be made again.
                for key in elements(data).filter_map(items::key_text) {
                    self.keys.remove(&hash(&key));
                }
                false
            }
            _ => false,
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

fn keys_of(data: &str, primary_key: &str) -> HashSet<u64> {
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
