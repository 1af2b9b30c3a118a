//! The consumer owns all callbacks of a client and runs them. One thread at a time has it.

mod process;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::backlog::SPARE_ITEMS;
use super::control::Control;
use super::ended::Ended;
use super::key_format::{KeyFormat, KeyFormatCache};
use super::load::{Done, is_due, load_of};
use super::queue::{Queue, Refill};
use super::rows::Rows;
use super::running::Running;
use super::splitter::Splitter;
use super::wait::Wait;
use super::{
    DeliveryItem, Event, EventKind, EventSink, EventView, Feedback, StateSink, SubscriptionMeta,
    TokenSink,
};
use crate::log::{self, Level};
use crate::protocol::frame::FrameDrops;

/// The module's name in the log.
const TARGET: &str = "delivery";

/// What the consumer uses and every other thread may use, too.
pub(super) struct Shared {
    pub queue: Queue,
    pub running: Running,
    pub feedback: Weak<dyn Feedback>,
}

/// One subscription's callback.
struct Entry {
    meta: Arc<SubscriptionMeta>,
    sink: Box<dyn EventSink>,
    /// An event was malformed and is lost: changes are skipped until the next INIT.
    gap: bool,
    keys: KeyFormat,
}

/// How far [`Consumer::work`] goes.
#[derive(Clone, Copy)]
pub(super) struct DispatchLimits {
    /// Callbacks run and rows written, at most.
    pub max_callbacks: usize,
    /// Whether to stop when the queue is closed; `close` then delivers the rest.
    pub stop_when_closed: bool,
    /// Whether only what [`Consumer::take_control`] took is delivered.
    pub only_control: bool,
}

/// See the module.
#[derive(Default)]
pub(super) struct Consumer {
    entries: Vec<Option<Entry>>,
    state_sink: Option<Box<dyn StateSink>>,
    token_sink: Option<Box<dyn TokenSink>>,
    /// Taken out of the queue ahead of what was pushed before them, and not processed yet.
    control: VecDeque<DeliveryItem>,
    /// Taken out of the queue, and not processed yet.
    batch: VecDeque<DeliveryItem>,
    /// Registrations that are over and become rows.
    ended: VecDeque<Ended>,
    /// Splits the message that is being delivered.
    splitter: Splitter,
    /// How the collections write their keys.
    key_formats: KeyFormatCache,
    /// Delivered, and not reported to the queue yet.
    done: Vec<Done>,
    /// Takes the frames that were delivered.
    drops: FrameDrops,
    /// The slot of the subscription whose callbacks run, and the number of that run.
    running_slot: Option<u32>,
    run: u32,
    sequence: u64,
    /// Callbacks run and rows written since [`Consumer::begin`].
    pub count: usize,
}

impl Consumer {
    /// Sets the count to zero.
    pub fn begin(&mut self) {
        self.count = 0;
    }

    /// Whether everything that was taken out of the queue is delivered.
    pub fn is_idle(&self) -> bool {
        self.batch.is_empty()
            && self.control.is_empty()
            && self.ended.is_empty()
            && self.splitter.event().is_none()
    }

    /// See [`Queue::refill`].
    pub fn refill(
        &mut self,
        shared: &Shared,
        horizon: &mut Option<u64>,
        wait: Wait,
        stop_when_closed: bool,
    ) -> Refill {
        shared.queue.refill(
            &mut self.batch,
            &mut self.done,
            horizon,
            wait,
            stop_when_closed,
        )
    }

    /// See [`Queue::park`].
    pub fn park(&mut self, shared: &Shared) {
        let idle = self.is_idle();
        if idle {
            self.batch.shrink_to(SPARE_ITEMS);
        }
        shared.queue.park(&mut self.done, idle);
    }

    /// Takes the state changes, token requests and replies that wait and have a callback, ahead of
    /// the events.
    pub fn take_control(&mut self, shared: &Shared) {
        let mut control = Control {
            has_state_callback: self.state_sink.is_some(),
            has_token_callback: self.token_sink.as_ref().is_some_and(|s| !s.is_for_rows()),
        };
        let batch = std::mem::take(&mut self.batch);
        for item in batch {
            let list = match control.takes(&item) {
                true => &mut self.control,
                false => &mut self.batch,
            };
            list.push_back(item);
        }
        shared.queue.take_control(control, &mut self.control);
    }

    /// Delivers what was taken; into `rows`, where there are some, what they are for. A panic
    /// loses the delivery item whose callback panicked, and no other.
    pub fn work(&mut self, shared: &Shared, limits: DispatchLimits, mut rows: Option<&mut Rows>) {
        while catch_unwind(AssertUnwindSafe(|| {
            self.deliver(shared, limits, rows.as_deref_mut());
        }))
        .is_err()
        {
            if let Some(rows) = rows.as_deref_mut() {
                rows.repair();
            }
            log::emit(
                Level::Error,
                TARGET,
                "a callback panicked; delivery continues with the next one",
            );
        }
        self.drops.finish();
        self.leave(shared);
    }

