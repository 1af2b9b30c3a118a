//! The rows of a collection, as the answers to reads of them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

/// The rows' keys are even numbers from here on: others are inserted between them.
pub const FIRST_KEY: u64 = 100_000_000;

pub struct Table {
    /// The version of each row, by key.
    rows: BTreeMap<u64, u64>,
    item: usize,
    /// All rows as JSON, until one changes.
    all: Option<String>,
}

impl Table {
    pub fn new(rows: u64, item: usize) -> Table {
        let mut table = Table {
            rows: (0..rows).map(|n| (FIRST_KEY + 2 * n, 0)).collect(),
            item,
            all: None,
        };
        table.all();
        table
    }

    pub fn set(&mut self, key: u64, version: u64) {
        self.rows.insert(key, version);
        self.all = None;
    }

    pub fn remove(&mut self, key: u64) {
        self.rows.remove(&key);
        self.all = None;
    }

    /// A row as JSON.
    pub fn row(&self, key: u64) -> String {
        row(key, self.rows[&key], self.item)
    }

    /// The answer to a read: rows or keys, all or those that it names.
    pub fn answer(&mut self, request: &Value) -> Cow<'_, str> {
        let is_keys = request["query"]["fields"] == serde_json::json!(["id"]);
        match keys_of(request) {
            None if is_keys => {
                let keys = self.rows.keys().map(|key| format!(r#"{{"id":{key}}}"#));
                format!("[{}]", keys.collect::<Vec<_>>().join(",")).into()
            }
            None => self.all().into(),
            Some(keys) => {
                let there = keys.iter().filter(|key| self.rows.contains_key(key));
                let rows = there.map(|key| self.row(*key));
                format!("[{}]", rows.collect::<Vec<_>>().join(",")).into()
            }
        }
    }

    fn all(&mut self) -> &str {
        let (rows, item) = (&self.rows, self.item);
        self.all.get_or_insert_with(|| {
            let rows = rows.iter().map(|(key, version)| row(*key, *version, item));
            format!("[{}]", rows.collect::<Vec<_>>().join(","))
        })
    }
}

fn row(key: u64, version: u64, item: usize) -> String {
    let write = |title: &str| {
        format!(r#"{{"id":{key},"status":"published","title":"{title}","version":"{version:06}"}}"#)
    };
    write(&"x".repeat(item.saturating_sub(write("").len())))
}

/// The keys that a read names, if it does.
fn keys_of(request: &Value) -> Option<Vec<u64>> {
    let number = |key: &Value| match key {
        Value::String(text) => text.parse().ok(),
        key => key.as_u64(),
    };
    request["ids"].as_array()?.iter().map(number).collect()
}
