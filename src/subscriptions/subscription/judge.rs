//! What one event means to a subscription: whether it is still true, and which of the
//! subscription's rows a delete names. The server overtakes itself (see
//! [`crate::subscriptions::deleted_keys`]) and writes the key of a delete as the request that
//! deleted the row spelled it, so that some events can be judged only after a read.

use std::borrow::Cow;

use super::{ExistingRows, Subscription};
use crate::handover::{Event, EventKind};
use crate::protocol::incoming::{self, Incoming, offsets};
use crate::protocol::{Frame, items, key};
use crate::subscriptions::deleted_keys::Arrival;

/// What becomes of an event.
#[derive(Debug)]
pub enum Verdict {
    /// It is delivered, perhaps with other data than it came with.
    Deliver(Event),
    /// It is not.
    Drop,
    /// Only a read can tell.
    NeedsRead(Event),
}

/// Only a read can tell whose key that is.
struct NeedsRead;

/// How the key of a delete relates to the one item that is watched.
enum KeyMatch {
    Same,
    Other,
    /// The same to some databases.
    Unclear,
}

pub(super) fn part(text: &str, (from, to): (u32, u32)) -> Option<&str> {
    text.get(from as usize..to as usize)
}

impl Subscription {
    /// Whether more has to be known of an event than its kind before it can be delivered.
    #[inline]
    pub(super) fn looks_at(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::Create | EventKind::Update => {
                !self.deleted.is_empty()
                    || self.key_format.may_learn_from(kind == EventKind::Create)
                    || (self.item_key().is_none() && self.watches_item())
            }
            EventKind::Delete => true,
            EventKind::Init | EventKind::Error => false,
        }
    }

    /// Judges an event that arrived `at` that time. `read` is what a read has found since
    /// then, if there was one. `places` is a buffer.
    pub fn judge(
        &mut self,
        event: Event,
        at: Arrival,
        read: Option<&ExistingRows>,
        places: &mut Vec<(u32, u32)>,
    ) -> Verdict {
        if !self.looks_at(event.kind) {
            return Verdict::Deliver(event);
        }
        self.deleted.expire(at);
        let Some(data) = event.data_text() else {
            let is_unknown = event.kind == EventKind::Delete && self.watches_item();
            return match (is_unknown, read) {
                (false, _) => Verdict::Deliver(event),
                (true, None) => Verdict::NeedsRead(event),
                (true, Some(rows)) if rows.is_empty() => Verdict::Deliver(event),
                (true, Some(_)) => Verdict::Drop,
            };
        };
        if items::elements(data, places).is_err() {
            return match parse_whole(event) {
                Ok(event) => self.judge(event, at, read, places),
                // Delivery finds out that it is malformed, and reports it.
                Err(event) => Verdict::Deliver(event),
            };
        }
        if event.kind == EventKind::Delete {
            self.judge_delete(event, at, read, places)
        } else {
            self.judge_rows(event, read, places)
        }
    }

    fn judge_rows(
        &mut self,
        event: Event,
        read: Option<&ExistingRows>,
        places: &[(u32, u32)],
    ) -> Verdict {
        let (mut kept, mut dropped) = (Vec::new(), 0);
        for (n, place) in places.iter().enumerate() {
            let row = event.data_text().and_then(|data| part(data, *place));
            let Some(row) = row else { continue };
            let key = items::member(row, self.primary_key());
            match key {
                Some(key) => self.learn_key(key),
                None => self.key_format.row_without_key(),
            }
            if self.deleted.is_empty() {
                continue;
            }
            let text = key.and_then(items::key_text);
            let is_gone = match text.filter(|text| self.deleted.may_contain(text)) {
                None => false,
                Some(text) => match read {
                    None => return Verdict::NeedsRead(event),
                    Some(rows) if rows.contains(&text) => {
                        self.deleted.remove(&text);
                        false
                    }
                    Some(_) => true,
                },
            };
            if is_gone && dropped == 0 {
                kept.extend(
                    places[..n]
                        .iter()
                        .filter_map(|p| part(event.data_text()?, *p)),
                );
            }
            dropped += usize::from(is_gone);
            if !is_gone && dropped > 0 {
                kept.push(row);
            }
        }
        match dropped {
            0 => Verdict::Deliver(event),
            _ if kept.is_empty() => Verdict::Drop,
            _ => Verdict::Deliver(with_data(&event, &kept)),
        }
    }

    /// A row has this key, as JSON.
    pub(super) fn learn_key(&mut self, json: &str) {
        self.key_format.observe(json);
        let is_watched = self.watches_item();
        if is_watched && self.item_key().is_none() && items::key_text(json).is_some() {
            self.rare.get_or_insert_default().item_key = Some(json.into());
        }
    }

    fn judge_delete(
        &mut self,
        event: Event,
        at: Arrival,
        read: Option<&ExistingRows>,
        places: &[(u32, u32)],
    ) -> Verdict {
        let delivery = &self.meta.delivery;
        let mut keys: Vec<Cow<'_, str>> = Vec::new();
        let (mut changed, mut ours) = (false, 0);
        // A message whose keys are right is delivered without being copied.
        for place in places {
            let Some(json) = event.data_text().and_then(|data| part(data, *place)) else {
                continue;
            };
            let key = if delivery.item.is_none() {
                self.key_of_row(json, read).map(Some)
            } else {
                self.key_of_item(json, read)
            };
            let Ok(key) = key else {
                return Verdict::NeedsRead(event);
            };
            ours += usize::from(key.is_some());
            changed |= !matches!(key, Some(Cow::Borrowed(_)));
            match key {
                Some(key) => keys.push(key),
                // The message is delivered as a whole.
                None if delivery.per_message => keys.push(Cow::Borrowed(json)),
                None => {}
            }
        }
        if delivery.item.is_some() && ours == 0 {
            return Verdict::Drop;
        }
        let texts = keys.iter().filter_map(|key| items::key_text(key));
        for text in texts.filter(|_| self.spec.reports_rows()) {
            self.deleted.add(&text, at);
            self.key_format.forget(&text);
        }
        if changed {
            let event = with_data(&event, &keys);
            return Verdict::Deliver(event);
        }
        drop(keys);
        Verdict::Deliver(event)
    }

    /// A key of a delete as the row has written it. A row that still exists is another one.
    fn key_of_row<'a>(
        &self,
        json: &'a str,
        read: Option<&ExistingRows>,
    ) -> Result<Cow<'a, str>, NeedsRead> {
        let text = items::key_text(json);
        let row_key = text.and_then(|text| self.key_format.row_key(&text));
        match (row_key, read) {
            (None, _) => Ok(Cow::Borrowed(json)),
            (Some(_), None) => Err(NeedsRead),
            (Some(row_key), Some(rows)) if rows.contains(&row_key) => Ok(Cow::Borrowed(json)),
            (Some(row_key), Some(_)) => Ok(Cow::Owned(format!("\"{row_key}\""))),
        }
    }

    /// A key of a delete as the watched item has written it; `None` where it is of another.
    fn key_of_item<'a>(
        &self,
        json: &'a str,
        read: Option<&ExistingRows>,
    ) -> Result<Option<Cow<'a, str>>, NeedsRead> {
        let text = items::key_text(json);
        let matched = text.map_or(KeyMatch::Other, |text| self.key_match(&text));
        match (matched, read) {
            (KeyMatch::Same, _) => Ok(Some(Cow::Borrowed(json))),
            (KeyMatch::Other, _) => Ok(None),
            (KeyMatch::Unclear, None) => Err(NeedsRead),
            // The item still exists.
            (KeyMatch::Unclear, Some(rows)) if !rows.is_empty() => Ok(None),
            (KeyMatch::Unclear, Some(_)) => Ok(Some(match self.item_key() {
                Some(key) => Cow::Owned(key.to_string()),
                None => Cow::Borrowed(json),
            })),
        }
    }

    fn key_match(&self, text: &str) -> KeyMatch {
        let item = self.meta.delivery.item.as_deref().unwrap_or_default();
        let own = self.item_key();
        if let Some(own) = own.filter(|own| !own.starts_with('"')) {
            return match key::number(text) {
                Some(number) if number != own => KeyMatch::Other,
                None => KeyMatch::Other,
                // What has so many digits was rounded: other rows may be shown alike.
                Some(_) if key::is_rounded(own) && text != item => KeyMatch::Unclear,
                Some(_) => KeyMatch::Same,
            };
        }
        let own_text = own.and_then(items::key_text);
        if own_text.as_deref().unwrap_or(item) == text {
            return KeyMatch::Same;
        }
        if key::folded(text) == key::folded(own_text.as_deref().unwrap_or(item)) {
            KeyMatch::Unclear
        } else {
            KeyMatch::Other
        }
    }

    /// Remembers what an event deletes, where the event itself is dropped.
    pub fn note_delete(&mut self, event: &Event, at: Arrival, places: &mut Vec<(u32, u32)>) {
        let data = event
            .data_text()
            .filter(|_| self.spec.reports_rows() && event.kind == EventKind::Delete);
        let Some(data) = data.filter(|data| items::elements(data, places).is_ok()) else {
            return;
        };
        self.deleted.expire(at);
        let keys = places.iter().filter_map(|place| part(data, *place));
        for text in keys.filter_map(items::key_text) {
            self.deleted.add(&text, at);
        }
    }
}

