//! Keeps the array that was drained last where it is while the application reads it.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Result;

thread_local! {
    /// Holds the array that this thread was given last. Another thread may close the client while
    /// this one returns from the call, or reads.
    static GIVEN: RefCell<Option<Arc<Mutex<Buffers>>>> = const { RefCell::new(None) };
}

/// The array that the application reads, and the buffer for the next one. Not locked while a drain
/// waits for events: another thread may drain meanwhile and must not wait longer than its timeout.
#[derive(Default)]
pub(super) struct DrainBuffer {
    buffers: Arc<Mutex<Buffers>>,
}

#[derive(Default)]
struct Buffers {
    shown: String,
    spare: String,
}

impl DrainBuffer {
    /// Calls `fill`, which writes an array and counts its events, then `show` with the array. An
    /// empty array leaves the one before valid.
    pub fn next(
        &self,
        fill: impl FnOnce(&mut String) -> Result<usize>,
        show: &mut dyn FnMut(&str),
    ) -> Result<usize> {
        let mut array = std::mem::take(&mut self.lock().spare);
        let outcome = fill(&mut array);
        let mut buffers = self.lock();
        if outcome.is_ok() && array.len() > EMPTY.len() {
            buffers.spare = std::mem::replace(&mut buffers.shown, array);
            show(&buffers.shown);
            self.hold();
        } else {
            buffers.spare = array;
            if outcome.is_ok() {
                show(EMPTY);
            }
        }
        outcome
    }

    /// This thread may read the array until it is given another one.
    fn hold(&self) {
        // The thread-local is gone if the thread is ending.
        let _ = GIVEN.try_with(|given| {
            let mut given = given.borrow_mut();
            if !given
                .as_ref()
                .is_some_and(|given| Arc::ptr_eq(given, &self.buffers))
            {
                *given = Some(Arc::clone(&self.buffers));
            }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Buffers> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for DrainBuffer {
    /// Only the array may still be read.
    fn drop(&mut self) {
        self.lock().spare = String::new();
    }
}

/// An array without events.
const EMPTY: &str = "[]";
