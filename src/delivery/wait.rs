//! How long a thread waits inside the library.

use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

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

/// There is no time left to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Elapsed;

impl Wait {
    /// The time that is left; `None` stands for ever.
    pub fn left(self) -> Result<Option<Duration>, Elapsed> {
        match self {
            Wait::No => Err(Elapsed),
            Wait::Until(deadline) => match deadline.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => Ok(Some(left)),
                _ => Err(Elapsed),
            },
            Wait::Forever => Ok(None),
        }
    }
}

/// Waits to be notified, for so long at most; for ever without a time. It may return for no reason.
pub(super) fn sleep<'a, T>(
    notified: &Condvar,
    guard: MutexGuard<'a, T>,
    time: Option<Duration>,
) -> MutexGuard<'a, T> {
    match time {
        Some(time) => {
            let waited = notified.wait_timeout(guard, time);
            waited.unwrap_or_else(PoisonError::into_inner).0
        }
        None => notified.wait(guard).unwrap_or_else(PoisonError::into_inner),
    }
}
