//! A library with the prefix of ours, whose functions catch panics as ours do. It runs destructors
//! on the way, on the calling thread and on one of its own.

use std::panic::catch_unwind;
use std::sync::atomic::{AtomicI32, Ordering};

static DROPPED: AtomicI32 = AtomicI32::new(0);

struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {
        DROPPED.fetch_add(1, Ordering::SeqCst);
    }
}

fn element(index: usize) -> u8 {
    let _dropped = Dropped;
    vec![0; 3][index]
}

/// The number of destructors that ran, or -1 if a panic was not caught.
#[unsafe(no_mangle)]
pub extern "C" fn drt_panics(index: usize) -> i32 {
    let here = catch_unwind(|| element(index));
    let there = std::thread::spawn(move || element(index)).join();
    if here.is_ok() || there.is_ok() {
        return -1;
    }
    DROPPED.load(Ordering::SeqCst)
}
