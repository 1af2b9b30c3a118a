//! Every call in every state of the client.

use std::ptr;
use std::time::Duration;

use serde_json::json;

use super::scripted_server::{Link, ScriptedServer};
use super::test_client::*;
use directus_realtime::ffi::*;

const IDLE: i32 = DRT_STATE_IDLE;
const CONNECTING: i32 = DRT_STATE_CONNECTING;
const AUTHENTICATING: i32 = DRT_STATE_AUTHENTICATING;
const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

/// A client in a certain state, and the connection that keeps it there.
struct Held {
    client: TestClient,
    server: ScriptedServer,
    _link: Option<Link>,
    _socket: Option<std::net::TcpStream>,
}

fn open(server: &ScriptedServer, set: impl Fn(&mut drt_client_options) + 'static) -> TestClient {
    Options::new(&server.url())
        .token("static-token")
        .with(set)
        .open()
}

fn held_in(state: i32) -> Held {
    let server = ScriptedServer::new();
    let (mut link, mut socket) = (None, None);
    let client = match state {
        BACKOFF => open(&server, |o| {
            o.reconnect_min_ms = 3_600_000;
            o.reconnect_max_ms = 3_600_000;
        }),
        _ => open(&server, fast),
    };
    if state != IDLE {
        client.start();
    }
    match state {
        CONNECTING => socket = Some(server.connection()),
        AUTHENTICATING => {
            let mut held = server.link();
            held.expect("auth");
            link = Some(held);
        }
        CONNECTED => link = Some(server.ready()),
        BACKOFF => server.handshake().refuse("502 Bad Gateway"),
        FAILED => refuse_token(&server),
        _ => {}
    }
    eventually("the state", || client.state() == state);
    Held {
        client,
        server,
        _link: link,
        _socket: socket,
    }
}

fn refuse_token(server: &ScriptedServer) {
    let mut link = server.link();
    link.expect("auth");
    link.send(&json!({"type": "auth", "status": "error",
                      "error": {"code": "AUTH_FAILED", "message": "no"}}));
    link.until_closed();
}

const OPEN_STATES: [i32; 6] = [IDLE, CONNECTING, AUTHENTICATING, CONNECTED, BACKOFF, FAILED];

fn calls(client: &TestClient) -> [i32; 4] {
    // SAFETY: any number is a fine handle.
    unsafe {
        [
            drt_client_connect(client.raw),
            drt_client_reconnect(client.raw),
            drt_client_disconnect(client.raw),
            drt_client_set_token(client.raw, c"a-token".as_ptr()),
        ]
    }
}

#[test]
fn subscribe_works_in_every_state_but_failed() {
    for state in OPEN_STATES {
        let held = held_in(state);
        let client = &held.client;
        let sub = client.try_subscribe(ptr::null_mut(), subscription("posts").uid("one"));
        if state == FAILED {
            assert_eq!(sub.status, DRT_ERR_NOT_CONNECTED);
            assert!(last_error().contains("connect again"), "{}", last_error());
            assert!(sub.raw.is_null());
            assert_eq!(sub.log.released(), 1, "before the call returns");
            assert!(!client.has("one"));
            continue;
        }
        assert_eq!(sub.status, DRT_OK, "in state {state}: {}", last_error());
        assert!(client.has("one"));
        assert_eq!(sub.wait_for(0), DRT_ERR_TIMEOUT, "not answered yet");
        assert_eq!(sub.unsubscribe(), DRT_OK);
        assert_eq!(sub.unsubscribe(), DRT_ERR_INVALID_HANDLE);
        assert!(!client.has("one"));
        sub.log.until("the release", |_| sub.log.released() == 1);
        assert_eq!(sub.log.len(), 0);
    }
}

