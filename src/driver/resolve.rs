//! Names to addresses. The system's resolver blocks, so each lookup has a thread.
//! Where the system allows none, that is the reason of a failed attempt; tokio's own
//! pool would panic.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::threads::{self, Work};

/// How many lookups run at once; more wait for their turn.
const MOST: usize = 64;

/// The lookups of an I/O thread, which waits for them at its end: the library may be
/// unloaded then.
pub(super) struct Lookups {
    turns: Arc<Semaphore>,
    threads: Mutex<Threads>,
    ended: Condvar,
}

#[derive(Default)]
struct Threads {
    running: usize,
    handles: Vec<JoinHandle<()>>,
}

/// A lookup that runs.
struct Running {
    lookups: Arc<Lookups>,
    _turn: OwnedSemaphorePermit,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lookups.lock().running -= 1;
        self.lookups.ended.notify_all();
    }
}

impl Lookups {
    pub fn new() -> Arc<Lookups> {
        Arc::new(Lookups {
            turns: Arc::new(Semaphore::new(MOST)),
            threads: Mutex::default(),
            ended: Condvar::new(),
        })
    }

    /// The addresses of a host, in the system's order.
    pub async fn resolve(self: &Arc<Self>, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, port)]);
        }
        let target = (host.to_owned(), port);
        let found = self
            .run(move || Ok(target.to_socket_addrs()?.collect()))
            .await?;
        found
            .await
            .unwrap_or_else(|_| Err(io::Error::other("the lookup was given up")))
    }

    /// Starts what blocks on a thread of its own.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        blocks: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<oneshot::Receiver<T>> {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(io::Error::other)?;
        let (tell, told) = oneshot::channel();
        let mut threads = self.lock();
        threads.running += 1;
        let running = Running {
            lookups: Arc::clone(self),
            _turn: turn,
        };
        threads.handles.retain(|thread| !thread.is_finished());
        drop(threads);
        let thread = threads::spawn("drt-dns", Work::Library, move || {
            let _ = tell.send(blocks());
            drop(running);
        })?;
        self.lock().handles.push(thread);
        Ok(told)
    }

    /// Waits until all have ended; false where the deadline comes first.
    pub fn end(&self, deadline: Instant) -> bool {
        let mut threads = self.lock();
        while threads.running > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.ended.wait_timeout(threads, left);
            threads = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        // What they still have to do does not block.
        for thread in std::mem::take(&mut threads.handles) {
            drop(threads);
            let _ = thread.join();
            threads = self.lock();
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, Threads> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_need_no_thread_and_more_lookups_than_may_run_wait() {
        let lookups = Lookups::new();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            for (host, address) in [("127.0.0.1", "127.0.0.1:7"), ("::1", "[::1]:7")] {
                let found = lookups.resolve(host, 7).await.unwrap();
                assert_eq!(found, [address.parse().unwrap()]);
            }
            assert_eq!(lookups.turns.available_permits(), MOST);
            let mut told = Vec::new();
            for number in 0..MOST * 2 {
                told.push(lookups.run(move || number).await.unwrap());
            }
            for (number, told) in told.into_iter().enumerate() {
                assert_eq!(told.await.unwrap(), number);
            }
        });
        assert!(lookups.end(Instant::now() + std::time::Duration::from_secs(5)));
        assert_eq!(lookups.turns.available_permits(), MOST);
    }
}
