//! What waits for the application, in order, within a budget of bytes.
//!
//! Nothing here locks, wakes or runs anything: [`Queue`](super::queue::Queue)
//! does that around it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::load::{Done, Load, is_due, load_of};
use super::{DeliveryItem, ENDED, SubscriptionMeta};
use crate::protocol::Frame;

/// The consumer takes so many items at a time at most,
const PORTION_ITEMS: u64 = 4096;
/// and so many bytes, or this part of the budget.
const PORTION_BYTES: u64 = 1 << 20;
const PORTION_SHARE: u64 = 8;
/// Who has nothing to do gives back memory for more items than this.
pub(super) const SPARE_ITEMS: usize = 1024;

/// One subscription.
struct Place {
    meta: Arc<SubscriptionMeta>,
    /// Its events in the queue that are due.
    queued: Load,
    /// Bytes of those in the consumer's hand, as far as it has reported.
    hand: u64,
    /// The last push that brought an event of it.
    push: u64,
    /// Its release is in the queue: nothing may follow.
    released: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Waiting {
    items: VecDeque<DeliveryItem>,
    places: Vec<Option<Place>>,
    budget: u64,
    /// Events in `items`,
    queued: Load,
    /// and those among them that are not due any more.
    stale: Load,
    /// Everything that was ever handed to the consumer.
    handed: Load,
    /// How many of the first items do not share their frame's memory.
    owned: usize,
    /// Items that were ever taken out at the front or for good.
    taken: u64,
    pushes: u64,
    overflows: u64,
}

impl Waiting {
    pub fn budget(&self) -> u64 {
        self.budget
    }

