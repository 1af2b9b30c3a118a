//! States and their reasons, backoff, heartbeat, reconnecting.

use std::io::Read;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use super::server::{ADMIN, Server, V12};
use super::test_client::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const CONNECTING: i32 = DRT_STATE_CONNECTING;
const IDLE: i32 = DRT_STATE_IDLE;
const FAILED: i32 = DRT_STATE_FAILED;

fn fast(o: &mut drt_client_options) {
    o.reconnect_min_ms = 50;
    o.reconnect_max_ms = 500;
}

#[test]
fn the_first_subscribe_connects_and_after_disconnect_only_connect_does() {
    let client = TestClient::admin(Server::shared());
    assert_eq!(client.state(), IDLE);
    let posts = client.follow(subscription("posts").query(json!({"limit": 1})));
    assert_eq!(client.state(), CONNECTED);
    // SAFETY: live handles, here and below.
    assert_eq!(unsafe { drt_client_disconnect(client.raw) }, DRT_OK);
    assert_eq!(client.state(), IDLE);
    let other = client.subscribe(subscription("things"));
    assert_eq!(
        client.wait_for(CONNECTED, 500),
        DRT_ERR_TIMEOUT,
        "it stays down"
    );
    assert!(!unsafe { drt_client_is_connected(client.raw) });
    client.connect();
    assert_eq!(posts.wait(), DRT_OK);
    assert_eq!(other.wait(), DRT_OK);
    let seen = posts.log.until_len(1);
    assert!(
        seen[0].is_resync(),
        "the missed changes arrive in a resync: {seen:?}"
    );
    assert!(
        !other.log.until_len(1)[0].is_resync(),
        "its first INIT follows no gap"
    );
    assert_eq!(
        unsafe { drt_client_connect(client.raw) },
        DRT_OK,
        "idempotent"
    );
    assert_eq!(client.stats().connects, 2);
}

#[test]
fn i5_states_change_along_the_diagram_with_reasons() {
    let server = Server::start(V12, &[]);
    let client = Options::new(&server.url).token(ADMIN).with(fast).open();
    client.connect();
    server.control("kill");
    assert_eq!(client.wait(BACKOFF), DRT_OK);
    std::thread::sleep(Duration::from_millis(700));
    server.control("start");
    assert_eq!(client.wait(CONNECTED), DRT_OK);
    client.close();
    let states = client.states.all();
    let allowed = [
        (0, 1),
        (1, 2),
        (1, 4),
        (2, 3),
        (2, 4),
        (3, 4),
        (4, 1),
        (3, 6),
        (1, 6),
        (4, 6),
        (2, 6),
    ];
    for pair in states.windows(2) {
        let arrow = (pair[0].0, pair[1].0);
        assert!(
            allowed.contains(&arrow),
            "{arrow:?} is no transition of the diagram: {states:?}"
        );
    }
    assert_eq!(states.last().unwrap().0, DRT_STATE_CLOSED);
    let refused = states
        .iter()
        .find(|(s, _, m)| *s == BACKOFF && m.contains("refused"));
    assert!(
        refused.is_some(),
        "the reason names the refusal: {states:?}"
    );
}

#[test]
fn i1_every_subscription_is_active_once_after_a_server_restart() {
    let server = Server::start(V12, &[]);
    let client = Options::new(&server.url).token(ADMIN).with(fast).open();
    let subs: Vec<_> = (0..40)
        .map(|n| {
            client.subscribe(
                subscription("posts")
                    .uid(&format!("s{n}"))
                    .query(json!({"limit": 1})),
            )
        })
        .collect();
    for sub in &subs {
        assert_eq!(sub.wait(), DRT_OK);
    }
    server.control("kill");
    assert_eq!(client.wait(BACKOFF), DRT_OK);
    server.control("start");
    assert_eq!(client.wait(CONNECTED), DRT_OK);
    for sub in &subs {
        sub.log
            .until("the resync", |all| all.iter().any(Seen::is_resync));
        assert_eq!(sub.wait(), DRT_OK);
        sub.log.clear();
    }
    server.create("posts", json!({"title": "once for each"}));
    for sub in &subs {
        sub.log.until_len(1);
    }
    std::thread::sleep(Duration::from_millis(300));
    for sub in &subs {
        let seen = sub.log.all();
        assert_eq!(seen.len(), 1, "active exactly once: {seen:?}");
    }
    assert_eq!(client.stats().active_subscriptions, 40);
    assert_eq!(client.stats().reconnects, 1);
}

