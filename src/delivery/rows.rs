//! What is delivered as text, for languages in which a call for each event costs more than
//! parsing, or in which none may come from C: one JSON array, or values next to an index of them.

use std::fmt::Write;

use serde_json::Value;

use super::{DeliveryItem, EventView, FLAG_ENDED, State};
use crate::error::Status;
use crate::rows::{LiveStatus, Update};

/// Which delivery items become rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowsOf {
    /// Events alone: the other callbacks run, in their place.
    Events,
    /// Everything: no callback runs.
    Everything,
    /// The same, with an index: only the index has the numbers of events.
    Indexed,
}

/// The first element of a row of [`RowsOf::Everything`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowKind {
    /// An event.
    #[default]
    Event = 0,
    /// A change of state.
    State = 1,
    /// A token is wanted.
    TokenWanted = 2,
    /// The reply to a request.
    Reply = 3,
    /// A registration is over.
    Released = 4,
    /// An update of a live collection.
    Update = 5,
}

/// A row of [`RowsOf::Indexed`]: its numbers, and where its text is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RowEntry {
    /// What it is.
    pub row: RowKind,
    /// The number of the registration.
    pub key: u64,
    /// An event's, as are the numbers that follow.
    pub kind: u32,
    /// See [`EventView`].
    pub flags: u32,
    /// See [`EventView`].
    pub sequence: u64,
    /// See [`EventView`].
    pub index: u32,
    /// See [`EventView`].
    pub count: u32,
    /// Where the row's text begins.
    pub begin: usize,
    /// Where an event's data ends and its meta begins.
    pub data_end: usize,
    /// Where the row's text ends.
    pub end: usize,
}

/// Rows that were delivered together. Without an index, the text is one JSON array.
#[derive(Default)]
pub struct Batch {
    /// The rows' text.
    pub text: String,
    /// Of [`RowsOf::Indexed`]: an entry for each row.
    pub index: Vec<RowEntry>,
}

impl Batch {
    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty() && self.text.len() <= "[]".len()
    }
}

/// The batch that is being written.
///
/// A row of [`RowsOf::Events`] is `[key,kind,flags,sequence,index,count,data,meta?]`; those of
/// [`RowsOf::Everything`] begin with their kind, and have `null` for what there is none of. An update
/// of a live collection has the number of its kind in place of an event's kind, then
/// `flags,sequence,status,revision,changes,error`. An event of [`RowsOf::Indexed`] is its data, `null`
/// where there is none, and its meta, and the rows are without the array's brackets.
pub(super) struct Rows {
    of: RowsOf,
    text: String,
    index: Vec<RowEntry>,
    /// The length up to the end of the last complete row.
    whole: usize,
    /// The array must be returned before the next delivery item is processed.
    pub is_over: bool,
}

impl Rows {
    /// No rows yet; uses these buffers.
    pub fn new(of: RowsOf, buffers: Batch) -> Rows {
        let Batch {
            mut text,
            mut index,
        } = buffers;
        text.clear();
        index.clear();
        if of != RowsOf::Indexed {
            text.push('[');
        }
        Rows {
            of,
            whole: text.len(),
            text,
            index,
            is_over: false,
        }
    }

    fn is_empty(&self) -> bool {
        match self.of {
            RowsOf::Indexed => self.index.is_empty(),
            RowsOf::Events | RowsOf::Everything => self.whole <= "[".len(),
        }
    }

    /// Whether no callback runs.
    pub fn has_everything(&self) -> bool {
        self.of != RowsOf::Events
    }

    /// Whether the array must be returned before this delivery item is processed: the item becomes
    /// no row, and its callback must not run before the events ahead of it are delivered.
    pub fn ends_before(&mut self, item: &DeliveryItem) -> bool {
        self.is_over = !self.is_empty()
            && !self.has_everything()
            && match item {
                DeliveryItem::Event(_)
                | DeliveryItem::Update { .. }
                | DeliveryItem::Register { .. }
                | DeliveryItem::CaughtUp { .. } => false,
                DeliveryItem::Release { .. }
                | DeliveryItem::State { .. }
                | DeliveryItem::SetStateSink(_)
                | DeliveryItem::SetTokenSink(_)
                | DeliveryItem::TokenWanted { .. }
                | DeliveryItem::Reply { .. } => true,
            };
        self.is_over
    }

