//! Why a link could not be opened or was lost, as a sentence that says what to do.

use std::io;
use std::time::{Duration, SystemTime};

use tokio_rustls::rustls;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error as WsError, ProtocolError};

use super::answer::retry_after;
use super::tls_failure;

/// The kinds of failure that the session treats differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureKind {
    /// The host's name could not be resolved.
    Dns,
    /// Nothing listens at that address.
    Refused,
    /// No answer within the allowed time.
    Timeout,
    /// The certificate is not trusted, or is for another name. A retry does not repair it.
    Untrusted,
    /// The certificate has expired or is not valid yet. A renewal, or setting the clock, repairs
    /// it, so a retry may succeed.
    CertificateTime,
    /// TLS failed otherwise.
    Tls,
    /// The server refused the upgrade with this status.
    Http(u16),
    /// The link was closed, by either side.
    Closed,
    /// A message was larger than allowed.
    TooLarge,
    /// The network failed.
    Io,
    /// The peer does not speak WebSocket as it should.
    Protocol,
    /// The proxy refused the tunnel.
    Proxy,
    /// The endpoint speaks another protocol over WebSocket.
    OtherProtocol,
}

/// A failure with a sentence. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkFailure {
    /// The kind.
    pub kind: FailureKind,
    /// The sentence.
    pub message: String,
    /// The sentence to use instead if this endpoint has worked before.
    pub if_worked: Option<String>,
    /// When the server allows the next attempt (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl LinkFailure {
    pub(super) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        let message = message.into();
        LinkFailure {
            kind,
            message,
            if_worked: None,
            retry_after: None,
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
        if let Some(cause) = tls_cause(error) {
            return tls_failure::of_handshake(host, cause);
        }
        let message = match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => format!(
                "{host} closed the connection during the TLS handshake: does it speak TLS at that \
                 port?"
            ),
            _ => format!("TLS with {host} failed: {error}"),
        };
        LinkFailure::new(FailureKind::Tls, message)
    }

    /// The upgrade failed, with or without a token in the URL.
    pub(super) fn of_upgrade(error: WsError, with_token: bool) -> Self {
        match error {
            WsError::Http(response) => LinkFailure {
                retry_after: retry_after(response.headers(), SystemTime::now()),
                ..refused(response.status().as_u16(), with_token)
            },
            WsError::Protocol(ProtocolError::HandshakeIncomplete)
            | WsError::ConnectionClosed
            | WsError::AlreadyClosed => LinkFailure::new(
                FailureKind::Closed,
                "the server closed the connection instead of answering the WebSocket upgrade",
            ),
            WsError::Protocol(ProtocolError::HttparseError(_)) => LinkFailure::new(
                FailureKind::Protocol,
                "what answers is no HTTP server: check the port, and whether the URL needs wss:// \
                 or https://",
            ),
            WsError::Protocol(ProtocolError::SecWebSocketSubProtocolError(_)) => LinkFailure::new(
                FailureKind::Protocol,
                "the server chooses a WebSocket subprotocol that was not offered: check that the \
                 URL is the one of Directus, and that a proxy in between passes \
                 Sec-WebSocket-Protocol unchanged",
            ),
            other => LinkFailure::of_websocket(other),
        }
    }

    /// The link broke after it was open.
    pub(super) fn of_websocket(error: WsError) -> Self {
        match error {
            WsError::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
                let message = format!(
                    "the server sent a message of {size} bytes, more than the {max_size} of \
                     `max_message_bytes`: raise that option, or ask for less at once"
                );
                LinkFailure::new(FailureKind::TooLarge, message)
            }
            WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake)
            | WsError::ConnectionClosed
            | WsError::AlreadyClosed => dropped(),
            WsError::Io(error) => of_io(&error),
            other => LinkFailure::new(
                FailureKind::Protocol,
                format!("the peer does not speak WebSocket as it should: {other}"),
            ),
        }
    }

    /// The server sent a close frame, or closed without one (`None`).
    pub(super) fn of_close_frame(code: Option<u16>, reason: &str) -> Self {
        if code == Some(4406) {
            return LinkFailure::new(
                FailureKind::OtherProtocol,
                "this is a GraphQL endpoint (close code 4406): use the path of the server's REST \
                 WebSocket, /websocket, or its URL with http:// or https:// and no path",
            );
        }
        // 1005 stands for "no code".
        let message = match code.filter(|code| *code != 1005) {
            None => "the server closed the connection without saying why".to_owned(),
            Some(code) if reason.is_empty() => {
                format!("the server closed the connection with code {code}")
            }
            Some(code) => {
                let reason = printable(reason);
                format!("the server closed the connection with code {code}: {reason}")
            }
        };
        LinkFailure::new(FailureKind::Closed, message)
    }

    /// The link was closed by [`super::Link::close`].
    pub(super) fn of_own_close() -> Self {
        LinkFailure::new(
            FailureKind::Closed,
            "the connection was closed by this side",
        )
    }

    /// The link's task panicked.
    pub(super) fn of_panic() -> Self {
        LinkFailure::new(
            FailureKind::Io,
            "the connection was closed after an internal error: this is a bug in directus-realtime, \
             please report it",
        )
    }
}

