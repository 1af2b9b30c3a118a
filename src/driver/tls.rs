//! TLS: whom we trust, and what we show.

use std::sync::Arc;

use once_cell::sync::OnceCell;
use tokio_rustls::rustls::pki_types::pem::PemObject;
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
                .map_err(|error| bad_file("ca_file", path, &error))?;
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
    let config = match (
        files.client_cert_file.as_deref(),
        files.client_key_file.as_deref(),
    ) {
        (None, None) => builder.with_no_client_auth(),
        (Some(cert_path), Some(key_path)) => {
            let chain = certificates("client_cert_file", cert_path)?;
            let key = PrivateKeyDer::from_pem_file(key_path)
                .map_err(|error| bad_file("client_key_file", key_path, &error))?;
            builder
                .with_client_auth_cert(chain, key)
                .map_err(|error| bad_file("client_key_file", key_path, &error))?
        }
        _ => {
            let message = "`client_cert_file` and `client_key_file` go together: set both or none";
            return Err(Error::new(Status::InvalidArgument, message));
        }
    };
    Ok(Arc::new(config))
}

/// Read once: it takes tens of milliseconds.
fn system_roots() -> &'static RootCertStore {
    static ROOTS: OnceCell<RootCertStore> = OnceCell::new();
    ROOTS.get_or_init(|| {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        roots
    })
}

fn certificates(option: &str, path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| bad_file(option, path, &error))?
        .collect();
    match found {
        Ok(found) if found.is_empty() => {
            Err(bad_file(option, path, &"there is no PEM certificate in it"))
        }
        Ok(found) => Ok(found),
        Err(error) => Err(bad_file(option, path, &error)),
    }
}

fn bad_file(option: &str, path: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(
        Status::Tls,
        format!("{option} {path:?} cannot be used: {error}"),
    )
}
