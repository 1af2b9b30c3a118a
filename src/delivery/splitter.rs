//! Splits one message into what the callbacks get: one part per item, or the whole message. Its
//! buffers are reused for every message.

use std::borrow::Cow;

use super::key_format::KeyFormat;
use super::{DeliveryOptions, Event, EventKind};
use crate::protocol::incoming::{self, Incoming, offsets};
use crate::protocol::items;

/// Larger buffers are freed after the message that needed them.
const SPARE_RANGES: usize = 64 * 1024;
const SPARE_TEXT: usize = 64 * 1024;

/// How a message is split.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Split {
    /// Not decided yet.
    #[default]
    Undecided,
    /// Not at all: one part.
    Whole,
    /// One part per element of `data`.
    ByItem,
    /// One part per element of `data`, each the key of a deleted item.
    ByKey,
    /// A delete that names no keys: one part.
    NoKey,
}

/// A part of a message: what one callback gets.
pub(super) struct Part<'a> {
    pub kind: EventKind,
    pub flags: u32,
    pub data: Option<&'a str>,
    pub meta: Option<&'a str>,
    pub index: u32,
    pub count: u32,
}

/// The message is not well-formed.
#[derive(Debug)]
pub(super) struct Broken;

/// See the module.
#[derive(Default)]
pub(super) struct Splitter {
    event: Option<Event>,
    split: Split,
    next: u32,
    count: u32,
    /// Where the elements of the event's data are.
    ranges: Vec<(u32, u32)>,
    /// The data of a delete, which is written here.
    text: String,
}

impl Splitter {
    /// Begins a message.
    pub fn load(&mut self, event: Event) {
        self.event = Some(event);
        (self.split, self.next, self.count) = (Split::Undecided, 0, 0);
    }

    /// The message that is not finished yet.
    pub fn event(&self) -> Option<&Event> {
        self.event.as_ref()
    }

    /// Whether [`Splitter::split`] was called for this message.
    pub fn is_split(&self) -> bool {
        self.split != Split::Undecided
    }

    /// Whether parts are left.
    pub fn has_more(&self) -> bool {
        self.next < self.count
    }

    /// Ends the message.
    pub fn finish(&mut self) -> Option<Event> {
        if self.ranges.capacity() > SPARE_RANGES {
            self.ranges = Vec::new();
        }
        if self.text.capacity() > SPARE_TEXT {
            self.text = String::new();
        }
        self.event.take()
    }

    /// Finds the parts, and how the items write their keys.
    pub fn split(&mut self, options: &DeliveryOptions, keys: &mut KeyFormat) -> Result<(), Broken> {
        let Some(event) = self.event.as_mut() else {
            return Err(Broken);
        };
        // Also if it is malformed, the message is not split again.
        (self.split, self.count) = (Split::Whole, 0);
        (self.split, self.count) = match split(event, options, &mut self.ranges) {
            Err(Broken) if !event.checked => {
                reread(event)?;
                split(event, options, &mut self.ranges)?
            }
            other => other?,
        };
        if *keys == KeyFormat::Unknown {
            if let Some(data) = slice(event, event.data) {
                keys.learn(event.kind, data, &options.primary_key);
            }
        }
        Ok(())
    }

    /// The next part.
    pub fn next_part(&mut self, options: &DeliveryOptions, keys: KeyFormat) -> Option<Part<'_>> {
        let event = self.event.as_ref()?;
        let index = self.next;
        if index >= self.count {
            return None;
        }
        self.next += 1;
        let mut data = slice(event, event.data);
        if matches!(self.split, Split::ByItem | Split::ByKey) {
            let (start, end) = *self.ranges.get(index as usize)?;
            data = data.and_then(|data| data.get(start as usize..end as usize));
        }
        let key = match self.split {
            Split::ByKey => Some(keys.write(data?)),
            Split::NoKey => Some(Cow::Borrowed("null")),
            _ => None,
        };
        if let Some(key) = key {
            self.text.clear();
            items::delete_data(&options.primary_key, &key, &mut self.text);
            data = Some(&self.text);
        }
        let meta = slice(event, event.meta);
        let (kind, flags, count) = (event.kind, event.flags, self.count);
        Some(Part {
            kind,
            flags,
            data,
            meta,
            index,
            count,
        })
    }
}

fn slice(event: &Event, range: Option<(u32, u32)>) -> Option<&str> {
    let (start, end) = range?;
    event.frame.as_str().get(start as usize..end as usize)
}

/// Decides how a message is split, and finds where its elements are.
fn split(
    event: &Event,
    options: &DeliveryOptions,
    ranges: &mut Vec<(u32, u32)>,
) -> Result<(Split, u32), Broken> {
    let data = slice(event, event.data);
    if data.is_none() && event.data.is_some() {
        return Err(Broken);
    }
    let change = matches!(
        event.kind,
        EventKind::Create | EventKind::Update | EventKind::Delete
    );
    let by_item = change && !options.per_message;
    if by_item && data.is_none() && event.kind == EventKind::Delete {
        return Ok((Split::NoKey, 1));
    }
    let Some(data) = data.filter(|_| by_item) else {
        let well_formed = event.checked || data.is_none_or(items::check);
        return if well_formed {
            Ok((Split::Whole, 1))
        } else {
            Err(Broken)
        };
    };
    items::elements(data, ranges).map_err(|_| Broken)?;
    let count = u32::try_from(ranges.len()).map_err(|_| Broken)?;
    Ok(match event.kind {
        EventKind::Delete => (Split::ByKey, count),
        _ => (Split::ByItem, count),
    })
}

/// The fast path has looked only at the two ends of the frame, and what is between them is not one
/// JSON array: parses the whole frame.
#[cold]
fn reread(event: &mut Event) -> Result<(), Broken> {
    let frame = event.frame.clone();
    let Ok(Incoming::Change {
        change, data, meta, ..
    }) = incoming::parse(&frame)
    else {
        return Err(Broken);
    };
    event.kind = EventKind::of(change);
    event.data = data.map(|part| offsets(&frame, part));
    event.meta = meta.map(|part| offsets(&frame, part));
    event.checked = true;
    Ok(())
}
