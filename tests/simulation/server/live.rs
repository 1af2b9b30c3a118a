//! The queries of live collections: a filter, an order, a window. Rows come and go with their versions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use serde_json::{Value, json};

/// Texts that no client can order as this server does.
const TEXTS: [&str; 3] = ["b", "a", "B"];

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct LiveQuery {
    /// Only rows whose `n` is below this.
    below: Option<u64>,
    /// Names, and whether they descend.
    sort: Vec<(String, bool)>,
    limit: Option<usize>,
    offset: usize,
    keys_only: bool,
}

impl LiveQuery {
    pub fn of(query: &Value) -> LiveQuery {
        let sort = query["sort"].as_array().into_iter().flatten();
        let sort = sort.filter_map(Value::as_str).map(|name| {
            let plain = name.trim_start_matches('-');
            (plain.to_owned(), plain != name)
        });
        LiveQuery {
            below: query["filter"]["n"]["_lt"].as_u64(),
            sort: sort.collect(),
            limit: query["limit"].as_u64().map(|limit| limit as usize),
            offset: query["offset"].as_u64().unwrap_or(0) as usize,
            keys_only: query["fields"].is_array(),
        }
    }

    fn matches(&self, version: u64) -> bool {
        self.below.is_none_or(|below| version % 5 < below)
    }

    /// The rows of a collection that an event or a read shows, without order and window.
    pub fn matching(&self, rows: &BTreeMap<u32, u64>) -> Vec<Value> {
        let matching = rows.iter().filter(|(_, version)| self.matches(**version));
        matching
            .map(|(id, version)| self.row(*id, *version))
            .collect()
    }

    fn row(&self, id: u32, version: u64) -> Value {
        if self.keys_only {
            return json!({"id": id});
        }
        let text = TEXTS[version as usize % TEXTS.len()];
        json!({"id": id, "v": version, "n": version % 5, "t": text})
    }

    /// The whole answer.
    pub fn answer(&self, rows: &BTreeMap<u32, u64>) -> Vec<Value> {
        let full = LiveQuery {
            keys_only: false,
            ..self.clone()
        };
        let mut found = full.matching(rows);
        found.sort_by(|one, other| self.compare(one, other));
        let most = self.limit.unwrap_or(usize::MAX);
        let window = found.into_iter().skip(self.offset).take(most);
        let shown = window.map(|row| match self.keys_only {
            true => json!({"id": row["id"]}),
            false => row,
        });
        shown.collect()
    }

    fn compare(&self, one: &Value, other: &Value) -> Ordering {
        for (name, descends) in &self.sort {
            let order = match (&one[name], &other[name]) {
                // The collation ignores case.
                (Value::String(one), Value::String(other)) => {
                    one.to_lowercase().cmp(&other.to_lowercase())
                }
                (one, other) => one.as_u64().cmp(&other.as_u64()),
            };
            if order != Ordering::Equal {
                return if *descends { order.reverse() } else { order };
            }
        }
        one["id"].as_u64().cmp(&other["id"].as_u64())
    }
}
