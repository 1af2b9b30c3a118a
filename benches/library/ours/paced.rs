//! Events one by one, at the rate of a busy server.

use std::cell::UnsafeCell;
use std::ffi::c_void;

use directus_realtime::ffi::*;
use serde_json::Value;

use super::{Client, Done};
use crate::latencies::{Latencies, STAMP};

struct Paced {
    /// The thread that runs the callbacks has it until `done`.
    latencies: UnsafeCell<Latencies>,
    done: Done,
}

unsafe extern "C" fn note(event: *const drt_event, user_data: *mut c_void) {
    // SAFETY: a live event, and what outlives the client.
    let (event, paced) = unsafe { (&*event, &*user_data.cast::<Paced>()) };
    if event.kind != DRT_EVENT_CREATE {
        return;
    }
    // SAFETY: the event's data, which ends with the stamp and `"}`; callbacks run one at a time, and
    // nothing else reads it before the end.
    let (data, latencies) = unsafe {
        let data = std::slice::from_raw_parts(event.data.cast::<u8>(), event.data_len);
        (data, &mut *paced.latencies.get())
    };
    let end = data.len() - 2;
    if latencies.add(&data[end - STAMP..end]) {
        paced.done.set();
    }
}

pub fn paced(url: &str, frames: usize, poll: bool) -> Value {
    let paced = Paced {
        latencies: UnsafeCell::new(Latencies::new(frames)),
        done: Done::new(),
    };
    let client = Client::open(url, |options| {
        if poll {
            options.delivery = DRT_DELIVER_POLL;
        }
    });
    client.subscribe(None, Some(note), &paced);
    if poll {
        let mut count = 0;
        while !paced.done.is_set() {
            // SAFETY: a live handle and a valid out pointer.
            let status = unsafe { drt_client_dispatch(client.0, -1, 0, &mut count) };
            assert_eq!(status, DRT_OK);
        }
    } else {
        paced.done.wait();
    }
    drop(client);
    paced.latencies.into_inner().report()
}