#[test]
fn i3_reconnect_opens_a_new_link_and_resyncs() {
    let client = TestClient::admin(Server::shared());
    let posts = client.follow(subscription("posts").query(json!({"limit": 1})));
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
    let seen = posts.log.until_len(1);
    assert!(seen[0].is_resync(), "{seen:?}");
    assert_eq!(client.stats().connects, 2);
}

#[test]
fn the_client_fails_with_the_last_reason_after_reconnect_attempts() {
    let client = Options::new("ws://127.0.0.1:1/websocket")
        .token("t")
        .with(fast)
        .with(|o| o.reconnect_attempts = 3)
        .open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
    assert_eq!(client.wait(CONNECTED), DRT_ERR_IO, "the reason, at once");
    assert!(last_error().contains("3 attempts"), "{}", last_error());
    assert_eq!(client.state(), FAILED);
    client
        .states
        .until("the failure", |all| all.iter().any(|s| s.0 == FAILED));
    let attempts = client.path().iter().filter(|s| **s == CONNECTING).count();
    assert_eq!(attempts, 4);
    let refused = client.try_subscribe(std::ptr::null_mut(), subscription("posts"));
    assert!(refused.status < 0);
    assert_eq!(refused.log.released(), 1);
    // SAFETY: a live handle.
    assert_eq!(
        unsafe { drt_client_connect(client.raw) },
        DRT_OK,
        "connect leaves FAILED"
    );
    assert_ne!(client.state(), FAILED);
}

#[test]
fn an_unreachable_replica_is_skipped_for_the_next() {
    let server = Server::shared();
    let urls = format!("ws://127.0.0.1:1/websocket, {}", server.url);
    let client = Options::new(&urls).token(ADMIN).with(fast).open();
    client.connect();
    client.follow(subscription("posts").query(json!({"limit": 1})));
}

#[test]
fn a_server_that_accepts_and_never_answers_ends_with_connect_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/some/path", listener.local_addr().unwrap());
    let client = Options::new(&url)
        .token("t")
        .with(fast)
        .with(|o| o.connect_timeout_ms = 300)
        .open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
    assert_eq!(client.wait(BACKOFF), DRT_OK);
    let states = client
        .states
        .until("the reason", |all| all.iter().any(|s| s.0 == BACKOFF));
    let (_, reason, message) = states.iter().find(|s| s.0 == BACKOFF).unwrap();
    assert_eq!(*reason, DRT_ERR_TIMEOUT);
    assert!(
        message.contains("/some/path"),
        "the path is named: {message}"
    );
}

#[test]
fn the_heartbeat_detects_a_frozen_server_and_the_client_returns_when_it_thaws() {
    let server = Server::start(V12, &[]);
    let client = Options::new(&server.url)
        .token(ADMIN)
        .with(fast)
        .with(|o| o.heartbeat_ms = 2_000)
        .open();
    let posts = client.follow(subscription("posts").query(json!({"limit": 1})));
    std::thread::sleep(Duration::from_secs(7));
    assert_eq!(
        client.stats().connects,
        1,
        "a silent server that answers pings is alive"
    );
    assert!(client.stats().last_rtt_us > 0);
    server.control("freeze");
    let frozen = Instant::now();
    assert_eq!(client.wait(BACKOFF), DRT_OK);
    assert!(
        frozen.elapsed() < Duration::from_secs(20),
        "sooner than by the default heartbeat of 25 s: {:?}",
        frozen.elapsed()
    );
    client
        .states
        .until("a reason that names the heartbeat", |all| {
            all.iter().any(|(_, _, m)| m.contains("heartbeat"))
        });
    server.control("thaw");
    posts
        .log
        .until("the resync", |all| all.iter().any(Seen::is_resync));
}

