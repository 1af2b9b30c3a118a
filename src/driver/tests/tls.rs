//! Links over TLS, with certificates made here.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};

use super::*;
use crate::error::Status;

/// A file that is removed when this is dropped.
pub(super) struct TempFile(PathBuf);

impl TempFile {
    pub fn new(content: &str) -> TempFile {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("drt-tls-test-{}-{number}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        TempFile(path)
    }

    fn path(&self) -> Option<String> {
        Some(self.0.to_str().unwrap().to_owned())
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A certificate and its key.
pub(super) type Identity = (CertificateDer<'static>, KeyPair);

/// An authority of the test's own.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn file(&self) -> TempFile {
        TempFile::new(&self.0.pem())
    }

    pub fn sign(&self, params: CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let signed = params.signed_by(&key, &self.0).unwrap();
        (signed.der().clone(), key)
    }
}

pub(super) fn params(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

/// A WebSocket server behind TLS that sends everything back.
fn server(authority: &Authority, params: CertificateParams, wants_client: bool) -> Server {
    let roots = wants_client.then_some(authority);
    showing(authority.sign(params), roots)
}

/// The same with any certificate; accepts only clients with a certificate of `clients`.
pub(super) fn showing(identity: Identity, clients: Option<&Authority>) -> Server {
    let (certificate, key) = identity;
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = if let Some(authority) = clients {
        let mut roots = RootCertStore::empty();
        roots.add(authority.0.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
        builder.with_client_cert_verifier(verifier.build().unwrap())
    } else {
        builder.with_no_client_auth()
    };
    // Without a check whether they belong together.
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let key = CertifiedKey::new(vec![certificate], key);
    let config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
    let acceptor = TlsAcceptor::from(Arc::new(config));
    Server::start(move |socket| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(stream) = acceptor.accept(socket).await else {
                return;
            };
            let Ok(mut socket) = accept_async(stream).await else {
                return;
            };
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() {
                    socket.send(message).await.unwrap();
                }
            }
        }
    })
}

pub(super) fn url(server: &Server) -> String {
    format!("wss://localhost:{}/websocket", server.address.port())
}

fn trusting(files: &TlsFiles) -> Setup {
    let mut setup = Setup::default();
    setup.options.tls = Some(Tls::load(files.clone()).unwrap());
    setup
}

pub(super) fn trusting_only(ca_file: &TempFile) -> Setup {
    trusting(&TlsFiles {
        ca_file: ca_file.path(),
        ..TlsFiles::default()
    })
}

pub(super) fn untrusted(subject: Subject, words: &[&str]) {
    let failure = subject.lost();
    assert_eq!(failure.kind, FailureKind::Untrusted, "{failure:?}");
    for word in words {
        assert!(failure.message.contains(word), "{failure:?}");
    }
}

#[test]
fn a_certificate_of_an_authority_in_ca_file_is_trusted() {
    let authority = Authority::new();
    let server = server(&authority, params("localhost"), false);
    let subject = trusting_only(&authority.file())
        .open(&url(&server))
        .opened();
    let large = "x".repeat(2 << 20);
    subject.link.send(large.clone());
    assert_eq!(subject.frames(1), [large]);
    subject.link.close();
    let before = Instant::now();
    assert_eq!(subject.lost().kind, FailureKind::Closed);
    assert!(before.elapsed() < Duration::from_millis(900));
}

#[test]
fn a_certificate_of_an_unknown_authority_is_refused_and_ca_file_is_named() {
    let server = server(&Authority::new(), params("localhost"), false);
    let other = Authority::new().file();
    let subject = trusting_only(&other).open(&url(&server));
    untrusted(subject, &["localhost", "ca_file"]);
}

#[test]
fn a_certificate_for_another_name_is_reported_as_such() {
    let authority = Authority::new();
    let server = server(&authority, params("other.example"), false);
    let subject = trusting_only(&authority.file()).open(&url(&server));
    untrusted(subject, &["another name", "other.example"]);
}

#[test]
fn an_expired_certificate_is_reported_as_such_and_may_be_renewed() {
    let authority = Authority::new();
    let server = server(&authority, expired("localhost"), false);
    let subject = trusting_only(&authority.file()).open(&url(&server));
    let failure = subject.lost();
    assert_eq!(failure.kind, FailureKind::CertificateTime, "{failure:?}");
    for word in ["expired", "clock"] {
        assert!(failure.message.contains(word), "{failure:?}");
    }
}

pub(super) fn expired(name: &str) -> CertificateParams {
    let mut params = params(name);
    params.not_before = rcgen::date_time_ymd(2001, 1, 1);
    params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    params
}

pub(super) fn pem(label: &str, der: &[u8]) -> String {
    use base64::Engine as _;
    let body = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN {label}-----\n{body}\n-----END {label}-----\n")
}

#[test]
fn a_client_certificate_is_sent_to_a_server_that_asks_for_one() {
    let authority = Authority::new();
    let server = server(&authority, params("localhost"), true);
    let (certificate, key) = authority.sign(params("a client"));
    let certificate = TempFile::new(&pem("CERTIFICATE", &certificate));
    let key = TempFile::new(&key.serialize_pem());
    let ca_file = authority.file();
    let files = TlsFiles {
        ca_file: ca_file.path(),
        client_cert_file: certificate.path(),
        client_key_file: key.path(),
    };
    trusting(&files).open(&url(&server)).opened();
    let failure = trusting_only(&ca_file).open(&url(&server)).lost();
    assert_eq!(failure.kind, FailureKind::Tls, "{failure:?}");
    assert!(failure.message.contains("client_cert_file"), "{failure:?}");
}

#[test]
fn a_server_without_tls_is_reported_as_such() {
    let server = Server::start(|mut socket| async move {
        use tokio::io::AsyncWriteExt;
        let _ = socket.read(&mut [0; 16]).await;
        let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let failure = trusting_only(&Authority::new().file())
        .open(&url(&server))
        .lost();
    assert_eq!(failure.kind, FailureKind::Tls, "{failure:?}");
    assert!(failure.message.contains("ws://"), "{failure:?}");
}

#[test]
fn a_tls_url_without_a_configuration_sends_nothing_in_plain_text() {
    let (sender, receiver) = channel();
    let server = Server::start(move |mut socket| {
        let sender = sender.clone();
        async move {
            let mut heard = Vec::new();
            let _ = socket.read_to_end(&mut heard).await;
            sender.send(heard).unwrap();
        }
    });
    let failure = Setup::default().open(&url(&server)).lost();
    assert_eq!(failure.kind, FailureKind::Tls);
    assert!(receiver.recv_timeout(SOON).unwrap().is_empty());
}

#[test]
fn unusable_tls_files_are_named_with_their_option() {
    let junk = TempFile::new("this is not PEM");
    let authority = Authority::new();
    let certificate = authority.file();
    let damaged = TempFile::new("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n");
    let other_key = TempFile::new(&KeyPair::generate().unwrap().serialize_pem());
    let own = |certificate: &TempFile, key: Option<&TempFile>| TlsFiles {
        ca_file: None,
        client_cert_file: certificate.path(),
        client_key_file: key.and_then(TempFile::path),
    };
    let roots = |path: Option<String>| TlsFiles {
        ca_file: path,
        ..TlsFiles::default()
    };
    let cases = [
        (
            roots(Some("/nowhere/ca.pem".into())),
            Status::Io,
            "/nowhere/ca.pem",
        ),
        (roots(junk.path()), Status::Tls, "ca_file"),
        (
            own(&junk, Some(&other_key)),
            Status::Tls,
            "client_cert_file",
        ),
        (
            own(&certificate, Some(&junk)),
            Status::Tls,
            "no private key",
        ),
        (own(&certificate, Some(&damaged)), Status::Tls, "damaged"),
        (
            own(&certificate, Some(&other_key)),
            Status::Tls,
            "client_key_file",
        ),
        (
            own(&certificate, None),
            Status::InvalidArgument,
            "client_key_file",
        ),
    ];
    for (files, status, word) in cases {
        let error = Tls::load(files).err().unwrap();
        assert_eq!(error.status, status, "{}", error.message);
        assert!(error.message.contains(word), "{}", error.message);
        assert!(!error.message.contains("c2VjcmV0"), "{}", error.message);
    }
}
