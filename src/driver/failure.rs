//! Why a link could not be opened, or was lost, in words a person can act on.

use std::io;

use tokio_rustls::rustls;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};

/// The kinds of failure that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The host's name could not be resolved.
    Dns,
    /// Nobody listens there.
    Refused,
    /// Not within the time allowed.
    Timeout,
    /// The certificate is not trusted, or is for another name.
    Untrusted,
    /// TLS failed otherwise.
    Tls,
    /// The server refused the upgrade with this status.
    Http(u16),
    /// The server closed the link.
    Closed,
    /// A message was larger than allowed.
    TooLarge,
    /// The network failed.
    Io,
    /// The peer does not speak WebSocket as it should.
    Protocol,
    /// The proxy did not let us through.
    Proxy,
}

/// A failure with a sentence. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFailure {
    /// The kind.
    pub kind: FailureKind,
    /// The sentence.
    pub message: String,
}

impl LinkFailure {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        LinkFailure {
            kind,
            message: message.into(),
        }
    }

    /// TCP could not be opened.
    pub(super) fn of_connect(address: &str, error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ConnectionRefused => LinkFailure::new(
                FailureKind::Refused,
                format!("{address} refused the connection: is the server running?"),
            ),
            _ => LinkFailure::new(
                FailureKind::Io,
                format!("cannot connect to {address}: {error}"),
            ),
        }
    }

    /// The TLS handshake failed.
    pub(super) fn of_tls(host: &str, error: &io::Error) -> Self {
        let cause = error
            .get_ref()
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match cause {
            Some(rustls::Error::InvalidCertificate(why)) => LinkFailure::new(
                FailureKind::Untrusted,
                format!(
                    "the certificate of {host} is not trusted ({why}): if it is of an authority \
                     of your own, name its PEM file in ca_file"
                ),
            ),
            Some(other) => {
                LinkFailure::new(FailureKind::Tls, format!("TLS with {host} failed: {other}"))
            }
            None => LinkFailure::new(FailureKind::Tls, format!("TLS with {host} failed: {error}")),
        }
    }

    /// The upgrade failed, or the link afterwards.
    pub(super) fn of_websocket(error: WsError) -> Self {
        match error {
            WsError::Http(response) => {
                let status = response.status().as_u16();
                let why = match status {
                    401 => "the server refused the token (HTTP 401)".to_owned(),
                    403 => "the server refused the connection (HTTP 403): its limit of \
                            connections is reached, or a proxy or licence forbids it"
                        .to_owned(),
                    404 => "there is no WebSocket at that path (HTTP 404): check the URL".into(),
                    300..=399 => {
                        format!("the server redirects (HTTP {status}): use the URL it leads to")
                    }
                    502..=504 => {
                        format!("the server behind the proxy is not available (HTTP {status})")
                    }
                    _ => format!("the server refused the WebSocket upgrade (HTTP {status})"),
                };
                LinkFailure::new(FailureKind::Http(status), why)
            }
            WsError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                LinkFailure::new(
                    FailureKind::TooLarge,
                    format!(
                        "the server sent a message of {size} bytes, more than the {max_size} of \
                         max_message_bytes: raise it"
                    ),
                )
            }
            WsError::Protocol(
                ProtocolError::ResetWithoutClosingHandshake | ProtocolError::HandshakeIncomplete,
            )
            | WsError::ConnectionClosed
            | WsError::AlreadyClosed => {
                LinkFailure::new(FailureKind::Closed, "the server closed the connection")
            }
            WsError::Io(error) => match error.kind() {
                io::ErrorKind::ConnectionReset
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionAborted => LinkFailure::new(
                    FailureKind::Closed,
                    format!("the connection broke: {error}"),
                ),
                _ => LinkFailure::new(FailureKind::Io, format!("the network failed: {error}")),
            },
            other => LinkFailure::new(
                FailureKind::Protocol,
                format!("the peer does not speak WebSocket as it should: {other}"),
            ),
        }
    }
}
