//! Ends the process when a run does not end, and prints its seed: a thread that spins cannot
//! be stopped in another way.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Mutex, Once};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

/// A run takes a millisecond.
const RUN_TIMEOUT: Duration = Duration::from_secs(40);

static RUNS: Mutex<Option<HashMap<ThreadId, (Instant, u64)>>> = Mutex::new(None);
static STARTED: Once = Once::new();

/// A run that is being watched until this is dropped.
pub struct Watched;

impl Watched {
    pub fn run(seed: u64) -> Watched {
        STARTED.call_once(|| drop(thread::spawn(watch)));
        let mut runs = RUNS.lock().expect("no panic before");
        let runs = runs.get_or_insert_default();
        runs.insert(thread::current().id(), (Instant::now(), seed));
        Watched
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        let mut runs = RUNS.lock().expect("no panic before");
        runs.get_or_insert_default().remove(&thread::current().id());
    }
}

fn watch() {
    loop {
        thread::sleep(Duration::from_millis(500));
        let runs = RUNS.lock().expect("no panic before");
        let mut runs = runs.iter().flat_map(HashMap::values);
        if let Some((_, seed)) = runs.find(|(began, _)| began.elapsed() > RUN_TIMEOUT) {
            let text = format!(
                "\nI8: it spins: no end in {RUN_TIMEOUT:?}\nreplay with DRT_SIM_SEED={seed}\n"
            );
            // Not by println!, whose output is held back until the test ends.
            let _ = std::io::stderr().write_all(text.as_bytes());
            std::process::exit(101);
        }
    }
}
