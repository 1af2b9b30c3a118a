//! TLS: whom we trust, and what we show.

use std::fmt::Display;
use std::sync::Arc;

use once_cell::race::OnceBox;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto};

use super::trust::Trust;
use crate::error::{Error, Result, Status};

/// PEM files of the application's.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Roots to trust beside the system's, and servers' own certificates.
    pub ca_file: Option<String>,
    /// The certificate chain that we show; with `client_key_file`.
    pub client_cert_file: Option<String>,
    /// Its key.
    pub client_key_file: Option<String>,
}

impl TlsFiles {
    /// Whether those that are set can be used: a wrong path is a mistake though no
    /// link needs the file.
    pub fn check(&self) -> Result<()> {
        named_in_ca_file(self)?;
        own_identity(self).map(drop)
    }
}

/// The configuration of all TLS links of a client.
pub fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>> {
    let named = named_in_ca_file(files)?;
    let mut roots = system_roots().clone();
    roots.add_parsable_certificates(named.iter().cloned());
    if roots.is_empty() {
        let message = "the system has no trusted root certificates: install ca-certificates, or \
                       name a PEM file in ca_file";
        return Err(Error::new(Status::Tls, message));
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let trust = Trust::new(roots, named, Arc::clone(&provider)).map_err(impossible)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(impossible)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(trust));
    let config = match own_identity(files)? {
        None => builder.with_no_client_auth(),
        Some(Identity { chain, key }) => {
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                let cert_path = files.client_cert_file.as_deref().unwrap_or_default();
                let key_path = files.client_key_file.as_deref().unwrap_or_default();
                let why = format!("it does not go with client_cert_file {cert_path:?}: {error}");
                unusable("client_key_file", key_path, why)
            })?
        }
    };
    Ok(Arc::new(config))
}

/// The certificates of `ca_file`, each of which can be a root.
fn named_in_ca_file(files: &TlsFiles) -> Result<Vec<CertificateDer<'static>>> {
    let Some(path) = files.ca_file.as_deref() else {
        return Ok(Vec::new());
    };
    let named = certificates("ca_file", path)?;
    let mut roots = RootCertStore::empty();
    for certificate in &named {
        roots
            .add(certificate.clone())
            .map_err(|error| unusable("ca_file", path, error))?;
    }
    Ok(named)
}

/// What we show of ourselves.
struct Identity {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

fn own_identity(files: &TlsFiles) -> Result<Option<Identity>> {
    let paths = (
        files.client_cert_file.as_deref(),
        files.client_key_file.as_deref(),
    );
    match paths {
        (None, None) => Ok(None),
        (Some(cert_path), Some(key_path)) => {
            let chain = certificates("client_cert_file", cert_path)?;
            let key = PrivateKeyDer::from_pem_file(key_path)
                .map_err(|error| unreadable("client_key_file", key_path, "private key", &error))?;
            Ok(Some(Identity { chain, key }))
        }
        _ => {
            let message = "client_cert_file and client_key_file go together: set both or none";
            Err(Error::new(Status::InvalidArgument, message))
        }
    }
}

fn impossible(error: impl Display) -> Error {
    Error::new(Status::Tls, format!("TLS cannot be set up: {error}"))
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
