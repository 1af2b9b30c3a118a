//! The library's threads. What a process needs around the making of one, the C ABI
//! says: signals are the application's, and no thread of ours is to take one.

use std::io;
use std::sync::OnceLock;
use std::thread::{Builder, JoinHandle};

/// Whose code runs on a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// The library's own.
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

/// Starts a thread.
pub fn spawn(
    name: &str,
    work: Work,
    body: impl FnOnce() + Send + 'static,
) -> io::Result<JoinHandle<()>> {
    let mut body = Some(body);
    let mut made = None;
    let mut make = || {
        let thread = Builder::new().name(name.to_owned());
        made = body.take().map(|body| thread.spawn(body));
    };
    match AROUND.get() {
        Some(around) => around(work, &mut make),
        None => make(),
    }
    made.unwrap_or_else(|| Err(io::Error::other("it was not made")))
}
