//! Certificates that expire, are renewed, or are not as they should be.

use std::net::TcpListener;
use std::path::Path;
use std::{fs, thread};

use super::log::PATIENCE;
use super::peer::Peer;
use super::sut::*;
use super::tls::{Authority, Identity, TempFile, TlsFront};
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

/// A server behind TLS that serves whoever gets through.
fn front() -> TlsFront {
    let peer = Peer::new();
    let front = TlsFront::start(peer.port);
    thread::spawn(move || {
        while peer.is_called_within(PATIENCE) {
            let link = peer.link();
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

/// What a client is told that fails for its server's certificate.
#[track_caller]
fn told(client: &Sut, state: i32, words: &[&str]) {
    let (reason, message) = client.told(state);
    assert_eq!(reason, DRT_ERR_TLS, "{message}");
    for word in words {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_certificate_that_has_expired_or_is_not_valid_yet_is_waited_for() {
    let front = front();
    let authority = &front.authority;
    let good = authority.identity("localhost");
    let expired = authority.identity_between("localhost", 2001, 2002);
    let early = authority.identity_between("localhost", 2901, 2902);
    for (bad, word) in [(expired, "has expired"), (early, "not valid yet")] {
        front.show(&bad, None);
        let client = client(&front).open();
        client.start();
        told(&client, BACKOFF, &[word, "clock", "next attempt"]);
        front.show(&good, None);
        assert_eq!(client.wait(CONNECTED), DRT_OK, "{}", last_error());
    }
}

#[test]
fn an_untrusted_authority_and_a_wrong_name_are_the_end_until_the_application_says_connect() {
    let front = front();
    front.show(&front.authority.identity("other.example"), None);
    let named = client(&front).open();
    named.start();
    told(&named, FAILED, &["another name", "other.example"]);
    let fresh = Authority::new();
    front.show(&fresh.identity("localhost"), None);
    let own = TempFile::new(&front.authority.pem());
    let client = client(&front).text("ca_file", own.path()).open();
    client.start();
    told(&client, FAILED, &["localhost", "ca_file"]);
    own.replace(&fresh.pem());
    client.start();
    assert_eq!(client.wait(CONNECTED), DRT_OK, "{}", last_error());
}

#[test]
fn a_ca_file_that_was_replaced_is_read_again() {
    let front = front();
    let ca_file = TempFile::new(&front.authority.pem());
    let client = client(&front).text("ca_file", ca_file.path()).open();
    client.start();
    assert_eq!(client.wait(CONNECTED), DRT_OK);
    let fresh = Authority::new();
    front.show(&fresh.identity("localhost"), None);
    // As it is while somebody writes it: the old ones are trusted on.
    ca_file.replace("");
    ca_file.replace(&fresh.pem());
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
    client.states.until("the second link", |all| {
        all.iter().filter(|state| state.0 == CONNECTED).count() == 2
    });
}

#[test]
fn a_file_that_cannot_be_used_any_more_leaves_what_was_read_before() {
    let front = front();
    let ca_file = TempFile::new(&front.authority.pem());
    let client = client(&front).text("ca_file", ca_file.path()).open();
    ca_file.replace("-----BEGIN CERTIFICATE-----\nhalf of");
    client.start();
    assert_eq!(client.wait(CONNECTED), DRT_OK, "{}", last_error());
}

#[test]
fn a_client_certificate_that_was_renewed_is_read_again() {
    let front = front();
    let server = front.authority.identity("localhost");
    let (old, new) = (Authority::new(), Authority::new());
    front.show(&server, Some(&new));
    let shown = old.identity("control-room");
    let client = client(&front).identity(&shown).open();
    client.start();
    told(&client, BACKOFF, &["client_cert_file"]);
    // One after the other, as they are renewed: for a moment they do not go together.
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
fn a_server_with_a_certificate_of_version_1_is_told_what_to_make_instead() {
    let front = front();
    front.show(&made_by_hand("v1.pem", "v1.key"), None);
    for ca_file in ["authority.pem", "v1.pem"] {
        let client = client(&front).text("ca_file", &fixture(ca_file)).open();
        client.start();
        told(
            &client,
            FAILED,
            &["X.509 version 1", "subjectAltName", "-extfile"],
        );
    }
}

#[test]
fn files_as_people_make_them_are_refused_with_what_to_do_about_it() {
    let front = TlsFront::start(1);
    let with = |option: &str, cert: &str, key: &str| {
        let options = client(&front)
            .text("client_cert_file", cert)
            .text("client_key_file", key);
        let (status, message) = options.try_open().err().expect("it cannot be used");
        assert_eq!(status, DRT_ERR_TLS, "{message}");
        assert!(message.starts_with(option), "{message}");
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
            ["not the key of client_cert_file", ""],
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
fn tls_without_a_common_version_or_cipher_is_told_as_such() {
    // What OpenSSL answers: a fatal alert.
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
        told(&client, BACKOFF, &words);
        server.join().unwrap();
    }
}