    /// Appends an event.
    pub fn add_event(&mut self, key: u64, event: &EventView<'_>) {
        let data = event.data.unwrap_or("null");
        if self.of == RowsOf::Indexed {
            let begin = self.begin_entry();
            self.text.push_str(data);
            let data_end = self.text.len();
            self.text.push_str(event.meta.unwrap_or_default());
            self.end_entry(RowEntry {
                row: RowKind::Event,
                key,
                kind: event.kind as u32,
                flags: event.flags,
                sequence: event.sequence,
                index: event.index,
                count: event.count,
                begin,
                data_end,
                end: self.text.len(),
            });
            return;
        }
        if self.of == RowsOf::Everything {
            self.begin_row(RowKind::Event);
            self.text.push(',');
        } else {
            self.text.push_str(self.comma());
            self.text.push('[');
        }
        let &EventView {
            kind,
            flags,
            sequence,
            index,
            count,
            ..
        } = event;
        // Writing to a string cannot fail.
        let _ = write!(
            self.text,
            "{key},{},{flags},{sequence},{index},{count},",
            kind as u32
        );
        self.text.push_str(data);
        match (event.meta, self.of) {
            (Some(meta), _) => {
                self.text.push(',');
                self.text.push_str(meta);
            }
            (None, RowsOf::Events) => {}
            (None, _) => self.text.push_str(",null"),
        }
        self.end_row(RowKind::Event, key);
    }

    /// Appends an update of a live collection.
    pub fn add_update(&mut self, key: u64, sequence: u64, update: &Update) {
        let number = RowKind::Update as u8;
        match self.of {
            RowsOf::Everything | RowsOf::Indexed => {
                self.begin_row(RowKind::Update);
                let _ = write!(self.text, ",{key}");
            }
            RowsOf::Events => {
                let _ = write!(self.text, "{}[{key},{number}", self.comma());
            }
        }
        let flags = match update.status {
            LiveStatus::Ended => FLAG_ENDED,
            _ => 0,
        };
        let (status, revision) = (update.status as i32, update.revision);
        let _ = write!(self.text, ",{flags},{sequence},{status},{revision},[");
        for (n, change) in update.steps().enumerate() {
            let comma = if n > 0 { "," } else { "" };
            let (kind, key) = (change.kind as u32, change.row.key());
            let _ = write!(self.text, "{comma}[{kind},{key},");
            for index in [change.old, change.new] {
                match index {
                    Some(index) => {
                        let _ = write!(self.text, "{index},");
                    }
                    None => self.text.push_str("null,"),
                }
            }
            self.text.push_str(change.row.text());
            self.text.push(']');
        }
        self.text.push_str("],");
        self.text
            .push_str(update.error.as_deref().unwrap_or("null"));
        self.end_row(RowKind::Update, key);
    }

    /// Appends a change of state.
    pub fn add_state(&mut self, state: State, reason: Status, message: &str) {
        self.begin_row(RowKind::State);
        let message = quoted(message);
        let _ = write!(self.text, ",{},{},{message}", state as i32, reason as i32);
        self.end_row(RowKind::State, 0);
    }

    /// Appends that a token is wanted.
    pub fn add_token_wanted(&mut self, reason: Status) {
        self.begin_row(RowKind::TokenWanted);
        let _ = write!(self.text, ",{}", reason as i32);
        self.end_row(RowKind::TokenWanted, 0);
    }

    /// Appends the reply to a request; `json` is empty where there is none.
    pub fn add_reply(&mut self, key: u64, status: Status, json: &str, message: &str) {
        self.begin_row(RowKind::Reply);
        let json = if json.is_empty() { "null" } else { json };
        let message = quoted(message);
        let _ = write!(self.text, ",{key},{},{json},{message}", status as i32);
        self.end_row(RowKind::Reply, key);
    }

    /// Appends that a registration is over.
    pub fn add_released(&mut self, key: u64) {
        self.begin_row(RowKind::Released);
        let _ = write!(self.text, ",{key}");
        self.end_row(RowKind::Released, key);
    }

    fn comma(&self) -> &'static str {
        if self.is_empty() { "" } else { "," }
    }

    fn begin_row(&mut self, kind: RowKind) {
        let _ = write!(self.text, "{}[{}", self.comma(), kind as u8);
    }

    fn end_row(&mut self, row: RowKind, key: u64) {
        self.text.push(']');
        if self.of == RowsOf::Indexed {
            let begin = self.whole + self.comma().len();
            let end = self.text.len();
            self.end_entry(RowEntry {
                row,
                key,
                begin,
                data_end: end,
                end,
                ..RowEntry::default()
            });
        }
        self.whole = self.text.len();
    }

    /// Where the text of an event begins that is written next.
    fn begin_entry(&mut self) -> usize {
        self.text.push_str(self.comma());
        self.text.len()
    }

    /// Enters the row that ends here into the index.
    fn end_entry(&mut self, entry: RowEntry) {
        self.whole = entry.end;
        self.index.push(entry);
    }

    /// Takes back what was written of a row that panicked.
    pub fn repair(&mut self) {
        self.text.truncate(self.whole);
    }

    /// All rows.
    pub fn into_batch(mut self) -> Batch {
        if self.of != RowsOf::Indexed {
            self.text.push(']');
        }
        Batch {
            text: self.text,
            index: self.index,
        }
    }
}

/// Text as JSON.
fn quoted(text: &str) -> Value {
    Value::from(text)
}
