//! Expired tokens, refusals that are really outages, and servers that want another way
//! to authenticate.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scripted_server::ScriptedServer;
use super::seen::Seen;
use super::test_client::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

fn client(server: &ScriptedServer) -> Options {
    Options::new(&server.url()).token("static-token").with(fast)
}

fn auth_error(code: &str) -> Value {
    json!({"type": "auth", "status": "error", "error": {"code": code, "message": "No."}})
}

#[test]
fn i3_nothing_from_a_link_with_an_expired_token_is_delivered() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .text("refresh_token", "r1")
        .with(fast)
        .open();
    let sub = client.subscribe(subscription("posts"));
    let mut old = server.link();
    let auth = old.expect("auth");
    old.send(&json!({"type": "auth", "status": "ok", "refresh_token": "r2", "uid": auth["uid"]}));
    let wire = old.confirm_subscribe_and_read();
    assert_eq!(sub.wait(), DRT_OK);
    sub.log.until_len(1);
    sub.log.clear();
    let read = json!({"type": "items", "collection": "posts", "action": "read"});
    let (status, replies) = client.request(&read, 20_000);
    assert_eq!(status, DRT_OK);
    let request = old.expect("items");
    old.send(&auth_error("TOKEN_EXPIRED"));
    // A server before 12.1.1 still sends events after the expiry.
    let secret = json!([{"id": 1, "title": "secret"}]);
    old.event(&wire, "create", &secret);
    old.send(&json!({"type": "items", "data": secret, "uid": request["uid"]}));
    assert_eq!(replies.until_len(1)[0].0, DRT_ERR_NOT_CONNECTED);
    old.until_closed();
    let mut link = server.link();
    let auth = link.expect("auth");
    assert_eq!(auth["refresh_token"], "r2");
    link.send(&json!({"type": "auth", "status": "ok", "refresh_token": "r3", "uid": auth["uid"]}));
    link.confirm_subscribe_and_read();
    let seen = sub.log.until_len(1);
    assert!(seen[0].is_resync() && seen[0].data == json!([]), "{seen:?}");
    assert_eq!(sub.log.len(), 1);
    assert_eq!(replies.len(), 1);
}

#[test]
fn credentials_that_worked_before_are_retried_after_auth_failed() {
    let server = ScriptedServer::new();
    let client = client(&server).open();
    let sub = client.subscribe(subscription("posts"));
    let mut link = server.ready();
    link.confirm_subscribe_and_read();
    assert_eq!(sub.wait(), DRT_OK);
    link.hang_up();
    for _ in 0..3 {
        let mut link = server.link();
        link.expect("auth");
        link.send(&auth_error("AUTH_FAILED"));
        link.until_closed();
    }
    let mut link = server.ready();
    link.confirm_subscribe_and_read();
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
fn a_strict_token_that_worked_before_is_retried_after_http_refusals() {
    let server = ScriptedServer::new();
    let client = client(&server)
        .with(|o| o.auth_mode = DRT_AUTH_STRICT)
        .open();
    client.start();
    let link = server.link();
    assert_eq!(client.wait(CONNECTED), DRT_OK);
    link.hang_up();
    for status in [
        "401 Unauthorized",
        "403 Forbidden",
        "404 Not Found",
        "503 Busy",
    ] {
        server.handshake().refuse(status);
    }
    let link = server.link();
    link.hold_until(|| client.stats().connects == 2);
    assert!(!client.path().contains(&FAILED));
}

#[test]
fn retry_after_delays_the_next_attempt() {
    let server = ScriptedServer::new();
    let client = client(&server).open();
    client.start();
    let begin = Instant::now();
    server
        .handshake()
        .answer("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n");
    let (_, message) = client.wait_for_report(BACKOFF);
    assert!(message.contains("next attempt in 2."), "{message}");
    server.ready().hold_until(|| client.state() == CONNECTED);
    assert!(begin.elapsed() >= Duration::from_secs(2));
}

#[test]
fn public_mode_fails_with_advice_where_the_server_wants_credentials() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .with(|o| o.auth_mode = DRT_AUTH_PUBLIC)
        .with(fast)
        .open();
    let _sub = client.subscribe(subscription("posts"));
    let mut link = server.link();
    link.expect("subscribe");
    link.send(&auth_error("AUTH_FAILED"));
    let (reason, message) = client.wait_for_report(FAILED);
    assert_eq!(reason, DRT_ERR_AUTH);
    assert!(
        message.contains("the server wants credentials"),
        "{message}"
    );
    assert!(!server.has_connection_within(Duration::from_millis(300)));
}

#[test]
fn connecting_to_the_graphql_endpoint_fails_with_advice() {
    let server = ScriptedServer::new();
    let client = client(&server).open();
    client.start();
    let mut link = server.link();
    link.raw(&[0x88, 2, 0x11, 0x36]); // 4406
    let (_, message) = client.wait_for_report(FAILED);
    assert!(
        message.contains("GraphQL") && message.contains("/websocket"),
        "{message}"
    );
}

#[test]
fn repeated_idle_disconnects_are_reported_as_an_idle_timeout() {
    let server = ScriptedServer::new();
    let client = client(&server).open();
    client.start();
    let is_named = || {
        let named = |m: &str| m.contains("idle timeout") && m.contains("heartbeat_ms");
        client.states.all().iter().any(|(_, _, m)| named(m))
    };
    // Two disconnects after the same silence would do, but on a busy machine no two
    // silences may be the same.
    for _ in 0..20 {
        let link = server.ready();
        std::thread::sleep(Duration::from_millis(1_200));
        link.hang_up();
        client.wait_for(BACKOFF, 5_000);
        if is_named() {
            return;
        }
    }
    panic!("the idle timeout is not named: {:?}", client.states.all());
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
fn a_slow_token_callback_runs_once_and_its_late_token_is_used() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .with(fast)
        .with(|o| o.ack_timeout_ms = 200)
        .open();
    // SAFETY: the handle is a client's.
    let set = unsafe { drt_client_on_token(client.raw, Some(slow), std::ptr::null_mut(), None) };
    assert_eq!(set, DRT_OK);
    client.start();
    let mut link = server.link();
    assert_eq!(link.authenticate()["access_token"], "late");
    link.hold_until(|| client.state() == CONNECTED);
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
}

#[test]
fn with_a_send_queue_messages_wait_for_a_link() {
    let server = ScriptedServer::new();
    let client = client(&server).with(|o| o.send_queue_bytes = 1_000).open();
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
    let mut link = server.ready();
    assert_eq!(link.expect("typing")["n"], 1);
    let ask = link.expect("ask");
    link.send(&json!({"type": "told", "uid": ask["uid"]}));
    assert_eq!(replies.until_len(1)[0].0, DRT_OK);
    link.hang_up();
    client
        .states
        .until("the loss", |all| all.iter().any(|s| s.0 == BACKOFF));
    let _ = client.send(&typing(2));
    assert_eq!(server.ready().expect("typing")["n"], 2);
}