#[test]
fn every_way_to_unsubscribe_works_in_every_state() {
    for state in OPEN_STATES {
        let held = held_in(IDLE);
        let client = &held.client;
        // SAFETY: live handles, here and below.
        assert_eq!(unsafe { drt_client_disconnect(client.raw) }, DRT_OK);
        let mut scope = ptr::null_mut();
        assert_eq!(unsafe { drt_scope_new(client.raw, &mut scope) }, DRT_OK);
        let one = |uid, scope, collection| {
            let sub = client.try_subscribe(scope, subscription(collection).uid(uid));
            assert_eq!(sub.status, DRT_OK);
            sub
        };
        let none = ptr::null_mut();
        let all = [
            one("handle", none, "a"),
            one("uid", none, "a"),
            one("collection", none, "b"),
            one("scope", scope, "a"),
            one("all", none, "c"),
        ];
        client.start();
        let _kept = bring_into(state, &held);
        let mut ended = 9;
        unsafe {
            assert_eq!(drt_subscription_unsubscribe(all[0].raw), DRT_OK);
            assert_eq!(drt_unsubscribe(client.raw, c"uid".as_ptr()), DRT_OK);
            assert_eq!(
                drt_unsubscribe_collection(client.raw, c"b".as_ptr(), &mut ended),
                DRT_OK
            );
            assert_eq!(ended, 1);
            assert_eq!(drt_scope_close(scope), DRT_OK);
            assert_eq!(drt_unsubscribe_all(client.raw, &mut ended), DRT_OK);
            assert_eq!(ended, 1);
        }
        assert_eq!(client.stats().subscriptions, 0, "in state {state}");
        for sub in &all {
            sub.log.until("the release", |_| sub.log.released() == 1);
        }
    }
}

/// Brings a client that is connecting into a state.
fn bring_into(state: i32, held: &Held) -> (Option<Link>, Option<std::net::TcpStream>) {
    let (mut link, mut socket) = (None, None);
    match state {
        // SAFETY: a live handle.
        IDLE => assert_eq!(unsafe { drt_client_disconnect(held.client.raw) }, DRT_OK),
        CONNECTING => socket = Some(held.server.connection()),
        AUTHENTICATING => {
            let mut held = held.server.link();
            held.expect("auth");
            link = Some(held);
        }
        CONNECTED => link = Some(held.server.ready()),
        BACKOFF => held.server.handshake().refuse("502 Bad Gateway"),
        _ => refuse_token(&held.server),
    }
    let seen = |all: &[(i32, i32, String)]| all.iter().any(|(s, ..)| *s == state);
    if state != IDLE {
        held.client.states.until("the state", seen);
    }
    (link, socket)
}

#[test]
fn messages_and_requests_need_a_usable_link() {
    for state in OPEN_STATES {
        let held = held_in(state);
        let client = &held.client;
        let sent = client.send(&json!({"type": "ping"}));
        let (asked, log) = client.request(&json!({"type": "ping"}), 60_000);
        if state == CONNECTED {
            assert_eq!((sent, asked), (DRT_OK, DRT_OK));
            assert_eq!(log.released(), 0, "it is awaited");
        } else {
            assert_eq!(
                (sent, asked),
                (DRT_ERR_NOT_CONNECTED, DRT_ERR_NOT_CONNECTED)
            );
            assert!(last_error().contains("no usable link"), "{}", last_error());
            assert_eq!((log.len(), log.released()), (0, 1), "in state {state}");
        }
        assert_eq!(client.close(), DRT_OK);
        if state == CONNECTED {
            assert_eq!(log.all(), [(DRT_ERR_CLOSED, json!(null))]);
            assert_eq!(log.released(), 1);
        }
    }
}

#[test]
fn wait_returns_at_once_for_the_current_state_and_times_out_for_others() {
    for state in OPEN_STATES {
        let held = held_in(state);
        let client = &held.client;
        assert_eq!(client.wait_for(state, 0), DRT_OK);
        for other in OPEN_STATES.into_iter().filter(|other| *other != state) {
            let expected = match state {
                FAILED => DRT_ERR_AUTH,
                _ => DRT_ERR_TIMEOUT,
            };
            assert_eq!(
                client.wait_for(other, 1),
                expected,
                "{state}, waiting for {other}"
            );
            if state != FAILED {
                assert!(last_error().contains("1 ms"), "{}", last_error());
            }
        }
        // SAFETY: a live handle.
        let connected = unsafe { drt_client_is_connected(client.raw) };
        assert_eq!(connected, state == CONNECTED);
    }
}

#[test]
fn wait_returns_at_once_when_the_client_fails_or_closes() {
    let server = ScriptedServer::new();
    let client = open(&server, fast);
    client.start();
    let (failed, closed) = std::thread::scope(|threads| {
        let waiting = threads.spawn(|| (client.wait(CONNECTED), last_error()));
        refuse_token(&server);
        let failed = waiting.join().unwrap();
        // SAFETY: a live handle.
        assert_eq!(unsafe { drt_client_disconnect(client.raw) }, DRT_OK);
        assert_eq!(client.state(), IDLE);
        let waiting = threads.spawn(|| client.wait(CONNECTED));
        // So that it most likely waits already; the assertion allows both orders.
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(client.close(), DRT_OK);
        (failed, waiting.join().unwrap())
    });
    assert_eq!(failed.0, DRT_ERR_AUTH);
    assert!(failed.1.contains("AUTH_FAILED"), "{}", failed.1);
    // INVALID_HANDLE if the close came before the wait.
    assert!(
        [DRT_ERR_CLOSED, DRT_ERR_INVALID_HANDLE].contains(&closed),
        "{closed}"
    );
}

