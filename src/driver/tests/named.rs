//! A server's own certificate in `ca_file`, without its authority.

use rcgen::{BasicConstraints, CertificateParams, DistinguishedName, IsCa, KeyPair};

use super::tls::*;
use super::*;

/// A certificate like those of `openssl req -x509`: it is marked as an authority's.
fn self_signed(mut params: CertificateParams) -> (TempFile, Identity) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    let file = TempFile::new(&certificate.pem());
    (file, (certificate.der().clone(), key))
}

#[test]
fn a_self_signed_certificate_in_ca_file_is_trusted_for_its_name() {
    let (file, identity) = self_signed(params("localhost"));
    let server = showing(identity, None);
    let subject = trusting_only(&file).open(&url(&server)).opened();
    subject.link.send("hello".into());
    assert_eq!(subject.frames(1), ["hello"]);
    let (file, identity) = self_signed(params("other.example"));
    let server = showing(identity, None);
    let subject = trusting_only(&file).open(&url(&server));
    untrusted(subject, &["another name", "other.example"]);
    let (file, identity) = self_signed(CertificateParams::default());
    let server = showing(identity, None);
    let subject = trusting_only(&file).open(&url(&server));
    untrusted(subject, &["subjectAltName", "localhost"]);
}

#[test]
fn a_tls_connection_that_ends_without_close_notify_is_reported_as_closed() {
    let (file, identity) = self_signed(params("localhost"));
    let server = showing(identity, None);
    let subject = trusting_only(&file).open(&url(&server)).opened();
    drop(server);
    let failure = subject.lost();
    assert_eq!(failure.kind, FailureKind::Closed, "{failure:?}");
    assert!(
        failure.message.contains("without a close frame"),
        "{failure:?}"
    );
}

#[test]
fn a_self_signed_certificate_in_ca_file_that_has_expired_is_refused() {
    let (file, identity) = self_signed(expired("localhost"));
    let server = showing(identity, None);
    let refused_with = |file: &TempFile, server: &Server, word: &str| {
        let failure = trusting_only(file).open(&url(server)).lost();
        assert_eq!(failure.kind, FailureKind::CertificateTime, "{failure:?}");
        assert!(failure.message.contains(word), "{failure:?}");
    };
    refused_with(&file, &server, "expired");
    let mut params = params("localhost");
    params.not_before = rcgen::date_time_ymd(2999, 1, 1);
    params.not_after = rcgen::date_time_ymd(3000, 1, 1);
    let (file, identity) = self_signed(params);
    let server = showing(identity, None);
    refused_with(&file, &server, "not valid yet");
}

#[test]
fn a_self_signed_certificate_that_ca_file_does_not_have_is_refused() {
    let (_, identity) = self_signed(params("localhost"));
    let server = showing(identity, None);
    // Of the same name, with another key.
    let (other, _) = self_signed(params("localhost"));
    for file in [&other, &Authority::new().file()] {
        let subject = trusting_only(file).open(&url(&server));
        untrusted(subject, &["localhost", "ca_file"]);
    }
}

#[test]
fn a_server_without_the_key_of_its_named_certificate_is_refused() {
    let (file, (certificate, _)) = self_signed(params("localhost"));
    let server = showing((certificate, KeyPair::generate().unwrap()), None);
    let failure = trusting_only(&file).open(&url(&server)).lost();
    assert_eq!(failure.kind, FailureKind::Untrusted, "{failure:?}");
}

#[test]
fn a_certificate_in_ca_file_is_trusted_without_its_authority() {
    let authority = Authority::new();
    for (mut params, failure) in [
        (params("localhost"), None),
        (expired("localhost"), Some(FailureKind::CertificateTime)),
    ] {
        // Otherwise it would look self-signed.
        params.distinguished_name = DistinguishedName::new();
        let (certificate, key) = authority.sign(params);
        let file = TempFile::new(&pem("CERTIFICATE", &certificate));
        let server = showing((certificate, key), None);
        let subject = trusting_only(&file).open(&url(&server));
        match failure {
            None => drop(subject.opened()),
            Some(kind) => assert_eq!(subject.lost().kind, kind),
        }
    }
}
