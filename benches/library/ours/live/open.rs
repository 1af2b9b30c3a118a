//! All rows of a collection: opened, and held.

use std::ffi::c_void;
use std::time::Duration;

use directus_realtime::ffi::*;
use serde_json::{Value, json};

use super::{Client, Told};
use crate::{allocations, clock};

/// From the call to the rows.
pub fn open(url: &str, rows: u64) -> Value {
    let told = Told::default();
    let client = Client::open(url, |_| ());
    let (begin, before) = (clock::monotonic(), clock::processor());
    client.current(&told, rows);
    let (end, after) = (clock::monotonic(), clock::processor());
    json!({
        "rows": rows,
        "seconds": (end - begin) as f64 / 1e9,
        "cpu_seconds": (after - before) as f64 / 1e9,
    })
}

unsafe extern "C" fn add(row: *const drt_row, bytes: *mut c_void) -> bool {
    // SAFETY: a row, and the number below.
    unsafe { *bytes.cast::<usize>() += (*row).data_len };
    true
}

/// What the rows take: of their JSON, counted by the allocator, and by the kernel.
pub fn memory(url: &str, rows: u64) -> Value {
    allocations::begin();
    let told = Told::default();
    let client = Client::open(url, |_| ());
    let settle = || std::thread::sleep(Duration::from_millis(500));
    settle();
    let (allocated, resident) = (allocations::live(), resident());
    let live = client.current(&told, rows);
    settle();
    let allocated = allocations::live() - allocated;
    let resident = self::resident() - resident;
    let mut json = 0_usize;
    // SAFETY: a live handle, and what lives until the call returns.
    let visited = unsafe {
        let bytes = (&raw mut json).cast();
        drt_live_rows(live, 0, 0, Some(add), bytes, std::ptr::null_mut())
    };
    assert_eq!(visited, DRT_OK);
    json!({
        "allocated": allocated as f64 / json as f64,
        "resident": resident as f64 / json as f64,
    })
}

/// Bytes of this process that are in memory.
fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split_whitespace().nth(1);
    // SAFETY: a constant of the system.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as usize;
    pages.and_then(|n| n.parse::<usize>().ok()).expect("pages") * page
}
