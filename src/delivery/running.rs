//! Which callback is running, and on which thread. Ending a subscription waits until its callback
//! has returned (quiescence), but never inside that callback.

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

/// Whether this thread is inside a callback of any client.
pub fn in_callback() -> bool {
    DEPTH.get() > 0
}

/// Marks this thread as inside a callback until the guard is dropped.
pub fn enter_callback() -> CallbackGuard {
    DEPTH.set(DEPTH.get() + 1);
    CallbackGuard(PhantomData)
}

/// See [`enter_callback`]. Not `Send`: it must be dropped on its thread.
#[must_use]
pub struct CallbackGuard(PhantomData<*const ()>);

impl Drop for CallbackGuard {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get().saturating_sub(1));
    }
}

/// Which subscription's callbacks the consumer runs.
///
/// Why no callback starts after an unsubscribe returns: the consumer stores the subscription that
/// it enters, then loads that subscription's epoch; the thread that ends the subscription stores
/// the epoch, then loads what is running. All four are sequentially consistent, so at least one
/// of the two threads sees the other's store: either the callback does not run, or
/// [`Running::wait_until_over`] waits for it.
#[derive(Default)]
// On cache lines of its own: the consumer writes here for every event.
#[repr(align(128))]
pub(super) struct Running {
    /// 0, or a run of callbacks of one subscription: the number of the run in the upper half, slot
    /// + 1 in the lower. The number distinguishes a run from later ones of the same slot.
    current: AtomicU64,
    /// How many threads wait for a run to end.
    waiters: AtomicU32,
    /// The thread that dispatches, or 0.
    dispatcher: AtomicU64,
    lock: Mutex<()>,
    changed: Condvar,
}

/// Successive callbacks of one subscription, between which the consumer ran nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CallbackRun(u64);

fn slot_bits(slot: u32) -> u64 {
    u64::from(slot.wrapping_add(1))
}

impl Running {
    /// The consumer is about to run callbacks of this subscription, or, with `None`, something
    /// else. Wakes the threads that wait for the run before.
    pub fn enter(&self, run: u32, slot: Option<u32>) {
        let now = slot.map_or(0, |slot| u64::from(run) << 32 | slot_bits(slot));
        self.current.store(now, Ordering::SeqCst);
        if self.waiters.load(Ordering::SeqCst) > 0 {
            // A waiter holds the lock from its load of `current` until it sleeps: with the lock
            // taken once in between, it cannot miss the notification.
            drop(self.lock.lock().unwrap_or_else(PoisonError::into_inner));
            self.changed.notify_all();
        }
    }

    /// The present run, if it is one of this slot.
    pub fn run_of(&self, slot: u32) -> Option<CallbackRun> {
        let current = self.current.load(Ordering::SeqCst);
        (current as u32 == slot_bits(slot) as u32).then_some(CallbackRun(current))
    }

    /// Waits until a run is over.
    pub fn wait_until_over(&self, CallbackRun(run): CallbackRun) {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.waiters.fetch_add(1, Ordering::SeqCst);
        while self.current.load(Ordering::SeqCst) == run {
            guard = self
                .changed
                .wait(guard)
                .unwrap_or_else(PoisonError::into_inner);
        }
        self.waiters.fetch_sub(1, Ordering::SeqCst);
    }

    /// This thread begins (`true`) or stops to dispatch.
    pub fn dispatching(&self, here: bool) {
        self.dispatcher
            .store(if here { this_thread() } else { 0 }, Ordering::SeqCst);
    }

    /// Whether this thread dispatches.
    pub fn is_dispatcher(&self) -> bool {
        self.dispatcher.load(Ordering::SeqCst) == this_thread()
    }

    #[cfg(test)]
    pub fn waiters(&self) -> u32 {
        self.waiters.load(Ordering::SeqCst)
    }
}
