//! The descriptor of poll delivery: one end of a pair of sockets, so that every event loop can wait
//! for it, also on systems on which none can wait for a pipe.

use std::ffi::c_int;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

/// A descriptor as the ABI has it. Of a socket on Windows, whose handles fit.
pub type Descriptor = c_int;

#[cfg(unix)]
type Reader = std::os::unix::net::UnixStream;
#[cfg(not(unix))]
type Reader = TcpStream;

/// Readable while a byte is in it.
pub(super) struct Signal {
    reader: Reader,
    /// Not a Unix stream. Rust's `TcpStream` writes with `send` and `MSG_NOSIGNAL`, so that no
    /// SIGPIPE ends a program that has closed the other end; `UnixStream` may use `write`.
    writer: TcpStream,
}

impl Signal {
    /// Two connected ends, both non-blocking and closed on exec.
    pub fn new() -> io::Result<Signal> {
        let (reader, writer) = pair()?;
        reader.set_nonblocking(true)?;
        writer.set_nonblocking(true)?;
        Ok(Signal { reader, writer })
    }

    /// The end that becomes readable.
    #[cfg(unix)]
    pub fn fd(&self) -> Descriptor {
        std::os::fd::AsRawFd::as_raw_fd(&self.reader)
    }

    /// The end that becomes readable.
    #[cfg(windows)]
    pub fn fd(&self) -> Descriptor {
        // Handles of Windows have 32 significant bits.
        std::os::windows::io::AsRawSocket::as_raw_socket(&self.reader) as Descriptor
    }

    pub fn raise(&self) {
        // Other errors need no handling: a full pair is readable already, and nothing else fails
        // unless the application closed the descriptor.
        while let Err(error) = (&self.writer).write(&[1]) {
            if error.kind() != ErrorKind::Interrupted {
                break;
            }
        }
    }

    pub fn clear(&self) {
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

#[cfg(unix)]
fn pair() -> io::Result<(Reader, TcpStream)> {
    let (reader, writer) = Reader::pair()?;
    let writer = TcpStream::from(std::os::fd::OwnedFd::from(writer));
    #[cfg(target_vendor = "apple")]
    forbid_sigpipe(&writer)?;
    Ok((reader, writer))
}

/// A pair over loopback: Windows has no other.
#[cfg(not(unix))]
fn pair() -> io::Result<(Reader, TcpStream)> {
    use std::net::{Ipv4Addr, TcpListener};

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let writer = TcpStream::connect(listener.local_addr()?)?;
    writer.set_nodelay(true)?;
    loop {
        // Another program may have connected first.
        let (reader, peer) = listener.accept()?;
        if peer == writer.local_addr()? {
            return Ok((reader, writer));
        }
    }
}

/// Apple's systems know no `MSG_NOSIGNAL`, and the standard library sets the option that replaces it
/// on the sockets alone that it makes one by one.
#[cfg(target_vendor = "apple")]
fn forbid_sigpipe(socket: &TcpStream) -> io::Result<()> {
    let on: c_int = 1;
    // SAFETY: the descriptor is open, and the option has the type and the size that it is given.
    let set = unsafe {
        libc::setsockopt(
            std::os::fd::AsRawFd::as_raw_fd(socket),
            libc::SOL_SOCKET,
            libc::SO_NOSIGPIPE,
            std::ptr::from_ref(&on).cast(),
            size_of::<c_int>() as libc::socklen_t,
        )
    };
    if set == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(all(test, unix))]
impl Signal {
    pub fn reader(&self) -> Reader {
        self.reader.try_clone().unwrap()
    }
}
