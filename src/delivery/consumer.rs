//! The consumer owns all callbacks of a client and runs them. One thread at a time has it.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::backlog::SPARE_ITEMS;
use super::ended::Ended;
use super::key_format::{KeyFormat, KeyFormatCache};
use super::load::{Done, is_due, load_of};
use super::queue::{Queue, Refill, Wait};
use super::rows::Rows;
use super::running::Running;
use super::splitter::Splitter;
use super::{
    DeliveryItem, Event, EventKind, EventSink, EventView, Feedback, StateSink, SubscriptionMeta,
    TokenSink,
};
use crate::log::{self, Level};

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

    /// Takes the state changes, token requests and replies that wait, ahead of the events.
    pub fn take_control(&mut self, shared: &Shared) {
        let batch = std::mem::take(&mut self.batch);
        let (control, events) = batch.into_iter().partition(is_control);
        self.batch = events;
        self.control.extend::<VecDeque<_>>(control);
        shared.queue.take_control(&mut self.control);
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

    /// Processes a delivery item that is no event.
    fn process(&mut self, shared: &Shared, item: DeliveryItem, rows: Option<&mut Rows>) {
        self.leave(shared);
        let mut rows = rows.filter(|rows| rows.has_everything());
        let as_rows = rows.is_some();
        match item {
            DeliveryItem::Event(event) => self.splitter.load(event),
            DeliveryItem::Register { meta, sink } => {
                let at = meta.slot as usize;
                if self.entries.len() <= at {
                    self.entries.resize_with(at + 1, || None);
                }
                let old = self.entries[at].replace(Entry {
                    meta,
                    sink,
                    gap: false,
                    keys: KeyFormat::Unknown,
                });
                self.end(old.map(|old| Ended::Event(old.sink)), as_rows);
            }
            DeliveryItem::CaughtUp { slot, epoch } => {
                if let Some(feedback) = shared.feedback.upgrade() {
                    feedback.caught_up(slot, epoch);
                }
            }
            DeliveryItem::Release { slot } => {
                let entry = self.entries.get_mut(slot as usize).and_then(Option::take);
                shared.queue.forget(&mut self.done, slot);
                // Before the release, so that the application's release function finds the
                // subscription ended.
                if let Some(feedback) = shared.feedback.upgrade() {
                    feedback.released(slot);
                }
                self.end(entry.map(|entry| Ended::Event(entry.sink)), as_rows);
            }
            DeliveryItem::State {
                state,
                reason,
                message,
            } => {
                if let Some(rows) = rows {
                    self.count += 1;
                    rows.add_state(state, reason, &message);
                } else if let Some(sink) = &self.state_sink {
                    self.count += 1;
                    sink.state(state, reason, &message);
                }
            }
            DeliveryItem::SetStateSink(sink) => {
                let old = std::mem::replace(&mut self.state_sink, sink);
                self.end(old.map(Ended::State), as_rows);
            }
            DeliveryItem::SetTokenSink(sink) => {
                let old = std::mem::replace(&mut self.token_sink, sink);
                self.end(old.map(Ended::Token), as_rows);
            }
            DeliveryItem::TokenWanted { reason } => {
                let outcome = self.token_sink.as_ref().map(|sink| {
                    self.count += 1;
                    catch_unwind(AssertUnwindSafe(|| match rows.as_deref_mut() {
                        Some(rows) => rows.add_token_wanted(reason),
                        None => sink.token_wanted(reason),
                    }))
                });
                if let Some(feedback) = shared.feedback.upgrade() {
                    feedback.token_callback_returned();
                }
                if let Some(Err(panic)) = outcome {
                    std::panic::resume_unwind(panic);
                }
            }
            DeliveryItem::Reply {
                sink,
                status,
                json,
                message,
            } => {
                self.count += 1;
                let reply = AssertUnwindSafe(|| match rows {
                    Some(rows) => rows.add_reply(sink.user_data(), status, &json, &message),
                    None => sink.reply(status, &json, &message),
                });
                let outcome = catch_unwind(reply);
                self.end(Some(Ended::Reply(sink)), as_rows);
                if let Err(panic) = outcome {
                    std::panic::resume_unwind(panic);
                }
            }
        }
    }

    /// A registration is over: releases it, or has a row say so next.
    fn end(&mut self, ended: Option<Ended>, as_row: bool) {
        if as_row {
            self.ended.extend(ended);
        } else {
            release(ended);
        }
    }

    fn release_one(&mut self, ended: Ended, rows: Option<&mut Rows>) {
        match rows.filter(|rows| rows.has_everything()) {
            Some(rows) => {
                self.count += 1;
                rows.add_released(ended.into_row());
            }
            None => release(ended),
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

/// Whether it is a change of state, a token request or a reply, or about their callbacks.
pub(super) fn is_control(item: &DeliveryItem) -> bool {
    match item {
        DeliveryItem::State { .. }
        | DeliveryItem::SetStateSink(_)
        | DeliveryItem::SetTokenSink(_)
        | DeliveryItem::TokenWanted { .. }
        | DeliveryItem::Reply { .. } => true,
        DeliveryItem::Event(_)
        | DeliveryItem::Register { .. }
        | DeliveryItem::CaughtUp { .. }
        | DeliveryItem::Release { .. } => false,
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
