//! Owns every callback and runs it. One thread at a time has the consumer.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::cutter::Cutter;
use super::drain::Batch;
use super::keys::{Keys, Learnt};
use super::load::{Done, is_due, load_of};
use super::presence::Presence;
use super::queue::{Queue, Refill, Wait};
use super::waiting::SPARE_ITEMS;
use super::{
    DeliveryItem, Event, EventKind, EventSink, EventView, Feedback, StateSink, SubscriptionMeta,
    TokenSink,
};
use crate::log::{self, Level};

/// The room's name in the log.
const TARGET: &str = "delivery";

/// What the consumer works with and does not own.
pub(super) struct Shop {
    pub queue: Queue,
    pub presence: Presence,
    pub feedback: Weak<dyn Feedback>,
}

/// One subscription's callback.
struct Entry {
    meta: Arc<SubscriptionMeta>,
    sink: Box<dyn EventSink>,
    /// An event was broken: the rest is worthless until the next INIT.
    gap: bool,
    keys: Keys,
}

/// How far [`Consumer::work`] goes.
pub(super) struct Job<'a> {
    /// Callbacks and drained events, at most.
    pub most: usize,
    /// Whether the rest is left to `close` once that has been called.
    pub leave: bool,
    /// Where events go instead of their callbacks.
    pub batch: Option<&'a mut Batch>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Consumer {
    entries: Vec<Option<Entry>>,
    state_sink: Option<Box<dyn StateSink>>,
    token_sink: Option<Box<dyn TokenSink>>,
    /// Out of the queue, and not looked at yet.
    hand: VecDeque<DeliveryItem>,
    /// The message that is being delivered.
    cutter: Cutter,
    /// How collections write their keys.
    learnt: Learnt,
    /// What the queue has not been told yet.
    done: Vec<Done>,
    /// The subscription that callbacks run of, and the number of that run.
    at: Option<u32>,
    run: u32,
    sequence: u64,
    /// Callbacks run and events drained since [`Consumer::begin`].
    pub count: usize,
}

impl Consumer {
    /// Starts to count.
    pub fn begin(&mut self) {
        self.count = 0;
    }

    /// Whether everything that was taken out of the queue is delivered.
    pub fn is_idle(&self) -> bool {
        self.hand.is_empty() && self.cutter.event().is_none()
    }

    /// See [`Queue::refill`].
    pub fn refill(
        &mut self,
        shop: &Shop,
        horizon: &mut Option<u64>,
        wait: Wait,
        leave: bool,
    ) -> Refill {
        shop.queue
            .refill(&mut self.hand, &mut self.done, horizon, wait, leave)
    }

    /// See [`Queue::park`].
    pub fn park(&mut self, shop: &Shop) {
        let idle = self.is_idle();
        if idle {
            self.hand.shrink_to(SPARE_ITEMS);
        }
        shop.queue.park(&mut self.done, idle);
    }

    /// Delivers what is in hand. A panic costs the item that it came from.
    pub fn work(&mut self, shop: &Shop, job: &mut Job<'_>) {
        while catch_unwind(AssertUnwindSafe(|| self.deliver(shop, job))).is_err() {
            if let Some(batch) = job.batch.as_deref_mut() {
                batch.repair();
            }
            log::emit(
                Level::Error,
                TARGET,
                "a callback panicked; delivery goes on without it",
            );
        }
        self.turn_away(shop);
    }

    fn deliver(&mut self, shop: &Shop, job: &mut Job<'_>) {
        while self.count < job.most && !(job.leave && shop.queue.is_closed()) {
            if self.cutter.event().is_some() {
                self.deliver_piece(shop, job);
                continue;
            }
            let batch = job.batch.as_deref_mut();
            if let (Some(batch), Some(item)) = (batch, self.hand.front()) {
                if batch.ends_before(item) {
                    break;
                }
            }
            match self.hand.pop_front() {
                Some(DeliveryItem::Event(event)) => self.cutter.load(event),
                Some(item) => self.process(shop, item),
                None => break,
            }
        }
    }

    /// Delivers the next piece of the message, or finds that there is none.
    fn deliver_piece(&mut self, shop: &Shop, job: &mut Job<'_>) {
        let Some(event) = self.cutter.event() else {
            return;
        };
        let (slot, epoch, is_init) = (event.slot, event.epoch, event.kind == EventKind::Init);
        if self.at != Some(slot) {
            self.turn_to(shop, Some(slot));
        }
        // After `turn_to`: see `Presence`.
        let entry = self.entries.get_mut(slot as usize).and_then(Option::as_mut);
        let Some(entry) = entry.filter(|entry| {
            self.cutter
                .event()
                .is_some_and(|event| is_due(event, &entry.meta))
        }) else {
            self.turn_away(shop);
            return self.finish(shop);
        };
        let options = &entry.meta.delivery;
        if !self.cutter.is_open() {
            if is_init {
                entry.gap = false;
            }
            if entry.gap && is_change(self.cutter.event()) {
                return self.finish(shop);
            }
            let known = entry.keys;
            if self.cutter.open(options, &mut entry.keys).is_err() {
                entry.gap = true;
                return self.report_broken(shop, slot, epoch);
            }
            let is_delete = kind_of(self.cutter.event()) == Some(EventKind::Delete);
            self.learnt
                .share(&entry.meta, known, &mut entry.keys, is_delete);
        }
        if let Some(piece) = self.cutter.next_piece(options, entry.keys) {
            self.sequence += 1;
            self.count += 1;
            shop.queue
                .progress
                .delivered
                .store(self.sequence, Ordering::Relaxed);
            entry
                .meta
                .last_sequence
                .store(self.sequence, Ordering::Relaxed);
            let view = EventView {
                subscription: &entry.meta,
                kind: piece.kind,
                flags: piece.flags,
                data: piece.data,
                meta: piece.meta,
                sequence: self.sequence,
                index: piece.index,
                count: piece.count,
            };
            match job.batch.as_deref_mut() {
                None => entry.sink.event(&view),
                Some(batch) => batch.add(entry.sink.drain_key(), &view),
            }
        }
        if !self.cutter.has_more() {
            self.finish(shop);
        }
    }

