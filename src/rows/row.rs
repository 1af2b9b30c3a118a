//! One row: its text, and where its key is in it.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use crate::protocol::{items, key};

/// A row as a part of a larger text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef<'a> {
    /// The whole row, as JSON.
    pub text: &'a str,
    /// Its key, as JSON: a part of the text.
    pub key: &'a str,
}

/// A row that shares its text with others.
#[derive(Clone)]
pub struct Row {
    // A thin pointer: there may be a great many rows.
    text: Arc<Box<str>>,
    start: u32,
    len: u32,
    key_start: u32,
    key_len: u32,
}

impl Row {
    /// Copies a row into a text of its own.
    pub fn copy(row: RowRef<'_>) -> Row {
        Row::part(&Arc::new(row.text.into()), 0, row)
    }

    /// The row that was copied to `start` in a text.
    pub(super) fn part(text: &Arc<Box<str>>, start: usize, row: RowRef<'_>) -> Row {
        let offset = row.key.as_ptr() as usize - row.text.as_ptr() as usize;
        // No message has 4 GiB.
        Row {
            text: Arc::clone(text),
            start: start as u32,
            len: row.text.len() as u32,
            key_start: offset as u32,
            key_len: row.key.len() as u32,
        }
    }

    /// The whole row, as JSON.
    pub fn text(&self) -> &str {
        let start = self.start as usize;
        &self.text[start..start + self.len as usize]
    }

    /// Its key, as JSON.
    pub fn key(&self) -> &str {
        let start = self.key_start as usize;
        &self.text()[start..start + self.key_len as usize]
    }

    /// The row, borrowed.
    pub fn as_ref(&self) -> RowRef<'_> {
        RowRef {
            text: self.text(),
            key: self.key(),
        }
    }

    /// How long its text is.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether it has no text: never, as it has a key.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Whether two texts are the same row. The members may come in another order.
pub fn same_row(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let parse = |text| serde_json::from_str::<Value>(text).ok();
    one.len() == other.len() && parse(one).is_some_and(|value| Some(value) == parse(other))
}

/// A hash that all spellings of a key share.
pub(super) fn hash_of(key_text: &str) -> u32 {
    let hash = key::folded(key_text);
    (hash ^ (hash >> 32)) as u32
}

/// The hash of a key, given as JSON.
pub(super) fn hash_of_json(key_json: &str) -> u32 {
    items::key_text(key_json).map_or(0, |text| hash_of(&text))
}
