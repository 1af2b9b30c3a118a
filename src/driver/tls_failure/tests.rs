use std::sync::Arc;

use tokio_rustls::rustls::pki_types::{ServerName, UnixTime};
use tokio_rustls::rustls::{
    ContentType, HandshakeType, InvalidMessage, OtherError, PeerMisbehaved,
};

use super::*;

#[derive(Debug)]
struct Named(&'static str);

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Named {}

/// All errors of webpki that rustls has no name for, and some more.
const WEBPKI: [&str; 14] = [
    "UnsupportedCertVersion",
    "CaUsedAsEndEntity",
    "EndEntityUsedAsCa",
    "PathLenConstraintViolated",
    "MaximumPathDepthExceeded",
    "NameConstraintViolation",
    "ExtensionValueInvalid",
    "InvalidCertValidity",
    "InvalidSerialNumber",
    "MalformedExtensions",
    "SignatureAlgorithmMismatch",
    "TrailingData(Certificate)",
    "MaximumSignatureChecksExceeded",
    "FromTheFuture",
];

fn certificate_errors() -> Vec<CertificateError> {
    use CertificateError as Why;
    let time = UnixTime::now();
    let mut all = vec![
        Why::BadEncoding,
        Why::Expired,
        Why::ExpiredContext {
            time,
            not_after: time,
        },
        Why::NotValidYet,
        Why::NotValidYetContext {
            time,
            not_before: time,
        },
        Why::Revoked,
        Why::UnhandledCriticalExtension,
        Why::UnknownIssuer,
        Why::UnknownRevocationStatus,
        Why::ExpiredRevocationList,
        Why::BadSignature,
        Why::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: vec![1],
            supported_algorithms: Vec::new(),
        },
        Why::UnsupportedSignatureAlgorithmForPublicKeyContext {
            signature_algorithm_id: vec![1],
            public_key_algorithm_id: vec![2],
        },
        Why::NotValidForName,
        Why::InvalidPurpose,
        Why::InvalidOcspResponse,
        Why::ApplicationVerificationFailure,
    ];
    for presented in [vec![], vec!["DnsName(\"b.example\")".to_owned()]] {
        let expected = ServerName::try_from("a.example").unwrap();
        all.push(Why::NotValidForNameContext {
            expected,
            presented,
        });
    }
    let others = WEBPKI.map(|name| Why::Other(OtherError(Arc::new(Named(name)))));
    all.extend(others);
    all
}

fn errors() -> Vec<Error> {
    let mut all: Vec<Error> = (0..=u8::MAX)
        .map(|code| Error::AlertReceived(AlertDescription::from(code)))
        .collect();
    all.extend(
        certificate_errors()
            .into_iter()
            .map(Error::InvalidCertificate),
    );
    all.extend([
        Error::InappropriateMessage {
            expect_types: vec![ContentType::Handshake],
            got_type: ContentType::ApplicationData,
        },
        Error::InappropriateHandshakeMessage {
            expect_types: vec![HandshakeType::ServerHello],
            got_type: HandshakeType::Finished,
        },
        Error::InvalidMessage(InvalidMessage::InvalidContentType),
        Error::NoCertificatesPresented,
        Error::UnsupportedNameType,
        Error::DecryptError,
        Error::EncryptError,
        Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
        Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
        Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived),
        Error::General("there was no light".into()),
        Error::FailedToGetCurrentTime,
        Error::FailedToGetRandomBytes,
        Error::HandshakeNotComplete,
        Error::PeerSentOversizedRecord,
        Error::NoApplicationProtocol,
        Error::Other(OtherError(Arc::new(Named("AnyOther")))),
    ]);
    all
}

/// Whether a word looks like the name of a Rust type or variant.
fn is_of_the_source(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let mut letters = word.chars();
    let starts_upper = letters.next().is_some_and(|c| c.is_ascii_uppercase());
    let rest = letters.as_str();
    let is_camel = starts_upper
        && rest.chars().any(|c| c.is_ascii_uppercase())
        && rest.chars().any(|c| c.is_ascii_lowercase());
    is_camel && word != "ChaCha20"
}

#[test]
fn no_tls_error_sentence_contains_names_from_the_source() {
    for error in errors() {
        let message = of_handshake("a.example", &error).message;
        let words = message.split(|c: char| c.is_whitespace() || "(\":{".contains(c));
        for word in words {
            assert!(!is_of_the_source(word), "{word}: {message}");
        }
        assert!(!message.contains(['{', '}']), "{message}");
    }
}

#[test]
fn only_certificate_errors_that_time_can_repair_are_retried() {
    for why in certificate_errors() {
        let failure = of_handshake("a.example", &Error::InvalidCertificate(why));
        let is_time =
            failure.message.contains("expired") || failure.message.contains("not valid yet");
        let kind = match is_time {
            true => FailureKind::CertificateTime,
            false => FailureKind::Untrusted,
        };
        assert_eq!(failure.kind, kind, "{failure:?}");
    }
}

#[test]
fn a_tls_alert_is_named_as_in_the_rfcs_or_by_its_number() {
    for (alert, name) in [
        (AlertDescription::HandshakeFailure, "handshake_failure"),
        (AlertDescription::UnknownCA, "unknown_ca"),
        (AlertDescription::UnknownPSKIdentity, "unknown_psk_identity"),
        (AlertDescription::UnrecognisedName, "unrecognized_name"),
        (AlertDescription::from(200), "200"),
    ] {
        assert_eq!(alert_name(alert), name);
    }
}
