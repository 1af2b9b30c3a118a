//! The upgrade request, and how the client treats the responses.

use std::io::Write;
use std::time::Duration;

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use super::scripted_server::{Handshake, Link, ScriptedServer};
use super::test_client::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

fn client(server: &ScriptedServer) -> Options {
    Options::new(&server.url()).token("static-token").with(fast)
}

/// Connects, and has the server refuse with that status. Returns the reported reason.
fn refused_with(server: &ScriptedServer, client: &TestClient, status: &str) -> (i32, String) {
    client.start();
    server.handshake().refuse(status);
    client.wait_for_report(BACKOFF)
}

#[test]
fn the_upgrade_request_has_a_user_agent_and_no_origin() {
    let server = ScriptedServer::new();
    let client = client(&server).open();
    client.start();
    let handshake = server.handshake();
    assert!(handshake.head.starts_with("GET /websocket HTTP/1.1\r\n"));
    let agent = format!("directus-realtime/{}", env!("CARGO_PKG_VERSION"));
    assert_eq!(handshake.header("User-Agent"), [agent]);
    let host = format!("127.0.0.1:{}", server.port);
    assert_eq!(handshake.header("Host"), [host]);
    assert_eq!(handshake.header("Sec-WebSocket-Version"), ["13"]);
    for absent in [
        "Origin",
        "Authorization",
        "Cookie",
        "Sec-WebSocket-Protocol",
    ] {
        assert!(handshake.header(absent).is_empty(), "{}", handshake.head);
    }
    assert!(
        !handshake.head.contains("static-token"),
        "not in handshake mode"
    );
}

#[test]
fn headers_and_user_agent_of_the_options_are_sent() {
    let server = ScriptedServer::new();
    let headers = "X-Tenant: seven: of nine\r\n\nCookie: directus_session_token=abc\nX-Tenant:two";
    let client = client(&server)
        .text("headers", headers)
        .text("user_agent", "control-room/7 (linux)")
        .open();
    client.start();
    let handshake = server.handshake();
    assert_eq!(handshake.header("X-Tenant"), ["seven: of nine", "two"]);
    assert_eq!(handshake.header("Cookie"), ["directus_session_token=abc"]);
    assert_eq!(handshake.header("User-Agent"), ["control-room/7 (linux)"]);
    let mut link = handshake.upgrade();
    link.authenticate();
    assert_eq!(client.wait(CONNECTED), DRT_OK);
}

#[test]
fn i9_invalid_headers_are_refused_by_name_without_their_value() {
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
fn strict_mode_sends_its_token_in_the_url_and_awaits_no_auth_reply() {
    let server = ScriptedServer::new();
    let client = Options::new(&format!("{}?room=7", server.url()))
        .token("to ken&1")
        .with(|o| o.auth_mode = DRT_AUTH_STRICT)
        .open();
    client.start();
    let handshake = server.handshake();
    let path = "/websocket?room=7&access_token=to+ken%261";
    let other = "/websocket?room=7&access_token=to%20ken%261";
    assert!(
        [path, other].contains(&handshake.path()),
        "{}",
        handshake.path()
    );
    let mut link = handshake.upgrade();
    assert_eq!(client.wait(CONNECTED), DRT_OK, "no answer is waited for");
    assert!(link.is_silent_for(Duration::from_millis(100)));
}

#[test]
fn an_http_refusal_is_reported_with_its_status_and_retried() {
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
        let server = ScriptedServer::new();
        let client = client(&server).open();
        let (got, message) = refused_with(&server, &client, status);
        assert_eq!(got, reason, "{message}");
        assert!(
            message.contains(number) && message.contains(advice),
            "{message}"
        );
        server.ready().hold_until(|| client.state() == CONNECTED);
    }
}

#[test]
fn a_token_refused_in_strict_mode_fails_without_retry() {
    let server = ScriptedServer::new();
    let client = client(&server)
        .with(|o| o.auth_mode = DRT_AUTH_STRICT)
        .open();
    client.start();
    server.handshake().refuse("401 Unauthorized");
    let (reason, message) = client.wait_for_report(FAILED);
    assert_eq!(reason, DRT_ERR_AUTH);
    assert!(message.contains("401"), "{message}");
    assert!(!message.contains("static-token"), "{message}");
    assert!(!server.has_connection_within(Duration::from_millis(300)));
    assert_eq!(client.wait(CONNECTED), DRT_ERR_AUTH);
    client.set_token("a-better-one");
    assert!(
        server
            .handshake()
            .path()
            .ends_with("access_token=a-better-one")
    );
}

#[test]
fn an_endpoint_that_is_no_websocket_server_is_reported_and_retried() {
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
        let server = ScriptedServer::new();
        let client = client(&server).open();
        client.start();
        server.handshake().answer(answer);
        let (reason, message) = client.wait_for_report(BACKOFF);
        assert_eq!(reason, DRT_ERR_IO, "{message}");
        assert!(message.contains(word), "{answer:?}: {message}");
        server.ready().hold_until(|| client.state() == CONNECTED);
    }
}

/// The answer to an upgrade that is right but for these headers.
fn accepted(handshake: &Handshake, headers: &str) -> String {
    let key = handshake.header("Sec-WebSocket-Key")[0];
    let accept = derive_accept_key(key.as_bytes());
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n{headers}\r\n"
    )
}

#[test]
fn an_extension_or_a_subprotocol_that_was_not_offered_is_refused_at_once() {
    for (header, words) in [
        (
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n",
            ["extension that was not offered", "permessage-deflate"],
        ),
        (
            "sec-websocket-extensions:\r\nSec-WebSocket-Extensions: x-webkit-deflate\r\n",
            ["extension that was not offered", "x-webkit-deflate"],
        ),
        (
            "Sec-WebSocket-Protocol: graphql-transport-ws\r\n",
            ["subprotocol that was not offered", "Directus"],
        ),
    ] {
        let server = ScriptedServer::new();
        let client = client(&server).open();
        client.start();
        let handshake = server.handshake();
        for offer in ["Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol"] {
            assert!(handshake.header(offer).is_empty(), "{}", handshake.head);
        }
        let answer = accepted(&handshake, header);
        handshake.answer(&answer);
        let (reason, message) = client.wait_for_report(BACKOFF);
        assert_eq!(reason, DRT_ERR_IO, "{message}");
        assert!(words.iter().all(|word| message.contains(word)), "{message}");
        server.ready().hold_until(|| client.state() == CONNECTED);
    }
    // An empty list turns nothing on.
    let server = ScriptedServer::new();
    let client = client(&server).open();
    client.start();
    let mut handshake = server.handshake();
    let answer = accepted(&handshake, "Sec-WebSocket-Extensions:\r\n");
    handshake.socket.write_all(answer.as_bytes()).unwrap();
    let Handshake { socket, head } = handshake;
    let mut link = Link { socket, head };
    link.authenticate();
    link.hold_until(|| client.state() == CONNECTED);
}

#[test]
fn an_unanswered_upgrade_ends_with_connect_timeout() {
    let server = ScriptedServer::new();
    let client = client(&server)
        .with(|o| o.connect_timeout_ms = 2_000)
        .open();
    client.start();
    let silent = server.handshake();
    let (reason, message) = client.wait_for_report(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT);
    assert!(
        message.contains("/websocket") && message.contains("2 s"),
        "{message}"
    );
    server.ready().hold_until(|| client.state() == CONNECTED);
    drop(silent);
}
