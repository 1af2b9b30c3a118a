//! How subscriptions, scopes and clients end, and that they leave nothing behind.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::server::Server;
use super::test_client::*;
use directus_realtime::ffi::*;

fn quiet(collection: &str) -> SubscriptionSpec {
    subscription(collection).query(json!({"limit": 1}))
}

fn scope(client: &TestClient) -> *mut drt_scope {
    let mut scope = ptr::null_mut();
    // SAFETY: a live handle and a valid out pointer.
    assert_eq!(unsafe { drt_scope_new(client.raw, &mut scope) }, DRT_OK);
    scope
}

#[test]
fn i4_a_duplicate_uid_returns_the_existing_subscription_and_releases_the_new_callback() {
    let client = TestClient::admin(Server::shared());
    let first = client.follow(quiet("posts").uid("one"));
    let second = client.try_subscribe(ptr::null_mut(), quiet("things").uid("one"));
    assert_eq!(second.status, DRT_DUPLICATE);
    assert_eq!(second.raw, first.raw);
    assert_eq!((second.log.released(), first.log.released()), (1, 0));
    assert!(client.has("one") && !client.has("two"));
    assert_eq!(client.unsubscribe("one"), DRT_OK);
    assert!(!client.has("one"));
    assert_eq!(client.unsubscribe("one"), DRT_ERR_NOT_FOUND);
    let again = client.follow(quiet("posts").uid("one"));
    assert_ne!(again.raw, first.raw, "a fresh handle");
    assert_eq!(first.unsubscribe(), DRT_ERR_INVALID_HANDLE);
}

#[test]
fn closing_a_scope_ends_its_subscriptions_but_not_persistent_ones() {
    let server = Server::shared();
    let client = TestClient::admin(server);
    let page = scope(&client);
    let local = client.try_subscribe(page, quiet("posts").uid("local"));
    let global = client.try_subscribe(page, quiet("things").uid("global").persistent());
    assert_eq!((local.wait(), global.wait()), (DRT_OK, DRT_OK));
    // SAFETY: any number is a fine handle, here and below.
    assert_eq!(unsafe { drt_scope_close(page) }, DRT_OK);
    assert_eq!(unsafe { drt_scope_close(page) }, DRT_ERR_INVALID_HANDLE);
    assert!(!client.has("local") && client.has("global"));
    let late = client.try_subscribe(page, quiet("posts"));
    assert_eq!(
        (late.status, late.log.released()),
        (DRT_ERR_INVALID_HANDLE, 1)
    );
    local
        .log
        .until("the release", |_| local.log.released() == 1);

    let before = local.log.len();
    let thing = server.create("things", json!({"title": "for the persistent one"}));
    global.log.until("the create", |all| {
        all.iter().any(|e| e.data["id"] == thing["id"])
    });
    assert_eq!(local.log.len(), before);
}

#[test]
fn unsubscribe_collection_and_unsubscribe_all_spare_persistent_subscriptions() {
    let client = TestClient::admin(Server::shared());
    let page = scope(&client);
    client.subscribe(quiet("posts").uid("a"));
    client.try_subscribe(page, quiet("posts").uid("b"));
    client.subscribe(quiet("posts").uid("p").persistent());
    client.subscribe(quiet("things").uid("t"));
    let mut ended = 0_usize;
    // SAFETY: live handles and valid out pointers, here and below.
    let posts = c("posts");
    let status = unsafe { drt_unsubscribe_collection(client.raw, posts.as_ptr(), &mut ended) };
    assert_eq!((status, ended), (DRT_OK, 2));
    assert_eq!(
        uids(&client),
        ["p", "t"],
        "in the order in which they were made"
    );
    assert_eq!(
        unsafe { drt_unsubscribe_all(client.raw, &mut ended) },
        DRT_OK
    );
    assert_eq!(ended, 1);
    assert_eq!(uids(&client), ["p"]);
    assert_eq!(
        unsafe { drt_unsubscribe_all(client.raw, ptr::null_mut()) },
        DRT_OK
    );
    assert_eq!(client.unsubscribe("p"), DRT_OK);
    assert!(uids(&client).is_empty());
}

