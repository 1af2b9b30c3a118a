//! The queue as threads see it: what waits, behind its lock, and who has to be
//! woken.

use std::collections::VecDeque;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::load::{Done, Load};
use super::waiting::{SPARE_ITEMS, Waiting};
use super::wakeup::{Bell, Signal};
use super::{DeliveryItem, ENDED, SubscriptionMeta};

/// What the consumer counts, for everybody to read.
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
    /// Events that came out of the queue and are done with. Only the consumer
    /// calls it, so that an addition need not be atomic.
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

/// How long to wait for something to come.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wait {
    /// Not at all.
    No,
    /// Until then.
    Until(Instant),
    /// For ever.
    Forever,
}

/// What [`Queue::refill`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refill {
    /// Something is in the hand.
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
    fd: Option<RawFd>,
    closed: AtomicBool,
    pub progress: Progress,
}

struct State {
    waiting: Waiting,
    bell: Bell,
    /// What came after the end. It may hold callbacks, which must not be
    /// dropped under a lock.
    remains: Vec<DeliveryItem>,
}

impl Queue {
    pub fn new(budget: u64, signal: Option<Signal>) -> Queue {
        Queue {
            fd: signal.as_ref().map(Signal::fd),
            state: Mutex::new(State {
                waiting: Waiting::new(budget),
                bell: Bell::new(signal),
                remains: Vec::new(),
            }),
            ready: Condvar::new(),
            closed: AtomicBool::new(false),
            progress: Progress::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn fd(&self) -> Option<RawFd> {
        self.fd
    }

    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let notify = state.bell.ring();
        drop(state);
        if notify {
            self.ready.notify_one();
        }
    }

    /// See [`Delivery::push`](super::Delivery::push).
    pub fn push(&self, batch: &mut Vec<DeliveryItem>) -> Vec<(u32, u32)> {
        let mut state = self.lock();
        if self.is_closed() {
            let sinks = batch.drain(..).filter(carries_sink);
            state.remains.extend(sinks);
            return Vec::new();
        }
        let finished = self.progress.finished();
        let lost = state.waiting.push(batch, finished);
        if !state.waiting.is_empty() {
            self.wake(state);
        }
        lost
    }

    /// See [`Delivery::end`](super::Delivery::end).
    pub fn end(&self, meta: &Arc<SubscriptionMeta>) {
        let mut state = self.lock();
        if self.is_closed() {
            meta.epoch.store(ENDED, Ordering::SeqCst);
        } else if state.waiting.end(meta) {
            self.wake(state);
        }
    }

    /// See [`Delivery::discard`](super::Delivery::discard).
    pub fn discard(&self, meta: &Arc<SubscriptionMeta>) -> u32 {
        self.lock().waiting.discard(meta)
    }

    pub fn has_ended(&self, slot: u32) -> bool {
        self.lock().waiting.has_ended(slot)
    }

    /// What waits, and how often something was lost for want of room.
    pub fn load(&self) -> (Load, u64) {
        let state = self.lock();
        let finished = self.progress.finished();
        (state.waiting.load(finished), state.waiting.overflows())
    }

    /// Whether more than half of what may wait does.
    pub fn is_crowded(&self) -> bool {
        let state = self.lock();
        let waiting = state.waiting.load(self.progress.finished());
        waiting.bytes > state.waiting.budget() / 2
    }

    /// Fills the consumer's empty hand with a portion of what waits before the
    /// horizon; without one, what waits now sets it. `leave` is for those who
    /// leave the rest to somebody else once the queue is closed.
    pub fn refill(
        &self,
        hand: &mut VecDeque<DeliveryItem>,
        done: &mut Vec<Done>,
        horizon: &mut Option<u64>,
        wait: Wait,
        leave: bool,
    ) -> Refill {
        let mut state = self.lock();
        state.waiting.settle(done);
        loop {
            if self.is_closed() && (leave || state.waiting.is_empty()) {
                return Refill::Closed;
            }
            if !state.waiting.is_empty() {
                let horizon = *horizon.get_or_insert(state.waiting.horizon());
                state.waiting.take(hand, horizon);
                return if hand.is_empty() {
                    Refill::Nothing
                } else {
                    Refill::Some
                };
            }
            let left = match wait {
                Wait::No => return Refill::Nothing,
                Wait::Until(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => Some(left),
                    _ => return Refill::Nothing,
                },
                Wait::Forever => None,
            };
            state.waiting.rest();
            hand.shrink_to(SPARE_ITEMS);
            state.bell.silence();
            state.bell.sleeping = true;
            state = match left {
                Some(left) => {
                    let waited = self.ready.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .ready
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
            state.bell.sleeping = false;
        }
    }

    /// The consumer pauses; it is idle if it has nothing left in its hand.
    pub fn park(&self, done: &mut Vec<Done>, idle: bool) {
        let mut state = self.lock();
        state.waiting.settle(done);
        if idle && state.waiting.is_empty() {
            state.waiting.rest();
            state.bell.silence();
        } else {
            state.bell.repeat();
        }
    }

    /// The consumer has come to the release of a subscription.
    pub fn forget(&self, done: &mut Vec<Done>, slot: u32) {
        let mut state = self.lock();
        state.waiting.settle(done);
        state.waiting.forget(slot);
    }

    /// Nothing is accepted any more, and no event delivered; whoever waits is
    /// woken.
    pub fn close(&self) {
        let mut state = self.lock();
        if self.closed.swap(true, Ordering::SeqCst) {
            return;
        }
        state.waiting.close();
        let _ = state.bell.ring();
        drop(state);
        self.ready.notify_all();
    }

    /// The consumer is gone: the descriptor falls silent.
    pub fn silence(&self) {
        self.lock().bell.silence();
    }

    /// Takes what came after the end.
    pub fn take_remains(&self) -> Vec<DeliveryItem> {
        std::mem::take(&mut self.lock().remains)
    }
}

#[cfg(test)]
impl Queue {
    pub fn has_sleeper(&self) -> bool {
        self.lock().bell.sleeping
    }

    pub fn reader(&self) -> std::os::unix::net::UnixStream {
        self.lock().bell.reader()
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
