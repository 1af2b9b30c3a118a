//! INIT events, and the join between a snapshot and the events that follow it.

use std::sync::Arc;
use std::time::Duration;

use super::Session;
use super::settling::Answer;
use crate::handover::{DeliveryItem, Event, EventKind, FLAG_ENDED, FLAG_RESYNC};
use crate::protocol::incoming::offsets;
use crate::protocol::{Frame, items};
use crate::session::Now;
use crate::subscriptions::recent::Recent;
use crate::subscriptions::{Phase, SubId, Subscription};

/// How late a create may be behind the snapshot that shows its effect, or behind the
/// last one that was as late.
pub(super) const LATEST_CREATE: Duration = Duration::from_secs(120);

/// A snapshot as it came: the frame and where data and meta are in it.
pub(super) struct Snapshot<'a> {
    pub frame: &'a Frame,
    pub data: Option<&'a str>,
    pub meta: Option<&'a str>,
}

impl Session {
    /// Hands over the snapshot and what was held back for it; the subscription
    /// is up to date then.
    pub(super) fn activate(&mut self, now: Now, id: SubId, snapshot: &Snapshot<'_>) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let Some(serial) = subscription.serial() else {
            return;
        };
        let before = std::mem::replace(&mut subscription.phase, Phase::Active { serial });
        let flags = if subscription.had_init {
            FLAG_RESYNC
        } else {
            0
        };
        subscription.had_init = true;
        subscription.failures = 0;
        subscription.strikes = 0;
        subscription.doubted = 0;
        subscription.blamed.clear();
        let init = init_event(subscription, snapshot, flags);
        self.resyncs += u64::from(flags & FLAG_RESYNC != 0);
        self.outputs.notify();
        self.outputs.deliver(DeliveryItem::Event(init));
        let meta = Arc::clone(&subscription.meta);
        let until = self.heard_time + LATEST_CREATE;
        let (data, primary_key) = (snapshot.data, &meta.delivery.primary_key);
        let recent = Recent::of(data, primary_key, until, &mut subscription.spelling);
        if recent.is_some() {
            self.forget.push_back((until, id));
        }
        subscription.recent = recent;
        let item = data
            .and_then(only_item)
            .filter(|_| meta.delivery.item.is_some());
        if let Some(key) = item.and_then(|item| items::member(item, primary_key)) {
            subscription.see_key(key);
        }
        if let Phase::Reading { held, .. } = before {
            self.release_held(now, id, held, 0, &Answer::None);
        }
    }

    /// Old snapshots' keys are forgotten: no create is as late as that.
    pub(super) fn forget_old_snapshots(&mut self) {
        let mut again = Vec::new();
        while self
            .forget
            .front()
            .is_some_and(|(at, _)| *at <= self.heard_time)
        {
            let Some((_, id)) = self.forget.pop_front() else {
                break;
            };
            let Some(subscription) = self.registry.get_mut(id) else {
                continue;
            };
            match &subscription.recent {
                Some(recent) if recent.is_over(self.heard_time) => subscription.recent = None,
                // There was a newer snapshot, or a create as late as this.
                Some(recent) => again.push((recent.until(), id)),
                None => {}
            }
        }
        // Those that are to be forgotten by the same snapshot are one from here on.
        again.sort_unstable();
        again.dedup();
        self.forget.extend(again);
    }

    /// Hands over an error: with `ended` the subscription's last word.
    pub(super) fn emit_error(&mut self, id: SubId, json: &str, ended: bool) {
        let Some(subscription) = self.registry.get(id) else {
            return;
        };
        let event = error_event(subscription, json, ended);
        self.outputs.deliver(DeliveryItem::Event(event));
    }

    /// The server has withheld an event of a live subscription.
    pub(super) fn withheld(&mut self, now: Now, id: SubId, json: &str) {
        let Some(subscription) = self.registry.get(id) else {
            return;
        };
        let event = error_event(subscription, json, false);
        match subscription.phase {
            Phase::Active { .. } => self.outputs.deliver(DeliveryItem::Event(event)),
            // The snapshot may be of the time before.
            Phase::Reading { .. } | Phase::Settling { .. } => self.hold(now, id.slot(), event),
            // The snapshot that is still to be read makes up for it.
            Phase::Wanted | Phase::Sent { .. } | Phase::ToRead { .. } | Phase::Behind { .. } => {}
        }
    }
}

pub(super) fn error_event(subscription: &Subscription, json: &str, ended: bool) -> Event {
    let frame = Frame::from(json.to_owned());
    let data = Some((0, frame.len() as u32));
    Event {
        slot: subscription.id.slot(),
        epoch: subscription.meta.epoch(),
        kind: EventKind::Error,
        flags: if ended { FLAG_ENDED } else { 0 },
        frame,
        data,
        meta: None,
        checked: true,
    }
}

fn init_event(subscription: &Subscription, snapshot: &Snapshot<'_>, flags: u32) -> Event {
    let place = |part: &str| offsets(snapshot.frame, part);
    let (frame, data) = if !subscription.spec.wants_snapshot() {
        (snapshot.frame.clone(), None)
    } else if subscription.meta.delivery.item.is_some() {
        match snapshot.data.map(only_item) {
            Some(Some(item)) => (snapshot.frame.clone(), Some(place(item))),
            // It does not exist, or not yet, or not for us.
            Some(None) => (Frame::from_static("null"), Some((0, 4))),
            None => (snapshot.frame.clone(), None),
        }
    } else {
        let primary_key = &subscription.meta.delivery.primary_key;
        match snapshot.data {
            Some(data) if is_empty_singleton(data, primary_key) => {
                (Frame::from_static("null"), Some((0, 4)))
            }
            data => (snapshot.frame.clone(), data.map(place)),
        }
    };
    Event {
        slot: subscription.id.slot(),
        epoch: subscription.meta.epoch(),
        kind: EventKind::Init,
        flags,
        meta: snapshot
            .meta
            .filter(|_| frame.as_ptr() == snapshot.frame.as_ptr())
            .map(place),
        frame,
        data,
        checked: true,
    }
}

/// Whether a read has shown a singleton that does not exist: its defaults, without a key.
fn is_empty_singleton(data: &str, primary_key: &str) -> bool {
    data.trim_ascii_start().starts_with('{') && items::member(data, primary_key) == Some("null")
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
