//! The TLS configuration: trusted certificates and the client's own.

use std::fmt::Display;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_rustls::rustls::{ClientConfig, crypto};

use super::TARGET;
use super::pem::{Identity, TlsFiles, Version};
use super::system_roots::system_roots;
use super::verifier::Verifier;
use crate::error::{Error, Result, Status};
use crate::log::{self, Level};

/// The TLS configuration of all links of a client. Changed files are read again, because
/// certificates are renewed while programs run.
pub struct Tls {
    files: TlsFiles,
    loaded: Mutex<Loaded>,
}

struct Loaded {
    config: Arc<ClientConfig>,
    /// The versions of the files that were read.
    versions: [Option<Version>; 3],
}

impl Tls {
    /// Reads the files.
    pub fn load(files: TlsFiles) -> Result<Arc<Tls>> {
        let loaded = Mutex::new(Loaded::from(&files)?);
        Ok(Arc::new(Tls { files, loaded }))
    }

    /// The configuration for the next attempt. If changed files cannot be used, perhaps because
    /// they are being written, the old configuration stays.
    pub(super) fn up_to_date(&self) -> Arc<ClientConfig> {
        let mut loaded = self.lock();
        if self.differ_from(&loaded) {
            let (level, message) = match Loaded::from(&self.files) {
                Ok(fresh) => {
                    *loaded = fresh;
                    (
                        Level::Info,
                        "certificate files have changed and were read again".into(),
                    )
                }
                Err(error) => {
                    let message = error.message;
                    (
                        Level::Warn,
                        format!("{message}; what was read before is used"),
                    )
                }
            };
            log::emit(level, TARGET, &message);
        }
        Arc::clone(&loaded.config)
    }

    /// Whether the files have changed since they were read.
    pub(super) fn files_have_changed(&self) -> bool {
        self.differ_from(&self.lock())
    }

    /// Files that do not exist any more are not a change: there is nothing to read.
    fn differ_from(&self, loaded: &Loaded) -> bool {
        let now = self.files.versions();
        let mut pairs = now.iter().zip(&loaded.versions);
        pairs.any(|(now, read)| now.is_some() && now != read)
    }

    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loaded {
    fn from(files: &TlsFiles) -> Result<Loaded> {
        // Before the files are read: one that changes meanwhile is read again later.
        let versions = files.versions();
        let config = client_config(files)?;
        Ok(Loaded { config, versions })
    }
}

fn client_config(files: &TlsFiles) -> Result<Arc<ClientConfig>> {
    let named = files.authorities()?;
    let system = system_roots();
    let mut roots = system.roots.clone();
    roots.add_parsable_certificates(named.iter().cloned());
    if roots.is_empty() {
        let fault = system
            .fault
            .as_deref()
            .unwrap_or("no root certificate can be used");
        return Err(Error::new(Status::Tls, fault));
    }
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = Verifier::new(roots, named, Arc::clone(&provider)).map_err(impossible)?;
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(impossible)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier));
    let config = match files.identity()? {
        None => builder.with_no_client_auth(),
        Some(Identity { chain, key }) => builder
            .with_client_auth_cert(chain, key)
            .map_err(|error| files.identity_refused(&error))?,
    };
    Ok(Arc::new(config))
}

fn impossible(error: impl Display) -> Error {
    Error::new(Status::Tls, format!("TLS cannot be set up: {error}"))
}
