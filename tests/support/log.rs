//! Records what callbacks received, so that tests can wait for it.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How long a test waits for something that must happen, on a machine that may be busy.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(60);

/// Something that callbacks add to and tests wait on.
pub struct Log<T> {
    entries: Mutex<Vec<T>>,
    changed: Condvar,
    /// How often `release` ran.
    pub released: AtomicUsize,
}

impl<T: Clone> Log<T> {
    pub fn new() -> Arc<Log<T>> {
        Arc::new(Log {
            entries: Mutex::new(Vec::new()),
            changed: Condvar::new(),
            released: AtomicUsize::new(0),
        })
    }

    pub fn push(&self, entry: T) {
        self.entries.lock().unwrap().push(entry);
        self.changed.notify_all();
    }

    pub fn all(&self) -> Vec<T> {
        self.entries.lock().unwrap().clone()
    }

    pub fn len(&self) -> usize {
        self.entries.lock().unwrap().len()
    }

    pub fn clear(&self) {
        self.entries.lock().unwrap().clear();
    }

    pub fn released(&self) -> usize {
        self.released.load(Ordering::SeqCst)
    }

    /// Waits until the entries satisfy `done`; panics after `WAIT_TIMEOUT`.
    #[track_caller]
    pub fn until(&self, what: &str, done: impl Fn(&[T]) -> bool) -> Vec<T>
    where
        T: std::fmt::Debug,
    {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        let mut entries = self.entries.lock().unwrap();
        while !done(&entries) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "not in time: {what}; so far {entries:#?}");
            entries = self.changed.wait_timeout(entries, left).unwrap().0;
        }
        entries.clone()
    }

    /// Like `until`, for logs that are too long to print and too busy to recheck at every entry.
    #[track_caller]
    pub fn until_quietly(&self, what: &str, done: impl Fn(&[T]) -> bool) -> Vec<T> {
        let deadline = Instant::now() + 2 * WAIT_TIMEOUT;
        let mut entries = self.entries.lock().unwrap();
        while !done(&entries) {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(
                !left.is_zero(),
                "not in time: {what}; {} entries",
                entries.len()
            );
            drop(entries);
            std::thread::sleep(Duration::from_millis(50));
            entries = self.entries.lock().unwrap();
        }
        entries.clone()
    }

    #[track_caller]
    pub fn until_len(&self, len: usize) -> Vec<T>
    where
        T: std::fmt::Debug,
    {
        self.until(&format!("{len} entries"), |entries| entries.len() >= len)
    }
}

/// Waits until a condition holds; panics after `WAIT_TIMEOUT`.
#[track_caller]
pub fn eventually(what: &str, so: impl Fn() -> bool) {
    eventually_in(WAIT_TIMEOUT, what, so);
}

/// The same with a timeout of the caller's.
#[track_caller]
pub fn eventually_in(time: Duration, what: &str, so: impl Fn() -> bool) {
    let deadline = Instant::now() + time;
    while !so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The `release` of a log: drops the reference that the library held, and counts the call.
pub unsafe extern "C" fn release<T>(user_data: *mut c_void) {
    // SAFETY: the pointer came from Arc::into_raw of the same type.
    let log = unsafe { Arc::from_raw(user_data.cast::<Log<T>>()) };
    log.released.fetch_add(1, Ordering::SeqCst);
    log.changed.notify_all();
}

pub fn user_data<T>(log: &Arc<Log<T>>) -> *mut c_void {
    Arc::into_raw(Arc::clone(log)).cast_mut().cast()
}
