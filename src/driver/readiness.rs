//! Wakes a link's task on the I/O thread when its socket changes and no consumer waits for it.
//!
//! A detached socket is in two instances of epoll, exclusively in both (`EPOLLEXCLUSIVE`). The system
//! goes through them in the order in which they were added, and stops at the first in which a thread
//! waits. First comes the consumer's ([`super::watch`]): while the consumer waits there, it is
//! woken, and the I/O thread sleeps on. While the consumer runs a callback, no thread waits there,
//! so the I/O thread is woken at once and reads, answers and counts as if there was no other reader.
//! The end of a connection wakes both.
//!
//! Why a second instance, inside of tokio's: tokio does not add descriptors exclusively.

use std::io;
use std::os::fd::RawFd;
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::epoll::Epoll;

/// The I/O thread's watch over one socket.
#[derive(Debug)]
pub(super) struct Readiness {
    epoll: AsyncFd<Epoll>,
    fd: RawFd,
}

impl Readiness {
    /// Watches a socket that the consumer watches already.
    pub fn new(fd: RawFd) -> io::Result<Readiness> {
        let epoll = Epoll::new()?;
        let edges = libc::EPOLLIN | libc::EPOLLOUT | libc::EPOLLET;
        epoll.add(fd, 0, edges | libc::EPOLLEXCLUSIVE)?;
        // SAFETY: the instance owns its descriptor, which stays open and the same until it is
        // dropped, by the `AsyncFd`.
        let epoll = unsafe { AsyncFd::register_with_interest(epoll, Interest::READABLE) };
        let epoll = epoll.map_err(|error| error.into_parts().1)?;
        Ok(Readiness { epoll, fd })
    }

    /// Whether the socket has changed since the last call. The task is woken by the next change.
    pub fn poll_changed(&self, cx: &mut Context<'_>) -> bool {
        let mut changed = false;
        // The instance inside is not asked what has changed: every change wakes the one outside
        // anew.
        while let Poll::Ready(Ok(mut guard)) = self.epoll.poll_read_ready(cx) {
            guard.clear_ready();
            changed = true;
        }
        changed
    }
}

impl Drop for Readiness {
    fn drop(&mut self) {
        self.epoll.get_ref().remove(self.fd);
    }
}