/// The event with these elements as its data.
fn with_data(event: &Event, elements: &[impl AsRef<str>]) -> Event {
    let mut text = String::from("[");
    for (n, element) in elements.iter().enumerate() {
        text.push_str(if n > 0 { "," } else { "" });
        text.push_str(element.as_ref());
    }
    text.push(']');
    let data = Some((0, text.len() as u32));
    let meta = event.meta.and_then(|place| part(&event.frame, place));
    text.push_str(meta.unwrap_or_default());
    let meta = meta.map(|meta| ((text.len() - meta.len()) as u32, text.len() as u32));
    Event {
        frame: Frame::from(text),
        data,
        meta,
        checked: true,
        ..*event
    }
}

/// Parses the frame of an event of which the fast path has looked at the ends only.
#[cold]
fn parse_whole(event: Event) -> Result<Event, Event> {
    if event.checked {
        return Err(event);
    }
    let frame = event.frame.clone();
    let Ok(Incoming::Change {
        change, data, meta, ..
    }) = incoming::parse(&frame)
    else {
        return Err(event);
    };
    Ok(Event {
        kind: EventKind::of(change),
        data: data.map(|part| offsets(&frame, part)),
        meta: meta.map(|part| offsets(&frame, part)),
        checked: true,
        ..event
    })
}