    /// The message is done with.
    fn finish(&mut self, shop: &Shop) {
        let Some(event) = self.cutter.finish() else {
            return;
        };
        let load = load_of(&event);
        shop.queue.progress.finish(load);
        match self.done.last_mut() {
            Some(last) if last.slot == event.slot && last.epoch == event.epoch => {
                last.bytes += load.bytes;
            }
            _ => self.done.push(Done {
                slot: event.slot,
                epoch: event.epoch,
                bytes: load.bytes,
            }),
        }
    }

    #[cold]
    fn report_broken(&mut self, shop: &Shop, slot: u32, epoch: u32) {
        self.turn_away(shop);
        self.finish(shop);
        if let Some(feedback) = shop.feedback.upgrade() {
            feedback.malformed(slot, epoch);
        }
    }

    fn turn_to(&mut self, shop: &Shop, slot: Option<u32>) {
        self.run = self.run.wrapping_add(1);
        self.at = slot;
        shop.presence.turn_to(self.run, slot);
    }

    /// No event callback runs any more.
    fn turn_away(&mut self, shop: &Shop) {
        if self.at.is_some() {
            self.turn_to(shop, None);
        }
    }

    /// Everything but events.
    fn process(&mut self, shop: &Shop, item: DeliveryItem) {
        self.turn_away(shop);
        match item {
            DeliveryItem::Event(event) => self.cutter.load(event),
            DeliveryItem::Register { meta, sink } => {
                let at = meta.slot as usize;
                if self.entries.len() <= at {
                    self.entries.resize_with(at + 1, || None);
                }
                let old = self.entries[at].replace(Entry {
                    meta,
                    sink,
                    gap: false,
                    keys: Keys::Unknown,
                });
                release(old);
            }
            DeliveryItem::CaughtUp { slot, epoch } => {
                if let Some(feedback) = shop.feedback.upgrade() {
                    feedback.caught_up(slot, epoch);
                }
            }
            DeliveryItem::Release { slot } => {
                let entry = self.entries.get_mut(slot as usize).and_then(Option::take);
                shop.queue.forget(&mut self.done, slot);
                // Who is released finds that the subscription has ended.
                if let Some(feedback) = shop.feedback.upgrade() {
                    feedback.released(slot);
                }
                release(entry);
            }
            DeliveryItem::State {
                state,
                reason,
                message,
            } => {
                if let Some(sink) = &self.state_sink {
                    self.count += 1;
                    sink.state(state, reason, &message);
                }
            }
            DeliveryItem::SetStateSink(sink) => {
                release(std::mem::replace(&mut self.state_sink, sink))
            }
            DeliveryItem::SetTokenSink(sink) => {
                release(std::mem::replace(&mut self.token_sink, sink))
            }
            DeliveryItem::TokenWanted { reason } => {
                let outcome = self.token_sink.as_ref().map(|sink| {
                    self.count += 1;
                    catch_unwind(AssertUnwindSafe(|| sink.token_wanted(reason)))
                });
                if let Some(feedback) = shop.feedback.upgrade() {
                    feedback.token_callback_returned();
                }
                if let Some(Err(panic)) = outcome {
                    std::panic::resume_unwind(panic);
                }
            }
            DeliveryItem::Reply { sink, status, json } => {
                self.count += 1;
                let reply = AssertUnwindSafe(|| sink.reply(status, &json));
                let outcome = catch_unwind(reply);
                release(sink);
                if let Err(panic) = outcome {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }

    /// Drops every callback; `remains` are those that came too late.
    pub fn release_all(&mut self, shop: &Shop) {
        for entry in std::mem::take(&mut self.entries) {
            release(entry);
        }
        release(self.state_sink.take());
        release(self.token_sink.take());
        release(shop.queue.take_remains());
    }
}

fn kind_of(event: Option<&Event>) -> Option<EventKind> {
    event.map(|event| event.kind)
}

fn is_change(event: Option<&Event>) -> bool {
    use EventKind::{Create, Delete, Update};
    matches!(kind_of(event), Some(Create | Update | Delete))
}

/// Drops callbacks, which is when the application is told that they are
/// released. A panic there must not keep others from being released.
pub(super) fn release<T>(callbacks: T) {
    if catch_unwind(AssertUnwindSafe(|| drop(callbacks))).is_err() {
        log::emit(Level::Error, TARGET, "releasing a callback panicked");
    }
}
