//! TLS: whom we trust, and what we show.

use std::fmt::Display;
use std::sync::Arc;

use once_cell::race::OnceBox;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use crate::error::{Error, Result, Status};

/// PEM files of the application's.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Roots to trust beside the system's.
    pub ca_file: Option<String>,
    /// The certificate chain that we show; with `client_key_file`.
    pub client_cert_file: Option<String>,
    /// Its key.
    pub client_key_file: Option<String>,
}

/// The configuration of all TLS links of a client.
pub fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>> {
    let mut roots = system_roots().clone();
    if let Some(path) = files.ca_file.as_deref() {
        for certificate in certificates("ca_file", path)? {
            roots
                .add(certificate)
                .map_err(|error| unusable("ca_file", path, error))?;
        }
    }
    if roots.is_empty() {
        let message = "the system has no trusted root certificates: install ca-certificates, or \
                       name a PEM file in ca_file";
        return Err(Error::new(Status::Tls, message));
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(Status::Tls, format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots);
    let own = (
        files.client_cert_file.as_deref(),
        files.client_key_file.as_deref(),
    );
    let config = match own {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert_path), Some(key_path)) => {
            let chain = certificates("client_cert_file", cert_path)?;
            let key = PrivateKeyDer::from_pem_file(key_path)
                .map_err(|error| unreadable("client_key_file", key_path, "private key", &error))?;
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                let why = format!("it does not go with client_cert_file {cert_path:?}: {error}");
                unusable("client_key_file", key_path, why)
            })?
        }
        _ => {
            let message = "client_cert_file and client_key_file go together: set both or none";
            return Err(Error::new(Status::InvalidArgument, message));
        }
    };
    Ok(Arc::new(config))
}

/// Read once: it takes tens of milliseconds. Takes no lock, which a forked child
/// could find held for ever.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceBox<RootCertStore> = OnceBox::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        Box::new(roots)
    })
}

fn certificates(option: &str, path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    match found {
        Ok(found) if found.is_empty() => {
            let none = pem::Error::NoItemsFound;
            Err(unreadable(option, path, "certificate", &none))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(unreadable(option, path, "certificate", &error)),
    }
}

/// A file that has not what it should have. What it has is never quoted: it may
/// be a private key.
fn unreadable(option: &str, path: &str, what: &str, error: &pem::Error) -> Error {
    match error {
        pem::Error::Io(error) => {
            let message = format!("{option} {path:?} cannot be read: {error}");
            Error::new(Status::Io, message)
        }
        pem::Error::NoItemsFound => unusable(option, path, format!("it has no {what} in PEM form")),
        _ => unusable(option, path, "its PEM form is damaged"),
    }
}

fn unusable(option: &str, path: &str, why: impl Display) -> Error {
    Error::new(
        Status::Tls,
        format!("{option} {path:?} cannot be used: {why}"),
    )
}
