//! The queue that threads share: the backlog behind its lock, and the waking of the thread that
//! dispatches.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::backlog::{Backlog, SPARE_ITEMS};
use super::control::Control;
use super::load::{Done, Load};
use super::signal::{Descriptor, Signal};
use super::wait::{Wait, sleep};
use super::wakeup::{Doing, DoingCell, Intake, Readable};
use super::{DeliveryItem, ENDED, SubscriptionMeta};

/// The consumer's counters, which any thread may read.
#[derive(Default)]
// On cache lines of its own: the consumer writes here for every event.
#[repr(align(128))]
pub(super) struct Progress {
    /// Events that were delivered: callbacks.
    pub delivered: AtomicU64,
    finished_events: AtomicU64,
    finished_bytes: AtomicU64,
}

impl Progress {
    /// Counts events that were taken out of the queue and are delivered or dropped. Only the
    /// thread that has the consumer calls it, so the addition need not be atomic.
    pub fn finish(&self, load: Load) {
        let add = |counter: &AtomicU64, by| {
            counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
        };
        add(&self.finished_events, load.events);
        add(&self.finished_bytes, load.bytes);
    }

    fn finished(&self) -> Load {
        Load {
            events: self.finished_events.load(Ordering::Relaxed),
            bytes: self.finished_bytes.load(Ordering::Relaxed),
        }
    }
}

/// What [`Queue::refill`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refill {
    /// The batch holds something.
    Some,
    /// Nothing came in time, or nothing is left before the horizon.
    Nothing,
    /// Nothing will come any more.
    Closed,
}

/// See the module.
pub(super) struct Queue {
    state: Mutex<State>,
    ready: Condvar,
    intake: Option<Box<dyn Intake>>,
    doing: DoingCell,
    fd: Option<Descriptor>,
    closed: AtomicBool,
    pub progress: Progress,
}

struct State {
    backlog: Backlog,
    readable: Readable,
    /// What was pushed after the close and holds callbacks: these must not be dropped under a
    /// lock, because dropping one runs the application's release function.
    late_items: Vec<DeliveryItem>,
}

