//! Certificates that expire, are renewed, or are unusable.

use std::net::TcpListener;
use std::path::Path;
use std::{fs, thread};

use super::log::WAIT_TIMEOUT;
use super::scripted_server::ScriptedServer;
use super::test_client::*;
use super::tls::{Authority, Identity, TempFile, TlsFront};
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

/// A scripted server behind TLS that answers every client.
fn front() -> TlsFront {
    let server = ScriptedServer::new();
    let front = TlsFront::start(server.port);
    thread::spawn(move || {
        while server.has_connection_within(WAIT_TIMEOUT) {
            let link = server.link();
            thread::spawn(move || link.serve());
        }
    });
    front
}

fn client(front: &TlsFront) -> Options {
    Options::new(&front.url())
        .token("t")
        .text("ca_file", front.ca_file())
        .with(fast)
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
    path.join(name).to_str().unwrap().to_owned()
}

/// An identity of the fixtures.
fn made_by_hand(certificate: &str, key: &str) -> Identity {
    let copy = |name| TempFile::new(&fs::read_to_string(fixture(name)).unwrap());
    Identity {
        certificate: copy(certificate),
        key: copy(key),
    }
}

/// Waits until the client reports a TLS error with these words.
#[track_caller]
fn reports(client: &TestClient, state: i32, words: &[&str]) {
    let (reason, message) = client.wait_for_report(state);
    assert_eq!(reason, DRT_ERR_TLS, "{message}");
    for word in words {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn an_expired_or_not_yet_valid_server_certificate_is_retried() {
    let front = front();
    let authority = &front.authority;
    let good = authority.identity("localhost");
    let expired = authority.identity_between("localhost", 2001, 2002);
    let early = authority.identity_between("localhost", 2901, 2902);
    for (bad, word) in [(expired, "has expired"), (early, "not valid yet")] {
        front.show(&bad, None);
        let client = client(&front).open();
        client.start();
        reports(&client, BACKOFF, &[word, "clock", "next attempt"]);
        front.show(&good, None);
        assert_eq!(client.wait(CONNECTED), DRT_OK, "{}", last_error());
    }
}

#[test]
fn an_untrusted_or_misnamed_server_certificate_fails_until_connect_is_called() {
    let front = front();
    front.show(&front.authority.identity("other.example"), None);
    let named = client(&front).open();
    named.start();
    reports(&named, FAILED, &["another name", "other.example"]);
    let fresh = Authority::new();
    front.show(&fresh.identity("localhost"), None);
    let own = TempFile::new(&front.authority.pem());
    let client = client(&front).text("ca_file", own.path()).open();
    client.start();
    reports(&client, FAILED, &["localhost", "ca_file"]);
    own.replace(&fresh.pem());
    client.start();
    assert_eq!(client.wait(CONNECTED), DRT_OK, "{}", last_error());
}

#[test]
fn a_replaced_ca_file_is_read_again() {
    let front = front();
    let ca_file = TempFile::new(&front.authority.pem());
    let client = client(&front).text("ca_file", ca_file.path()).open();
    client.start();
    assert_eq!(client.wait(CONNECTED), DRT_OK);
    let fresh = Authority::new();
    front.show(&fresh.identity("localhost"), None);
    // While the file is being written it is empty; the old certificates stay in use.
    ca_file.replace("");
    ca_file.replace(&fresh.pem());
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
    client.states.until("the second link", |all| {
        all.iter().filter(|state| state.0 == CONNECTED).count() == 2
    });
}

#[test]
fn an_unusable_ca_file_keeps_the_certificates_read_before() {
    let front = front();
    let ca_file = TempFile::new(&front.authority.pem());
    let client = client(&front).text("ca_file", ca_file.path()).open();
    ca_file.replace("-----BEGIN CERTIFICATE-----\nhalf of");
    client.start();
    assert_eq!(client.wait(CONNECTED), DRT_OK, "{}", last_error());
}

#[test]
fn a_renewed_client_certificate_is_read_again() {
    let front = front();
    let server = front.authority.identity("localhost");
    let (old, new) = (Authority::new(), Authority::new());
    front.show(&server, Some(&new));
    let shown = old.identity("control-room");
    let client = client(&front).identity(&shown).open();
    client.start();
    reports(&client, BACKOFF, &["client_cert_file"]);
    // The files are replaced one after the other; in between they do not match.
    let fresh = new.identity("control-room");
    let content = |file: &TempFile| fs::read_to_string(file.path()).unwrap();
    shown.certificate.replace(&content(&fresh.certificate));
    let attempts = |all: &[(i32, i32, String)]| all.iter().filter(|s| s.0 == BACKOFF).count();
    let before = attempts(&client.states.all());
    client
        .states
        .until("an attempt", |all| attempts(all) > before);
    shown.key.replace(&content(&fresh.key));
    assert_eq!(client.wait(CONNECTED), DRT_OK, "{}", last_error());
}

#[test]
fn an_x509_version_1_server_certificate_fails_with_advice() {
    let front = front();
    front.show(&made_by_hand("v1.pem", "v1.key"), None);
    for ca_file in ["authority.pem", "v1.pem"] {
        let client = client(&front).text("ca_file", &fixture(ca_file)).open();
        client.start();
        reports(
            &client,
            FAILED,
            &["X.509 version 1", "subjectAltName", "-extfile"],
        );
    }
}

#[test]
fn unusable_certificate_and_key_files_are_refused_with_advice() {
    let front = TlsFront::start(1);
    let with = |option: &str, cert: &str, key: &str| {
        let options = client(&front)
            .text("client_cert_file", cert)
            .text("client_key_file", key);
        let (status, message) = options.try_open().err().expect("it cannot be used");
        assert_eq!(status, DRT_ERR_TLS, "{message}");
        assert!(message.starts_with(&format!("`{option}` ")), "{message}");
        message
    };
    let (cert, key) = (fixture("authority.pem"), fixture("v1.key"));
    let binary = TempFile::new("0\u{1}\u{2}");
    let wide = TempFile::new("");
    fs::write(wide.path(), [0xff, 0xfe, b'-', 0, b'-', 0]).unwrap();
    let empty = TempFile::new("");
    let labelled = |label: &str| {
        TempFile::new(&format!(
            "-----BEGIN {label}-----\nMA==\n-----END {label}-----\n"
        ))
    };
    let (ssh, public) = (labelled("OPENSSH PRIVATE KEY"), labelled("PUBLIC KEY"));
    let (request, trusted) = (
        labelled("CERTIFICATE REQUEST"),
        labelled("TRUSTED CERTIFICATE"),
    );
    let pkcs7 = labelled("PKCS7");
    let (c, k) = ("client_cert_file", "client_key_file");
    for (message, words) in [
        (
            with(k, &cert, &fixture("encrypted.key")),
            ["passphrase", "openssl pkey"],
        ),
        (
            with(k, &cert, &fixture("encrypted-traditional.key")),
            ["passphrase", "openssl pkey"],
        ),
        (with(k, &cert, ssh.path()), ["OpenSSH", "openssl"]),
        (with(k, &cert, public.path()), ["no private key", "public"]),
        (with(k, &cert, &cert), ["no private key", "certificate"]),
        (with(k, &cert, binary.path()), ["binary", "openssl pkey"]),
        (with(k, &cert, wide.path()), ["UTF-16", "UTF-8"]),
        (with(k, &cert, empty.path()), ["it is empty", ""]),
        (
            with(k, &cert, &key),
            ["not the key of `client_cert_file`", ""],
        ),
        (
            with(k, &fixture("rsa1024.pem"), &fixture("rsa1024.key")),
            ["RSA", "2048"],
        ),
        (
            with(c, &fixture("v1.pem"), &key),
            ["X.509 version 1", "version 3"],
        ),
        (with(c, request.path(), &key), ["no certificate", "request"]),
        (with(c, trusted.path(), &key), ["openssl x509", "ordinary"]),
        (with(c, pkcs7.path(), &key), ["PKCS #7", "openssl pkcs7"]),
        (with(c, &key, &key), ["no certificate", "private key"]),
        (with(c, binary.path(), &key), ["binary", "openssl x509"]),
        (with(c, empty.path(), &key), ["it is empty", ""]),
    ] {
        for word in words {
            assert!(message.contains(word), "{message}");
        }
        for insides in ["Other(", "Error", "General", "Mismatch"] {
            assert!(!message.contains(insides), "{message}");
        }
    }
}

#[test]
fn a_tls_alert_of_the_server_is_reported_by_name() {
    // OpenSSL answers with a fatal alert.
    for (alert, words) in [
        (40, ["handshake_failure", "cipher"]),
        (70, ["protocol_version", "TLS 1.2"]),
        (71, ["insufficient_security", "cipher"]),
        (112, ["unrecognized_name", "host"]),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!(
            "https://localhost:{}",
            listener.local_addr().unwrap().port()
        );
        let server = thread::spawn(move || {
            use std::io::{Read, Write};
            let (mut socket, _) = listener.accept().unwrap();
            let _ = socket.read(&mut [0; 4096]).unwrap();
            socket.write_all(&[21, 3, 3, 0, 2, 2, alert]).unwrap();
        });
        let client = Options::new(&url)
            .token("t")
            .text("ca_file", &fixture("authority.pem"));
        let client = client.open();
        client.start();
        reports(&client, BACKOFF, &words);
        server.join().unwrap();
    }
}
