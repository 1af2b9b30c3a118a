//! One timer of a client: sleeps until its next deadline, and not at all while
//! there is none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{sleep, sleep_until};

use super::Runtime;
use super::runtime::catch_call;

/// After a panic, so that one that repeats itself does not eat the processor.
const REST: Duration = Duration::from_secs(1);

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

    /// Goes off no more. A call that runs at this moment is not waited for.
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
            let deadline = catch_call(&next).unwrap_or_else(|| Some(Instant::now() + REST));
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
                    sleep(REST).await;
                },
            }
        }
    });
    Alarm { shared }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::channel;

    use super::*;

    const SOON: Duration = Duration::from_secs(5);
    const QUIET: Duration = Duration::from_millis(80);

    #[test]
    fn it_goes_off_at_each_deadline_and_sleeps_when_there_is_none() {
        let runtime = Runtime::acquire().unwrap();
        let begin = Instant::now();
        let deadlines = Arc::new(Mutex::new(vec![
            begin + Duration::from_millis(40),
            begin + Duration::from_millis(20),
        ]));
        let (theirs, (tell, told)) = (Arc::clone(&deadlines), channel());
        let next = move || deadlines.lock().unwrap().last().copied();
        let fire = move || {
            theirs.lock().unwrap().pop();
            tell.send(begin.elapsed()).unwrap();
        };
        let _alarm = spawn_alarm(&runtime, next, fire);
        assert!(told.recv_timeout(SOON).unwrap() >= Duration::from_millis(20));
        assert!(told.recv_timeout(SOON).unwrap() >= Duration::from_millis(40));
        assert!(told.recv_timeout(QUIET).is_err());
    }

    #[test]
    fn a_deadline_that_changes_is_taken_note_of() {
        let runtime = Runtime::acquire().unwrap();
        let deadline = Arc::new(Mutex::new(None));
        let (theirs, also, (tell, told)) = (deadline.clone(), deadline.clone(), channel());
        let fire = move || {
            *also.lock().unwrap() = None;
            tell.send(()).unwrap();
        };
        let alarm = spawn_alarm(&runtime, move || *theirs.lock().unwrap(), fire);
        *deadline.lock().unwrap() = Some(Instant::now());
        alarm.changed();
        told.recv_timeout(SOON).unwrap();
    }

    #[test]
    fn stopped_or_dropped_it_lets_go_of_what_it_held() {
        let runtime = Runtime::acquire().unwrap();
        for stop in [|alarm: Alarm| alarm.stop(), |alarm: Alarm| drop(alarm)] {
            let (held, gone) = channel::<()>();
            let fire = move || {
                let _ = &held;
            };
            stop(spawn_alarm(&runtime, || None, fire));
            let gone = gone.recv_timeout(SOON).unwrap_err();
            assert_eq!(gone, std::sync::mpsc::RecvTimeoutError::Disconnected);
        }
    }

    #[test]
    fn a_panic_does_not_end_it() {
        let runtime = Runtime::acquire().unwrap();
        let (tell, told) = channel();
        let calls = Mutex::new(0);
        let fire = move || {
            let mut calls = calls.lock().unwrap_or_else(|poison| poison.into_inner());
            *calls += 1;
            assert_ne!(*calls, 1, "on purpose, by a test");
            let _ = tell.send(());
        };
        let _alarm = spawn_alarm(&runtime, || Some(Instant::now()), fire);
        told.recv_timeout(SOON).unwrap();
    }
}
