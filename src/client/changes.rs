//! Wakes the threads that wait for something to change under the client's lock.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::Duration;

/// A condition variable that costs no system call where no thread waits, which is nearly always.
#[derive(Default)]
pub(super) struct Changes {
    condvar: Condvar,
    /// Changes under the lock.
    waiting: AtomicUsize,
}

impl Changes {
    /// Something has changed under the lock, which the caller may have given back.
    pub fn notify(&self) {
        if self.waiting.load(Ordering::Relaxed) > 0 {
            self.condvar.notify_all();
        }
    }

    /// Waits for a change, for so long at most. It may return for no reason.
    pub fn wait<'a, T>(&self, guard: MutexGuard<'a, T>, time: Duration) -> MutexGuard<'a, T> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let waited = self.condvar.wait_timeout(guard, time);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }
}
