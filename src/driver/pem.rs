//! The application's PEM files: certificates to trust, and the client's certificate and key. The
//! content of a file is never quoted in an error: it may be a private key.

use std::fmt::Display;
use std::fs::{self, Metadata};
use std::time::SystemTime;

use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, RootCertStore};
use zeroize::Zeroizing;

use super::tls_failure::{fault, log_detail};
use crate::error::{Error, Result, Status};

/// The application's PEM files.
#[derive(Clone, Debug, Default)]
pub struct TlsFiles {
    /// Roots to trust beside the system's, and servers' own certificates.
    pub ca_file: Option<String>,
    /// The client's certificate chain; needs `client_key_file`.
    pub client_cert_file: Option<String>,
    /// Its key.
    pub client_key_file: Option<String>,
}

/// The client's certificate and its key.
pub(super) struct Identity {
    pub chain: Vec<CertificateDer<'static>>,
    pub key: PrivateKeyDer<'static>,
}

/// Identifies the content of a file, to see whether it has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    modified: Option<SystemTime>,
    bytes: u64,
    /// A file that replaced another may have the same age.
    #[cfg(unix)]
    inode: u64,
}

impl Version {
    fn of(file: &Metadata) -> Version {
        Version {
            modified: file.modified().ok(),
            bytes: file.len(),
            #[cfg(unix)]
            inode: std::os::unix::fs::MetadataExt::ino(file),
        }
    }
}

impl TlsFiles {
    /// Checks that the files can be used. A wrong path is an error even if no link uses TLS.
    pub fn check(&self) -> Result<()> {
        self.authorities()?;
        self.identity().map(drop)
    }

    /// The certificates of `ca_file`, each of which can be a root.
    pub(super) fn authorities(&self) -> Result<Vec<CertificateDer<'static>>> {
        let Some(path) = self.ca_file.as_deref() else {
            return Ok(Vec::new());
        };
        let named = certificates("ca_file", path)?;
        let mut roots = RootCertStore::empty();
        for certificate in &named {
            let added = roots.add(certificate.clone());
            added.map_err(|error| refused("ca_file", path, &error))?;
        }
        Ok(named)
    }

    pub(super) fn identity(&self) -> Result<Option<Identity>> {
        let paths = (
            self.client_cert_file.as_deref(),
            self.client_key_file.as_deref(),
        );
        match paths {
            (None, None) => Ok(None),
            (Some(cert_path), Some(key_path)) => Ok(Some(Identity {
                chain: certificates("client_cert_file", cert_path)?,
                key: private_key("client_key_file", key_path)?,
            })),
            _ => {
                let message =
                    "`client_cert_file` and `client_key_file` go together: set both or none";
                let alone = match paths.0 {
                    Some(_) => "client_cert_file",
                    None => "client_key_file",
                };
                Err(Error::invalid(alone, message))
            }
        }
    }

    /// The certificate and the key do not go together, or one of them cannot be used.
    pub(super) fn identity_refused(&self, error: &rustls::Error) -> Error {
        let cert_path = self.client_cert_file.as_deref().unwrap_or_default();
        let key_path = self.client_key_file.as_deref().unwrap_or_default();
        match error {
            rustls::Error::InvalidCertificate(_) => refused("client_cert_file", cert_path, error),
            rustls::Error::InconsistentKeys(_) => {
                let why = format!("it is not the key of `client_cert_file` {cert_path:?}");
                unusable("client_key_file", key_path, why)
            }
            _ => {
                log_detail(error);
                let why = "a key of that kind is not supported: make one of ECDSA (P-256, P-384), \
                           Ed25519, or RSA with 2048 to 8192 bits";
                unusable("client_key_file", key_path, why)
            }
        }
    }

    /// The versions of the files as they are now.
    pub(super) fn versions(&self) -> [Option<Version>; 3] {
        let files = [&self.ca_file, &self.client_cert_file, &self.client_key_file];
        files.map(|path| Some(Version::of(&fs::metadata(path.as_ref()?).ok()?)))
    }
}