fn uids(client: &TestClient) -> Vec<String> {
    unsafe extern "C" fn visit(info: *const drt_subscription_info, data: *mut c_void) -> bool {
        // SAFETY: the library passes a live info; data is the list below.
        let (info, list) = unsafe { (&*info, &mut *data.cast::<Vec<String>>()) };
        // SAFETY: names are NUL-terminated.
        let uid = unsafe { std::ffi::CStr::from_ptr(info.uid) };
        list.push(uid.to_str().unwrap().to_owned());
        true
    }
    let mut list: Vec<String> = Vec::new();
    let data = (&raw mut list).cast();
    // SAFETY: the list outlives the call.
    assert_eq!(
        unsafe { drt_active_subscriptions(client.raw, Some(visit), data) },
        DRT_OK
    );
    list
}

#[test]
fn i1_an_immediate_unsubscribe_leaves_no_subscription_at_the_server() {
    let server = Server::shared();
    let client = TestClient::admin(server);
    client.connect();
    for _ in 0..20 {
        let sub = client.subscribe(quiet("things"));
        assert_eq!(sub.unsubscribe(), DRT_OK);
    }
    let live = client.follow(quiet("things"));
    std::thread::sleep(Duration::from_millis(500));
    live.log.clear();
    let settled = client.stats().frames_in;
    let thing = server.create("things", json!({"title": "one event"}));
    live.log.until("the create", |all| {
        all.iter().any(|e| e.data["id"] == thing["id"])
    });
    std::thread::sleep(Duration::from_millis(300));
    // Other tests write things, too: each write is one frame per subscription. A frame
    // counts before its callback runs, so it takes a moment until the numbers agree; with
    // a subscription left at the server they never would.
    eventually("one event for each frame", || {
        let frames = client.stats().frames_in - settled;
        frames <= live.log.len() as u64 + 1
    });
}

/// The user data of the callbacks in these tests.
struct Shared {
    client: usize,
    inside: AtomicBool,
    after_return: AtomicUsize,
    ended: AtomicBool,
    calls: AtomicUsize,
    verdicts: Mutex<Vec<i32>>,
}

fn shared(client: &TestClient) -> Arc<Shared> {
    Arc::new(Shared {
        client: client.raw as usize,
        inside: AtomicBool::new(false),
        after_return: AtomicUsize::new(0),
        ended: AtomicBool::new(false),
        calls: AtomicUsize::new(0),
        verdicts: Mutex::new(Vec::new()),
    })
}

fn subscribe_raw(
    client: &TestClient,
    collection: &str,
    uid: &str,
    f: unsafe extern "C" fn(*const drt_event, *mut c_void),
    shared: &Arc<Shared>,
) -> *mut drt_subscription {
    let (collection, uid, query) = (c(collection), c(uid), c(r#"{"limit":1}"#));
    let mut raw = ptr::null_mut();
    // SAFETY: all-zero is the default; the tests keep `shared` until the close.
    let status = unsafe {
        let mut options: drt_subscription_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_subscription_options>();
        options.collection = collection.as_ptr();
        options.uid = uid.as_ptr();
        options.query = query.as_ptr();
        let data = Arc::as_ptr(shared).cast_mut().cast();
        drt_subscribe(
            client.raw,
            ptr::null_mut(),
            &options,
            Some(f),
            data,
            None,
            &mut raw,
        )
    };
    assert_eq!(status, DRT_OK);
    raw
}

#[test]
fn i4_no_callback_runs_after_unsubscribe_returns_under_load() {
    let server = Server::start(super::server::V12, &[]);
    let client = TestClient::admin(&server);
    client.connect();
    unsafe extern "C" fn busy(_: *const drt_event, data: *mut c_void) {
        // SAFETY: the test keeps it until the client is closed.
        let shared = unsafe { &*data.cast::<Shared>() };
        shared.inside.store(true, Ordering::SeqCst);
        if shared.ended.load(Ordering::SeqCst) {
            shared.after_return.fetch_add(1, Ordering::SeqCst);
        }
        std::thread::sleep(Duration::from_millis(2));
        shared.calls.fetch_add(1, Ordering::SeqCst);
        shared.inside.store(false, Ordering::SeqCst);
    }
    let stop = AtomicBool::new(false);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            let post = server.create("posts", json!({"title": "busy"}));
            while !stop.load(Ordering::SeqCst) {
                let keys = json!({"keys": [post["id"]], "data": {"n": fastrand::i32(..)}});
                server.rest("PATCH", "/items/posts", Some(keys));
            }
        });
        for round in 0..30 {
            let state = shared(&client);
            let sub = subscribe_raw(&client, "posts", &format!("r{round}"), busy, &state);
            while state.calls.load(Ordering::SeqCst) < 3 {
                std::thread::sleep(Duration::from_millis(1));
            }
            // SAFETY: a live handle.
            assert_eq!(unsafe { drt_subscription_unsubscribe(sub) }, DRT_OK);
            assert!(
                !state.inside.load(Ordering::SeqCst),
                "it waited for the running callback"
            );
            state.ended.store(true, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(20));
            assert_eq!(state.after_return.load(Ordering::SeqCst), 0);
        }
        stop.store(true, Ordering::SeqCst);
    });
    client.close();
}

