//! Which callback runs at the moment, and on which thread: what a thread that
//! ends a subscription, or is about to wait, has to know.

use std::cell::Cell;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};

static THREADS: AtomicU64 = AtomicU64::new(1);

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    static NUMBER: u64 = THREADS.fetch_add(1, Ordering::Relaxed);
}

/// A number that no other thread of the process ever has; never 0.
pub(super) fn this_thread() -> u64 {
    NUMBER.with(|number| *number)
}

/// Whether this thread is inside a callback, of whichever client.
pub fn in_callback() -> bool {
    DEPTH.get() > 0
}

/// Marks this thread as inside a callback until the guard is dropped.
pub fn enter_callback() -> CallbackGuard {
    DEPTH.set(DEPTH.get() + 1);
    CallbackGuard(PhantomData)
}

/// See [`enter_callback`]. Stays on its thread.
#[must_use]
pub struct CallbackGuard(PhantomData<*const ()>);

impl Drop for CallbackGuard {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// What the consumer makes known while it runs callbacks.
///
/// The promise behind [`Presence::wait_until_left`]: the consumer stores the
/// subscription that it turns to, then loads that subscription's epoch; who
/// ends a subscription stores the epoch, then loads what is running. All four
/// are sequentially consistent, so at least one of the two sees the other:
/// either the callback does not run, or it is waited for.
#[derive(Default)]
// On cache lines of its own: the consumer writes here for every event.
#[repr(align(128))]
pub(super) struct Presence {
    /// 0, or the number of a run (upper half) of callbacks of one subscription
    /// (slot + 1 in the lower half). The number tells a run from a later one in
    /// the same place.
    running: AtomicU64,
    /// How many threads wait for a run to end.
    waiters: AtomicU32,
    /// The thread that dispatches, or 0.
    dispatcher: AtomicU64,
    lock: Mutex<()>,
    left: Condvar,
}

/// A row of callbacks of one subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run(u64);

fn place(slot: u32) -> u64 {
    u64::from(slot.wrapping_add(1))
}

impl Presence {
    /// The consumer turns to a subscription (or, with `None`, to something
    /// else): whoever waits for the one before is let go.
    pub fn turn_to(&self, run: u32, slot: Option<u32>) {
        let now = slot.map_or(0, |slot| u64::from(run) << 32 | place(slot));
        self.running.store(now, Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            // A waiter holds the lock from its look at `running` to its sleep.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.left.notify_all();
        }
    }

    /// The run of callbacks in that place that is under way, if one is.
    pub fn run_at(&self, slot: u32) -> Option<Run> {
        let running = self.running.load(Ordering::SeqCst);
        (running as u32 == place(slot) as u32).then_some(Run(running))
    }

    /// Waits until a run is over.
    pub fn wait_until_left(&self, Run(run): Run) {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiters.fetch_add(1, Ordering::SeqCst);
        while self.running.load(Ordering::SeqCst) == run {
            guard = self
                .left
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    /// This thread dispatches from now on, or does not any more.
    pub fn dispatching(&self, here: bool) {
        self.dispatcher
            .store(if here { this_thread() } else { 0 }, Ordering::SeqCst);
    }

    /// Whether it is this thread that dispatches.
    pub fn is_dispatcher(&self) -> bool {
        self.dispatcher.load(Ordering::SeqCst) == this_thread()
    }

    #[cfg(test)]
    pub fn waiters(&self) -> u32 {
        self.waiters.load(Ordering::SeqCst)
    }
}
