//! Connections through an HTTP proxy.

use super::scripted_server::{Handshake, ScriptedServer};
use super::test_client::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;

/// `me:s3cret`, as HTTP writes it.
const BASIC: &str = "Basic bWU6czNjcmV0";

/// A client of a host that only the proxy can resolve.
fn client(proxy: &str) -> Options {
    Options::new("ws://directus.example:8055/websocket")
        .token("static-token")
        .text("proxy", proxy)
        .with(fast)
}

fn behind(server: &ScriptedServer) -> Options {
    client(&format!("http://me:s3cret@127.0.0.1:{}", server.port))
}

/// Accepts a CONNECT, and returns the upgrade request that comes through the tunnel.
fn tunnel(server: &ScriptedServer) -> Handshake {
    let Handshake { mut socket, head } = server.handshake();
    assert!(
        head.starts_with("CONNECT directus.example:8055 HTTP/1.1\r\n"),
        "{head}"
    );
    use std::io::Write;
    socket
        .write_all(b"HTTP/1.1 200 Connection established\r\nX-More: 1\r\n\r\n")
        .unwrap();
    Handshake::read(socket)
}

#[test]
fn i9_proxy_credentials_are_sent_to_the_proxy_only() {
    let server = ScriptedServer::new();
    let client = behind(&server).open();
    let sub = client.subscribe(subscription("posts"));
    let first = server.handshake();
    assert_eq!(first.header("Proxy-Authorization"), [BASIC]);
    assert_eq!(first.header("Host"), ["directus.example:8055"]);
    drop(first);
    let inner = tunnel(&server);
    assert!(
        inner.header("Proxy-Authorization").is_empty(),
        "{}",
        inner.head
    );
    assert_eq!(inner.header("Host"), ["directus.example:8055"]);
    let mut link = inner.upgrade();
    link.authenticate();
    link.confirm_subscribe_and_read();
    assert_eq!((sub.wait(), client.state()), (DRT_OK, CONNECTED));
}

#[test]
fn without_proxy_credentials_no_proxy_authorization_is_sent() {
    let server = ScriptedServer::new();
    let client = client(&format!("http://localhost:{}", server.port)).open();
    client.start();
    let outer = server.handshake();
    assert!(
        outer.header("Proxy-Authorization").is_empty(),
        "{}",
        outer.head
    );
    outer.answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let (_, message) = client.wait_for_report(BACKOFF);
    assert!(
        message.contains("407") && message.contains("user:password"),
        "{message}"
    );
}

#[test]
fn i9_a_refusing_proxy_is_reported_without_its_password_and_retried() {
    for (answer, word) in [
        ("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407"),
        (
            "HTTP/1.1 403 Not \x07 that host\r\n\r\n",
            "403 Not \u{fffd} that host",
        ),
        (
            "HTTP/1.1 502 Bad Gateway\r\nX: y\r\n\r\nno such host",
            "502",
        ),
        (
            "SSH-2.0-OpenSSH_9.6\r\n\r\n",
            "did not answer as an HTTP proxy does",
        ),
        ("HTTP/1.1 200", "broke the connection"),
        ("", "broke the connection"),
    ] {
        let server = ScriptedServer::new();
        let client = behind(&server).open();
        client.start();
        server.handshake().answer(answer);
        let (reason, message) = client.wait_for_report(BACKOFF);
        assert_eq!(reason, DRT_ERR_IO, "{message}");
        assert!(
            message.contains("proxy") && message.contains(word),
            "{answer:?}: {message}"
        );
        assert!(
            !message.contains("s3cret") && !message.contains(BASIC),
            "{message}"
        );
        let mut link = tunnel(&server).upgrade();
        link.authenticate();
        assert_eq!(client.wait(CONNECTED), DRT_OK);
    }
}

#[test]
fn an_endless_proxy_response_ends_the_attempt() {
    let server = ScriptedServer::new();
    let client = behind(&server).open();
    client.start();
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000));
    server.handshake().answer(&endless);
    let (_, message) = client.wait_for_report(BACKOFF);
    assert!(
        message.contains("did not answer as an HTTP proxy does"),
        "{message}"
    );
}

#[test]
fn a_silent_proxy_ends_with_connect_timeout() {
    let server = ScriptedServer::new();
    let client = behind(&server).with(|o| o.connect_timeout_ms = 200).open();
    client.start();
    let silent = server.handshake();
    let (reason, message) = client.wait_for_report(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT);
    assert!(
        message.contains("proxy") && message.contains("directus.example:8055"),
        "{message}"
    );
    drop(silent);
}

#[test]
fn i9_an_unreachable_proxy_is_named_without_its_password() {
    let client = client("http://me:s3cret@127.0.0.1:1").open();
    client.start();
    let (reason, message) = client.wait_for_report(BACKOFF);
    assert_eq!(reason, DRT_ERR_IO);
    assert!(
        message.contains("the proxy cannot be reached: 127.0.0.1:1 refused"),
        "{message}"
    );
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn i9_an_invalid_proxy_url_is_refused_without_being_quoted() {
    for proxy in [
        "socks4://me:s3cret@p:1",
        "p:3128",
        "http://me:s3cret@p:1/path",
        "",
    ] {
        let (status, error) = client(proxy).try_open().err().unwrap();
        assert_eq!(status, DRT_ERR_INVALID_ARGUMENT, "{proxy}");
        assert!(
            error.contains("http://[user:password@]host:port"),
            "{error}"
        );
        assert!(!error.contains("s3cret"), "{error}");
    }
}
