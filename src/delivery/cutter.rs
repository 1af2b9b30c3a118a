//! Cuts one message into what the callbacks get: per item or per message. Its
//! buffers are used again for every message.

use std::borrow::Cow;

use super::keys::Keys;
use super::{DeliveryOptions, Event, EventKind};
use crate::protocol::incoming::{self, Incoming, offsets};
use crate::protocol::items;

/// Buffers larger than this are given back after the message that needed them.
const SPARE_RANGES: usize = 64 * 1024;
const SPARE_TEXT: usize = 64 * 1024;

/// How the message that is being cut is handed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Cut {
    /// Not looked at yet.
    #[default]
    Uncut,
    /// In one piece.
    Whole,
    /// By element.
    Items,
    /// By element, each of them the key of a deleted item.
    Keys,
    /// Something was deleted, and the server does not say what.
    NoKey,
}

/// A part of a message: what one callback gets.
pub(super) struct Piece<'a> {
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
pub(super) struct Cutter {
    event: Option<Event>,
    cut: Cut,
    next: u32,
    count: u32,
    /// Where the elements are in the event's data.
    ranges: Vec<(u32, u32)>,
    /// The data of a delete.
    text: String,
}

impl Cutter {
    /// Begins a message.
    pub fn load(&mut self, event: Event) {
        self.event = Some(event);
        (self.cut, self.next, self.count) = (Cut::Uncut, 0, 0);
    }

    /// The message that is not finished yet.
    pub fn event(&self) -> Option<&Event> {
        self.event.as_ref()
    }

    /// Whether the message was opened already.
    pub fn is_open(&self) -> bool {
        self.cut != Cut::Uncut
    }

    /// Whether pieces are left.
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

    /// Finds the pieces, and learns of the items' keys.
    pub fn open(&mut self, options: &DeliveryOptions, keys: &mut Keys) -> Result<(), Broken> {
        let Some(event) = self.event.as_mut() else {
            return Err(Broken);
        };
        // Whatever happens from here on, the message is not opened again.
        (self.cut, self.count) = (Cut::Whole, 0);
        (self.cut, self.count) = match cut(event, options, &mut self.ranges) {
            Err(Broken) if !event.checked => {
                reread(event)?;
                cut(event, options, &mut self.ranges)?
            }
            other => other?,
        };
        if *keys == Keys::Unknown {
            if let Some(data) = slice(event, event.data) {
                keys.learn(event.kind, data, &options.primary_key);
            }
        }
        Ok(())
    }

    /// The next piece.
    pub fn next_piece(&mut self, options: &DeliveryOptions, keys: Keys) -> Option<Piece<'_>> {
        let event = self.event.as_ref()?;
        let index = self.next;
        if index >= self.count {
            return None;
        }
        self.next += 1;
        let mut data = slice(event, event.data);
        if matches!(self.cut, Cut::Items | Cut::Keys) {
            let (start, end) = *self.ranges.get(index as usize)?;
            data = data.and_then(|data| data.get(start as usize..end as usize));
        }
        let key = match self.cut {
            Cut::Keys => Some(keys.write(data?)),
            Cut::NoKey => Some(Cow::Borrowed("null")),
            _ => None,
        };
        if let Some(key) = key {
            self.text.clear();
            items::delete_data(&options.primary_key, &key, &mut self.text);
            data = Some(&self.text);
        }
        let meta = slice(event, event.meta);
        let (kind, flags, count) = (event.kind, event.flags, self.count);
        Some(Piece {
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

/// Decides how a message is handed over, and finds where its elements are.
fn cut(
    event: &Event,
    options: &DeliveryOptions,
    ranges: &mut Vec<(u32, u32)>,
) -> Result<(Cut, u32), Broken> {
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
        return Ok((Cut::NoKey, 1));
    }
    let Some(data) = data.filter(|_| by_item) else {
        let well_formed = event.checked || data.is_none_or(items::check);
        return if well_formed {
            Ok((Cut::Whole, 1))
        } else {
            Err(Broken)
        };
    };
    items::elements(data, ranges).map_err(|_| Broken)?;
    let count = u32::try_from(ranges.len()).map_err(|_| Broken)?;
    Ok(match event.kind {
        EventKind::Delete => (Cut::Keys, count),
        _ => (Cut::Items, count),
    })
}

/// The fast scan looked only at the ends of the frame, and what is between them
/// is not what it seemed to be: reads the frame as a whole.
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
