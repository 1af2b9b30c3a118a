//! As many events as come.

use std::cell::UnsafeCell;
use std::ffi::c_void;

use directus_realtime::ffi::*;
use serde_json::Value;

use super::{Client, Done};
use crate::throughput::Throughput;

struct Flood {
    /// The thread that runs the callbacks has it until `done`.
    throughput: UnsafeCell<Throughput>,
    done: Done,
}

unsafe extern "C" fn count(event: *const drt_event, user_data: *mut c_void) {
    // SAFETY: a live event, and what outlives the client.
    let (event, flood) = unsafe { (&*event, &*user_data.cast::<Flood>()) };
    if event.kind != DRT_EVENT_CREATE {
        return;
    }
    // SAFETY: callbacks run one at a time, and nothing else reads it before the end.
    let throughput = unsafe { &mut *flood.throughput.get() };
    if throughput.add(event.data_len) {
        flood.done.set();
    }
}

pub fn flood(url: &str, frames: u64, subscriptions: u64) -> Value {
    let flood = Flood {
        throughput: UnsafeCell::new(Throughput::new(frames)),
        done: Done::new(),
    };
    let client = Client::open(url, |_| ());
    for _ in 0..subscriptions {
        client.subscribe(None, Some(count), &flood);
    }
    flood.done.wait();
    drop(client);
    flood.throughput.into_inner().report()
}