fn certificates(option: &'static str, path: &str) -> Result<Vec<CertificateDer<'static>>> {
    let content = read(option, path)?;
    let found: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(unusable(option, path, why_not(&content, CERTIFICATE))),
        Err(_) => Err(unusable(option, path, DAMAGED)),
    }
}

fn private_key(option: &'static str, path: &str) -> Result<PrivateKeyDer<'static>> {
    let content = read(option, path)?;
    PrivateKeyDer::from_pem_slice(&content)
        .map_err(|_| unusable(option, path, why_not(&content, PRIVATE_KEY)))
}

fn read(option: &'static str, path: &str) -> Result<Zeroizing<Vec<u8>>> {
    fs::read(path).map(Zeroizing::new).map_err(|error| {
        let message = format!("`{option}` {path:?} cannot be read: {error}");
        Error::new(Status::Io, message).about(option)
    })
}

const CERTIFICATE: &str = "certificate";
const PRIVATE_KEY: &str = "private key";
const DAMAGED: &str = "its PEM form is damaged";

/// What files contain by mistake: for which kind of file, the text that shows it, and what to do.
const WRONG_CONTENT: [(&str, &str, &str); 10] = [
    (
        PRIVATE_KEY,
        "-----BEGIN ENCRYPTED PRIVATE KEY-----",
        "the key is encrypted with a passphrase: write it without one, with openssl pkey -in … \
         -out …, and let only its user read it",
    ),
    (
        PRIVATE_KEY,
        "Proc-Type: 4,ENCRYPTED",
        "the key is encrypted with a passphrase: write it without one, with openssl pkey -in … \
         -out …, and let only its user read it",
    ),
    (
        PRIVATE_KEY,
        "-----BEGIN OPENSSH PRIVATE KEY-----",
        "it has a key of OpenSSH's: TLS wants one that openssl has made, with a certificate",
    ),
    (PRIVATE_KEY, "PRIVATE KEY-----", DAMAGED),
    (
        PRIVATE_KEY,
        "-----BEGIN CERTIFICATE-----",
        "it has no private key but a certificate: the key is in a file of its own",
    ),
    (
        PRIVATE_KEY,
        "PUBLIC KEY-----",
        "it has no private key but a public one",
    ),
    (
        CERTIFICATE,
        "-----BEGIN TRUSTED CERTIFICATE-----",
        "it has a certificate in a form of OpenSSL's own: openssl x509 -in … -out … makes an \
         ordinary one of it",
    ),
    (
        CERTIFICATE,
        "CERTIFICATE REQUEST-----",
        "it has no certificate but the request for one: the authority's answer is the certificate",
    ),
    (
        CERTIFICATE,
        "-----BEGIN PKCS7-----",
        "it has certificates in PKCS #7 form: openssl pkcs7 -print_certs -in … -out … makes PEM \
         of it",
    ),
    (
        CERTIFICATE,
        "PRIVATE KEY-----",
        "it has no certificate but a private key: the certificate is in a file of its own",
    ),
];

/// Why a file does not contain what it should.
fn why_not(content: &[u8], wanted: &str) -> String {
    let text = String::from_utf8_lossy(content);
    let known = WRONG_CONTENT
        .iter()
        .find(|(of, words, _)| *of == wanted && text.contains(words));
    let why = match (known, content) {
        (Some((.., why)), _) => why,
        (None, []) => "it is empty",
        // A sequence in ASN.1.
        (None, [0x30, ..]) => {
            "it is in binary form, DER or PKCS #12: convert it to PEM with openssl x509, openssl \
             pkey or openssl pkcs12"
        }
        (None, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) => {
            "it is in UTF-16, as some editors and PowerShell write: save it as UTF-8"
        }
        _ => return format!("it has no {wanted} in PEM form"),
    };
    why.to_owned()
}

fn refused(option: &'static str, path: &str, error: &rustls::Error) -> Error {
    log_detail(error);
    let why = match error {
        rustls::Error::InvalidCertificate(why) => fault(why),
        _ => "cannot be read".to_owned(),
    };
    unusable(option, path, format!("a certificate in it {why}"))
}

fn unusable(option: &'static str, path: &str, why: impl Display) -> Error {
    let message = format!("`{option}` {path:?} cannot be used: {why}");
    Error::new(Status::Tls, message).about(option)
}
