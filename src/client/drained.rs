//! What was drained last stays where it is while the application reads it.

use std::sync::{Mutex, PoisonError};

use crate::error::Result;

/// The batch that is with the application, and the buffer for the next one.
/// Not locked while a batch is waited for: somebody else may drain meanwhile,
/// and must not wait longer than it said.
#[derive(Default)]
pub(super) struct Drained {
    buffers: Mutex<Buffers>,
}

#[derive(Default)]
struct Buffers {
    shown: String,
    spare: String,
}

impl Drained {
    /// Lets `fill` write a batch and count what is in it, and shows that. A batch
    /// of nothing leaves the one before alone.
    pub fn next(
        &self,
        fill: impl FnOnce(&mut String) -> Result<usize>,
        show: &mut dyn FnMut(&str),
    ) -> Result<usize> {
        let mut batch = std::mem::take(&mut self.lock().spare);
        let outcome = fill(&mut batch);
        let mut buffers = self.lock();
        if outcome.is_ok() && batch.len() > EMPTY.len() {
            buffers.spare = std::mem::replace(&mut buffers.shown, batch);
            show(&buffers.shown);
        } else {
            buffers.spare = batch;
            if outcome.is_ok() {
                show(EMPTY);
            }
        }
        outcome
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Buffers> {
        self.buffers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch without events.
const EMPTY: &str = "[]";