    fn deliver(&mut self, shared: &Shared, limits: DispatchLimits, mut rows: Option<&mut Rows>) {
        while self.count < limits.max_callbacks
            && !(limits.stop_when_closed && shared.queue.is_closed())
        {
            if let Some(ended) = self.ended.pop_front() {
                self.release_one(ended, rows.as_deref_mut());
            } else if let Some(item) = self.control.pop_front() {
                self.process(shared, item, rows.as_deref_mut());
            } else if limits.only_control {
                break;
            } else if self.splitter.event().is_some() {
                self.deliver_part(shared, rows.as_deref_mut());
            } else {
                let next = self.batch.front();
                let rows_end = |rows: &mut Rows| next.is_some_and(|item| rows.ends_before(item));
                if rows.as_deref_mut().is_some_and(rows_end) {
                    break;
                }
                match self.batch.pop_front() {
                    Some(DeliveryItem::Event(event)) => self.splitter.load(event),
                    Some(item) => self.process(shared, item, rows.as_deref_mut()),
                    None => break,
                }
            }
        }
    }

    /// Delivers the next part of the message, or finishes the message if it is not due.
    fn deliver_part(&mut self, shared: &Shared, rows: Option<&mut Rows>) {
        let Some(event) = self.splitter.event() else {
            return;
        };
        let (slot, epoch, is_init) = (event.slot, event.epoch, event.kind == EventKind::Init);
        if self.running_slot != Some(slot) {
            self.enter(shared, Some(slot));
        }
        // The epoch is read after `enter`; `Running` says why.
        let entry = self.entries.get_mut(slot as usize).and_then(Option::as_mut);
        let Some(entry) = entry.filter(|entry| {
            self.splitter
                .event()
                .is_some_and(|event| is_due(event, &entry.meta))
        }) else {
            self.leave(shared);
            return self.finish(shared);
        };
        let options = &entry.meta.delivery;
        if !self.splitter.is_split() {
            if is_init {
                entry.gap = false;
            }
            if entry.gap && is_change(self.splitter.event()) {
                return self.finish(shared);
            }
            let known = entry.keys;
            if self.splitter.split(options, &mut entry.keys).is_err() {
                entry.gap = true;
                return self.report_broken(shared, slot, epoch);
            }
            let is_delete = kind_of(self.splitter.event()) == Some(EventKind::Delete);
            self.key_formats
                .share(&entry.meta, known, &mut entry.keys, is_delete);
        }
        if let Some(part) = self.splitter.next_part(options, entry.keys) {
            self.sequence += 1;
            self.count += 1;
            shared
                .queue
                .progress
                .delivered
                .store(self.sequence, Ordering::Relaxed);
            entry
                .meta
                .last_sequence
                .store(self.sequence, Ordering::Relaxed);
            let view = EventView {
                subscription: &entry.meta,
                kind: part.kind,
                flags: part.flags,
                data: part.data,
                meta: part.meta,
                sequence: self.sequence,
                index: part.index,
                count: part.count,
            };
            match rows {
                None => entry.sink.event(&view),
                Some(rows) => rows.add_event(entry.sink.user_data(), &view),
            }
        }
        if !self.splitter.has_more() {
            self.finish(shared);
        }
    }

    /// Ends the message that is being delivered, and counts it.
    fn finish(&mut self, shared: &Shared) {
        let Some(event) = self.splitter.finish() else {
            return;
        };
        let load = load_of(&event);
        self.drops.add(event.frame);
        shared.queue.progress.finish(load);
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
    fn report_broken(&mut self, shared: &Shared, slot: u32, epoch: u32) {
        self.leave(shared);
        self.finish(shared);
        if let Some(feedback) = shared.feedback.upgrade() {
            feedback.malformed(slot, epoch);
        }
    }

    fn enter(&mut self, shared: &Shared, slot: Option<u32>) {
        self.run = self.run.wrapping_add(1);
        self.running_slot = slot;
        shared.running.enter(self.run, slot);
    }

    /// From here on no callback of an event runs.
    fn leave(&mut self, shared: &Shared) {
        if self.running_slot.is_some() {
            self.enter(shared, None);
        }
    }

    /// Releases every callback, those included that were pushed after the close.
    pub fn release_all(&mut self, shared: &Shared) {
        release(std::mem::take(&mut self.ended));
        for entry in std::mem::take(&mut self.entries) {
            release(entry);
        }
        release(self.state_sink.take());
        release(self.token_sink.take());
        release(shared.queue.take_late_items());
    }
}

fn kind_of(event: Option<&Event>) -> Option<EventKind> {
    event.map(|event| event.kind)
}

fn is_change(event: Option<&Event>) -> bool {
    use EventKind::{Create, Delete, Update};
    matches!(kind_of(event), Some(Create | Update | Delete))
}

/// Drops callbacks, which calls the application's release functions. If one panics, the others
/// are released all the same.
pub(super) fn release<T>(callbacks: T) {
    if catch_unwind(AssertUnwindSafe(|| drop(callbacks))).is_err() {
        log::emit(Level::Error, TARGET, "releasing a callback panicked");
    }
}