#[test]
fn the_servers_heartbeat_is_answered_while_a_callback_blocks() {
    let server = Server::start(V12, &[("WEBSOCKETS_HEARTBEAT_PERIOD", "2")]);
    let client = TestClient::admin(&server);
    unsafe extern "C" fn slow(_: *const drt_event, _: *mut std::ffi::c_void) {
        std::thread::sleep(Duration::from_secs(7));
    }
    client.connect();
    // SAFETY: all-zero is the default, and everything lives during the calls.
    let status = unsafe {
        let mut options: drt_subscription_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_subscription_options>();
        let collection = c("posts");
        options.collection = collection.as_ptr();
        let (null, out) = (std::ptr::null_mut(), std::ptr::null_mut());
        drt_subscribe(
            client.raw,
            null,
            &options,
            Some(slow),
            std::ptr::null_mut(),
            None,
            out,
        )
    };
    assert_eq!(status, DRT_OK);
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(client.stats().connects, 1, "{:?}", client.states.all());
}

#[test]
fn a_server_that_sends_no_heartbeat_stays_connected() {
    let server = Server::start(V12, &[("WEBSOCKETS_HEARTBEAT_ENABLED", "false")]);
    let client = Options::new(&server.url)
        .token(ADMIN)
        .with(|o| o.heartbeat_ms = 1_500)
        .open();
    client.connect();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(client.stats().connects, 1, "{:?}", client.states.all());
}

#[test]
fn a_full_server_is_retried_with_its_http_status_in_the_reason() {
    let server = Server::start(V12, &[("WEBSOCKETS_REST_CONN_LIMIT", "1")]);
    let first = TestClient::admin(&server);
    first.connect();
    let second = Options::new(&server.url).token(ADMIN).with(fast).open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(second.raw) }, DRT_OK);
    assert_eq!(second.wait(BACKOFF), DRT_OK);
    let states = second
        .states
        .until("the reason", |all| all.iter().any(|s| s.0 == BACKOFF));
    assert!(
        states.iter().any(|(_, _, m)| m.contains("403")),
        "{states:?}"
    );
    first.close();
    assert_eq!(second.wait(CONNECTED), DRT_OK, "the server has room again");
}

#[test]
fn a_link_that_opens_and_fails_at_once_does_not_reset_the_backoff() {
    // Accepts connections, and closes each after its upgrade request.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/websocket", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let _ = socket.and_then(|mut socket| socket.read(&mut [0; 1024]));
        }
    });
    let client = Options::new(&url).token("t").with(|o| {
        o.reconnect_min_ms = 100;
        o.reconnect_max_ms = 60_000;
    });
    let client = client.open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
    std::thread::sleep(Duration::from_secs(3));
    let attempts = client.path().iter().filter(|s| **s == CONNECTING).count();
    // With a backoff that doubles there are six or seven attempts on average, without one
    // about sixty.
    assert!((2..=20).contains(&attempts), "{attempts}");
}

#[test]
fn i1_every_subscription_becomes_active_under_a_rate_limit() {
    let limits = [
        ("RATE_LIMITER_ENABLED", "true"),
        ("RATE_LIMITER_POINTS", "5"),
        ("RATE_LIMITER_DURATION", "2"),
    ];
    let server = Server::start(V12, &limits);
    let client = TestClient::admin(&server);
    client.connect();
    let subs: Vec<_> = (0..10)
        .map(|_| {
            client.subscribe(
                subscription("posts")
                    .server_snapshot()
                    .query(json!({"limit": 1})),
            )
        })
        .collect();
    for sub in &subs {
        assert_eq!(sub.wait(), DRT_OK, "{}", last_error());
        let seen = sub.log.until_len(1);
        assert_eq!(seen.len(), 1);
        assert!(seen[0].is_init(), "{seen:?}");
    }
    let (status, answer) = client.ask(&json!({"type": "ping"}));
    assert_eq!((status, &answer["type"]), (DRT_OK, &json!("pong")));
}