#[test]
fn wait_returns_for_a_state_that_was_only_passed_through() {
    let server = ScriptedServer::new();
    let client = open(&server, fast);
    client.start();
    std::thread::scope(|threads| {
        let waiting = threads.spawn(|| client.wait(BACKOFF));
        // Repeated, as the first BACKOFF may come before the thread waits.
        while !waiting.is_finished() {
            if server.has_connection_within(Duration::from_millis(10)) {
                server.handshake().refuse("502 Bad Gateway");
            }
        }
        assert_eq!(waiting.join().unwrap(), DRT_OK);
    });
}

#[test]
fn connect_reconnect_and_set_token_leave_failed() {
    let leave: [unsafe extern "C" fn(*mut drt_client) -> drt_status; 3] =
        [drt_client_connect, drt_client_reconnect, set_token];
    unsafe extern "C" fn set_token(client: *mut drt_client) -> drt_status {
        // SAFETY: a live handle.
        unsafe { drt_client_set_token(client, c"static-token".as_ptr()) }
    }
    for leave in leave {
        let held = held_in(FAILED);
        // SAFETY: a live handle.
        assert_eq!(unsafe { leave(held.client.raw) }, DRT_OK);
        assert_ne!(held.client.state(), FAILED);
        let mut link = held.server.ready();
        assert_eq!(held.client.wait(CONNECTED), DRT_OK);
        let sub = held.client.subscribe(subscription("posts"));
        link.confirm_subscribe_and_read();
        assert_eq!(sub.wait(), DRT_OK);
    }
}

#[test]
fn disconnect_turns_failed_into_idle_where_subscribe_works_again() {
    let held = held_in(FAILED);
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_disconnect(held.client.raw) }, DRT_OK);
    assert_eq!(held.client.state(), IDLE);
    let sub = held.client.subscribe(subscription("posts"));
    assert!(
        !held
            .server
            .has_connection_within(Duration::from_millis(200)),
        "it stays down"
    );
    held.client.start();
    let mut link = held.server.ready();
    link.confirm_subscribe_and_read();
    assert_eq!(sub.wait(), DRT_OK);
}

#[test]
fn reconnect_and_disconnect_work_in_every_state() {
    for state in OPEN_STATES {
        let held = held_in(state);
        let client = &held.client;
        // SAFETY: live handles.
        assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
        let mut link = held.server.ready();
        assert_eq!(client.wait(CONNECTED), DRT_OK, "from state {state}");
        assert_eq!(unsafe { drt_client_disconnect(client.raw) }, DRT_OK);
        assert_eq!(client.state(), IDLE);
        link.until_closed();
        assert!(
            !held
                .server
                .has_connection_within(Duration::from_millis(100))
        );
    }
}

#[test]
fn a_closed_client_is_an_invalid_handle_to_every_call() {
    for state in OPEN_STATES {
        let held = held_in(state);
        let client = &held.client;
        assert_eq!(client.close(), DRT_OK, "in state {state}: {}", last_error());
        let last = client.states.all().pop().unwrap();
        assert_eq!((last.0, last.1), (DRT_STATE_CLOSED, DRT_ERR_CLOSED));
        assert_eq!(client.states.released(), 1);
        assert_eq!(calls(client), [DRT_ERR_INVALID_HANDLE; 4]);
        assert_eq!(client.wait_for(IDLE, 0), DRT_ERR_INVALID_HANDLE);
        assert_eq!(client.close(), DRT_ERR_INVALID_HANDLE);
        assert_eq!(client.state(), DRT_STATE_CLOSED);
        let late = client.try_subscribe(ptr::null_mut(), subscription("posts"));
        assert_eq!(
            (late.status, late.log.released()),
            (DRT_ERR_INVALID_HANDLE, 1)
        );
        let (asked, log) = client.request(&json!({"type": "ping"}), 1);
        assert_eq!((asked, log.released()), (DRT_ERR_INVALID_HANDLE, 1));
        assert!(!held.server.has_connection_within(Duration::from_millis(50)));
    }
}
