//! Events as one JSON array, for languages in which a call per event costs
//! more than parsing.

use std::fmt::Write;

use super::{DeliveryItem, EventView};

/// The array that is being written:
/// `[[key,kind,flags,sequence,index,count,data,meta?],…]`.
#[derive(Default)]
pub(super) struct EventArray {
    text: String,
    /// The length up to the end of the last complete event.
    whole: usize,
    /// The array must be returned before the next delivery item is processed.
    pub is_over: bool,
}

impl EventArray {
    /// An empty array that uses this buffer.
    pub fn new(mut buffer: String) -> EventArray {
        buffer.clear();
        buffer.push('[');
        EventArray {
            whole: buffer.len(),
            text: buffer,
            is_over: false,
        }
    }

    fn is_empty(&self) -> bool {
        self.whole == 1
    }

    /// Whether the array must be returned before this delivery item is processed: the item is not
    /// an event, and its callback must not run before the events ahead of it are delivered.
    pub fn ends_before(&mut self, item: &DeliveryItem) -> bool {
        self.is_over = !self.is_empty()
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
    pub fn add(&mut self, key: u64, event: &EventView<'_>) {
        let comma = if self.is_empty() { "" } else { "," };
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
            "{comma}[{key},{},{flags},{sequence},{index},{count},",
            kind as u32
        );
        self.text.push_str(event.data.unwrap_or("null"));
        if let Some(meta) = event.meta {
            self.text.push(',');
            self.text.push_str(meta);
        }
        self.text.push(']');
        self.whole = self.text.len();
    }

    /// Takes back what was written of an event that panicked.
    pub fn repair(&mut self) {
        self.text.truncate(self.whole);
    }

    /// The whole array.
    pub fn into_text(mut self) -> String {
        self.text.push(']');
        self.text
    }
}
