//! Client certificates, and failures of TLS.

use std::net::TcpListener;

use serde_json::json;

use super::server::{ADMIN, Server};
use super::test_client::*;
use super::tls::{Authority, TempFile, TlsFront};
use directus_realtime::ffi::*;

const BACKOFF: i32 = DRT_STATE_BACKOFF;

fn client(front: &TlsFront) -> Options {
    Options::new(&front.url())
        .token(ADMIN)
        .text("ca_file", front.ca_file())
        .with(fast)
}

#[test]
fn a_client_certificate_is_sent_to_a_server_that_requires_one() {
    let front = TlsFront::demanding(Server::shared().port);
    let identity = front.authority.identity("control-room");
    let client = client(&front).identity(&identity).open();
    client.follow(subscription("posts").query(json!({"limit": 1})));
}

#[test]
fn a_self_signed_server_certificate_is_trusted_only_through_ca_file() {
    let front = TlsFront::self_signed(Server::shared().port);
    let named = client(&front).open();
    named.follow(subscription("posts").query(json!({"limit": 1})));
    let other = Authority::self_signed("localhost").identity("localhost");
    let other = client(&front)
        .text("ca_file", other.certificate.path())
        .open();
    other.start();
    let (reason, message) = other.wait_for_report(DRT_STATE_FAILED);
    assert_eq!(reason, DRT_ERR_TLS, "{message}");
    assert!(message.contains("ca_file"), "{message}");
}

#[test]
fn a_missing_or_untrusted_client_certificate_is_reported_with_advice() {
    let front = TlsFront::demanding(Server::shared().port);
    let none = client(&front).open();
    let foreign = Authority::new().identity("control-room");
    let foreign = client(&front).identity(&foreign).open();
    for client in [none, foreign] {
        client.start();
        let (reason, message) = client.wait_for_report(BACKOFF);
        assert_eq!(reason, DRT_ERR_TLS, "{message}");
        assert!(message.contains("client_cert_file"), "{message}");
    }
}

#[test]
fn i9_unusable_certificate_files_are_refused_by_name_and_never_quoted() {
    let front = TlsFront::demanding(1);
    let (one, other) = (
        front.authority.identity("one"),
        front.authority.identity("other"),
    );
    let nonsense = TempFile::new("s3cret");
    let damaged = TempFile::new("-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\n");
    let with = |certificate: &str, key: &str| {
        let mut options = client(&front);
        for (name, path) in [("client_cert_file", certificate), ("client_key_file", key)] {
            if !path.is_empty() {
                options = options.text(name, path);
            }
        }
        options.try_open().err().expect("it cannot be used")
    };
    let (certificate, key) = (one.certificate.path(), one.key.path());
    for (refused, status, word) in [
        (
            with(certificate, ""),
            DRT_ERR_INVALID_ARGUMENT,
            "client_key_file",
        ),
        (with("", key), DRT_ERR_INVALID_ARGUMENT, "client_cert_file"),
        (with("/no/such.pem", key), DRT_ERR_IO, "/no/such.pem"),
        (
            with(certificate, "/no/such.pem"),
            DRT_ERR_IO,
            "/no/such.pem",
        ),
        (with(nonsense.path(), key), DRT_ERR_TLS, "client_cert_file"),
        (
            with(certificate, nonsense.path()),
            DRT_ERR_TLS,
            "client_key_file",
        ),
        (
            with(certificate, damaged.path()),
            DRT_ERR_TLS,
            "client_key_file",
        ),
        (
            with(certificate, other.key.path()),
            DRT_ERR_TLS,
            "client_key_file",
        ),
        (with(key, key), DRT_ERR_TLS, "client_cert_file"),
    ] {
        let (got, message) = refused;
        assert_eq!(got, status, "{message}");
        assert!(
            message.contains(word) && !message.contains("s3cret"),
            "{message}"
        );
    }
}

#[test]
fn a_port_without_tls_is_reported_and_retried() {
    let url = format!("wss://localhost:{}/websocket", Server::shared().port);
    let client = Options::new(&url).token(ADMIN).with(fast).open();
    client.start();
    let (reason, message) = client.wait_for_report(BACKOFF);
    assert_eq!(reason, DRT_ERR_TLS, "{message}");
    assert!(
        message.contains("TLS") && message.contains("localhost"),
        "{message}"
    );
    let again = |all: &[(i32, i32, String)]| all.iter().filter(|s| s.0 == BACKOFF).count() > 1;
    client.states.until("a second attempt", again);
}

#[test]
fn an_unfinished_tls_handshake_ends_with_connect_timeout() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("wss://127.0.0.1:{}/", silent.local_addr().unwrap().port());
    let client = Options::new(&url)
        .token(ADMIN)
        .with(|o| o.connect_timeout_ms = 200)
        .open();
    client.start();
    let (reason, message) = client.wait_for_report(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT, "{message}");
    assert!(message.contains("TLS handshake"), "{message}");
}
