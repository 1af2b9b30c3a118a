//! URLs, with and without TLS.

use serde_json::json;

use super::server::{ADMIN, Server, V12};
use super::test_client::*;
use super::tls::TlsFront;
use directus_realtime::ffi::*;

#[test]
fn every_accepted_url_form_reaches_the_server() {
    let server = Server::shared();
    let port = server.port;
    for url in [
        format!("http://127.0.0.1:{port}"),
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}"),
        format!("ws://127.0.0.1:{port}/websocket"),
        format!("ws://127.0.0.1:{port}/websocket?x=1"),
        format!("ws://127.0.0.1:{port}"),
    ] {
        let client = Options::new(&url).token(ADMIN).open();
        client.connect();
    }
}

#[test]
fn a_custom_path_and_an_ipv6_address_connect() {
    let server = Server::start(
        V12,
        &[("WEBSOCKETS_REST_PATH", "/custom/ws"), ("HOST", "::1")],
    );
    let client = Options::new(&format!("ws://[::1]:{}/custom/ws", server.port))
        .token(ADMIN)
        .open();
    client.connect();
    client.follow(subscription("posts").query(json!({"limit": 1})));
}

#[test]
fn i9_invalid_urls_are_refused_with_a_reason_and_without_their_secrets() {
    for (url, word) in [
        ("", "empty"),
        ("localhost:8055", "scheme"),
        ("ftp://example.com", "scheme"),
        ("http://", "host"),
        ("http://example.com:99999", "port"),
        ("http://user:secret@example.com", "access_token"),
        ("http://ok.example.com,,http://b.example.com", "empty"),
    ] {
        let (status, error) = Options::new(url).token("t").try_open().err().expect(url);
        assert_eq!(status, DRT_ERR_INVALID_ARGUMENT, "{url}: {error}");
        assert!(error.to_lowercase().contains(word), "{url}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
}

#[test]
fn wss_connects_with_a_ca_file_and_fails_for_an_untrusted_or_misnamed_certificate() {
    let server = Server::shared();
    let front = TlsFront::start(server.port);
    let good = format!("https://localhost:{}", front.port);

    let client = Options::new(&good)
        .token(ADMIN)
        .text("ca_file", front.ca_file())
        .open();
    client.connect();
    client.follow(subscription("posts").query(json!({"limit": 1})));

    let wrong_name = format!("https://127.0.0.1:{}", front.port);
    let untrusted = Options::new(&good).token(ADMIN);
    let misnamed = Options::new(&wrong_name)
        .token(ADMIN)
        .text("ca_file", front.ca_file());
    for options in [untrusted, misnamed] {
        let client = options.open();
        // SAFETY: a live handle.
        assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
        assert_eq!(
            client.wait(DRT_STATE_CONNECTED),
            DRT_ERR_TLS,
            "{}",
            last_error()
        );
        assert!(last_error().contains("certificate"), "{}", last_error());
        assert_eq!(client.state(), DRT_STATE_FAILED);
    }
    let missing = Options::new(&good)
        .token(ADMIN)
        .text("ca_file", "/no/such/file.pem");
    let (_, error) = missing.try_open().err().expect("there is no such file");
    assert!(
        error.contains("ca_file") && error.contains("/no/such/file.pem"),
        "{error}"
    );
}
