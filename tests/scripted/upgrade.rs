//! What the library asks for, and what it makes of the answers.

use std::time::Duration;

use super::peer::Peer;
use super::sut::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

fn client(peer: &Peer) -> Options {
    Options::new(&peer.url()).token("static-token").with(fast)
}

/// Begins to connect, and lets the peer answer with that.
fn refused_with(peer: &Peer, client: &Sut, status: &str) -> (i32, String) {
    client.start();
    peer.caller().refuse(status);
    client.told(BACKOFF)
}

#[test]
fn the_request_names_the_library_and_has_no_origin() {
    let peer = Peer::new();
    let client = client(&peer).open();
    client.start();
    let caller = peer.caller();
    assert!(caller.head.starts_with("GET /websocket HTTP/1.1\r\n"));
    let agent = format!("directus-realtime/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(caller.header("User-Agent"), [agent]);
    let host = format!("127.0.0.1:{}", peer.port);
    assert_eq!(caller.header("Host"), [host]);
    assert_eq!(caller.header("Sec-WebSocket-Version"), ["13"]);
    for absent in [
        "Origin",
        "Authorization",
        "Cookie",
        "Sec-WebSocket-Protocol",
    ] {
        assert!(caller.header(absent).is_empty(), "{}", caller.head);
    }
    assert!(
        !caller.head.contains("static-token"),
        "not in handshake mode"
    );
}

#[test]
fn headers_and_user_agent_of_the_applications_own_are_sent() {
    let peer = Peer::new();
    let headers = "X-Tenant: seven: of nine\r\n\nCookie: directus_session_token=abc\nX-Tenant:two";
    let client = client(&peer)
        .text("headers", headers)
        .text("user_agent", "control-room/7 (linux)")
        .open();
    client.start();
    let caller = peer.caller();
    assert_eq!(caller.header("X-Tenant"), ["seven: of nine", "two"]);
    assert_eq!(caller.header("Cookie"), ["directus_session_token=abc"]);
    assert_eq!(caller.header("User-Agent"), ["control-room/7 (linux)"]);
    let mut link = caller.upgrade();
    link.authenticate();
    assert_eq!(client.wait(CONNECTED), DRT_OK);
}

#[test]
fn headers_that_cannot_be_sent_are_refused_by_name_and_without_their_value() {
    for (headers, name) in [
        ("Origin: http://s3cret", "Origin"),
        ("Host: s3cret", "Host"),
        ("Sec-WebSocket-Key: s3cret", "Sec-WebSocket-Key"),
        ("no colon s3cret", "Name: value"),
        ("X-Umlaut: s3cret\u{1}", "X-Umlaut"),
        ("X Blank: s3cret", "X Blank"),
    ] {
        let refused = Options::new("ws://127.0.0.1:1/").token("t");
        let (status, error) = refused.text("headers", headers).try_open().err().unwrap();
        assert_eq!(status, DRT_ERR_INVALID_ARGUMENT, "{headers}");
        assert!(error.contains(name) && !error.contains("s3cret"), "{error}");
    }
    let refused = Options::new("ws://127.0.0.1:1/").text("user_agent", "two\nlines");
    assert_eq!(
        refused.try_open().err().unwrap().0,
        DRT_ERR_INVALID_ARGUMENT
    );
}

#[test]
fn strict_mode_shows_its_token_in_the_url_and_is_ready_at_once() {
    let peer = Peer::new();
    let client = Options::new(&format!("{}?room=7", peer.url()))
        .token("to ken&1")
        .with(|o| o.auth_mode = DRT_AUTH_STRICT)
        .open();
    client.start();
    let caller = peer.caller();
    let path = "/websocket?room=7&access_token=to+ken%261";
    let other = "/websocket?room=7&access_token=to%20ken%261";
    assert!([path, other].contains(&caller.path()), "{}", caller.path());
    let mut link = caller.upgrade();
    assert_eq!(client.wait(CONNECTED), DRT_OK, "no answer is waited for");
    assert!(link.is_silent_for(Duration::from_millis(100)));
}

#[test]
fn an_http_refusal_is_told_with_its_number_and_tried_again() {
    for (status, number, advice, reason) in [
        ("401 Unauthorized", "401", "access token", DRT_ERR_AUTH),
        (
            "403 Forbidden",
            "403",
            "WEBSOCKETS_REST_CONN_LIMIT",
            DRT_ERR_SERVER,
        ),
        ("404 Not Found", "404", "WEBSOCKETS_ENABLED", DRT_ERR_SERVER),
        ("429 Too Many Requests", "429", "fewer", DRT_ERR_SERVER),
        ("500 Internal Server Error", "500", "failed", DRT_ERR_SERVER),
        ("502 Bad Gateway", "502", "not available", DRT_ERR_SERVER),
        ("200 OK", "200", "does not upgrade", DRT_ERR_SERVER),
        ("301 Moved Permanently", "301", "redirects", DRT_ERR_SERVER),
    ] {
        let peer = Peer::new();
        let client = client(&peer).open();
        let (got, message) = refused_with(&peer, &client, status);
        assert_eq!(got, reason, "{message}");
        assert!(
            message.contains(number) && message.contains(advice),
            "{message}"
        );
        peer.ready().hold_until(|| client.state() == CONNECTED);
    }
}

#[test]
fn a_token_that_is_refused_in_strict_mode_fails_for_good() {
    let peer = Peer::new();
    let client = client(&peer).with(|o| o.auth_mode = DRT_AUTH_STRICT).open();
    client.start();
    peer.caller().refuse("401 Unauthorized");
    let (reason, message) = client.told(FAILED);
    assert_eq!(reason, DRT_ERR_AUTH);
    assert!(message.contains("401"), "{message}");
    assert!(!message.contains("static-token"), "{message}");
    assert!(!peer.is_called_within(Duration::from_millis(300)));
    assert_eq!(client.wait(CONNECTED), DRT_ERR_AUTH);
    client.set_token("a-better-one");
    assert!(peer.caller().path().ends_with("access_token=a-better-one"));
}

#[test]
fn what_is_no_websocket_server_is_told_apart_and_tried_again() {
    for (answer, word) in [
        ("SSH-2.0-OpenSSH_9.6\r\n", "no HTTP server"),
        ("", "closed the connection instead of answering"),
        (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: bm90IHRoZSByaWdodCBrZXk=\r\n\r\n",
            "WebSocket",
        ),
        (
            "HTTP/1.1 101 Switching",
            "closed the connection instead of answering",
        ),
    ] {
        let peer = Peer::new();
        let client = client(&peer).open();
        client.start();
        peer.caller().answer(answer);
        let (reason, message) = client.told(BACKOFF);
        assert_eq!(reason, DRT_ERR_IO, "{message}");
        assert!(message.contains(word), "{answer:?}: {message}");
        peer.ready().hold_until(|| client.state() == CONNECTED);
    }
}

#[test]
fn an_upgrade_that_is_never_answered_ends_with_connect_timeout() {
    let peer = Peer::new();
    let client = client(&peer).with(|o| o.connect_timeout_ms = 200).open();
    client.start();
    let silent = peer.caller();
    let (reason, message) = client.told(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT);
    assert!(
        message.contains("/websocket") && message.contains("0.2 s"),
        "{message}"
    );
    peer.ready().hold_until(|| client.state() == CONNECTED);
    drop(silent);
}
