//! Wakes the thread that dispatches: by a condition variable if it waits inside the library, by a
//! descriptor (one end of a socket pair) if its event loop waits elsewhere.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// The descriptor of poll delivery: readable while a byte is in it.
pub(super) struct Signal {
    reader: UnixStream,
    /// Not TCP. Rust's `TcpStream` writes with `send` and `MSG_NOSIGNAL`, so that no SIGPIPE ends
    /// a program that has closed the other end; `UnixStream` may use `write`.
    writer: TcpStream,
}

impl Signal {
    /// Two connected ends, both non-blocking and closed on exec.
    pub fn new() -> io::Result<Signal> {
        let (reader, writer) = UnixStream::pair()?;
        reader.set_nonblocking(true)?;
        let writer = TcpStream::from(OwnedFd::from(writer));
        writer.set_nonblocking(true)?;
        Ok(Signal { reader, writer })
    }

    /// The end that becomes readable.
    pub fn fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }

    fn raise(&self) {
        // Other errors need no handling: a full pair is readable already, and nothing else fails
        // unless the application closed the descriptor.
        while let Err(error) = (&self.writer).write(&[1]) {
            if error.kind() != ErrorKind::Interrupted {
                break;
            }
        }
    }

    fn clear(&self) {
        let mut bytes = [0; 16];
        loop {
            match (&self.reader).read(&mut bytes) {
                Ok(read) if read == bytes.len() => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // Empty now, perhaps because the application has read it.
                _ => break,
            }
        }
    }
}

/// What a push has to wake. It is kept under the queue's lock, and so is every read and write of
/// the descriptor: a byte that is written late would leave it readable with an empty queue.
#[derive(Default)]
pub(super) struct Waker {
    /// A thread waits on the condition variable.
    pub sleeping: bool,
    /// A byte is in the descriptor, or the application has read it and is about to dispatch.
    raised: bool,
    signal: Option<Signal>,
}

impl Waker {
    pub fn new(signal: Option<Signal>) -> Waker {
        Waker {
            signal,
            ..Waker::default()
        }
    }

    /// Something was pushed. True if the caller has to notify the condition variable.
    #[must_use]
    pub fn wake(&mut self) -> bool {
        if std::mem::take(&mut self.sleeping) {
            return true;
        }
        if let Some(signal) = self.signal.as_ref().filter(|_| !self.raised) {
            signal.raise();
            self.raised = true;
        }
        false
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

#[cfg(test)]
impl Waker {
    pub fn reader(&self) -> UnixStream {
        self.signal.as_ref().unwrap().reader.try_clone().unwrap()
    }
}