#[test]
fn inside_a_callback_only_blocking_calls_are_refused() {
    let client = TestClient::admin(Server::shared());
    client.connect();
    unsafe extern "C" fn curious(event: *const drt_event, data: *mut c_void) {
        // SAFETY: the test keeps it until the client is closed; a live event.
        let (shared, event) = unsafe { (&*data.cast::<Shared>(), &*event) };
        let client = shared.client as *mut drt_client;
        let mut dispatched = 0;
        // SAFETY: any number is a fine handle; the out pointers are valid.
        let verdicts = unsafe {
            [
                drt_client_wait(client, DRT_STATE_IDLE as _, 1000),
                drt_subscription_wait(event.subscription, 1000),
                drt_client_close(client, 1000),
                drt_client_dispatch(client, 0, 0, &mut dispatched),
                drt_send_message(client, c(r#"{"type":"ping"}"#).as_ptr()),
                drt_subscription_unsubscribe(event.subscription),
                drt_subscription_unsubscribe(event.subscription),
            ]
        };
        shared.calls.fetch_add(1, Ordering::SeqCst);
        *shared.verdicts.lock().unwrap() = verdicts.to_vec();
    }
    let state = shared(&client);
    subscribe_raw(&client, "posts", "curious", curious, &state);
    eventually("the callback", || {
        !state.verdicts.lock().unwrap().is_empty()
    });
    let deadlock = DRT_ERR_WOULD_DEADLOCK;
    let verdicts = state.verdicts.lock().unwrap().clone();
    assert_eq!(verdicts[..3], [deadlock; 3]);
    assert!(verdicts[3] < 0, "dispatch inside a callback");
    assert_eq!(verdicts[4..], [DRT_OK, DRT_OK, DRT_ERR_INVALID_HANDLE]);
    assert!(!client.has("curious"));
    assert_eq!(
        state.calls.load(Ordering::SeqCst),
        1,
        "the running callback was the last"
    );
    client.close();
}

#[test]
fn i4_close_releases_every_callback_once_and_invalidates_every_handle() {
    let client = TestClient::admin(Server::shared());
    let page = scope(&client);
    let subs: Vec<_> = (0..20)
        .map(|_| client.try_subscribe(page, quiet("posts")))
        .collect();
    subs[0].log.until_len(1);
    assert_eq!(client.close(), DRT_OK);
    for sub in &subs {
        assert_eq!(sub.log.released(), 1);
        assert_eq!(sub.unsubscribe(), DRT_ERR_INVALID_HANDLE);
        assert_eq!(sub.wait(), DRT_ERR_INVALID_HANDLE);
    }
    assert_eq!(client.states.released(), 1);
    assert_eq!(client.states.all().last().unwrap().0, DRT_STATE_CLOSED);
    // SAFETY: any number is a fine handle.
    assert_eq!(unsafe { drt_scope_close(page) }, DRT_ERR_INVALID_HANDLE);
    assert_eq!(client.close(), DRT_ERR_INVALID_HANDLE);
}

#[test]
fn i8_scopes_opened_and_closed_by_several_threads_leave_no_subscriptions() {
    let client = TestClient::admin(Server::shared());
    client.connect();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for n in 0..250 {
                    let page = scope(&client);
                    let sub = client.try_subscribe(page, quiet("things"));
                    assert_eq!(sub.status, DRT_OK);
                    if n % 50 == 0 {
                        assert_eq!(sub.wait(), DRT_OK, "{}", last_error());
                    }
                    // SAFETY: a live handle.
                    assert_eq!(unsafe { drt_scope_close(page) }, DRT_OK);
                }
            });
        }
    });
    assert_eq!(client.stats().subscriptions, 0);
    let live = client.follow(quiet("things"));
    assert_eq!(live.wait(), DRT_OK);
}
