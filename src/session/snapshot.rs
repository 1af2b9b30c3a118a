//! INIT events, and the join between a snapshot and the events that follow it.

use std::collections::HashSet;

use super::machine::Session;
use crate::delivery::{Event, EventKind, FLAG_ENDED, FLAG_RESYNC, Item};
use crate::protocol::incoming::offsets;
use crate::protocol::{Frame, items};
use crate::subscriptions::subscription::Held;
use crate::subscriptions::{Phase, SubId, Subscription};

/// A snapshot as it came: the frame and where data and meta are in it.
pub(super) struct Snapshot<'a> {
    pub frame: &'a Frame,
    pub data: Option<&'a str>,
    pub meta: Option<&'a str>,
}

impl Session {
    /// Hands over the snapshot and what was held back for it; the subscription
    /// is up to date then.
    pub(super) fn activate(&mut self, id: SubId, snapshot: &Snapshot<'_>) {
        let Some(subscription) = self.registry.get_mut(id) else { return };
        let Some(serial) = subscription.serial() else { return };
        let before = std::mem::replace(&mut subscription.phase, Phase::Active { serial });
        let flags = if subscription.had_init { FLAG_RESYNC } else { 0 };
        subscription.had_init = true;
        subscription.failures = 0;
        subscription.strikes = 0;
        let init = init_event(subscription, snapshot, flags);
        self.resyncs += u64::from(flags & FLAG_RESYNC != 0);
        self.changed = true;
        let epoch = init.epoch;
        self.items.push(Item::Event(init));
        if let Phase::Reading { held, .. } = before {
            let primary_key = subscription.target.shape.primary_key.clone();
            for event in after_snapshot(held, snapshot.data, &primary_key) {
                self.items.push(Item::Event(Event { epoch, ..event }));
            }
        }
    }

    /// Hands over an error: with `ended` the subscription's last word.
    pub(super) fn emit_error(&mut self, id: SubId, json: &str, ended: bool) {
        let Some(subscription) = self.registry.get(id) else { return };
        let frame = Frame::from(json.to_owned());
        let data = Some((0, frame.len() as u32));
        self.items.push(Item::Event(Event {
            slot: id.slot(),
            epoch: subscription.target.epoch(),
            kind: EventKind::Error,
            flags: if ended { FLAG_ENDED } else { 0 },
            frame,
            data,
            meta: None,
            checked: true,
        }));
    }
}

fn init_event(subscription: &Subscription, snapshot: &Snapshot<'_>, flags: u32) -> Event {
    let place = |part: &str| offsets(snapshot.frame, part);
    let (frame, data) = if !subscription.wish.wants_snapshot() {
        (snapshot.frame.clone(), None)
    } else if subscription.target.shape.item.is_some() {
        match snapshot.data.map(only_item) {
            Some(Some(item)) => (snapshot.frame.clone(), Some(place(item))),
            // It does not exist, or not yet, or not for us.
            Some(None) => (Frame::from_static("null"), Some((0, 4))),
            None => (snapshot.frame.clone(), None),
        }
    } else {
        (snapshot.frame.clone(), snapshot.data.map(place))
    };
    Event {
        slot: subscription.id.slot(),
        epoch: subscription.target.epoch(),
        kind: EventKind::Init,
        flags,
        meta: snapshot.meta.filter(|_| frame.as_ptr() == snapshot.frame.as_ptr()).map(place),
        frame,
        data,
        checked: true,
    }
}

/// The item in a snapshot that was filtered by its key.
fn only_item(data: &str) -> Option<&str> {
    let mut elements = Vec::new();
    match items::elements(data, &mut elements) {
        Ok(items::Kind::Array) => {
            let &(from, to) = elements.first()?;
            data.get(from as usize..to as usize)
        }
        _ => Some(data).filter(|data| *data != "null"),
    }
}

/// The events since the snapshot was asked for. A create of an item that the
/// snapshot has already is left out, so that it is told once; whatever changed
/// the item later has an event of its own.
fn after_snapshot(held: Held, data: Option<&str>, primary_key: &str) -> Vec<Event> {
    if !held.events.iter().any(|event| event.kind == EventKind::Create) {
        return held.events;
    }
    let keys = keys_of(data.unwrap_or("[]"), primary_key);
    held.events
        .into_iter()
        .filter(|event| {
            event.kind != EventKind::Create || {
                let created = event
                    .data
                    .and_then(|(from, to)| event.frame.get(from as usize..to as usize))
                    .map(|data| keys_of(data, primary_key))
                    .unwrap_or_default();
                created.is_empty() || !created.is_subset(&keys)
            }
        })
        .collect()
}

fn keys_of(data: &str, primary_key: &str) -> HashSet<String> {
    let mut elements = Vec::new();
    if items::elements(data, &mut elements).is_err() {
        return HashSet::new();
    }
    elements
        .iter()
        .filter_map(|&(from, to)| data.get(from as usize..to as usize))
        .filter_map(|item| items::member(item, primary_key))
        .filter_map(|key| items::key_text(key).map(|text| text.into_owned()))
        .collect()
}
