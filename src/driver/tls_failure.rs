//! Why TLS failed, for people who run servers and make certificates. The text of rustls names
//! parts of its source; it goes to the debug log only.

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::TARGET;
use super::failure::{FailureKind, LinkFailure};
use super::verifier::webpki_name;
use crate::log::{self, Level};

/// The handshake failed.
pub(super) fn of_handshake(host: &str, error: &Error) -> LinkFailure {
    log_detail(error);
    let message = match error {
        Error::InvalidCertificate(why) => return of_certificate(host, why),
        Error::InvalidMessage(_) => format!(
            "{host} does not answer with TLS at that port: if it has none, use ws:// or http://"
        ),
        Error::AlertReceived(alert) => alerted(*alert),
        Error::PeerIncompatible(PeerIncompatible::ServerRejectedEncryptedClientHello(_)) => {
            misbehaved(host)
        }
        Error::PeerIncompatible(_) => nothing_in_common(host),
        Error::NoCertificatesPresented => format!("{host} shows no certificate"),
        Error::FailedToGetCurrentTime => {
            "the clock of this machine is before 1970: set it right".to_owned()
        }
        Error::FailedToGetRandomBytes => "the system gives no random numbers for TLS".to_owned(),
        Error::InappropriateMessage { .. }
        | Error::InappropriateHandshakeMessage { .. }
        | Error::DecryptError
        | Error::PeerMisbehaved(_)
        | Error::PeerSentOversizedRecord => misbehaved(host),
        // These carry a sentence.
        Error::General(sentence) => format!("TLS with {host} failed: {sentence}"),
        _ => format!("TLS with {host} failed: the log has details at the level debug"),
    };
    LinkFailure::new(FailureKind::Tls, message)
}

/// TLS failed on an open link: with TLS 1.3 the server verifies a client certificate after the
/// handshake.
pub(super) fn of_open_link(error: &Error) -> LinkFailure {
    of_handshake("the server", error)
}

/// Logs the complete text of rustls.
pub(super) fn log_detail(error: &Error) {
    if log::enabled(Level::Debug) {
        log::emit(Level::Debug, TARGET, &format!("TLS: {error:?}"));
    }
}

fn misbehaved(host: &str) -> String {
    format!(
        "{host} breaks the rules of TLS: is something in between that changes what is sent, such \
         as a firewall or a virus scanner?"
    )
}

fn nothing_in_common(host: &str) -> String {
    format!(
        "{host} has no TLS version or cipher in common with this library, which speaks TLS 1.3, \
         and TLS 1.2 with ECDHE and AES-GCM or ChaCha20: update the server or the proxy in front \
         of it"
    )
}

fn alerted(alert: AlertDescription) -> String {
    use AlertDescription as Alert;
    let name = alert_name(alert);
    match alert {
        Alert::CertificateRequired => "the server wants a client certificate: set \
                                       `client_cert_file` and `client_key_file`"
            .to_owned(),
        Alert::BadCertificate
        | Alert::UnsupportedCertificate
        | Alert::CertificateRevoked
        | Alert::CertificateExpired
        | Alert::CertificateUnknown
        | Alert::UnknownCA
        | Alert::AccessDenied => format!(
            "the server does not accept the client certificate of `client_cert_file` (TLS alert \
             {name})"
        ),
        // Happens if the authority has the right name but another key.
        Alert::DecryptError => format!(
            "the server could not verify a signature (TLS alert {name}): is the client \
             certificate of `client_cert_file`, if one is set, of the authority that it trusts?"
        ),
        // With TLS 1.2, some servers send this if they want a client certificate.
        Alert::HandshakeFailure | Alert::InsufficientSecurity => format!(
            "the server refused TLS (TLS alert {name}): it has no cipher in common with this \
             library, or wants a client certificate (`client_cert_file`)"
        ),
        Alert::ProtocolVersion => format!(
            "the server refused TLS (TLS alert {name}): it has no TLS version in common with this \
             library, which speaks TLS 1.2 and 1.3"
        ),
        Alert::UnrecognisedName => format!(
            "the server has no certificate for the host in the URL (TLS alert {name}): use a name \
             that it knows"
        ),
        Alert::InternalError => {
            format!("the server failed in TLS (TLS alert {name}): look at its own log")
        }
        _ => format!("the server refused TLS (TLS alert {name})"),
    }
}