/// Text from a peer, shortened and without control characters.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .take(200)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

fn tls_cause(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

fn of_io(error: &io::Error) -> LinkFailure {
    if let Some(cause) = tls_cause(error) {
        return tls_failure::of_open_link(cause);
    }
    match error.kind() {
        // So rustls says it, with an address in its own documentation.
        io::ErrorKind::UnexpectedEof => dropped(),
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => LinkFailure::new(
            FailureKind::Closed,
            format!("the connection broke: {error}"),
        ),
        _ => LinkFailure::new(FailureKind::Io, format!("the network failed: {error}")),
    }
}

fn dropped() -> LinkFailure {
    LinkFailure::new(
        FailureKind::Closed,
        "the server closed the connection without a close frame (was it stopped?)",
    )
}

fn refused(status: u16, with_token: bool) -> LinkFailure {
    let why = match status {
        300..=399 => "the server redirects: use the URL that it leads to",
        400 => {
            "the server does not understand the WebSocket upgrade: check the scheme and the port"
        }
        401 if with_token => "the server refused the access token",
        401 => {
            "the server wants an access token in the URL, as WEBSOCKETS_REST_AUTH=strict makes it \
             (set `auth_mode` to strict), or a session cookie in the option `headers` has \
             expired, or a proxy in front of the server wants credentials (the option `headers` \
             carries them)"
        }
        403 => {
            "the server refused the connection: its WEBSOCKETS_REST_CONN_LIMIT is reached, or its \
             licence or a proxy forbids it"
        }
        404 => {
            "there is no WebSocket at that path: check the URL, and that the server has \
             WEBSOCKETS_ENABLED, and not WEBSOCKETS_REST_ENABLED=false"
        }
        407 => "a proxy wants credentials: set the option `proxy`",
        429 => "the server wants fewer connection attempts",
        502..=504 => "the server behind the proxy is not available",
        500..=599 => "the server failed",
        200..=299 => {
            "what answers at that URL does not upgrade to WebSocket: check the path, and that a \
             proxy in between lets upgrades through"
        }
        _ => "the server refused the WebSocket upgrade",
    };
    // The URL is right, and what refuses is not the server, or not for long.
    let passes = matches!(status, 200..=400 | 404) || (status == 401 && !with_token);
    let if_worked = passes.then(|| {
        format!(
            "the server, or a proxy in front of it, refuses the WebSocket upgrade that it took \
             before: is it being updated? (HTTP {status})"
        )
    });
    LinkFailure {
        if_worked,
        ..LinkFailure::new(FailureKind::Http(status), format!("{why} (HTTP {status})"))
    }
}
