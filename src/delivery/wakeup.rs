//! Wakes the thread that dispatches: by a condition variable or through its [`Intake`] if it waits
//! inside the library, by a descriptor (one end of a socket pair) if its event loop waits elsewhere.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::signal::Signal;

/// Where the thread that dispatches waits for things to come, and takes them in itself: what
/// [`Delivery::push`](super::Delivery::push) gets from another thread otherwise.
pub trait Intake: Send + Sync {
    /// Waits until something comes, the time is over (without one, for ever) or [`Intake::wake`] is
    /// called; calls `awake`; and pushes what has come. It may return for no reason. Must not
    /// panic.
    ///
    /// False if this is no way to wait at present: what comes will be pushed by another thread.
    fn wait(&self, time: Option<Duration>, awake: &dyn Fn()) -> bool;
    /// Ends a wait, or the next one if there is none now.
    fn wake(&self);
}

/// What the thread that dispatches does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Doing {
    /// Something else, or there is no such thread.
    Other,
    /// It waits on the condition variable.
    Sleeping,
    /// It waits in the intake.
    Watching,
    /// It is about to look into the queue.
    Coming,
}

impl Doing {
    const ALL: [Doing; 4] = [
        Doing::Other,
        Doing::Sleeping,
        Doing::Watching,
        Doing::Coming,
    ];
}

/// A [`Doing`]. It changes under the queue's lock, except from watching to coming, which the thread
/// that dispatches does when it wakes up. A push that does not see that yet ends its next wait for no
/// reason.
pub(super) struct DoingCell(AtomicU8);

impl DoingCell {
    pub fn new(doing: Doing) -> DoingCell {
        DoingCell(AtomicU8::new(doing as u8))
    }

    pub fn set(&self, doing: Doing) {
        self.0.store(doing as u8, Ordering::SeqCst);
    }

    pub fn get(&self) -> Doing {
        Doing::ALL[usize::from(self.0.load(Ordering::SeqCst))]
    }
}

/// The descriptor, and whether it is readable. It is kept under the queue's lock, and so is every
/// read and write of the descriptor: a byte that is written late would leave it readable with an
/// empty queue.
#[derive(Default)]
pub(super) struct Readable {
    /// A byte is in the descriptor, or the application has read it and is about to dispatch.
    raised: bool,
    signal: Option<Signal>,
}

impl Readable {
    pub fn new(signal: Option<Signal>) -> Readable {
        Readable {
            signal,
            ..Readable::default()
        }
    }

    /// Something was pushed: makes the descriptor readable.
    pub fn raise(&mut self) {
        if let Some(signal) = self.signal.as_ref().filter(|_| !self.raised) {
            signal.raise();
            self.raised = true;
        }
    }

    /// The queue is empty: makes the descriptor unreadable.
    pub fn clear(&mut self) {
        if let Some(signal) = self.signal.as_ref().filter(|_| self.raised) {
            signal.clear();
            self.raised = false;
        }
    }

    /// A dispatch leaves something in the queue: makes the descriptor readable anew, for event
    /// loops that are edge-triggered or have read the byte.
    pub fn signal_again(&mut self) {
        if let Some(signal) = &self.signal {
            signal.clear();
            signal.raise();
            self.raised = true;
        }
    }
}

#[cfg(all(test, unix))]
impl Readable {
    pub fn reader(&self) -> std::os::unix::net::UnixStream {
        self.signal.as_ref().unwrap().reader()
    }
}
