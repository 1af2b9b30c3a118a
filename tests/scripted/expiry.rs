//! Links whose token has expired, refusals that are outages, and servers that want
//! something else than the client gives.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::peer::Peer;
use super::seen::Seen;
use super::sut::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

fn client(peer: &Peer) -> Options {
    Options::new(&peer.url()).token("static-token").with(fast)
}

fn auth_error(code: &str) -> Value {
    json!({"type": "auth", "status": "error", "error": {"code": code, "message": "No."}})
}

#[test]
fn i3_nothing_of_a_link_whose_token_has_expired_is_delivered() {
    let peer = Peer::new();
    let client = Options::new(&peer.url())
        .text("refresh_token", "r1")
        .with(fast)
        .open();
    let sub = client.subscribe(wish("posts"));
    let mut old = peer.link();
    let auth = old.expect("auth");
    old.send(&json!({"type": "auth", "status": "ok", "refresh_token": "r2", "uid": auth["uid"]}));
    let wire = old.subscribed();
    assert_eq!(sub.wait(), DRT_OK);
    sub.log.until_len(1);
    sub.log.clear();
    let read = json!({"type": "items", "collection": "posts", "action": "read"});
    let (status, replies) = client.request(&read, 20_000);
    assert_eq!(status, DRT_OK);
    let request = old.expect("items");
    old.send(&auth_error("TOKEN_EXPIRED"));
    // What a server before 12.1.1 does not check.
    let secret = json!([{"id": 1, "title": "secret"}]);
    old.event(&wire, "create", &secret);
    old.send(&json!({"type": "items", "data": secret, "uid": request["uid"]}));
    assert_eq!(replies.until_len(1)[0].0, DRT_ERR_NOT_CONNECTED);
    old.until_closed();
    let mut link = peer.link();
    let auth = link.expect("auth");
    assert_eq!(auth["refresh_token"], "r2");
    link.send(&json!({"type": "auth", "status": "ok", "refresh_token": "r3", "uid": auth["uid"]}));
    link.subscribed();
    let seen = sub.log.until_len(1);
    assert!(seen[0].is_resync() && seen[0].data == json!([]), "{seen:?}");
    assert_eq!(sub.log.len(), 1);
    assert_eq!(replies.len(), 1);
}

#[test]
fn an_outage_is_not_a_refusal_of_what_was_accepted() {
    let peer = Peer::new();
    let client = client(&peer).open();
    let sub = client.subscribe(wish("posts"));
    let mut link = peer.ready();
    link.subscribed();
    assert_eq!(sub.wait(), DRT_OK);
    link.hang_up();
    for _ in 0..3 {
        let mut link = peer.link();
        link.expect("auth");
        link.send(&auth_error("AUTH_FAILED"));
        link.until_closed();
    }
    let mut link = peer.ready();
    link.subscribed();
    sub.log
        .until("the resync", |all| all.iter().any(Seen::is_resync));
    assert!(!client.path().contains(&FAILED));
    let states = client.states.all();
    let refused = |(state, reason, message): &(i32, i32, String)| {
        *state == BACKOFF && *reason == DRT_ERR_AUTH && message.contains("AUTH_FAILED")
    };
    assert!(states.iter().any(refused), "{states:?}");
}

#[test]
fn a_strict_token_that_has_worked_survives_an_ingress_that_refuses_for_a_moment() {
    let peer = Peer::new();
    let client = client(&peer).with(|o| o.auth_mode = DRT_AUTH_STRICT).open();
    client.start();
    let link = peer.link();
    assert_eq!(client.wait(CONNECTED), DRT_OK);
    link.hang_up();
    for status in [
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "503 Busy",
    ] {
        peer.caller().refuse(status);
    }
    let link = peer.link();
    link.hold_until(|| client.stats().connects == 2);
    assert!(!client.path().contains(&FAILED));
}

#[test]
fn retry_after_is_honoured() {
    let peer = Peer::new();
    let client = client(&peer).open();
    client.start();
    let begin = Instant::now();
    peer.caller()
        .answer("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n");
    let (_, message) = client.told(BACKOFF);
    assert!(message.contains("next attempt in 2."), "{message}");
    peer.ready().hold_until(|| client.state() == CONNECTED);
    assert!(begin.elapsed() >= Duration::from_secs(2));
}

