//! `drt_active_subscriptions`.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use serde_json::json;

use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

/// The subscription that a visitor was called with.
#[derive(Debug, PartialEq)]
struct Shown {
    handle: *mut drt_subscription,
    uid: String,
    collection: String,
    persistent: bool,
    status: i32,
    last_sequence: u64,
}

/// Returns whether the visit goes on.
type Visitor<'a> = &'a mut dyn FnMut(&Shown) -> bool;

unsafe extern "C" fn visit(info: *const drt_subscription_info, data: *mut c_void) -> bool {
    // SAFETY: the library passes a live info and the pointer of `visit_all`.
    let (info, visitor) = unsafe { (&*info, &mut *data.cast::<Visitor<'_>>()) };
    assert_eq!(info.struct_size, size_of::<drt_subscription_info>());
    let name = |name: *const c_char, len: usize| {
        // SAFETY: names are NUL-terminated.
        let name = unsafe { CStr::from_ptr(name) };
        assert_eq!(name.to_bytes().len(), len);
        name.to_str().unwrap().to_owned()
    };
    visitor(&Shown {
        handle: info.handle,
        uid: name(info.uid, info.uid_len),
        collection: name(info.collection, info.collection_len),
        persistent: info.persistent,
        status: info.status,
        last_sequence: info.last_sequence,
    })
}

fn visit_with(client: &TestClient, visitor: Visitor<'_>) -> i32 {
    let mut visitor = visitor;
    // SAFETY: the visitor lives during the call.
    unsafe { drt_active_subscriptions(client.raw, Some(visit), (&raw mut visitor).cast()) }
}

fn shown(client: &TestClient) -> Vec<Shown> {
    let mut all = Vec::new();
    let status = visit_with(client, &mut |one: &Shown| {
        all.push(Shown {
            handle: one.handle,
            uid: one.uid.clone(),
            collection: one.collection.clone(),
            ..*one
        });
        true
    });
    assert_eq!(status, DRT_OK, "{}", last_error());
    all
}

fn uids(client: &TestClient) -> Vec<String> {
    shown(client).into_iter().map(|one| one.uid).collect()
}

fn offline() -> TestClient {
    let client = Options::new("ws://127.0.0.1:1/").token("t").open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_disconnect(client.raw) }, DRT_OK);
    client
}

#[test]
fn active_subscriptions_are_visited_in_creation_order_even_when_slots_are_reused() {
    let client = offline();
    for uid in ["a", "b", "c", "d", "e"] {
        client.subscribe(subscription("posts").uid(uid));
    }
    for uid in ["b", "d", "a"] {
        let sub = client.unsubscribe(uid);
        assert_eq!(sub, DRT_OK);
    }
    let last = client.subscribe(subscription("things").uid("f").persistent());
    client.subscribe(subscription("things").uid("b"));
    assert_eq!(uids(&client), ["c", "e", "f", "b"]);
    let third = &shown(&client)[2];
    assert_eq!((third.handle, third.persistent), (last.raw, true));
    assert_eq!(third.collection, "things");
    assert!(!shown(&client)[3].persistent);
}

#[test]
fn a_visitor_sees_the_generated_uid_that_names_the_subscription() {
    let client = offline();
    client.subscribe(subscription("posts"));
    client.subscribe(subscription("posts"));
    let all = uids(&client);
    assert_eq!(all.len(), 2);
    assert_ne!(all[0], all[1]);
    assert!(client.has(&all[0]));
    assert_eq!(client.unsubscribe(&all[0]), DRT_OK);
    assert_eq!(uids(&client), all[1..]);
}

