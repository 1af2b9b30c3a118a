//! What is delivered as one JSON array, for languages in which a call for each event costs more
//! than parsing, or in which none may come from C.

use std::fmt::Write;

use serde_json::Value;

use super::{DeliveryItem, EventView, State};
use crate::error::Status;

/// Which delivery items become rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RowsOf {
    /// Events alone: the other callbacks run, in their place.
    Events,
    /// Everything: no callback runs.
    Everything,
}

/// The first element of a row of [`RowsOf::Everything`].
#[derive(Clone, Copy)]
enum RowKind {
    Event = 0,
    State = 1,
    TokenWanted = 2,
    Reply = 3,
    Released = 4,
}

/// The array that is being written.
///
/// A row of [`RowsOf::Events`] is `[key,kind,flags,sequence,index,count,data,meta?]`; those of
/// [`RowsOf::Everything`] begin with their kind, and have `null` for what there is none of.
pub(super) struct Rows {
    of: RowsOf,
    text: String,
    /// The length up to the end of the last complete row.
    whole: usize,
    /// The array must be returned before the next delivery item is processed.
    pub is_over: bool,
}

impl Rows {
    /// An empty array that uses this buffer.
    pub fn new(of: RowsOf, mut buffer: String) -> Rows {
        buffer.clear();
        buffer.push('[');
        Rows {
            of,
            whole: buffer.len(),
            text: buffer,
            is_over: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.whole == 1
    }

    /// Whether no callback runs.
    pub fn has_everything(&self) -> bool {
        self.of == RowsOf::Everything
    }

    /// Whether the array must be returned before this delivery item is processed: the item becomes
    /// no row, and its callback must not run before the events ahead of it are delivered.
    pub fn ends_before(&mut self, item: &DeliveryItem) -> bool {
        self.is_over = !self.is_empty()
            && !self.has_everything()
            && match item {
                DeliveryItem::Event(_)
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
        match self.of {
            RowsOf::Everything => {
                self.begin_row(RowKind::Event);
                self.text.push(',');
            }
            RowsOf::Events => {
                self.text.push_str(self.comma());
                self.text.push('[');
            }
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
        self.text.push_str(event.data.unwrap_or("null"));
        match (event.meta, self.of) {
            (Some(meta), _) => {
                self.text.push(',');
                self.text.push_str(meta);
            }
            (None, RowsOf::Events) => {}
            (None, RowsOf::Everything) => self.text.push_str(",null"),
        }
        self.end_row();
    }

    /// Appends a change of state.
    pub fn add_state(&mut self, state: State, reason: Status, message: &str) {
        self.begin_row(RowKind::State);
        let message = quoted(message);
        let _ = write!(self.text, ",{},{},{message}", state as i32, reason as i32);
        self.end_row();
    }

    /// Appends that a token is wanted.
    pub fn add_token_wanted(&mut self, reason: Status) {
        self.begin_row(RowKind::TokenWanted);
        let _ = write!(self.text, ",{}", reason as i32);
        self.end_row();
    }

    /// Appends the reply to a request; `json` is empty where there is none.
    pub fn add_reply(&mut self, key: u64, status: Status, json: &str, message: &str) {
        self.begin_row(RowKind::Reply);
        let json = if json.is_empty() { "null" } else { json };
        let message = quoted(message);
        let _ = write!(self.text, ",{key},{},{json},{message}", status as i32);
        self.end_row();
    }

    /// Appends that a registration is over.
    pub fn add_released(&mut self, key: u64) {
        self.begin_row(RowKind::Released);
        let _ = write!(self.text, ",{key}");
        self.end_row();
    }

    fn comma(&self) -> &'static str {
        if self.is_empty() { "" } else { "," }
    }

    fn begin_row(&mut self, kind: RowKind) {
        let _ = write!(self.text, "{}[{}", self.comma(), kind as u8);
    }

    fn end_row(&mut self) {
        self.text.push(']');
        self.whole = self.text.len();
    }

    /// Takes back what was written of a row that panicked.
    pub fn repair(&mut self) {
        self.text.truncate(self.whole);
    }

    /// The whole array.
    pub fn into_text(mut self) -> String {
        self.text.push(']');
        self.text
    }
}

/// Text as JSON.
fn quoted(text: &str) -> Value {
    Value::from(text)
}
