//! One I/O thread for all clients of the process: the first client starts it, and it ends with
//! the last.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use once_cell::race::OnceBox;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::AbortHandle;

use super::TARGET;
use super::resolve::Lookups;
use crate::error::{Error, Result, Status};
use crate::log::{self, Level};
use crate::threads::{self, Work};

/// A user's share in the I/O thread. Dropping it gives it back, too, but does not wait for the
/// thread to end as [`Runtime::release`] does.
pub struct Runtime {
    handle: Handle,
    pub(super) lookups: Arc<Lookups>,
    holder: &'static Holder,
    generation: usize,
    returned: AtomicBool,
}

/// The thread, while it has users.
struct Live {
    users: usize,
    handle: Handle,
    lookups: Arc<Lookups>,
    stop: oneshot::Sender<Instant>,
    /// Receives, at the thread's end, whether all lookups have ended, too.
    done: mpsc::Receiver<bool>,
    thread: JoinHandle<()>,
}

/// Each generation of forks has its own, so that a forked child never finds a lock that a thread
/// of its parent held. Going to the next one takes no lock, either.
struct Holder {
    live: Mutex<Option<Live>>,
    next: OnceBox<Holder>,
}

static FIRST: Holder = Holder::new();
static GENERATION: AtomicUsize = AtomicUsize::new(0);

/// Called in a forked child, where the parent's I/O thread does not exist: what that held is left
/// alone. Only changes an atomic, because a fork handler may do nothing else.
pub fn forget_after_fork() {
    GENERATION.fetch_add(1, Ordering::SeqCst);
}

/// How many forks [`forget_after_fork`] has seen.
pub(super) fn generation() -> usize {
    GENERATION.load(Ordering::SeqCst)
}

impl Runtime {
    /// Takes a share in the thread, and starts it if there is none.
    pub fn acquire() -> Result<Arc<Runtime>> {
        let generation = generation();
        let first = &FIRST;
        let holder = (0..generation).fold(first, |holder, _| holder.next());
        holder.acquire(generation)
    }

    /// Runs a task on the I/O thread. A panic is logged and ends the task, not the thread.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let task = async move {
            catch(task).await;
        };
        self.handle.spawn(task).abort_handle()
    }

    /// Gives the share back. With the last one the thread ends and its tasks are dropped; this
    /// waits for that until the deadline.
    pub fn release(self: Arc<Self>, deadline: Instant) -> Result<()> {
        let Some(live) = self.give_back() else {
            return Ok(());
        };
        let on_io_thread = live.thread.thread().id() == std::thread::current().id();
        let _ = live.stop.send(deadline);
        if on_io_thread {
            let message = "the I/O thread cannot wait for its own end: close the client elsewhere";
            return Err(Error::new(Status::WouldDeadlock, message));
        }
        // The thread keeps to the deadline, and needs a little more time to end.
        let left = deadline.saturating_duration_since(Instant::now()) + Duration::from_millis(100);
        match live.done.recv_timeout(left) {
            Ok(true) => {
                let _ = live.thread.join();
                Ok(())
            }
            // A DNS lookup cannot be interrupted.
            _ => Err(Error::new(
                Status::Timeout,
                "the I/O thread is still busy and will end by itself",
            )),
        }
    }

    /// Gives the share back. Returns the thread if this was the last share.
    fn give_back(&self) -> Option<Live> {
        let inherited = self.generation != generation();
        if self.returned.swap(true, Ordering::SeqCst) || inherited {
            return None;
        }
        let mut live = self.holder.lock();
        let users = &mut live.as_mut()?.users;
        *users -= 1;
        if *users == 0 { live.take() } else { None }
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        if let Some(live) = self.give_back() {
            let _ = live.stop.send(Instant::now());
        }
    }
}

impl Holder {
    const fn new() -> Holder {
        Holder {
            live: Mutex::new(None),
            next: OnceBox::new(),
        }
    }

    fn next(&self) -> &Holder {
        self.next.get_or_init(|| Box::new(Holder::new()))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Live>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn acquire(&'static self, generation: usize) -> Result<Arc<Runtime>> {
        let mut live = self.lock();
        let live = match live.as_mut() {
            Some(live) => {
                live.users += 1;
                live
            }
            None => {
                let started = start().map_err(|error| {
                    let message = format!("the I/O thread cannot be started: {error}");
                    Error::new(Status::Io, message)
                })?;
                live.insert(started)
            }
        };
        Ok(Arc::new(Runtime {
            handle: live.handle.clone(),
            lookups: Arc::clone(&live.lookups),
            holder: self,
            generation,
            returned: AtomicBool::new(false),
        }))
    }
}

fn start() -> std::io::Result<Live> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let (stop, stopped) = oneshot::channel::<Instant>();
    let (finished, done) = mpsc::channel();
    let lookups = Lookups::new();
    let names = Arc::clone(&lookups);
    let work = move || {
        let deadline = runtime.block_on(stopped).unwrap_or_else(|_| Instant::now());
        runtime.shutdown_background();
        let _ = finished.send(names.end(deadline));
    };
    let thread = threads::spawn("drt-io", Work::Library, work)?;
    Ok(Live {
        users: 1,
        handle,
        lookups,
        stop,
        done,
        thread,
    })
}

/// The task's output, or `None` if it panics.
pub(super) async fn catch<T>(task: impl Future<Output = T>) -> Option<T> {
    let mut task = pin!(task);
    poll_fn(|cx| match catch_call(|| task.as_mut().poll(cx)) {
        Some(poll) => poll.map(Some),
        None => Poll::Ready(None),
    })
    .await
}

/// The call's result, or `None` if it panics.
pub(super) fn catch_call<T>(call: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(value) => Some(value),
        Err(_) => {
            // Without the panic's message, which may quote a frame.
            let message = "a task of the I/O thread panicked: this is a bug in directus-realtime, please report it";
            log::emit(Level::Error, TARGET, message);
            None
        }
    }
}

#[cfg(test)]
mod tests;
