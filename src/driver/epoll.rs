//! The system calls of epoll and eventfd, as far as the driver uses them.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::time::Duration;

/// Descriptors that threads wait for.
#[derive(Debug)]
pub(super) struct Epoll(OwnedFd);

/// One end of a wake-up: a number that becomes readable.
#[derive(Debug)]
pub(super) struct EventFd(OwnedFd);

/// How many descriptors one wait reports at most. The others are reported by the next.
const MOST: usize = 16;

/// What a wait has found.
pub(super) struct Ready {
    events: [libc::epoll_event; MOST],
    count: usize,
}

impl Ready {
    /// The keys under which the descriptors were added.
    pub fn keys(&self) -> impl Iterator<Item = u64> {
        self.events[..self.count].iter().map(|event| event.u64)
    }
}

impl Epoll {
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: the call takes no pointer, and nothing else owns the new descriptor.
        unsafe {
            let fd = checked(libc::epoll_create1(libc::EPOLL_CLOEXEC))?;
            Ok(Epoll(OwnedFd::from_raw_fd(fd)))
        }
    }

    /// Adds a descriptor for `events`, which `EPOLLEXCLUSIVE` may be among.
    pub fn add(&self, fd: RawFd, key: u64, events: libc::c_int) -> io::Result<()> {
        let mut event = libc::epoll_event {
            events: events as u32,
            u64: key,
        };
        // SAFETY: the event lives during the call.
        let added = unsafe { libc::epoll_ctl(self.fd(), libc::EPOLL_CTL_ADD, fd, &mut event) };
        checked(added).map(drop)
    }

    /// Removes a descriptor, which must still be open. Closing it would not remove it as long as a
    /// forked child has a copy.
    pub fn remove(&self, fd: RawFd) {
        // SAFETY: removing uses no event. It may have been removed before, which is an error.
        let _ =
            unsafe { libc::epoll_ctl(self.fd(), libc::EPOLL_CTL_DEL, fd, std::ptr::null_mut()) };
    }

    /// Waits until a descriptor is ready, for ever without a time. Rounds the time up. Nothing is
    /// found, too, when a signal interrupts the wait.
    pub fn wait(&self, time: Option<Duration>) -> io::Result<Ready> {
        let mut ready = Ready {
            events: [libc::epoll_event { events: 0, u64: 0 }; MOST],
            count: 0,
        };
        let milliseconds = time.map_or(-1, |time| {
            let rounded = time.as_nanos().div_ceil(1_000_000);
            libc::c_int::try_from(rounded).unwrap_or(libc::c_int::MAX)
        });
        let events = ready.events.as_mut_ptr();
        // SAFETY: there is room for `MOST` events.
        let found = unsafe { libc::epoll_wait(self.fd(), events, MOST as _, milliseconds) };
        match checked(found) {
            Ok(count) => ready.count = count as usize,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(ready)
    }

    fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsRawFd for Epoll {
    fn as_raw_fd(&self) -> RawFd {
        self.fd()
    }
}

impl EventFd {
    pub fn new() -> io::Result<EventFd> {
        // SAFETY: the call takes no pointer, and nothing else owns the new descriptor.
        unsafe {
            let flags = libc::EFD_CLOEXEC | libc::EFD_NONBLOCK;
            Ok(EventFd(OwnedFd::from_raw_fd(checked(libc::eventfd(
                0, flags,
            ))?)))
        }
    }

    /// Makes it readable, once more if it is.
    pub fn raise(&self) {
        let one = 1_u64.to_ne_bytes();
        // SAFETY: the bytes live during the call. It can only fail because the number is at its
        // largest, and then it is readable.
        let _ = unsafe { libc::write(self.fd(), one.as_ptr().cast(), one.len()) };
    }

    fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsRawFd for EventFd {
    fn as_raw_fd(&self) -> RawFd {
        self.fd()
    }
}

fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result)
}
