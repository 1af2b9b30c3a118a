//! One I/O thread for all clients of the process: made by the first, gone with
//! the last.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use crate::error::{Error, Result, Status};

/// A user's share in the I/O thread.
pub struct Runtime {
    handle: Handle,
}

/// The thread, while it has users.
struct Live {
    users: usize,
    handle: Handle,
    stop: oneshot::Sender<Instant>,
    done: mpsc::Receiver<()>,
    thread: JoinHandle<()>,
}

/// One for each generation of forks, so that a forked child begins with a fresh
/// one and never meets a lock that a thread of its parent held.
static HOLDERS: [Mutex<Option<Live>>; 64] = [const { Mutex::new(None) }; 64];
static GENERATION: AtomicUsize = AtomicUsize::new(0);

fn holder() -> &'static Mutex<Option<Live>> {
    &HOLDERS[GENERATION.load(Ordering::SeqCst) % HOLDERS.len()]
}

/// In a forked child: the parent's thread does not exist here.
pub fn forget_after_fork() {
    GENERATION.fetch_add(1, Ordering::SeqCst);
}

impl Runtime {
    /// A share in the thread, which is started if there is none.
    pub fn acquire() -> Result<Arc<Runtime>> {
        let mut holder = holder().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(live) = holder.as_mut() {
            live.users += 1;
            return Ok(Arc::new(Runtime {
                handle: live.handle.clone(),
            }));
        }
        let live = start().map_err(|error| {
            Error::new(
                Status::Io,
                format!("the I/O thread cannot be started: {error}"),
            )
        })?;
        let runtime = Runtime {
            handle: live.handle.clone(),
        };
        *holder = Some(live);
        Ok(Arc::new(runtime))
    }

    /// Runs a task on the I/O thread.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        self.handle.spawn(task).abort_handle()
    }

    /// Gives the share back. With the last one the thread ends, and this waits
    /// for it until the deadline.
    pub fn release(self: Arc<Self>, deadline: Instant) -> Result<()> {
        let last = {
            let mut holder = holder().lock().unwrap_or_else(PoisonError::into_inner);
            match holder.as_mut() {
                Some(live) if live.users > 1 => {
                    live.users -= 1;
                    None
                }
                _ => holder.take(),
            }
        };
        let Some(live) = last else { return Ok(()) };
        let _ = live.stop.send(deadline);
        let left = deadline.saturating_duration_since(Instant::now());
        // A name that is being looked up cannot be interrupted.
        match live.done.recv_timeout(left.max(Duration::from_millis(100))) {
            Err(mpsc::RecvTimeoutError::Timeout) => Err(Error::new(
                Status::Timeout,
                "the I/O thread is still busy and will end by itself",
            )),
            _ => {
                let _ = live.thread.join();
                Ok(())
            }
        }
    }
}

fn start() -> std::io::Result<Live> {
    let runtime = Builder::new_current_thread()
        .enable_all()
        .thread_name("drt-dns")
        .thread_keep_alive(Duration::from_secs(1))
        .build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<Instant>();
    let (finished, done) = mpsc::channel();
    let thread = std::thread::Builder::new()
        .name("drt-io".into())
        .spawn(move || {
            let deadline = runtime.block_on(stopped).unwrap_or_else(|_| Instant::now());
            runtime.shutdown_timeout(deadline.saturating_duration_since(Instant::now()));
            let _ = finished.send(());
        })?;
    Ok(Live {
        users: 1,
        handle,
        stop,
        done,
        thread,
    })
}
