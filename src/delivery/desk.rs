//! Where the consumer is when nobody dispatches: one dispatcher at a time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::consumer::Consumer;
use super::queue::Wait;

enum Seat {
    /// Nobody dispatches.
    Free(Box<Consumer>),
    /// Somebody does.
    Taken,
    /// Everything is delivered and released.
    Gone,
}

struct State {
    seat: Seat,
    /// Whoever has the consumer is to finish the client off: `close` could not
    /// wait for it any longer.
    orphaned: bool,
}

/// What came of [`Desk::sit_down`].
pub(super) enum Turn {
    /// The caller dispatches now.
    Yours(Box<Consumer>),
    /// Somebody else does, and did so until the deadline.
    Late,
    /// There is nothing left to do.
    Over,
}

/// See the module.
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

impl Desk {
    /// A desk with a consumer, or one whose consumer somebody has already.
    pub fn new(consumer: Option<Box<Consumer>>) -> Desk {
        let seat = consumer.map_or(Seat::Taken, Seat::Free);
        Desk {
            state: Mutex::new(State {
                seat,
                orphaned: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn to dispatch, unless `give_up` says that it is not
    /// wanted any more; see [`Desk::stir`].
    pub fn sit_down(&self, wait: Wait, give_up: impl Fn() -> bool) -> Turn {
        let mut state = self.lock();
        loop {
            if give_up() {
                return Turn::Over;
            }
            match std::mem::replace(&mut state.seat, Seat::Taken) {
                Seat::Free(consumer) => return Turn::Yours(consumer),
                Seat::Taken => {}
                Seat::Gone => {
                    state.seat = Seat::Gone;
                    return Turn::Over;
                }
            }
            let left = match wait {
                Wait::No => return Turn::Late,
                Wait::Until(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => Some(left),
                    _ => return Turn::Late,
                },
                Wait::Forever => None,
            };
            state = match left {
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Gives the turn back. Who gets the consumer returned has to finish off.
    #[must_use]
    pub fn get_up(&self, consumer: Box<Consumer>) -> Option<Box<Consumer>> {
        let mut state = self.lock();
        if state.orphaned {
            return Some(consumer);
        }
        state.seat = Seat::Free(consumer);
        drop(state);
        self.changed.notify_all();
        None
    }

    /// Leaves the finishing to whoever has the consumer. If nobody has it any
    /// more, the caller gets it after all.
    pub fn orphan(&self) -> Turn {
        let mut state = self.lock();
        match std::mem::replace(&mut state.seat, Seat::Taken) {
            Seat::Free(consumer) => Turn::Yours(consumer),
            Seat::Taken => {
                state.orphaned = true;
                Turn::Late
            }
            Seat::Gone => {
                state.seat = Seat::Gone;
                Turn::Over
            }
        }
    }

    /// The consumer is gone.
    pub fn leave_for_good(&self) {
        self.lock().seat = Seat::Gone;
        self.changed.notify_all();
    }

    /// Makes everybody who waits for a turn look again.
    pub fn stir(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }
}
