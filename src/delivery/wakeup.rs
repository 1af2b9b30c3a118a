//! Waking whoever dispatches: a condition variable for threads that wait in
//! here, a socket pair for event loops that wait elsewhere.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

/// The descriptor of poll delivery: readable while a byte is in it.
pub(super) struct Signal {
    reader: UnixStream,
    /// No TCP, but what writes with `send`, whatever the socket is, so that no
    /// SIGPIPE ends a program that has closed the other end. A `UnixStream` may
    /// use `write`.
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
        // A full pair is readable already; nothing else can go wrong as long as
        // nobody closes the descriptor under us.
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
                // Empty now, or read by the application itself.
                _ => break,
            }
        }
    }
}

/// Who has to be woken when something is pushed. Lives under the queue's lock,
/// and so does every read and write of the descriptor: a byte that is written
/// late would leave it readable with nothing there.
#[derive(Default)]
pub(super) struct Bell {
    /// Somebody waits on the condition variable.
    pub sleeping: bool,
    /// There is a byte in the descriptor, or the application has taken it and
    /// is about to dispatch.
    raised: bool,
    signal: Option<Signal>,
}

impl Bell {
    pub fn new(signal: Option<Signal>) -> Bell {
        Bell {
            signal,
            ..Bell::default()
        }
    }

    /// Something has come. True if the condition variable has to be notified.
    #[must_use]
    pub fn ring(&mut self) -> bool {
        if std::mem::take(&mut self.sleeping) {
            return true;
        }
        if let Some(signal) = self.signal.as_ref().filter(|_| !self.raised) {
            signal.raise();
            self.raised = true;
        }
        false
    }

    /// Nothing is left.
    pub fn silence(&mut self) {
        if let Some(signal) = self.signal.as_ref().filter(|_| self.raised) {
            signal.clear();
            self.raised = false;
        }
    }

    /// Something is left behind: the descriptor becomes readable anew, for
    /// those who only look at changes and those who have taken the byte.
    pub fn repeat(&mut self) {
        if let Some(signal) = &self.signal {
            signal.clear();
            signal.raise();
            self.raised = true;
        }
    }
}

#[cfg(test)]
impl Bell {
    pub fn reader(&self) -> UnixStream {
        self.signal.as_ref().unwrap().reader.try_clone().unwrap()
    }
}
