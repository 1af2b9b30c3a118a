//! Whose keys a delete names, and in which spelling: what one event means to one
//! subscription, as far as can be said without asking the server.

use std::borrow::Cow;

use crate::handover::{Event, EventKind};
use crate::protocol::incoming::{self, Incoming, offsets};
use crate::protocol::{Frame, items, key};
use crate::subscriptions::gone::Arrival;
use crate::subscriptions::subscription::{ON_CREATE, ON_UPDATE};
use crate::subscriptions::{Phase, Subscription};

/// What becomes of an event.
pub(super) enum Verdict {
    /// It goes to the application.
    Pass(Event),
    /// It does not.
    Drop,
    /// Whether it is true, only a read can tell.
    Ask(Event),
}

/// The keys of the rows that a read has found, as these have them.
#[derive(Debug, Default)]
pub(super) struct Present(Vec<String>);

impl Present {
    /// The keys in an answer.
    pub fn of(data: Option<&str>, primary_key: &str) -> Present {
        let mut places = Vec::new();
        let data = data.unwrap_or("[]");
        if items::elements(data, &mut places).is_err() {
            places.clear();
        }
        let rows = places.iter().filter_map(|place| part(data, *place));
        let keys = rows.filter_map(|row| items::member(row, primary_key));
        let keys = keys.filter_map(|key| items::key_text(key).map(Cow::into_owned));
        Present(keys.collect())
    }

    fn has(&self, key: &str) -> bool {
        self.0.iter().any(|there| there == key)
    }
}

/// What the key of a delete is to a subscription of one item.
enum Relation {
    Same,
    Other,
    /// The same to some databases.
    Doubt,
}

/// What is to be read so that events can be judged.
pub(super) enum Question {
    /// The one item that is watched.
    Item,
    /// Rows with these keys, as JSON: all that the first so many events ask for.
    Keys(Vec<String>, usize),
}

pub(super) fn part(text: &str, (from, to): (u32, u32)) -> Option<&str> {
    text.get(from as usize..to as usize)
}

fn data_of(event: &Event) -> Option<&str> {
    part(&event.frame, event.data?)
}

impl Subscription {
    /// Whether more than its kind has to be known of an event.
    #[inline]
    pub(super) fn looks_at(&self, kind: EventKind) -> bool {
        match kind {
            EventKind::Create | EventKind::Update => {
                !self.gone.is_empty()
                    || self.spelling.is_open(kind == EventKind::Create)
                    || (self.item_key.is_none() && self.meta.delivery.item.is_some())
            }
            EventKind::Delete => true,
            EventKind::Init | EventKind::Error => false,
        }
    }

    /// Judges an event that came at that time, with what a read has found since, if it
    /// was read. `places` is a buffer.
    pub(super) fn judge(
        &mut self,
        event: Event,
        at: Arrival,
        present: Option<&Present>,
        places: &mut Vec<(u32, u32)>,
    ) -> Verdict {
        if !self.looks_at(event.kind) {
            return Verdict::Pass(event);
        }
        self.gone.expire(at);
        let Some(data) = data_of(&event) else {
            let unknown = event.kind == EventKind::Delete && self.meta.delivery.item.is_some();
            return match (unknown, present) {
                (false, _) => Verdict::Pass(event),
                (true, None) => Verdict::Ask(event),
                (true, Some(present)) if present.0.is_empty() => Verdict::Pass(event),
                (true, Some(_)) => Verdict::Drop,
            };
        };
        if items::elements(data, places).is_err() {
            return match reread(event) {
                Ok(event) => self.judge(event, at, present, places),
                // Delivery finds out, and says so.
                Err(event) => Verdict::Pass(event),
            };
        }
        if event.kind == EventKind::Delete {
            self.judge_delete(event, at, present, places)
        } else {
            self.judge_rows(event, present, places)
        }
    }

    fn judge_rows(
        &mut self,
        event: Event,
        present: Option<&Present>,
        places: &[(u32, u32)],
    ) -> Verdict {
        let (mut kept, mut dropped) = (Vec::new(), 0);
        for (n, place) in places.iter().enumerate() {
            let row = data_of(&event).and_then(|data| part(data, *place));
            let Some(row) = row else { continue };
            let key = items::member(row, &self.meta.delivery.primary_key);
            match key {
                Some(key) => self.see_key(key),
                None => self.spelling.hide(),
            }
            if self.gone.is_empty() {
                continue;
            }
            let text = key.and_then(items::key_text);
            let is_gone = match text.filter(|text| self.gone.has(text)) {
                None => false,
                Some(text) => match present {
                    None => return Verdict::Ask(event),
                    Some(present) if present.has(&text) => {
                        self.gone.remove(&text);
                        false
                    }
                    Some(_) => true,
                },
            };
            if is_gone && dropped == 0 {
                kept.extend(
                    places[..n]
                        .iter()
                        .filter_map(|p| part(data_of(&event)?, *p)),
                );
            }
            dropped += usize::from(is_gone);
            if !is_gone && dropped > 0 {
                kept.push(row);
            }
        }
        match dropped {
            0 => Verdict::Pass(event),
            _ if kept.is_empty() => Verdict::Drop,
            _ => Verdict::Pass(with_data(&event, &kept)),
        }
    }

    /// A row has this key.
    pub(super) fn see_key(&mut self, json: &str) {
        self.spelling.see(json);
        let is_watched = self.meta.delivery.item.is_some();
        if is_watched && self.item_key.is_none() && items::key_text(json).is_some() {
            self.item_key = Some(json.into());
        }
    }

