//! Keeps the rows that were taken last where they are while the application reads them.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, PoisonError};

use crate::delivery::{Batch, RowEntry};
use crate::error::Result;

thread_local! {
    /// Holds the batch that this thread was given last. Another thread may close the client while
    /// this one returns from the call, or reads.
    static GIVEN: RefCell<Option<Arc<Mutex<Buffers>>>> = const { RefCell::new(None) };
}

/// The batch that the application reads, and the buffers for the next one. Not locked while a call
/// waits for events: another thread may take rows meanwhile and must not wait longer than its timeout.
#[derive(Default)]
pub(super) struct DrainBuffer {
    buffers: Arc<Mutex<Buffers>>,
}

#[derive(Default)]
struct Buffers {
    shown: Batch,
    spare: Batch,
}

impl DrainBuffer {
    /// Calls `fill`, which writes a batch and counts its rows, then `show` with the batch. An empty
    /// batch leaves the one before valid.
    pub fn next(
        &self,
        fill: impl FnOnce(&mut Batch) -> Result<usize>,
        show: &mut dyn FnMut(&str, &[RowEntry]),
    ) -> Result<usize> {
        let mut batch = std::mem::take(&mut self.lock().spare);
        let outcome = fill(&mut batch);
        let mut buffers = self.lock();
        if outcome.is_ok() && !batch.is_empty() {
            buffers.spare = std::mem::replace(&mut buffers.shown, batch);
            show(&buffers.shown.text, &buffers.shown.index);
            self.hold();
        } else {
            buffers.spare = batch;
            if outcome.is_ok() {
                show(EMPTY, &[]);
            }
        }
        outcome
    }

    /// This thread may read the batch until it is given another one.
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
    /// Only the text may still be read.
    fn drop(&mut self) {
        let mut buffers = self.lock();
        buffers.spare = Batch::default();
        buffers.shown.index = Vec::new();
    }
}

/// An array without rows.
const EMPTY: &str = "[]";
