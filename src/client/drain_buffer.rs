//! Keeps the array that was drained last where it is while the application reads it.

use std::sync::{Mutex, PoisonError};

use crate::error::Result;

/// The array that the application reads, and the buffer for the next one. Not locked while a drain
/// waits for events: another thread may drain meanwhile and must not wait longer than its timeout.
#[derive(Default)]
pub(super) struct DrainBuffer {
    buffers: Mutex<Buffers>,
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
        } else {
            buffers.spare = array;
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

/// An array without events.
const EMPTY: &str = "[]";
