//! The backlog: what waits for the application, in order, within a budget of bytes.
//!
//! It takes no locks, wakes no threads and runs no callbacks; [`Queue`](super::queue::Queue)
//! puts it behind a lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::Control;
use super::load::{Done, Load, is_due, load_of};
use super::{DeliveryItem, ENDED, SubscriptionMeta};
use crate::growth::place;
use crate::protocol::Frame;

/// The consumer takes at most so many delivery items at a time,
const BATCH_ITEMS: u64 = 4096;
/// and so many bytes, or this fraction of the budget, if that is less.
const BATCH_BYTES: u64 = 1 << 20;
const BATCH_SHARE: u64 = 8;
/// An empty queue keeps memory for at most so many delivery items.
pub(super) const SPARE_ITEMS: usize = 512;

/// One subscription.
struct Place {
    meta: Arc<SubscriptionMeta>,
    /// Its events in the queue that are to be delivered.
    queued: Load,
    /// Bytes of its events in the consumer's batch that the consumer has not reported done.
    in_batch: u64,
    /// The number of the last push that held an event of it.
    push: u64,
    /// Its release is in the queue; no event may follow it.
    released: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Backlog {
    items: VecDeque<DeliveryItem>,
    places: Vec<Option<Place>>,
    budget: u64,
    /// Events in `items`,
    queued: Load,
    /// and those among them that were invalidated.
    stale: Load,
    /// All events that the consumer ever took.
    handed: Load,
    /// How many items at the front have frames in memory of their own, after `compact`.
    owned: usize,
    /// How many items have ever left the queue, taken or invalidated.
    taken: u64,
    pushes: u64,
    overflows: u64,
}

impl Backlog {
    pub fn budget(&self) -> u64 {
        self.budget
    }

