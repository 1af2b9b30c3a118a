//! Where a client's consumer waits for the sockets of the client's links, and reads them. See
//! [`open_link`](super::open_link).

use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::Context;
use std::time::Duration;

use super::epoll::{Epoll, EventFd};
use super::open_link::{Here, OpenLink};
use super::readiness::Readiness;
use super::runtime;
use super::turns::READ;

/// The sockets of one client.
#[derive(Default)]
pub struct Watch {
    /// Made for the first link.
    poller: OnceLock<Poller>,
    links: Mutex<Links>,
    /// In a forked child the parent's sockets must be left alone.
    generation: usize,
}

struct Poller {
    epoll: Epoll,
    wake: EventFd,
}

#[derive(Default)]
struct Links {
    last_key: u64,
    /// With their keys and descriptors.
    open: Vec<(u64, RawFd, Arc<OpenLink>)>,
}

/// The key of [`Poller::wake`]; the links' are larger.
const WAKE: u64 = 0;

impl Poller {
    fn new() -> io::Result<Poller> {
        let (epoll, wake) = (Epoll::new()?, EventFd::new()?);
        // By edges, so that it need not be read.
        epoll.add(wake.as_raw_fd(), WAKE, libc::EPOLLIN | libc::EPOLLET)?;
        Ok(Poller { epoll, wake })
    }
}

impl Watch {
    /// Of a client without links.
    pub fn new() -> Arc<Watch> {
        Arc::new(Watch {
            generation: runtime::generation(),
            ..Watch::default()
        })
    }

    /// Waits until something comes on a link, the time is over or [`Watch::wake`] is called; calls
    /// `awake`; and reads the links on which something has come. It may return for no reason.
    /// False if this is no way to wait at present, because there are no links or the I/O thread
    /// reads them.
    pub fn wait(&self, time: Option<Duration>, awake: &dyn Fn()) -> bool {
        let poller = self.poller.get();
        let Some(poller) = poller.filter(|_| self.generation == runtime::generation()) else {
            return false;
        };
        let ready = poller.epoll.wait(time);
        awake();
        let Ok(ready) = ready else {
            return false;
        };
        let mut is_read_here = true;
        for key in ready.keys() {
            let Some((fd, link)) = self.link(key) else {
                continue;
            };
            match link.read_here() {
                Here::Read => {}
                Here::Elsewhere => is_read_here = false,
                // It stays readable until the I/O thread has closed it.
                Here::Ended => poller.epoll.remove(fd),
            }
        }
        is_read_here
    }

    /// Ends a wait, or the next one if there is none now.
    pub fn wake(&self) {
        if let Some(poller) = self.poller.get() {
            poller.wake.raise();
        }
    }

    /// Lets the consumer read a link. Called by the link's task, before it reads the link. An error
    /// leaves the link to the task alone.
    pub(super) fn add(self: &Arc<Self>, link: &Arc<OpenLink>) -> io::Result<Watched> {
        let poller = match self.poller.get() {
            Some(poller) => poller,
            None => {
                let new = Poller::new()?;
                self.poller.get_or_init(|| new)
            }
        };
        let added = link.ends.turn(READ, |ends, _| {
            let reader = &mut ends.reader;
            let fd = reader.tcp().fd().ok_or(io::ErrorKind::NotConnected)?;
            let place = self.list(fd, link);
            let exclusively = libc::EPOLLIN | libc::EPOLLEXCLUSIVE;
            poller.epoll.add(fd, place.key, exclusively)?;
            let readiness = Readiness::new(fd)?;
            reader.tcp().detach()?;
            Ok(Watched {
                readiness,
                _place: place,
            })
        });
        added.map_or_else(|| Err(io::ErrorKind::WouldBlock.into()), |(added, _)| added)
    }

    fn list(self: &Arc<Self>, fd: RawFd, link: &Arc<OpenLink>) -> Place {
        let mut links = self.lock();
        links.last_key += 1;
        let key = links.last_key;
        links.open.push((key, fd, Arc::clone(link)));
        Place {
            watch: Arc::clone(self),
            key,
            fd,
        }
    }

    fn link(&self, key: u64) -> Option<(RawFd, Arc<OpenLink>)> {
        let links = self.lock();
        let (_, fd, link) = links.open.iter().find(|(known, ..)| *known == key)?;
        Some((*fd, Arc::clone(link)))
    }

    fn lock(&self) -> MutexGuard<'_, Links> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A link that both threads watch. Dropping it, which must happen while the socket is open, leaves
/// the link to neither.
pub(super) struct Watched {
    readiness: Readiness,
    _place: Place,
}

impl Watched {
    /// See [`Readiness::poll_changed`].
    pub fn poll_changed(&self, cx: &mut Context<'_>) -> bool {
        self.readiness.poll_changed(cx)
    }
}

/// A link's place in the consumer's watch.
struct Place {
    watch: Arc<Watch>,
    key: u64,
    fd: RawFd,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(poller) = self.watch.poller.get() {
            poller.epoll.remove(self.fd);
        }
        let link = {
            let open = &mut self.watch.lock().open;
            let at = open.iter().position(|(key, ..)| *key == self.key);
            at.map(|at| open.swap_remove(at))
        };
        // Without the lock, because this may close the socket.
        drop(link);
    }
}
