//! What has to be read before an event can be judged, and what the read has found.

use super::Subscription;
use super::judge::part;
use crate::handover::{Event, EventKind};
use crate::protocol::{items, key};
use crate::subscriptions::deleted_keys::Arrival;

/// What is to be read.
#[derive(Debug)]
pub enum RowQuery {
    /// The one item that is watched.
    WatchedItem,
    /// Some rows of a collection.
    Rows {
        /// Their keys, as JSON.
        keys: Vec<String>,
        /// So many events, the first ones, can be judged when these are read.
        events: usize,
    },
}

impl RowQuery {
    /// The keys to read, as JSON; `None` where the subscription's own query names its item.
    pub fn keys(&self) -> Option<&[String]> {
        match self {
            RowQuery::WatchedItem => None,
            RowQuery::Rows { keys, .. } => Some(keys),
        }
    }

    /// How many events, the first ones, can be judged when this is read.
    pub(super) fn events(&self) -> usize {
        match self {
            RowQuery::WatchedItem => usize::MAX,
            RowQuery::Rows { events, .. } => *events,
        }
    }
}

/// The keys of the rows that a read has found, as the rows write them.
#[derive(Debug, Default)]
pub struct ExistingRows(Vec<String>);

impl ExistingRows {
    /// The keys in an answer.
    pub fn of(data: Option<&str>, primary_key: &str) -> ExistingRows {
        let mut places = Vec::new();
        let data = data.unwrap_or("[]");
        if items::elements(data, &mut places).is_err() {
            places.clear();
        }
        let rows = places.iter().filter_map(|place| part(data, *place));
        let keys = rows.filter_map(|row| items::member(row, primary_key));
        let keys = keys.filter_map(|key| items::key_text(key).map(|text| text.into_owned()));
        ExistingRows(keys.collect())
    }

    /// Whether the read has found no row.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the read has found a row whose key is written in just this way.
    pub fn contains(&self, key: &str) -> bool {
        self.0.iter().any(|found| found == key)
    }
}

impl Subscription {
    /// What has to be read to judge these events, or the first ones of them: no more than
    /// `most` keys, unless the first event alone has more. `places` is a buffer.
    pub fn row_query<'a>(
        &self,
        events: impl Iterator<Item = &'a (Arrival, Event)>,
        most: usize,
        places: &mut Vec<(u32, u32)>,
    ) -> RowQuery {
        if self.watches_item() {
            return RowQuery::WatchedItem;
        }
        let (mut keys, mut deleted, mut count) = (Vec::new(), Vec::new(), 0);
        for (_, event) in events {
            let before = keys.len();
            count += 1;
            let Some(data) = event
                .data_text()
                .filter(|d| items::elements(d, places).is_ok())
            else {
                continue;
            };
            for json in places.iter().filter_map(|place| part(data, *place)) {
                if event.kind == EventKind::Delete {
                    let Some(text) = items::key_text(json) else {
                        continue;
                    };
                    deleted.push(key::folded(&text));
                    keys.extend(
                        self.key_format
                            .row_key(&text)
                            .map(|key| format!("\"{key}\"")),
                    );
                    continue;
                }
                let Some(key) = items::member(json, self.primary_key()) else {
                    continue;
                };
                let may_be_deleted = |text: &str| {
                    self.deleted.may_contain(text) || deleted.contains(&key::folded(text))
                };
                if items::key_text(key).is_some_and(|text| may_be_deleted(&text)) {
                    keys.push(key.to_owned());
                }
            }
            if keys.len() > most && before > 0 {
                keys.truncate(before);
                count -= 1;
                break;
            }
        }
        keys.sort_unstable();
        keys.dedup();
        RowQuery::Rows {
            keys,
            events: count,
        }
    }
}
