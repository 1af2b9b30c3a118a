//! Starts the library's threads. The C ABI wraps the start in a function that blocks signals:
//! signals that are sent to the process are the application's, and no thread of the library may
//! take them.

use std::io;
use std::sync::OnceLock;
use std::thread::{Builder, JoinHandle};

/// The stack of threads that run callbacks: as much as a main thread usually has.
const CALLBACK_STACK: usize = 8 << 20;

/// What to do if the system allows no more threads.
const RAISE: &str =
    "raise the limit of processes (ulimit -u), of the container (pids.max, --pids-limit) or memory";

/// Which code runs on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The library's own code, and the application's log functions.
    Library,
    /// The application's callbacks.
    Callbacks,
}

/// Calls its argument, which starts a thread, with the signal mask that the thread must have.
pub type Around = fn(Work, &mut dyn FnMut());

static AROUND: OnceLock<Around> = OnceLock::new();

/// Sets the function that wraps the start of every thread from now on. Only the first call
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

/// Names the limit if there are too many threads: the system says only that something is
/// "temporarily unavailable".
fn named(error: &io::Error) -> io::Error {
    let message = match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::OutOfMemory => {
            format!("the system allows no more threads ({error}): {RAISE}")
        }
        _ => format!("a thread could not be started: {error}"),
    };
    io::Error::new(error.kind(), message)
}
