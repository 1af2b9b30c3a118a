//! A client in poll delivery, and the calls that run its callbacks.

use serde_json::Value;

use super::scripted_server::{Link, ScriptedServer};
use super::test_client::*;
use directus_realtime::ffi::*;

pub struct Polled {
    pub server: ScriptedServer,
    pub client: TestClient,
    pub link: Link,
}

/// A connected client. Callbacks may still be queued.
pub fn polled() -> Polled {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .token("t")
        .with(fast)
        .with(|o| o.delivery = DRT_DELIVER_POLL)
        .open();
    client.start();
    let link = server.ready();
    assert_eq!(
        client.wait(DRT_STATE_CONNECTED),
        DRT_OK,
        "waiting needs no dispatch"
    );
    Polled {
        server,
        client,
        link,
    }
}

/// (status, callbacks)
pub fn dispatch(client: &TestClient, timeout_ms: i32, most: usize) -> (i32, usize) {
    let mut dispatched = 77;
    // SAFETY: any handle, and a valid out pointer.
    let status = unsafe { drt_client_dispatch(client.raw, timeout_ms, most, &mut dispatched) };
    (status, dispatched)
}

/// (status, batch, callbacks and events)
pub fn drain(client: &TestClient, timeout_ms: i32, most: usize) -> (i32, Vec<Value>, usize) {
    let (mut text, mut len, mut drained) = (std::ptr::null(), 0, 77);
    // SAFETY: any handle, and valid out pointers; the text lives until the next call.
    unsafe {
        let (text, len) = (&mut text, &mut len);
        let status = drt_client_drain(client.raw, timeout_ms, most, text, len, &mut drained);
        if status != DRT_OK {
            assert!(text.is_null() && *len == 0 && drained == 0);
            return (status, Vec::new(), 0);
        }
        let bytes = std::slice::from_raw_parts(text.cast::<u8>(), *len);
        (
            status,
            serde_json::from_slice(bytes).expect("one array"),
            drained,
        )
    }
}

pub fn dispatch_all(client: &TestClient) {
    while dispatch(client, 0, 0) != (DRT_OK, 0) {}
}

pub fn fd(client: &TestClient) -> i32 {
    // SAFETY: any handle.
    unsafe { drt_client_fd(client.raw) }
}

pub fn readable(fd: i32, timeout_ms: i32) -> bool {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one pollfd, whose length is passed.
    unsafe { libc::poll(&mut poll, 1, timeout_ms) == 1 && poll.revents & libc::POLLIN != 0 }
}

/// A confirmed subscription to the server's own snapshot, and its wire uid.
pub fn follow(polled: &mut Polled) -> (Sub, String) {
    let sub = polled
        .client
        .subscribe(subscription("posts").server_snapshot());
    let wire = polled.link.confirm_subscribe();
    assert_eq!(sub.wait(), DRT_OK);
    (sub, wire)
}