    pub fn new(budget: u64) -> Waiting {
        Waiting {
            budget,
            ..Waiting::default()
        }
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// Events that wait, those in hand included. `finished` is what the
    /// consumer has done with.
    pub fn load(&self, finished: Load) -> Load {
        let mut load = self.handed.minus(finished);
        load.add(self.queued.minus(self.stale));
        load
    }

    /// A mark behind the last item, for [`Waiting::take`].
    pub fn horizon(&self) -> u64 {
        self.taken + self.items.len() as u64
    }

    fn place(&self, slot: u32) -> Option<&Place> {
        self.places.get(slot as usize)?.as_ref()
    }

    fn place_mut(&mut self, slot: u32) -> Option<&mut Place> {
        self.places.get_mut(slot as usize)?.as_mut()
    }

    /// Whether the subscription in that place has ended and is not gone yet.
    pub fn has_ended(&self, slot: u32) -> bool {
        self.place(slot)
            .is_some_and(|place| place.meta.epoch() == ENDED)
    }

    /// Appends a batch. Names the subscriptions that lost their events for want
    /// of room, with the epoch that begins.
    pub fn push(&mut self, batch: &mut Vec<DeliveryItem>, finished: Load) -> Vec<(u32, u32)> {
        self.pushes += 1;
        for item in batch.drain(..) {
            self.accept(item);
        }
        if self.handed.minus(finished).bytes + self.queued.bytes <= self.budget {
            return Vec::new();
        }
        self.relieve(finished)
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
            DeliveryItem::Register { meta, .. } => {
                let at = meta.slot as usize;
                if self.places.len() <= at {
                    self.places.resize_with(at + 1, || None);
                }
                self.places[at] = Some(Place {
                    meta: Arc::clone(meta),
                    queued: Load::default(),
                    hand: 0,
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

    /// Makes room: the heaviest subscription loses what waits for it, and the
    /// next heaviest, until the rest fits. One event alone always fits.
    fn relieve(&mut self, finished: Load) -> Vec<(u32, u32)> {
        let mut lost = Vec::new();
        loop {
            let load = self.load(finished);
            if load.bytes <= self.budget || load.events <= 1 {
                break;
            }
            let Some(slot) = self.heaviest() else { break };
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

    /// The subscription with the most bytes waiting; of equals, one that has
    /// just been pushed to.
    fn heaviest(&self) -> Option<u32> {
        self.places
            .iter()
            .flatten()
            .filter(|place| place.queued.events > 0)
            .max_by_key(|place| (place.queued.bytes + place.hand, place.push))
            .map(|place| place.meta.slot)
    }

    /// What waits for a subscription is not due any more.
    fn forsake(&mut self, slot: u32, epoch: u32) {
        if let Some(place) = self.place_mut(slot) {
            place.meta.epoch.store(epoch, Ordering::SeqCst);
            place.hand = 0;
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
        self.forsake(slot, next);
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
        self.forsake(slot, ENDED);
        self.compact_if_worthwhile();
        let released = self
            .place_mut(slot)
            .is_none_or(|place| std::mem::replace(&mut place.released, true));
        if !released {
            self.items.push_back(DeliveryItem::Release { slot });
        }
        !released
    }

    /// Drops what waits for a subscription and begins a new epoch.
    pub fn discard(&mut self, meta: &Arc<SubscriptionMeta>) -> u32 {
        let slot = meta.slot;
        let known = self
            .place(slot)
            .is_some_and(|place| Arc::ptr_eq(&place.meta, meta));
        if !known || meta.epoch() == ENDED {
            return meta.epoch();
        }
        let epoch = self.new_epoch(slot);
        self.compact_if_worthwhile();
        epoch
    }

    /// Each pass frees at least as many events as it leaves, so that ending a
    /// thousand subscriptions in a row does not take a thousand passes.
    fn compact_if_worthwhile(&mut self) {
        if self.stale.events * 2 > self.items.len() as u64 {
            self.compact();
        }
    }

    /// Takes out what is not due. A frame is part of the buffer that it was
    /// read into and keeps all of it alive: those that stay are copied out, so
    /// that memory really becomes free.
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

    /// Moves a portion into the consumer's hand, from before the horizon.
    pub fn take(&mut self, hand: &mut VecDeque<DeliveryItem>, horizon: u64) {
        let most = PORTION_BYTES.min(self.budget / PORTION_SHARE);
        let count = horizon.saturating_sub(self.taken).min(PORTION_ITEMS) as usize;
        let (mut portion, mut number) = (Load::default(), 0);
        for item in self.items.iter().take(count) {
            if let DeliveryItem::Event(event) = item {
                let load = load_of(event);
                if number > 0 && portion.bytes + load.bytes > most {
                    break;
                }
                portion.add(load);
                match self.places.get_mut(event.slot as usize) {
                    Some(Some(place)) if place.meta.epoch() == event.epoch => {
                        place.queued.sub(load);
                        place.hand += load.bytes;
                    }
                    _ => self.stale.sub(load),
                }
            }
            number += 1;
        }
        hand.extend(self.items.drain(..number));
        self.queued.sub(portion);
        self.handed.add(portion);
        self.taken += number as u64;
        self.owned = self.owned.saturating_sub(number);
    }

    /// Nothing waits: gives back what a burst has needed.
    pub fn rest(&mut self) {
        self.items.shrink_to(SPARE_ITEMS);
    }

    /// Takes note of what the consumer has done with.
    pub fn settle(&mut self, done: &mut Vec<Done>) {
        for Done { slot, epoch, bytes } in done.drain(..) {
            if let Some(place) = self.place_mut(slot) {
                if place.meta.epoch() == epoch {
                    place.hand = place.hand.saturating_sub(bytes);
                }
            }
        }
    }

    /// The consumer has processed a release: the place is free.
    pub fn forget(&mut self, slot: u32) {
        if let Some(place) = self.places.get_mut(slot as usize) {
            *place = None;
        }
    }

    /// Ends everything: events leave, the rest stays in order.
    pub fn close(&mut self) {
        for place in self.places.iter().flatten() {
            place.meta.epoch.store(ENDED, Ordering::SeqCst);
        }
        let before = self.items.len();
        self.items
            .retain(|item| !matches!(item, DeliveryItem::Event(_) | DeliveryItem::CaughtUp { .. }));
        self.taken += (before - self.items.len()) as u64;
        self.owned = 0;
        self.queued = Load::default();
        self.stale = Load::default();
    }
}