#[test]
fn a_guest_on_a_server_that_wants_credentials_is_told_so() {
    let peer = Peer::new();
    let client = Options::new(&peer.url())
        .with(|o| o.auth_mode = DRT_AUTH_PUBLIC)
        .with(fast)
        .open();
    let _sub = client.subscribe(wish("posts"));
    let mut link = peer.link();
    link.expect("subscribe");
    link.send(&auth_error("AUTH_FAILED"));
    let (reason, message) = client.told(FAILED);
    assert_eq!(reason, DRT_ERR_AUTH);
    assert!(
        message.contains("the server wants credentials"),
        "{message}"
    );
    assert!(!peer.is_called_within(Duration::from_millis(300)));
}

#[test]
fn the_graphql_endpoint_is_named() {
    let peer = Peer::new();
    let client = client(&peer).open();
    client.start();
    let mut link = peer.link();
    link.raw(&[0x88, 2, 0x11, 0x36]); // 4406
    let (_, message) = client.told(FAILED);
    assert!(
        message.contains("GraphQL") && message.contains("/websocket"),
        "{message}"
    );
}

#[test]
fn an_idle_cut_that_comes_again_and_again_is_told_from_a_stopped_server() {
    let peer = Peer::new();
    let client = client(&peer).open();
    client.start();
    for _ in 0..3 {
        let link = peer.ready();
        std::thread::sleep(Duration::from_millis(1_200));
        link.hang_up();
    }
    let named = |all: &[(i32, i32, String)]| {
        all.iter()
            .any(|(_, _, m)| m.contains("idle timeout") && m.contains("heartbeat_ms"))
    };
    client.states.until("the proxy's timeout", named);
}

static CALLS: AtomicUsize = AtomicUsize::new(0);

/// Takes longer than `ack_timeout_ms`.
unsafe extern "C" fn slow(client: *mut drt_client, _: drt_status, _: *mut c_void) {
    CALLS.fetch_add(1, Ordering::SeqCst);
    std::thread::sleep(Duration::from_millis(1_500));
    // SAFETY: a handle and a text.
    unsafe { drt_client_set_token(client, c"late".as_ptr()) };
}

#[test]
fn a_slow_token_callback_is_asked_once_and_its_late_answer_is_used() {
    let peer = Peer::new();
    let client = Options::new(&peer.url())
        .with(fast)
        .with(|o| o.ack_timeout_ms = 200)
        .open();
    // SAFETY: the handle is a client's.
    let set = unsafe { drt_client_on_token(client.raw, Some(slow), std::ptr::null_mut(), None) };
    assert_eq!(set, DRT_OK);
    client.start();
    let mut link = peer.link();
    assert_eq!(link.authenticate()["access_token"], "late");
    link.hold_until(|| client.state() == CONNECTED);
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
}

#[test]
fn messages_wait_for_a_link_where_that_is_allowed() {
    let peer = Peer::new();
    let client = client(&peer).with(|o| o.send_queue_bytes = 1_000).open();
    let typing = |n: u32| json!({"type": "typing", "n": n});
    assert_eq!(client.send(&typing(1)), DRT_OK, "{}", last_error());
    let (status, replies) = client.request(&json!({"type": "ask"}), 0);
    assert_eq!(status, DRT_OK);
    let filler = json!({"type": "typing", "text": "x".repeat(1_000)});
    assert_eq!(client.send(&filler), DRT_ERR_QUEUE_FULL);
    assert!(
        last_error().contains("send_queue_bytes"),
        "{}",
        last_error()
    );
    let mut link = peer.ready();
    assert_eq!(link.expect("typing")["n"], 1);
    let ask = link.expect("ask");
    link.send(&json!({"type": "told", "uid": ask["uid"]}));
    assert_eq!(replies.until_len(1)[0].0, DRT_OK);
    link.hang_up();
    client
        .states
        .until("the loss", |all| all.iter().any(|s| s.0 == BACKOFF));
    let _ = client.send(&typing(2));
    assert_eq!(peer.ready().expect("typing")["n"], 2);
}
