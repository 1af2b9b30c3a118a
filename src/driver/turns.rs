//! A lock that no thread waits for. A thread that finds it taken leaves a note and goes on; the
//! thread that has it does what the note says.
//!
//! No note is lost. A thread that finds the lock taken leaves its note, then tries once more; a
//! thread that has given the lock back looks for notes. Between the two steps of either there is a
//! sequentially consistent fence, so at least one of the two sees the other's first step: either the
//! second attempt succeeds, or the note is seen. Whoever takes the lock takes the notes with it,
//! because it can do what they say.

use std::sync::atomic::{AtomicU8, Ordering, fence};
use std::sync::{Mutex, MutexGuard, TryLockError};

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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn a_note_left_meanwhile_reaches_this_turn_and_the_next() {
        let turns = Turns::new(());
        let (during, after) = turns
            .turn(READ, |(), _| turns.turn(WRITE, |(), _| ()))
            .unwrap();
        assert_eq!((during, after), (None, WRITE));
        assert_eq!(turns.turn(READ, |(), notes| notes), Some((WRITE, 0)));
        assert_eq!(turns.turn(READ, |(), notes| notes), Some((0, 0)));
    }

    #[test]
    fn the_last_arrival_is_read_though_no_thread_waits_for_its_turn() {
        const ARRIVALS: u64 = 200_000;
        let (turns, arrived) = (Turns::new(0), AtomicU64::new(0));
        let read = || {
            while let Some((_, notes)) =
                turns.turn(READ, |seen, _| *seen = arrived.load(Ordering::SeqCst))
            {
                if notes & READ == 0 {
                    break;
                }
            }
        };
        std::thread::scope(|threads| {
            for _ in 0..2 {
                threads.spawn(|| {
                    for _ in 0..ARRIVALS {
                        arrived.fetch_add(1, Ordering::SeqCst);
                        read();
                    }
                });
            }
        });
        assert_eq!(turns.turn(READ, |seen, _| *seen).unwrap().0, 2 * ARRIVALS);
    }
}
