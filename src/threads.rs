//! The library's threads. What a process needs around the making of one, the C ABI
//! says: signals are the application's, and no thread of ours is to take those that are
//! sent to the process.

use std::io;
use std::sync::OnceLock;
use std::thread::{Builder, JoinHandle};

/// What runs callbacks has as much stack as a main thread usually has.
const CALLBACK_STACK: usize = 8 << 20;

/// What to do where there may be no more threads.
const RAISE: &str =
    "raise the limit of processes (ulimit -u), of the container (pids.max, --pids-limit) or memory";

/// Whose code runs on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The library's own, and log functions of the application's.
    Library,
    /// The application's callbacks.
    Callbacks,
}

/// Runs its argument, which makes a thread, so that the thread is as it should be.
pub type Around = fn(Work, &mut dyn FnMut());

static AROUND: OnceLock<Around> = OnceLock::new();

/// Sets what is done around the making of every thread from now on. Only the first
/// counts.
pub fn make_within(around: Around) {
    let _ = AROUND.set(around);
}

/// Starts a thread. The error says what to do about it.
pub fn spawn(
    name: &str,
    work: Work,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let mut body = Some(body);
    let mut made = None;
    let mut make = || {
        let mut thread = Builder::new().name(name.to_owned());
        if work == Work::Callbacks {
            thread = thread.stack_size(CALLBACK_STACK);
        }
        made = body.take().map(|body| thread.spawn(body));
    };
    match AROUND.get() {
        Some(around) => around(work, &mut make),
        None => make(),
    }
    made.unwrap_or_else(|| Err(io::Error::other("it was not made")))
        .map_err(|error| named(&error))
}

/// Names the limit that a thread too many has met: the system says only that
/// something is "temporarily unavailable".
fn named(error: &io::Error) -> io::Error {
    let message = match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
            format!("the system allows no more threads ({error}): {RAISE}")
        }
        _ => format!("a thread could not be started: {error}"),
    };
    io::Error::new(error.kind(), message)
}
