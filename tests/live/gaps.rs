//! I3: whatever may have lost an event ends in a RESYNC.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::server::{ADMIN, Server, V12};
use super::test_client::*;
use directus_realtime::ffi::*;

#[test]
fn i3_writes_during_a_lost_link_arrive_in_one_resync() {
    let server = Server::shared();
    let client = TestClient::admin(server);
    let query = json!({"filter": {"code": {"_starts_with": "gap"}}, "limit": -1});
    let codes = client.follow(subscription("codes").primary_key("code").query(query));
    server.create("codes", json!({"code": "gap-1", "label": "seen"}));
    codes.log.until_len(1);
    // SAFETY: live handles, here and below.
    assert_eq!(unsafe { drt_client_disconnect(client.raw) }, DRT_OK);
    server.create("codes", json!({"code": "gap-2", "label": "missed"}));
    server.delete("codes", &json!("gap-1"));
    client.connect();
    let seen = codes
        .log
        .until("the resync", |all| all.iter().any(Seen::is_resync));
    let after: Vec<_> = seen.iter().skip_while(|e| !e.is_resync()).collect();
    assert_eq!(after[0].data, json!([{"code": "gap-2", "label": "missed"}]));
    server.delete("codes", &json!("gap-2"));
    let seen = codes.log.until("the delete", |all| {
        all.last().is_some_and(|e| e.name() == "delete")
    });
    assert_eq!(seen.iter().filter(|e| e.is_resync()).count(), 1);
    assert_eq!(client.stats().resyncs, 1);
}

#[test]
fn i3_subscriptions_without_a_snapshot_get_a_resync_too() {
    let client = TestClient::admin(Server::shared());
    let creates = client.follow(subscription("posts").events(DRT_ON_CREATE));
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
    let seen = creates.log.until_len(1);
    assert!(seen[0].is_resync() && seen[0].data.is_null(), "{seen:?}");
}

/// Blocks a callback while it is shut.
struct Gate {
    shut: AtomicBool,
    log: EventLog,
}

unsafe extern "C" fn through_gate(event: *const drt_event, data: *mut c_void) {
    // SAFETY: the test keeps the gate until the client is closed; a live event.
    let (gate, event) = unsafe { (&*data.cast::<Gate>(), &*event) };
    // SAFETY: the library gives a pointer and its length.
    let bytes = unsafe { std::slice::from_raw_parts(event.data.cast::<u8>(), event.data_len) };
    gate.log.push(Seen {
        kind: event.kind,
        flags: event.flags,
        uid: String::new(),
        collection: String::new(),
        data: serde_json::from_slice(bytes).unwrap(),
        meta: json!(null),
        sequence: event.sequence,
        index: event.index,
        count: event.count,
    });
    while gate.shut.load(Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn i6_an_overflow_drops_all_queued_events_and_ends_in_a_resync() {
    let server = Server::start(V12, &[]);
    let client = Options::new(&server.url)
        .token(ADMIN)
        .with(|o| o.queue_bytes = 20_000)
        .open();
    client.connect();
    let gate = Gate {
        shut: AtomicBool::new(true),
        log: Log::new(),
    };
    let collection = c("posts");
    // SAFETY: all-zero is the default, and everything lives until the close.
    let status = unsafe {
        let mut options: drt_subscription_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_subscription_options>();
        options.collection = collection.as_ptr();
        drt_subscribe(
            client.raw,
            std::ptr::null_mut(),
            &options,
            Some(through_gate),
            (&raw const gate).cast_mut().cast(),
            None,
            std::ptr::null_mut(),
        )
    };
    assert_eq!(status, DRT_OK);
    gate.log.until_len(1);
    let content = "x".repeat(900);
    let batch: Vec<_> = (0..60)
        .map(|n| json!({"n": n, "content": content}))
        .collect();
    server.rest("POST", "/items/posts", Some(json!(batch)));
    eventually("the overflow", || {
        let stats = client.stats();
        assert!(stats.queued_bytes <= 20_000, "{}", stats.queued_bytes);
        stats.overflows > 0
    });
    gate.shut.store(false, Ordering::SeqCst);
    let seen = gate.log.until("the resync", |all| {
        all.iter().any(Seen::is_resync) && fold(all, "id").len() == 60
    });
    let resyncs = seen.iter().filter(|e| e.is_resync()).count();
    assert_eq!(resyncs as u64, client.stats().resyncs);
    for (i, event) in seen.iter().enumerate() {
        assert_eq!(
            event.sequence,
            i as u64 + 1,
            "no holes though some were dropped"
        );
    }
    server.create("posts", json!({"title": "after"}));
    gate.log.until("an event after the resync", |all| {
        all.iter().any(|e| e.data["title"] == "after")
    });
    client.close();
}
