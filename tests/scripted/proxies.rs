//! The way out through an HTTP proxy.

use super::peer::{Caller, Peer};
use super::sut::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;

/// `me:s3cret`, as HTTP writes it.
const BASIC: &str = "Basic bWU6czNjcmV0";

/// A client of a server that only the proxy knows.
fn client(proxy: &str) -> Options {
    Options::new("ws://directus.example:8055/websocket")
        .token("static-token")
        .text("proxy", proxy)
        .with(fast)
}

fn behind(peer: &Peer) -> Options {
    client(&format!("http://me:s3cret@127.0.0.1:{}", peer.port))
}

/// Takes a CONNECT, and lets through what comes next.
fn tunnel(peer: &Peer) -> Caller {
    let Caller { mut socket, head } = peer.caller();
    assert!(
        head.starts_with("CONNECT directus.example:8055 HTTP/1.1\r\n"),
        "{head}"
    );
    use std::io::Write;
    socket
        .write_all(b"HTTP/1.1 200 Connection established\r\nX-More: 1\r\n\r\n")
        .unwrap();
    Caller::read(socket)
}

#[test]
fn everything_goes_through_the_tunnel_and_the_proxys_credentials_only_to_the_proxy() {
    let peer = Peer::new();
    let client = behind(&peer).open();
    let sub = client.subscribe(wish("posts"));
    let first = peer.caller();
    assert_eq!(first.header("Proxy-Authorization"), [BASIC]);
    assert_eq!(first.header("Host"), ["directus.example:8055"]);
    drop(first);
    let inner = tunnel(&peer);
    assert!(
        inner.header("Proxy-Authorization").is_empty(),
        "{}",
        inner.head
    );
    assert_eq!(inner.header("Host"), ["directus.example:8055"]);
    let mut link = inner.upgrade();
    link.authenticate();
    link.subscribed();
    assert_eq!((sub.wait(), client.state()), (DRT_OK, CONNECTED));
}

#[test]
fn without_credentials_none_are_shown() {
    let peer = Peer::new();
    let client = client(&format!("http://localhost:{}", peer.port)).open();
    client.start();
    let outer = peer.caller();
    assert!(
        outer.header("Proxy-Authorization").is_empty(),
        "{}",
        outer.head
    );
    outer.answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    let (_, message) = client.told(BACKOFF);
    assert!(
        message.contains("407") && message.contains("user:password"),
        "{message}"
    );
}

#[test]
fn a_proxy_that_refuses_is_told_without_its_password_and_tried_again() {
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
        let peer = Peer::new();
        let client = behind(&peer).open();
        client.start();
        peer.caller().answer(answer);
        let (reason, message) = client.told(BACKOFF);
        assert_eq!(reason, DRT_ERR_IO, "{message}");
        assert!(
            message.contains("proxy") && message.contains(word),
            "{answer:?}: {message}"
        );
        assert!(
            !message.contains("s3cret") && !message.contains(BASIC),
            "{message}"
        );
        let mut link = tunnel(&peer).upgrade();
        link.authenticate();
        assert_eq!(client.wait(CONNECTED), DRT_OK);
    }
}

#[test]
fn a_proxy_that_answers_without_an_end_is_given_up() {
    let peer = Peer::new();
    let client = behind(&peer).open();
    client.start();
    let endless = format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000));
    peer.caller().answer(&endless);
    let (_, message) = client.told(BACKOFF);
    assert!(
        message.contains("did not answer as an HTTP proxy does"),
        "{message}"
    );
}

#[test]
fn a_proxy_that_says_nothing_ends_with_connect_timeout() {
    let peer = Peer::new();
    let client = behind(&peer).with(|o| o.connect_timeout_ms = 200).open();
    client.start();
    let silent = peer.caller();
    let (reason, message) = client.told(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT);
    assert!(
        message.contains("proxy") && message.contains("directus.example:8055"),
        "{message}"
    );
    drop(silent);
}

#[test]
fn a_proxy_that_is_not_there_is_named_as_the_one_to_look_after() {
    let client = client("http://me:s3cret@127.0.0.1:1").open();
    client.start();
    let (reason, message) = client.told(BACKOFF);
    assert_eq!(reason, DRT_ERR_IO);
    assert!(
        message.contains("the proxy cannot be reached: 127.0.0.1:1 refused"),
        "{message}"
    );
    assert!(!message.contains("s3cret"), "{message}");
}

#[test]
fn a_bad_proxy_url_is_refused_without_being_quoted() {
    for proxy in [
        "socks5://me:s3cret@p:1",
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
