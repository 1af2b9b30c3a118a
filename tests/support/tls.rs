//! A TLS endpoint in front of a server, with an authority of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{copy, copy_bidirectional, split};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio_rustls::rustls::{RootCertStore, ServerConfig, crypto};
use tokio_rustls::server::TlsStream;

use super::test_client::Options;

/// A file that is removed when this is dropped.
pub struct TempFile(PathBuf);

impl TempFile {
    pub fn new(content: &str) -> TempFile {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("drt-test-{}-{number}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, content).unwrap();
        TempFile(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }

    /// Replaces the file by one with other content.
    pub fn replace(&self, content: &str) {
        let fresh = self.0.with_extension("new");
        std::fs::write(&fresh, content).unwrap();
        std::fs::rename(&fresh, &self.0).unwrap();
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(Path::new(&self.0));
    }
}

/// Signs certificates.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in files.
pub struct Identity {
    pub certificate: TempFile,
    pub key: TempFile,
}

impl Options {
    /// The client shows this certificate.
    pub fn identity(self, identity: &Identity) -> Options {
        self.text("client_cert_file", identity.certificate.path())
            .text("client_key_file", identity.key.path())
    }
}

impl Authority {
    pub fn new() -> Authority {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    /// A self-signed certificate, as `openssl req -x509` makes it for a server.
    pub fn self_signed(name: &str) -> Authority {
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        Authority(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate that this authority has signed.
    pub fn identity(&self, name: &str) -> Identity {
        self.identity_between(name, 2000, 3000)
    }

    /// The same, valid between the beginnings of two years.
    pub fn identity_between(&self, name: &str, from: i32, to: i32) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(to, 1, 1);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        Identity {
            certificate: TempFile::new(&certificate.pem()),
            key: TempFile::new(&key.serialize_pem()),
        }
    }
}

/// How a front closes a connection after the server behind it has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With TLS's `close_notify`.
    Graceful,
    /// Without `close_notify`, as a process that is killed does.
    Killed,
    /// With a TCP reset.
    Reset,
}

/// A TLS endpoint that forwards to a plain port. Its certificate is for `localhost`.
pub struct TlsFront {
    pub port: u16,
    pub authority: Authority,
    ca_file: TempFile,
    acceptor: Arc<Mutex<TlsAcceptor>>,
    _runtime: tokio::runtime::Runtime,
}

impl TlsFront {
    pub fn start(to_port: u16) -> TlsFront {
        TlsFront::open(to_port, false, Ending::Graceful)
    }

    /// Presents a self-signed certificate.
    pub fn self_signed(to_port: u16) -> TlsFront {
        let authority = Authority::self_signed("localhost");
        let key = authority.0.key().serialize_der();
        let chain = vec![authority.0.der().clone()];
        let config = config(chain, &key, None);
        TlsFront::serve(to_port, authority, config, Ending::Graceful)
    }

    /// Closes connections in this way when the server behind it closes.
    pub fn breaking(to_port: u16, ending: Ending) -> TlsFront {
        TlsFront::open(to_port, false, ending)
    }

    /// Accepts only clients with a certificate of its authority.
    pub fn demanding(to_port: u16) -> TlsFront {
        TlsFront::open(to_port, true, Ending::Graceful)
    }

    fn open(to_port: u16, demanding: bool, ending: Ending) -> TlsFront {
        let authority = Authority::new();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority.0).unwrap();
        let chain = vec![certificate.der().clone()];
        let clients = demanding.then_some(&authority);
        let config = config(chain, &key.serialize_der(), clients);
        TlsFront::serve(to_port, authority, config, ending)
    }

    fn serve(to_port: u16, authority: Authority, config: ServerConfig, ending: Ending) -> TlsFront {
        let ca_file = TempFile::new(&authority.0.pem());
        let acceptor = Arc::new(Mutex::new(TlsAcceptor::from(Arc::new(config))));
        let shown = Arc::clone(&acceptor);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let acceptor = shown.lock().unwrap().clone();
                tokio::spawn(async move {
                    let Ok(outer) = acceptor.accept(socket).await else {
                        return;
                    };
                    let inner = TcpStream::connect(("127.0.0.1", to_port)).await;
                    if let Ok(inner) = inner {
                        forward(outer, inner, ending).await;
                    }
                });
            }
        });
        TlsFront {
            port,
            authority,
            ca_file,
            acceptor,
            _runtime: runtime,
        }
    }

    /// Presents this certificate from now on. With `clients`, accepts only clients with a
    /// certificate of that authority.
    pub fn show(&self, identity: &Identity, clients: Option<&Authority>) {
        let chain = CertificateDer::from_pem_file(identity.certificate.path()).unwrap();
        let key = PrivateKeyDer::from_pem_file(identity.key.path()).unwrap();
        let config = config(vec![chain], key.secret_der(), clients);
        *self.acceptor.lock().unwrap() = TlsAcceptor::from(Arc::new(config));
    }

    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.port)
    }

    pub fn ca_file(&self) -> &str {
        self.ca_file.path()
    }
}

async fn forward(mut outer: TlsStream<TcpStream>, mut inner: TcpStream, ending: Ending) {
    if ending == Ending::Graceful {
        let _ = copy_bidirectional(&mut outer, &mut inner).await;
        return;
    }
    if ending == Ending::Reset {
        outer.get_ref().0.set_zero_linger().unwrap();
    }
    let (mut from_client, mut to_client) = split(outer);
    let (mut from_server, mut to_server) = inner.split();
    tokio::select! {
        _ = copy(&mut from_client, &mut to_server) => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}

/// `clients`: the authority whose certificates clients must present, if any.
fn config(
    chain: Vec<CertificateDer<'static>>,
    key: &[u8],
    clients: Option<&Authority>,
) -> ServerConfig {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
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
    // Unlike `with_single_cert`, this does not check the certificate, so that tests can
    // present invalid ones.
    let key = PrivateKeyDer::try_from(key.to_vec()).unwrap();
    let key = provider.key_provider.load_private_key(key).unwrap();
    let shown = CertifiedKey::new(chain, key);
    builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)))
}