#[test]
fn a_visitor_sees_the_current_status_and_the_last_sequence() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").with(fast).open();
    let (one, two) = ("one", "two");
    let first = client.subscribe(subscription("posts").uid(one).server_snapshot());
    let second = client.subscribe(subscription("posts").uid(two).server_snapshot());
    let status = |client: &TestClient| -> Vec<_> {
        let all = shown(client).into_iter();
        all.map(|s| (s.status, s.last_sequence)).collect()
    };
    const PENDING: i32 = DRT_SUB_PENDING;
    const ACTIVE: i32 = DRT_SUB_ACTIVE;
    assert_eq!(status(&client), [(PENDING, 0), (PENDING, 0)]);
    let mut link = server.ready();
    let (_, wire) = (link.expect("subscribe"), link.confirm_subscribe());
    assert_eq!(second.wait(), DRT_OK);
    second.log.until_len(1);
    assert_eq!(status(&client), [(PENDING, 0), (ACTIVE, 1)]);
    link.event(&wire, "create", &json!([{"id": 1}, {"id": 2}]));
    second.log.until_len(3);
    assert_eq!(status(&client), [(PENDING, 0), (ACTIVE, 3)]);
    assert_eq!(first.wait_for(0), DRT_ERR_TIMEOUT);
    // Without a link nothing is active; the last sequence stays.
    link.hang_up();
    let mut link = server.ready();
    assert_eq!(status(&client), [(PENDING, 0), (PENDING, 3)]);
    let (one, two) = (link.confirm_subscribe(), link.confirm_subscribe());
    assert_ne!((one.as_str(), wire.as_str()), (two.as_str(), two.as_str()));
    assert_eq!((first.wait(), second.wait()), (DRT_OK, DRT_OK));
    second.log.until_len(4);
    first.log.until_len(1);
    let sequences: Vec<_> = status(&client);
    assert_eq!(sequences, [(ACTIVE, 4), (ACTIVE, 5)]);
}

#[test]
fn a_visitor_that_returns_false_stops_the_visit() {
    let client = offline();
    for uid in ["a", "b", "c"] {
        client.subscribe(subscription("posts").uid(uid));
    }
    let mut calls = 0;
    let status = visit_with(&client, &mut |one: &Shown| {
        calls += 1;
        one.uid != "b"
    });
    assert_eq!((status, calls), (DRT_OK, 2));
}

#[test]
fn a_client_without_subscriptions_visits_none() {
    assert_eq!(shown(&offline()), []);
}

#[test]
fn a_visitor_may_subscribe_and_unsubscribe() {
    let client = offline();
    for n in 0..50 {
        client.subscribe(subscription("posts").uid(&format!("s{n}")));
    }
    let mut seen = Vec::new();
    let status = visit_with(&client, &mut |one: &Shown| {
        seen.push(one.uid.clone());
        if seen.len() == 1 {
            client.subscribe(subscription("posts").uid("new"));
            // SAFETY: any number is a fine handle.
            let ended = unsafe { drt_unsubscribe_all(client.raw, ptr::null_mut()) };
            assert_eq!(ended, DRT_OK);
            // The visit goes on over the subscriptions that it began with, though they have ended.
            assert_eq!(shown(&client), []);
        }
        assert!(!client.has(&one.uid));
        // SAFETY: any number is a fine handle.
        let stale = unsafe { drt_subscription_unsubscribe(one.handle) };
        assert_eq!(stale, DRT_ERR_INVALID_HANDLE);
        assert_eq!(client.wait_for(DRT_STATE_IDLE, 0), DRT_ERR_WOULD_DEADLOCK);
        assert_eq!(client.close(), DRT_ERR_WOULD_DEADLOCK);
        true
    });
    assert_eq!(status, DRT_OK);
    assert_eq!(seen.len(), 50);
    assert_eq!(client.stats().subscriptions, 0);
}

#[test]
fn concurrent_visits_see_consistent_entries() {
    let client = offline();
    std::thread::scope(|threads| {
        for thread in 0..3 {
            let client = &client;
            threads.spawn(move || {
                for n in 0..300 {
                    let uid = format!("{thread}-{n}");
                    let sub = client.subscribe(subscription(&format!("of {uid}")).uid(&uid));
                    if n % 3 > 0 {
                        assert_eq!(sub.unsubscribe(), DRT_OK);
                    }
                }
            });
        }
        for _ in 0..100 {
            for one in shown(&client) {
                assert_eq!(one.collection, format!("of {}", one.uid));
            }
        }
    });
    let mut left = uids(&client);
    assert_eq!(left.len(), 300);
    left.sort_unstable();
    left.dedup();
    assert_eq!(left.len(), 300);
}