impl Queue {
    pub fn new(budget: u64, signal: Option<Signal>, intake: Option<Box<dyn Intake>>) -> Queue {
        Queue {
            fd: signal.as_ref().map(Signal::fd),
            state: Mutex::new(State {
                backlog: Backlog::new(budget),
                readable: Readable::new(signal),
                late_items: Vec::new(),
            }),
            ready: Condvar::new(),
            intake,
            doing: DoingCell::new(Doing::Other),
            closed: AtomicBool::new(false),
            progress: Progress::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn fd(&self) -> Option<Descriptor> {
        self.fd
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    /// Something was pushed, or the queue is closed: wakes the thread that dispatches.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let doing = self.doing.get();
        match doing {
            Doing::Other => state.readable.raise(),
            Doing::Coming => {}
            Doing::Sleeping | Doing::Watching => self.doing.set(Doing::Coming),
        }
        drop(state);
        match (doing, &self.intake) {
            (Doing::Sleeping, _) => self.ready.notify_one(),
            (Doing::Watching, Some(intake)) => intake.wake(),
            _ => {}
        }
    }

    /// See [`Delivery::push`](super::Delivery::push).
    pub fn push(&self, items: &mut Vec<DeliveryItem>) -> Vec<(u32, u32)> {
        let mut state = self.lock();
        if self.is_closed() {
            let sinks = items.drain(..).filter(carries_sink);
            state.late_items.extend(sinks);
            return Vec::new();
        }
        let finished = self.progress.finished();
        let lost = state.backlog.push(items, finished);
        if !state.backlog.is_empty() {
            self.wake(state);
        }
        lost
    }

    /// See [`Delivery::end`](super::Delivery::end).
    pub fn end(&self, meta: &Arc<SubscriptionMeta>) {
        let mut state = self.lock();
        if self.is_closed() {
            meta.epoch.store(ENDED, Ordering::SeqCst);
        } else if state.backlog.end(meta) {
            self.wake(state);
        }
    }

    pub fn has_ended(&self, slot: u32) -> bool {
        self.lock().backlog.has_ended(slot)
    }

    /// What waits, and the number of overflows.
    pub fn load(&self) -> (Load, u64) {
        let state = self.lock();
        let finished = self.progress.finished();
        (state.backlog.load(finished), state.backlog.overflows())
    }

    /// Whether more than half of the budget is used.
    pub fn is_crowded(&self) -> bool {
        let state = self.lock();
        let load = state.backlog.load(self.progress.finished());
        load.bytes > state.backlog.budget() / 2
    }

    /// Fills the consumer's empty batch with what waits before the horizon. Without a horizon,
    /// the present end of the queue becomes it, so that a dispatch ends although events keep
    /// coming. With `stop_when_closed`, nothing is taken from a closed queue: `close` delivers
    /// the rest.
    pub fn refill(
        &self,
        batch: &mut VecDeque<DeliveryItem>,
        done: &mut Vec<Done>,
        horizon: &mut Option<u64>,
        wait: Wait,
        stop_when_closed: bool,
    ) -> Refill {
        let mut state = self.lock();
        state.backlog.record_done(done);
        let mut by_intake = true;
        loop {
            if self.is_closed() && (stop_when_closed || state.backlog.is_empty()) {
                return Refill::Closed;
            }
            if !state.backlog.is_empty() {
                let horizon = *horizon.get_or_insert(state.backlog.horizon());
                state.backlog.take(batch, horizon);
                return if batch.is_empty() {
                    Refill::Nothing
                } else {
                    Refill::Some
                };
            }
            let Ok(left) = wait.left() else {
                return Refill::Nothing;
            };
            state.backlog.shrink();
            batch.shrink_to(SPARE_ITEMS);
            state.readable.clear();
            state = match self.intake.as_ref().filter(|_| by_intake) {
                Some(intake) => {
                    self.doing.set(Doing::Watching);
                    drop(state);
                    by_intake = intake.wait(left, &|| self.doing.set(Doing::Coming));
                    self.lock()
                }
                // After that the intake is another way to wait again.
                None => {
                    by_intake = true;
                    self.doing.set(Doing::Sleeping);
                    sleep(&self.ready, state, left)
                }
            };
            self.doing.set(Doing::Other);
        }
    }

    /// See [`Backlog::take_control`].
    pub fn take_control(&self, control: Control, out: &mut VecDeque<DeliveryItem>) {
        self.lock().backlog.take_control(control, out);
    }

    /// Drops what waits of a subscription, and begins a new epoch.
    pub fn drop_waiting(&self, meta: &Arc<SubscriptionMeta>) {
        self.lock().backlog.drop_waiting(meta);
    }

    /// A dispatch ends. `idle`: the consumer's batch is empty.
    pub fn park(&self, done: &mut Vec<Done>, idle: bool) {
        let mut state = self.lock();
        state.backlog.record_done(done);
        if idle && state.backlog.is_empty() {
            state.backlog.shrink();
            state.readable.clear();
        } else {
            state.readable.signal_again();
        }
    }

    /// The consumer has reached the release of a subscription: its place is free.
    pub fn forget(&self, done: &mut Vec<Done>, slot: u32) {
        let mut state = self.lock();
        state.backlog.record_done(done);
        state.backlog.forget(slot);
    }

    /// From now on nothing is accepted and no event is delivered. Wakes the threads that wait.
    pub fn close(&self) {
        let mut state = self.lock();
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        state.backlog.close();
        self.wake(state);
    }

    /// Makes the descriptor unreadable: nothing will be delivered any more.
    pub fn clear_signal(&self) {
        self.lock().readable.clear();
    }

    /// Takes the callbacks that were pushed after the close.
    pub fn take_late_items(&self) -> Vec<DeliveryItem> {
        std::mem::take(&mut self.lock().late_items)
    }
}

#[cfg(test)]
impl Queue {
    pub fn has_sleeper(&self) -> bool {
        let _state = self.lock();
        matches!(self.doing.get(), Doing::Sleeping | Doing::Watching)
    }

    pub fn reader(&self) -> std::os::unix::net::UnixStream {
        self.lock().readable.reader()
    }
}

fn carries_sink(item: &DeliveryItem) -> bool {
    matches!(
        item,
        DeliveryItem::Register { .. }
            | DeliveryItem::SetStateSink(Some(_))
            | DeliveryItem::SetTokenSink(Some(_))
            | DeliveryItem::Reply { .. }
    )
}
