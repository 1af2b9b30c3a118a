//! Closing a client in poll delivery while another thread is inside dispatch.

use std::ffi::{CStr, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use super::polled::*;
use super::test_client::*;
use directus_realtime::ffi::*;

#[test]
fn close_ends_a_waiting_dispatch() {
    let polled = polled();
    let client = &polled.client;
    dispatch_all(client);
    thread::scope(|threads| {
        let waiting = threads.spawn(|| {
            let mut ran = 0;
            loop {
                match dispatch(client, -1, 0) {
                    (DRT_OK, count) => ran += count,
                    (status, _) => return (status, ran),
                }
            }
        });
        assert_eq!(client.close(), DRT_OK);
        let (status, _) = waiting.join().unwrap();
        assert!(
            [DRT_ERR_CLOSED, DRT_ERR_INVALID_HANDLE].contains(&status),
            "{status}"
        );
    });
    assert_eq!(
        client.path().last(),
        Some(&DRT_STATE_CLOSED),
        "its callbacks have run"
    );
    assert_eq!(client.states.released(), 1);
    assert_eq!(dispatch(client, 0, 0), (DRT_ERR_INVALID_HANDLE, 0));
    assert_eq!(drain(client, 0, 0).0, DRT_ERR_INVALID_HANDLE);
    assert_eq!(fd(client), -1);
}

/// Blocks a callback until the test opens it.
#[derive(Default)]
struct Gate {
    entered: AtomicBool,
    open: AtomicBool,
    released: AtomicBool,
}

unsafe extern "C" fn through_gate(event: *const drt_event, data: *mut c_void) {
    // SAFETY: the gate lives longer than the client; the event during the call.
    let (gate, event) = unsafe { (&*data.cast::<Gate>(), &*event) };
    gate.entered.store(true, Ordering::SeqCst);
    while !gate.open.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(1));
    }
    // The event's data stays valid until its callback returns.
    // SAFETY: names are NUL-terminated.
    assert_eq!(
        unsafe { CStr::from_ptr(event.collection) }.to_bytes(),
        b"posts"
    );
}

unsafe extern "C" fn close_gate(data: *mut c_void) {
    // SAFETY: as above.
    let gate = unsafe { &*data.cast::<Gate>() };
    assert!(
        !gate.released.swap(true, Ordering::SeqCst),
        "released twice"
    );
}

#[test]
fn i4_close_waits_for_the_running_callback() {
    for patient in [true, false] {
        let mut polled = polled();
        let gate = Gate::default();
        let collection = c("posts");
        // SAFETY: the gate lives longer than the client.
        unsafe {
            let mut options: drt_subscription_options = std::mem::zeroed();
            options.struct_size = size_of::<drt_subscription_options>();
            options.collection = collection.as_ptr();
            options.snapshot = DRT_SNAPSHOT_SERVER;
            let status = drt_subscribe(
                polled.client.raw,
                std::ptr::null_mut(),
                &options,
                Some(through_gate),
                (&raw const gate).cast_mut().cast(),
                Some(close_gate),
                std::ptr::null_mut(),
            );
            assert_eq!(status, DRT_OK);
        }
        polled.link.confirm_subscribe();
        let client = &polled.client;
        thread::scope(|threads| {
            let dispatching = threads.spawn(|| {
                loop {
                    let (status, _) = dispatch(client, -1, 0);
                    if status != DRT_OK {
                        return status;
                    }
                }
            });
            eventually("the callback", || gate.entered.load(Ordering::SeqCst));
            let timeout = if patient { 60_000 } else { 50 };
            // SAFETY: a live handle.
            let closing = threads.spawn(move || unsafe { drt_client_close(client.raw, timeout) });
            if !patient {
                assert_eq!(closing.join().unwrap(), DRT_ERR_TIMEOUT);
                assert!(!gate.released.load(Ordering::SeqCst), "it is still in use");
                gate.open.store(true, Ordering::SeqCst);
            } else {
                // Long enough for a close to return that does not wait.
                thread::sleep(Duration::from_millis(50));
                assert!(!closing.is_finished());
                gate.open.store(true, Ordering::SeqCst);
                assert_eq!(closing.join().unwrap(), DRT_OK);
                assert!(gate.released.load(Ordering::SeqCst), "before close returns");
            }
            let status = dispatching.join().unwrap();
            assert!(
                [DRT_ERR_CLOSED, DRT_ERR_INVALID_HANDLE].contains(&status),
                "{status}"
            );
        });
        assert!(gate.released.load(Ordering::SeqCst));
        assert_eq!(client.states.released(), 1);
    }
}