/// The name that an alert has in the RFCs.
fn alert_name(alert: AlertDescription) -> String {
    let known = match alert {
        AlertDescription::UnknownCA => Some("UnknownCa"),
        AlertDescription::UnknownPSKIdentity => Some("UnknownPskIdentity"),
        AlertDescription::UnrecognisedName => Some("UnrecognizedName"),
        other => other.as_str(),
    };
    let Some(known) = known else {
        return u8::from(alert).to_string();
    };
    let mut name = String::new();
    for c in known.chars() {
        if c.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(c.to_ascii_lowercase());
    }
    name
}

/// The server's certificate is not accepted.
fn of_certificate(host: &str, why: &CertificateError) -> LinkFailure {
    use CertificateError as Why;
    let kind = match why {
        Why::Expired
        | Why::ExpiredContext { .. }
        | Why::NotValidYet
        | Why::NotValidYetContext { .. } => FailureKind::CertificateTime,
        _ => FailureKind::Untrusted,
    };
    let message = match why {
        Why::UnknownIssuer => format!(
            "the certificate of {host} is not of an authority that is trusted here: if it is one \
             of your own, name its PEM file in `ca_file`"
        ),
        Why::Expired | Why::ExpiredContext { .. } => format!(
            "the certificate of {host} has expired: renew it, or set this machine's clock right"
        ),
        Why::NotValidYet | Why::NotValidYetContext { .. } => {
            format!("the certificate of {host} is not valid yet: set this machine's clock right")
        }
        Why::NotValidForNameContext { presented, .. } if presented.is_empty() => format!(
            "the certificate of {host} names no host in its subjectAltName, and its common name \
             does not count: make one with -addext subjectAltName=DNS:{host}, or IP: for an address"
        ),
        Why::NotValidForNameContext { presented, .. } => format!(
            "the certificate is for another name than {host} (it is for {}): use a name that it \
             has in the URL",
            listed(presented)
        ),
        Why::NotValidForName => format!(
            "the certificate is for another name than {host}: use a name that it has in the URL"
        ),
        other => format!("the certificate of {host} {}", fault(other)),
    };
    LinkFailure::new(kind, message)
}

/// The names of a certificate; rustls writes one as `DnsName("a.example")`.
fn listed(names: &[String]) -> String {
    let bare = names.iter().map(|name| match name.split_once('(') {
        Some((_, rest)) => rest.trim_end_matches(')').trim_matches('"'),
        None => name,
    });
    bare.collect::<Vec<_>>().join(", ")
}

/// What is wrong with a certificate, the server's or the client's: continues a sentence behind its
/// name.
pub(super) fn fault(why: &CertificateError) -> String {
    use CertificateError as Why;
    let text = match why {
        Why::BadEncoding => "cannot be read: it is damaged, or no X.509 certificate",
        Why::Revoked => "has been revoked",
        Why::BadSignature => {
            "has a wrong signature: it was not signed by the authority that is trusted here under \
             that name; if the authority was made anew, put its new certificate into `ca_file`"
        }
        Why::UnhandledCriticalExtension => {
            "has a critical extension that this library does not know: issue it without that"
        }
        Why::UnsupportedSignatureAlgorithmContext { .. }
        | Why::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "is signed by an algorithm that is not accepted, as SHA-1 is not: issue it again with \
             SHA-256, and RSA keys of 2048 bits or more, ECDSA or Ed25519"
        }
        Why::InvalidPurpose | Why::InvalidPurposeContext { .. } => {
            "is not for this purpose: its extendedKeyUsage lacks serverAuth, or clientAuth for a \
             client"
        }
        other => match webpki_name(other).as_deref() {
            Some("UnsupportedCertVersion") => {
                "is of X.509 version 1, which has no extensions: issue one of version 3, with \
                 openssl x509 -req -extfile and a file that has subjectAltName=DNS: and the \
                 host's name in it"
            }
            Some("CaUsedAsEndEntity") => {
                "is an authority's own, as a self-signed one may be: to trust it, name its PEM \
                 file in `ca_file`, or give the server one that an authority has signed"
            }
            Some("EndEntityUsedAsCa") => {
                "was signed by a certificate that may not sign others: its authority lacks \
                 basicConstraints CA:TRUE"
            }
            Some("PathLenConstraintViolated" | "MaximumPathDepthExceeded") => {
                "has more intermediate authorities than are allowed"
            }
            Some("NameConstraintViolation") => {
                "is for a name for which its authority may not sign (nameConstraints)"
            }
            _ => {
                "breaks the rules for certificates: openssl x509 -text shows what is in it, and \
                 the log has details at the level debug"
            }
        },
    };
    text.to_owned()
}

#[cfg(test)]
mod tests;