    fn judge_delete(
        &mut self,
        event: Event,
        at: Arrival,
        present: Option<&Present>,
        places: &[(u32, u32)],
    ) -> Verdict {
        let delivery = &self.meta.delivery;
        let mut keys: Vec<Cow<'_, str>> = Vec::new();
        let (mut changed, mut ours) = (false, 0);
        // A message that is one item's key, and needs nothing, is passed on as it is.
        for place in places {
            let Some(json) = data_of(&event).and_then(|data| part(data, *place)) else {
                continue;
            };
            let text = items::key_text(json);
            let key = if delivery.item.is_none() {
                match text.as_deref().and_then(|text| self.spelling.row_key(text)) {
                    None => Some(Cow::Borrowed(json)),
                    Some(row_key) => match present {
                        None => return Verdict::Ask(event),
                        Some(present) if present.has(&row_key) => Some(Cow::Borrowed(json)),
                        Some(_) => Some(Cow::Owned(format!("\"{row_key}\""))),
                    },
                }
            } else {
                match text
                    .as_deref()
                    .map_or(Relation::Other, |text| self.relation(text))
                {
                    Relation::Same => Some(Cow::Borrowed(json)),
                    Relation::Other => None,
                    Relation::Doubt => match present {
                        None => return Verdict::Ask(event),
                        Some(present) if !present.0.is_empty() => None,
                        Some(_) => Some(match &self.item_key {
                            Some(key) => Cow::Owned(key.to_string()),
                            None => Cow::Borrowed(json),
                        }),
                    },
                }
            };
            ours += usize::from(key.is_some());
            changed |= !matches!(key, Some(Cow::Borrowed(_)));
            match key {
                Some(key) => keys.push(key),
                // The message is passed on as a whole.
                None if delivery.per_message => keys.push(Cow::Borrowed(json)),
                None => {}
            }
        }
        if delivery.item.is_some() && ours == 0 {
            return Verdict::Drop;
        }
        let is_followed = self.spec.events & (ON_CREATE | ON_UPDATE) != 0;
        let texts = keys.iter().filter_map(|key| items::key_text(key));
        for text in texts.filter(|_| is_followed) {
            self.gone.add(&text, at);
            self.spelling.forget(&text);
        }
        if changed {
            let event = with_data(&event, &keys);
            return Verdict::Pass(event);
        }
        drop(keys);
        Verdict::Pass(event)
    }

    fn relation(&self, text: &str) -> Relation {
        let item = self.meta.delivery.item.as_deref().unwrap_or_default();
        let own = self.item_key.as_deref();
        if let Some(own) = own.filter(|own| !own.starts_with('"')) {
            return match key::number(text) {
                Some(number) if number != own => Relation::Other,
                None => Relation::Other,
                // What has so many digits was rounded: other rows may be shown alike.
                Some(_) if key::is_rounded(own) && text != item => Relation::Doubt,
                Some(_) => Relation::Same,
            };
        }
        let own_text = own.and_then(items::key_text);
        if own_text.as_deref().unwrap_or(item) == text {
            return Relation::Same;
        }
        if key::folded(text) == key::folded(own_text.as_deref().unwrap_or(item)) {
            Relation::Doubt
        } else {
            Relation::Other
        }
    }

    /// Remembers what was deleted, where the event itself goes nowhere.
    pub(super) fn note_delete(&mut self, event: &Event, at: Arrival, places: &mut Vec<(u32, u32)>) {
        let is_followed = self.spec.events & (ON_CREATE | ON_UPDATE) != 0;
        let data = data_of(event).filter(|_| is_followed && event.kind == EventKind::Delete);
        let Some(data) = data.filter(|data| items::elements(data, places).is_ok()) else {
            return;
        };
        self.gone.expire(at);
        let keys = places.iter().filter_map(|place| part(data, *place));
        for text in keys.filter_map(items::key_text) {
            self.gone.add(&text, at);
        }
    }

    /// Enters another phase of the same registration. Deletes among what was held count,
    /// though they go nowhere.
    pub(super) fn leave_held(&mut self, phase: Phase, places: &mut Vec<(u32, u32)>) {
        let before = std::mem::replace(&mut self.phase, phase);
        if let Phase::Reading { held, .. } | Phase::Settling { held, .. } = before {
            for (at, event) in held.iter() {
                self.note_delete(event, *at, places);
            }
        }
    }

    /// What has to be read to judge these events, or the first ones of them: no more than
    /// so many keys, unless the first event alone has more.
    pub(super) fn question<'a>(
        &self,
        events: impl Iterator<Item = &'a (Arrival, Event)>,
        most: usize,
        places: &mut Vec<(u32, u32)>,
    ) -> Question {
        if self.meta.delivery.item.is_some() {
            return Question::Item;
        }
        let (mut keys, mut gone, mut count) = (Vec::new(), Vec::new(), 0);
        for (_, event) in events {
            let before = keys.len();
            count += 1;
            let Some(data) = data_of(event).filter(|d| items::elements(d, places).is_ok()) else {
                continue;
            };
            for json in places.iter().filter_map(|place| part(data, *place)) {
                if event.kind == EventKind::Delete {
                    let Some(text) = items::key_text(json) else {
                        continue;
                    };
                    gone.push(key::folded(&text));
                    keys.extend(self.spelling.row_key(&text).map(|key| format!("\"{key}\"")));
                    continue;
                }
                let Some(key) = items::member(json, &self.meta.delivery.primary_key) else {
                    continue;
                };
                let text = items::key_text(key);
                if text.is_some_and(|t| self.gone.has(&t) || gone.contains(&key::folded(&t))) {
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
        Question::Keys(keys, count)
    }
}

/// The event with other data.
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

/// The fast scan looked only at the ends of the frame: reads it as a whole.
#[cold]
fn reread(event: Event) -> Result<Event, Event> {
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
