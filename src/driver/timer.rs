//! A client's timer: it wakes at the next deadline, and never while there is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until};

use super::Runtime;
use super::runtime::catch_call;

/// The pause after a panic, so that a panic which repeats does not use a whole processor.
const PAUSE: Duration = Duration::from_secs(1);

/// A running timer. [`Timer::stop`] and dropping it stop it.
#[derive(Debug)]
pub struct Timer {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    changed: Notify,
    stop: Notify,
}

impl Timer {
    /// The next deadline may have changed.
    pub fn changed(&self) {
        self.shared.changed.notify_one();
    }

    /// Stops the timer. A call of `fire` that is running now is not waited for.
    pub fn stop(&self) {
        self.shared.stop.notify_one();
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Calls `fire` at each deadline that `next` returns. Both run on the I/O thread.
pub fn spawn_timer(
    runtime: &Runtime,
    next: impl Fn() -> Option<Instant> + Send + 'static,
    fire: impl Fn() + Send + 'static,
) -> Timer {
    let shared = Arc::new(Shared {
        changed: Notify::new(),
        stop: Notify::new(),
    });
    let theirs = Arc::clone(&shared);
    runtime.spawn(async move {
        loop {
            let deadline = catch_call(&next).unwrap_or_else(|| Some(Instant::now() + PAUSE));
            let due = async {
                match deadline {
                    Some(at) => sleep_until(at.into()).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = theirs.stop.notified() => return,
                () = theirs.changed.notified() => {}
                () = due => if catch_call(&fire).is_none() {
                    sleep(PAUSE).await;
                },
            }
        }
    });
    Timer { shared }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);
    const QUIET: Duration = Duration::from_millis(80);

    #[test]
    fn a_timer_fires_at_each_deadline_and_sleeps_without_one() {
        let runtime = Runtime::acquire().unwrap();
        let begin = Instant::now();
        let deadlines = Arc::new(Mutex::new(vec![
            begin + Duration::from_millis(40),
            begin + Duration::from_millis(20),
        ]));
        let (theirs, (sender, receiver)) = (Arc::clone(&deadlines), channel());
        let next = move || deadlines.lock().unwrap().last().copied();
        let fire = move || {
            theirs.lock().unwrap().pop();
            sender.send(begin.elapsed()).unwrap();
        };
        let _timer = spawn_timer(&runtime, next, fire);
        assert!(receiver.recv_timeout(SOON).unwrap() >= Duration::from_millis(20));
        assert!(receiver.recv_timeout(SOON).unwrap() >= Duration::from_millis(40));
        assert!(receiver.recv_timeout(QUIET).is_err());
    }

    #[test]
    fn a_timer_follows_a_changed_deadline() {
        let runtime = Runtime::acquire().unwrap();
        let deadline = Arc::new(Mutex::new(None));
        let (theirs, also, (sender, receiver)) = (deadline.clone(), deadline.clone(), channel());
        let fire = move || {
            *also.lock().unwrap() = None;
            sender.send(()).unwrap();
        };
        let timer = spawn_timer(&runtime, move || *theirs.lock().unwrap(), fire);
        *deadline.lock().unwrap() = Some(Instant::now());
        timer.changed();
        receiver.recv_timeout(SOON).unwrap();
    }

    #[test]
    fn a_stopped_or_dropped_timer_drops_its_functions() {
        let runtime = Runtime::acquire().unwrap();
        for stop in [|timer: Timer| timer.stop(), |timer: Timer| drop(timer)] {
            let (held, gone) = channel::<()>();
            let fire = move || {
                let _ = &held;
            };
            stop(spawn_timer(&runtime, || None, fire));
            let gone = gone.recv_timeout(SOON).unwrap_err();
            assert_eq!(gone, std::sync::mpsc::RecvTimeoutError::Disconnected);
        }
    }

    #[test]
    fn a_panic_does_not_end_a_timer() {
        let runtime = Runtime::acquire().unwrap();
        let (sender, receiver) = channel();
        let calls = Mutex::new(0);
        let fire = move || {
            let mut calls = calls.lock().unwrap_or_else(|poison| poison.into_inner());
            *calls += 1;
            assert_ne!(*calls, 1, "on purpose, by a test");
            let _ = sender.send(());
        };
        let _timer = spawn_timer(&runtime, || Some(Instant::now()), fire);
        receiver.recv_timeout(SOON).unwrap();
    }
}