    pub fn new(budget: u64) -> Backlog {
        Backlog {
            budget,
            ..Backlog::default()
        }
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// The events that wait, including those in the consumer's batch, without those that the
    /// consumer has `finished`.
    pub fn load(&self, finished: Load) -> Load {
        let mut load = self.handed.minus(finished);
        load.add(self.queued.minus(self.stale));
        load
    }

    /// The present end of the queue, for [`Backlog::take`].
    pub fn horizon(&self) -> u64 {
        self.taken + self.items.len() as u64
    }

    fn place(&self, slot: u32) -> Option<&Place> {
        self.places.get(slot as usize)?.as_ref()
    }

    fn place_mut(&mut self, slot: u32) -> Option<&mut Place> {
        self.places.get_mut(slot as usize)?.as_mut()
    }

    /// Whether the subscription in this slot has ended and its release is not processed yet.
    pub fn has_ended(&self, slot: u32) -> bool {
        self.place(slot)
            .is_some_and(|place| place.meta.epoch() == ENDED)
    }

    /// Appends the items. Returns the subscriptions that overflow: slot and new epoch.
    pub fn push(&mut self, items: &mut Vec<DeliveryItem>, finished: Load) -> Vec<(u32, u32)> {
        self.pushes += 1;
        for item in items.drain(..) {
            self.accept(item);
        }
        if self.handed.minus(finished).bytes + self.queued.bytes <= self.budget {
            return Vec::new();
        }
        self.evict(finished)
    }

    fn accept(&mut self, item: DeliveryItem) {
        let push = self.pushes;
        match &item {
            DeliveryItem::Event(event) => {
                let load = load_of(event);
                let Some(place) = self.place_mut(event.slot) else {
                    return;
                };
                if place.released || place.meta.epoch() != event.epoch {
                    return;
                }
                place.push = push;
                place.queued.add(load);
                self.queued.add(load);
            }
            DeliveryItem::Update { slot } => {
                let ends = |place: &Place| place.released || place.meta.epoch() == ENDED;
                if self.place(*slot).is_none_or(ends) {
                    return;
                }
            }
            DeliveryItem::Register { meta, .. } => {
                let at = meta.slot as usize;
                *place(&mut self.places, at) = Some(Place {
                    meta: Arc::clone(meta),
                    queued: Load::default(),
                    in_batch: 0,
                    push,
                    released: false,
                });
            }
            DeliveryItem::Release { slot } => match self.place_mut(*slot) {
                Some(place) if !place.released => place.released = true,
                // A place must not become free twice.
                _ => return,
            },
            _ => {}
        }
        self.items.push_back(item);
    }

    /// Makes room: drops the events of the subscription with the most bytes, then of the next,
    /// until the rest is within the budget. One event alone always fits.
    fn evict(&mut self, finished: Load) -> Vec<(u32, u32)> {
        let mut lost = Vec::new();
        loop {
            let load = self.load(finished);
            if load.bytes <= self.budget || load.events <= 1 {
                break;
            }
            let Some(slot) = self.largest() else { break };
            lost.push((slot, self.new_epoch(slot)));
        }
        self.compact();
        self.overflows += lost.len() as u64;
        for &(slot, epoch) in &lost {
            if self.place(slot).is_some_and(|place| !place.released) {
                self.items.push_back(DeliveryItem::CaughtUp { slot, epoch });
            }
        }
        lost
    }

    /// The subscription with the most bytes; among equals, the one that grew last.
    fn largest(&self) -> Option<u32> {
        self.places
            .iter()
            .flatten()
            .filter(|place| place.queued.events > 0)
            .max_by_key(|place| (place.queued.bytes + place.in_batch, place.push))
            .map(|place| place.meta.slot)
    }

    /// Sets a subscription's epoch, so that its waiting events are not delivered.
    fn invalidate(&mut self, slot: u32, epoch: u32) {
        if let Some(place) = self.place_mut(slot) {
            place.meta.epoch.store(epoch, Ordering::SeqCst);
            place.in_batch = 0;
            let queued = std::mem::take(&mut place.queued);
            self.stale.add(queued);
        }
    }

    fn new_epoch(&mut self, slot: u32) -> u32 {
        let epoch = self.place(slot).map_or(0, |place| place.meta.epoch());
        let next = match epoch.wrapping_add(1) {
            ENDED => 0,
            next => next,
        };
        self.invalidate(slot, next);
        next
    }

    /// Ends a subscription. True if its release was appended.
    pub fn end(&mut self, meta: &Arc<SubscriptionMeta>) -> bool {
        let slot = meta.slot;
        let known = self
            .place(slot)
            .is_some_and(|place| Arc::ptr_eq(&place.meta, meta));
        if !known {
            meta.epoch.store(ENDED, Ordering::SeqCst);
            return false;
        }
        self.invalidate(slot, ENDED);
        self.compact_if_worthwhile();
        let released = self
            .place_mut(slot)
            .is_none_or(|place| std::mem::replace(&mut place.released, true));
        if !released {
            self.items.push_back(DeliveryItem::Release { slot });
        }
        !released
    }

    /// Each pass frees at least as many events as it leaves, so that ending a
    /// thousand subscriptions in a row does not take a thousand passes.
    fn compact_if_worthwhile(&mut self) {
        if self.stale.events * 2 > self.items.len() as u64 {
            self.compact();
        }
    }

    /// Removes the invalidated events. A frame is a slice of the buffer that it was read into
    /// and keeps all of that alive, so the frames that stay are copied: only then does the
    /// memory of the removed ones become free.
    fn compact(&mut self) {
        if self.stale.events == 0 {
            return;
        }
        let (places, owned, mut at) = (&self.places, self.owned, 0);
        self.items.retain_mut(|item| {
            let is_owned = at < owned;
            at += 1;
            let DeliveryItem::Event(event) = item else {
                return true;
            };
            let place = places.get(event.slot as usize).and_then(Option::as_ref);
            let due = place.is_some_and(|place| is_due(event, &place.meta));
            if due && !is_owned {
                event.frame = Frame::from(event.frame.as_str().to_owned());
            }
            due
        });
        self.queued.sub(std::mem::take(&mut self.stale));
        self.taken += (at - self.items.len()) as u64;
        self.owned = self.items.len();
    }

    /// Moves what waits before the horizon to `out`, one batch at most.
    pub fn take(&mut self, out: &mut VecDeque<DeliveryItem>, horizon: u64) {
        let most = BATCH_BYTES.min(self.budget / BATCH_SHARE);
        let count = horizon.saturating_sub(self.taken).min(BATCH_ITEMS) as usize;
        let (mut batch, mut taken) = (Load::default(), 0);
        for item in self.items.iter().take(count) {
            if let DeliveryItem::Event(event) = item {
                let load = load_of(event);
                if taken > 0 && batch.bytes + load.bytes > most {
                    break;
                }
                batch.add(load);
                match self.places.get_mut(event.slot as usize) {
                    Some(Some(place)) if place.meta.epoch() == event.epoch => {
                        place.queued.sub(load);
                        place.in_batch += load.bytes;
                    }
                    _ => self.stale.sub(load),
                }
            }
            taken += 1;
        }
        if out.is_empty() && taken == self.items.len() {
            // Nothing is moved.
            std::mem::swap(out, &mut self.items);
        } else {
            out.extend(self.items.drain(..taken));
        }
        self.queued.sub(batch);
        self.handed.add(batch);
        self.taken += taken as u64;
        self.owned = self.owned.saturating_sub(taken);
    }

    /// Moves the state changes, token requests and replies that have a callback to `out`; the rest
    /// stays.
    pub fn take_control(&mut self, mut control: Control, out: &mut VecDeque<DeliveryItem>) {
        let (owned, before) = (self.owned, out.len());
        for (at, item) in std::mem::take(&mut self.items).into_iter().enumerate() {
            if control.takes(&item) {
                out.push_back(item);
                self.owned -= usize::from(at < owned);
            } else {
                self.items.push_back(item);
            }
        }
        self.taken += (out.len() - before) as u64;
    }

    /// Begins a new epoch of a subscription, unless it has ended: what waits of it is not
    /// delivered.
    pub fn drop_waiting(&mut self, meta: &Arc<SubscriptionMeta>) {
        let place = self.place(meta.slot);
        if place.is_some_and(|place| Arc::ptr_eq(&place.meta, meta) && meta.epoch() != ENDED) {
            self.new_epoch(meta.slot);
            self.compact_if_worthwhile();
        }
    }

    /// Gives back memory that a burst needed. The queue is empty.
    pub fn shrink(&mut self) {
        self.items.shrink_to(SPARE_ITEMS);
    }

    /// Accounts for events that the consumer reports done.
    pub fn record_done(&mut self, done: &mut Vec<Done>) {
        for Done { slot, epoch, bytes } in done.drain(..) {
            if let Some(place) = self.place_mut(slot) {
                if place.meta.epoch() == epoch {
                    place.in_batch = place.in_batch.saturating_sub(bytes);
                }
            }
        }
    }

    /// Frees a place: the consumer has processed the release.
    pub fn forget(&mut self, slot: u32) {
        if let Some(place) = self.places.get_mut(slot as usize) {
            *place = None;
        }
    }

    /// Ends all subscriptions and removes their events. Everything else stays, in order.
    pub fn close(&mut self) {
        for place in self.places.iter().flatten() {
            place.meta.epoch.store(ENDED, Ordering::SeqCst);
        }
        let before = self.items.len();
        self.items.retain(|item| {
            use DeliveryItem::{CaughtUp, Event, Update};
            !matches!(item, Event(_) | Update { .. } | CaughtUp { .. })
        });
        self.taken += (before - self.items.len()) as u64;
        self.owned = 0;
        self.queued = Load::default();
        self.stale = Load::default();
    }
}
