//! Where the consumer is while no thread dispatches. Taking it out of here is the right to
//! dispatch, so one thread at a time runs callbacks.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::consumer::Consumer;
use super::wait::{Wait, sleep};

enum Place {
    /// No thread dispatches.
    Here(Box<Consumer>),
    /// A thread dispatches.
    Taken,
    /// Everything is delivered and released.
    Gone,
}

struct State {
    place: Place,
    /// `close` has timed out: the thread that has the consumer finishes the delivery when it
    /// gives the consumer back.
    abandoned: bool,
    /// How many threads wait for the consumer. Without one, giving it back costs no system call.
    waiters: usize,
}

/// The result of [`ConsumerSlot::acquire`] and [`ConsumerSlot::abandon`].
pub(super) enum Acquired {
    /// The caller has the consumer and may dispatch.
    Consumer(Box<Consumer>),
    /// Another thread has it, and had it until the deadline.
    Busy,
    /// Everything is delivered and released.
    Finished,
}

/// See the module.
pub(super) struct ConsumerSlot {
    state: Mutex<State>,
    changed: Condvar,
}

impl ConsumerSlot {
    /// A slot with a consumer, or, with `None`, one whose consumer a thread has already.
    pub fn new(consumer: Option<Box<Consumer>>) -> ConsumerSlot {
        let place = consumer.map_or(Place::Taken, Place::Here);
        ConsumerSlot {
            state: Mutex::new(State {
                place,
                abandoned: false,
                waiters: 0,
            }),
            changed: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the consumer, unless `give_up` says that there is no point any more. It is asked
    /// before each wait and after [`ConsumerSlot::notify`].
    pub fn acquire(&self, wait: Wait, give_up: impl Fn() -> bool) -> Acquired {
        let mut state = self.lock();
        loop {
            if give_up() {
                return Acquired::Finished;
            }
            match std::mem::replace(&mut state.place, Place::Taken) {
                Place::Here(consumer) => return Acquired::Consumer(consumer),
                Place::Taken => {}
                Place::Gone => {
                    state.place = Place::Gone;
                    return Acquired::Finished;
                }
            }
            let Ok(left) = wait.left() else {
                return Acquired::Busy;
            };
            state.waiters += 1;
            state = sleep(&self.changed, state, left);
            state.waiters -= 1;
        }
    }

    /// Puts the consumer back. If the consumer is returned instead, `close` has timed out and the
    /// caller has to finish the delivery.
    #[must_use]
    pub fn release(&self, consumer: Box<Consumer>) -> Option<Box<Consumer>> {
        let mut state = self.lock();
        if state.abandoned {
            return Some(consumer);
        }
        state.place = Place::Here(consumer);
        let is_awaited = state.waiters > 0;
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
        None
    }

    /// Makes the thread that has the consumer finish the delivery. If the consumer is back by
    /// now, the caller gets it.
    pub fn abandon(&self) -> Acquired {
        let mut state = self.lock();
        match std::mem::replace(&mut state.place, Place::Taken) {
            Place::Here(consumer) => Acquired::Consumer(consumer),
            Place::Taken => {
                state.abandoned = true;
                Acquired::Busy
            }
            Place::Gone => {
                state.place = Place::Gone;
                Acquired::Finished
            }
        }
    }

    /// The delivery is finished; the consumer does not come back.
    pub fn retire(&self) {
        self.lock().place = Place::Gone;
        self.changed.notify_all();
    }

    /// Makes the threads in [`ConsumerSlot::acquire`] ask `give_up` again.
    pub fn notify(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }
}
