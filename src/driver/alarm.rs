//! One timer of a client: sleeps until its next deadline, and not at all while
//! there is none.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Notify;
use tokio::time::sleep_until;

use super::Runtime;

/// A running timer. It stops when this is told to, or is dropped.
#[derive(Debug)]
pub struct Alarm {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    changed: Notify,
    stop: Notify,
}

impl Alarm {
    /// The next deadline may be another one now.
    pub fn changed(&self) {
        self.shared.changed.notify_one();
    }

    /// Goes off no more.
    pub fn stop(&self) {
        self.shared.stop.notify_one();
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Calls `fire` whenever the time that `next` tells has come. Both run on the
/// I/O thread.
pub fn spawn_alarm(
    runtime: &Runtime,
    next: impl Fn() -> Option<Instant> + Send + 'static,
    fire: impl Fn() + Send + 'static,
) -> Alarm {
    let shared = Arc::new(Shared {
        changed: Notify::new(),
        stop: Notify::new(),
    });
    let theirs = Arc::clone(&shared);
    runtime.spawn(async move {
        loop {
            let deadline = next();
            let sleep = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = theirs.stop.notified() => return,
                () = theirs.changed.notified() => {}
                () = sleep => fire(),
            }
        }
    });
    Alarm { shared }
}
