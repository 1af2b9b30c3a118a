//! Live collections: what they take to open, to hold and to change.

mod change;
mod gap;
mod many;
mod open;

use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use directus_realtime::ffi::*;

use super::Client;

pub use change::change;
pub use gap::{burst, gap};
pub use many::many;
pub use open::{memory, open};

const TIMEOUT_MS: u32 = 60_000;

/// What was told.
#[derive(Default)]
struct Told {
    updates: AtomicU64,
    changes: AtomicU64,
}

impl Told {
    fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }
}

unsafe extern "C" fn on_update(update: *const drt_live_update, told: *mut c_void) {
    // SAFETY: a live update, and what outlives the client.
    let (update, told) = unsafe { (&*update, &*told.cast::<Told>()) };
    told.updates.fetch_add(1, Ordering::Release);
    told.changes
        .fetch_add(update.changes_len as u64, Ordering::Release);
}

impl Client {
    /// Opens a live collection. What it tells must outlive the client.
    fn live(&self, collection: &str, told: &Told) -> *mut drt_live {
        let collection = CString::new(collection).expect("text");
        let mut live = ptr::null_mut();
        // SAFETY: all-zero is the default; everything lives until the call returns.
        unsafe {
            let mut options: drt_live_options = std::mem::zeroed();
            options.struct_size = size_of::<drt_live_options>();
            options.collection = collection.as_ptr();
            let data: *mut c_void = ptr::from_ref(told).cast_mut().cast();
            let scope = ptr::null_mut();
            let status = drt_live_open(
                self.0,
                scope,
                &options,
                Some(on_update),
                data,
                None,
                &mut live,
            );
            assert_eq!(status, DRT_OK);
        }
        live
    }

    /// A live collection of `posts`, once it has its rows.
    fn current(&self, told: &Told, rows: u64) -> *mut drt_live {
        let live = self.live("posts", told);
        wait(live);
        assert_eq!(count(live), rows);
        // They are shown before the callback has returned.
        while told.changes() < rows {
            std::thread::yield_now();
        }
        live
    }

    /// Asks the server to do something.
    fn ask(&self, message: &str) {
        let message = CString::new(message).expect("text");
        // SAFETY: a live handle and a text.
        assert_eq!(
            unsafe { drt_send_message(self.0, message.as_ptr()) },
            DRT_OK
        );
    }
}

fn wait(live: *mut drt_live) {
    // SAFETY: any handle is fine.
    assert_eq!(unsafe { drt_live_wait(live, TIMEOUT_MS) }, DRT_OK);
}

fn count(live: *mut drt_live) -> u64 {
    let mut count = 0;
    // SAFETY: any handle is fine, and a valid out pointer.
    assert_eq!(unsafe { drt_live_count(live, &mut count) }, DRT_OK);
    count
}
