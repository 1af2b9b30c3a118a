//! Subscriptions that come back on a new link. The server measures how long they take; here it is
//! the processor time.

use std::ffi::c_void;
use std::sync::atomic::{AtomicU64, Ordering};

use directus_realtime::ffi::*;
use serde_json::{Value, json};

use super::{Client, Done};
use crate::clock;

struct Back {
    subscriptions: u64,
    inits: AtomicU64,
    /// Processor time when the first link's snapshots had come.
    before: AtomicU64,
    done: Done,
}

unsafe extern "C" fn count(event: *const drt_event, user_data: *mut c_void) {
    // SAFETY: a live event, and what outlives the client.
    let (event, back) = unsafe { (&*event, &*user_data.cast::<Back>()) };
    assert_eq!(event.kind, DRT_EVENT_INIT);
    let inits = back.inits.fetch_add(1, Ordering::Relaxed) + 1;
    if inits == back.subscriptions {
        back.before.store(clock::processor(), Ordering::Relaxed);
    } else if inits == 2 * back.subscriptions {
        back.done.set();
    }
}

pub fn come_back(url: &str, subscriptions: u64) -> Value {
    let back = Back {
        subscriptions,
        inits: AtomicU64::new(0),
        before: AtomicU64::new(0),
        done: Done::new(),
    };
    let client = Client::open(url, |options| options.reconnect_min_ms = 10);
    for _ in 0..subscriptions {
        client.subscribe(None, Some(count), &back);
    }
    back.done.wait();
    let used = clock::processor() - back.before.load(Ordering::Relaxed);
    drop(client);
    json!({"cpu_seconds": used as f64 / 1e9})
}
