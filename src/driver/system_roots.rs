//! The system's trusted root certificates.

use std::env;

use once_cell::race::OnceBox;
use rustls_native_certs::{CertificateResult, ErrorKind, load_native_certs};
use tokio_rustls::rustls::RootCertStore;

use super::TARGET;
use crate::log::{self, Level};

/// The environment variables that replace the system's roots, as in OpenSSL.
const VARIABLES: [&str; 2] = ["SSL_CERT_FILE", "SSL_CERT_DIR"];

/// The system's roots.
pub(super) struct SystemRoots {
    pub roots: RootCertStore,
    /// Why there are none, and what to do.
    pub fault: Option<String>,
}

/// Reads them once, which takes tens of milliseconds. Takes no lock, because a forked child might
/// find it held for ever.
pub(super) fn system_roots() -> &'static SystemRoots {
    static ROOTS: OnceBox<SystemRoots> = OnceBox::new();
    ROOTS.get_or_init(|| {
        let loaded = load_native_certs();
        let mut roots = RootCertStore::empty();
        let fault = if loaded.certs.is_empty() {
            let set = VARIABLES.map(|name| Some((name, env::var_os(name)?)));
            let set = set.into_iter().flatten();
            let set = set.map(|(name, value)| format!("{name}={}", value.to_string_lossy()));
            Some(nothing_found(&set.collect::<Vec<_>>(), &loaded))
        } else {
            roots.add_parsable_certificates(loaded.certs);
            None
        };
        // With a ca_file the fault causes no error, so only the log shows it.
        if let Some(fault) = &fault {
            log::emit(Level::Warn, TARGET, fault);
        }
        Box::new(SystemRoots { roots, fault })
    })
}

fn nothing_found(variables: &[String], loaded: &CertificateResult) -> String {
    if variables.is_empty() {
        let message = "the system has no trusted root certificates: install ca-certificates, or \
                       name a PEM file in `ca_file`";
        return message.to_owned();
    }
    let variables = variables.join(" and ");
    let why = match loaded.errors.first().map(|error| &error.kind) {
        Some(ErrorKind::Io { inner, .. }) => format!(" ({inner})"),
        _ => String::new(),
    };
    let advice = "correct the variable, or unset it so that the system's are used";
    format!("{variables} in the environment leads to no root certificates{why}: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_variable_without_certificates_is_named_in_the_error() {
        let nothing = load_nothing();
        let message = nothing_found(&["SSL_CERT_FILE=/no/such.pem".to_owned()], &nothing);
        for word in ["SSL_CERT_FILE=/no/such.pem", "No such file", "unset"] {
            assert!(message.contains(word), "{message}");
        }
        let message = nothing_found(&[], &CertificateResult::default());
        assert!(message.contains("ca-certificates"), "{message}");
    }

    fn load_nothing() -> CertificateResult {
        let path = std::path::Path::new("/no/such.pem");
        rustls_native_certs::load_certs_from_paths(Some(path), None)
    }
}
