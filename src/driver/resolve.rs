//! Resolves host names. The system's resolver blocks, so each lookup runs on a thread of its own.
//! If the system allows no more threads, the attempt fails with that reason; tokio's pool of
//! blocking threads would panic.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::threads::{self, Work};

/// How many lookups run at once; more have to wait.
const MAX_LOOKUPS: usize = 64;

/// The lookups of an I/O thread. It waits for them before it ends, because the library may be
/// unloaded then.
pub(super) struct Lookups {
    permits: Arc<Semaphore>,
    threads: Mutex<Threads>,
    ended: Condvar,
}

#[derive(Default)]
struct Threads {
    running: usize,
    handles: Vec<JoinHandle<()>>,
}

/// A running lookup.
struct Running {
    lookups: Arc<Lookups>,
    _permit: OwnedSemaphorePermit,
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
            permits: Arc::new(Semaphore::new(MAX_LOOKUPS)),
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
            .unwrap_or_else(|_| Err(io::Error::other("the lookup was abandoned")))
    }

    /// Runs a blocking function on a thread of its own.
    pub async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        blocks: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<oneshot::Receiver<T>> {
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        let permit = permit.map_err(io::Error::other)?;
        let (sender, receiver) = oneshot::channel();
        let mut threads = self.lock();
        threads.running += 1;
        let running = Running {
            lookups: Arc::clone(self),
            _permit: permit,
        };
        threads.handles.retain(|thread| !thread.is_finished());
        drop(threads);
        let thread = threads::spawn("drt-dns", Work::Library, move || {
            let _ = sender.send(blocks());
            drop(running);
        })?;
        self.lock().handles.push(thread);
        Ok(receiver)
    }

    /// Waits until all lookups have ended. False if the deadline passes first.
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
        // What the threads still have to do does not block.
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
    fn addresses_need_no_lookup_and_lookups_above_the_limit_wait() {
        let lookups = Lookups::new();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            for (host, address) in [("127.0.0.1", "127.0.0.1:7"), ("::1", "[::1]:7")] {
                let found = lookups.resolve(host, 7).await.unwrap();
                assert_eq!(found, [address.parse().unwrap()]);
            }
            assert_eq!(lookups.permits.available_permits(), MAX_LOOKUPS);
            let mut receiver = Vec::new();
            for number in 0..MAX_LOOKUPS * 2 {
                receiver.push(lookups.run(move || number).await.unwrap());
            }
            for (number, receiver) in receiver.into_iter().enumerate() {
                assert_eq!(receiver.await.unwrap(), number);
            }
        });
        assert!(lookups.end(Instant::now() + std::time::Duration::from_secs(5)));
        assert_eq!(lookups.permits.available_permits(), MAX_LOOKUPS);
    }
}
