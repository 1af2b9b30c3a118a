//! A lock that no thread waits for. A thread that finds it taken leaves a note and goes on; the
//! thread that has it does what the note says.
//!
//! No note is lost. A thread that finds the lock taken leaves its note, then tries once more; a
//! thread that has given the lock back looks for notes. Between the two steps of either there is a
//! sequentially consistent fence, so at least one of the two sees the other's first step: either the
//! second attempt succeeds, or the note is seen. Whoever takes the lock takes the notes with it,
//! because it can do what they say. `tests/turns.rs` tries every order of the steps.

use super::sync::{AtomicU8, Mutex, MutexGuard, Ordering, TryLockError, fence};

/// The note: something may have come that is to be read.
pub(super) const READ: u8 = 1;
/// The note: something is to be written.
pub(super) const WRITE: u8 = 2;

/// See the module.
#[derive(Debug)]
pub(super) struct Turns<T> {
    value: Mutex<T>,
    notes: AtomicU8,
}

impl<T> Turns<T> {
    pub fn new(value: T) -> Turns<T> {
        Turns {
            value: Mutex::new(value),
            notes: AtomicU8::new(0),
        }
    }

    /// Calls `work` with the value and the notes that were left before, which it must heed. Returns
    /// its result and the notes that were left meanwhile, which the next turn gets. `None` if
    /// another thread has its turn: it finds the note `wanted`.
    pub fn turn<R>(&self, wanted: u8, work: impl FnOnce(&mut T, u8) -> R) -> Option<(R, u8)> {
        let mut value = match self.try_lock() {
            Some(value) => value,
            None => {
                self.notes.fetch_or(wanted, Ordering::SeqCst);
                fence(Ordering::SeqCst);
                self.try_lock()?
            }
        };
        let notes = match self.notes.load(Ordering::SeqCst) {
            0 => 0,
            _ => self.notes.swap(0, Ordering::SeqCst),
        };
        let result = work(&mut value, notes);
        drop(value);
        fence(Ordering::SeqCst);
        Some((result, self.notes.load(Ordering::SeqCst)))
    }

    fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.value.try_lock() {
            Ok(value) => Some(value),
            // A panic of the I/O thread's ends the link; nothing of the value is used then.
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}
