//! A row that was reported, and the hashes by which rows are known.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::protocol::{items, key};

/// What was reported of a row last.
#[derive(Debug)]
pub(super) struct Reported {
    /// The key, as JSON.
    pub key: Box<str>,
    /// The hash of the row; `None` after a delete.
    pub row: Option<u64>,
    pub at: Duration,
    /// Nothing has reported it: a read has found it.
    pub found: bool,
    /// It is to be read again.
    pub wanted: bool,
    /// The read that is under way is about it.
    pub asked: bool,
}

impl Reported {
    pub fn new(key: &str) -> Reported {
        Reported {
            key: key.into(),
            row: None,
            at: Duration::ZERO,
            found: false,
            wanted: false,
            asked: false,
        }
    }

    /// A row that a read has found.
    pub fn found(key: &str, at: Duration) -> Reported {
        Reported {
            at,
            found: true,
            ..Reported::new(key)
        }
    }

    /// Rows are read, and reported, in this order: those with integer keys as they were created.
    pub fn order(&self) -> (Option<i64>, &str) {
        (key::exact_integer(&self.key), &self.key)
    }

    /// It is to be read again. Returns 1 where it was not before.
    pub fn want(&mut self) -> usize {
        usize::from(!std::mem::replace(&mut self.wanted, true))
    }
}

/// The keys of rows with events that are held back: what a read has found of them counts for
/// nothing, as those events are older or newer.
#[derive(Debug, Default)]
pub struct HeldKeys(Vec<u64>);

impl HeldKeys {
    /// An event with this key, as JSON, is held back.
    pub fn add(&mut self, json: &str) {
        self.0.extend(hash_of_key(json));
    }

    /// Whether an event with this key is held back.
    pub fn contain(&self, json: &str) -> bool {
        let is_same = |hash: u64| self.0.contains(&hash);
        !self.0.is_empty() && hash_of_key(json).is_some_and(is_same)
    }
}

/// All spellings of a key have the same hash.
pub(super) fn hash_of_key(json: &str) -> Option<u64> {
    items::key_text(json).map(|text| key::folded(&text))
}

pub(super) fn hash_of_spelling(json: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    ("spelling", json).hash(&mut hasher);
    hasher.finish()
}
