//! Headers of the upgrade request and of its answer.

use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_EXTENSIONS;
use tokio_tungstenite::tungstenite::http::{HeaderMap, HeaderName, HeaderValue};

use super::failure::{FailureKind, LinkFailure, printable};
use crate::error::{Error, Result, Status};

/// Headers that the application may not set: those of the handshake itself (with all
/// `sec-websocket-*`), and those of a body, which the request does not have. With an Origin the
/// server would treat the library as a browser and refuse origins that it does not know.
const RESERVED: [&str; 6] = [
    "host",
    "connection",
    "upgrade",
    "origin",
    "content-length",
    "transfer-encoding",
];

/// Whether a header may be added to the upgrade request. The error never quotes
/// the value, which may be a secret.
pub fn check_header(name: &str, value: &str) -> Result<()> {
    parse_header(name, value).map(drop)
}

/// The header, parsed for a request.
pub(super) fn parse_header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let invalid = |message: String| Error::new(Status::InvalidArgument, message);
    let parsed = HeaderName::from_bytes(name.as_bytes())
        .map_err(|_| invalid(format!("{name:?} cannot be the name of a header")))?;
    if RESERVED.contains(&parsed.as_str()) || parsed.as_str().starts_with("sec-websocket-") {
        let message =
            format!("the header {name} belongs to the WebSocket handshake and cannot be set");
        return Err(invalid(message));
    }
    let value = HeaderValue::from_str(value).map_err(|_| {
        invalid(format!(
            "the value of the header {name} may only have printable ASCII characters"
        ))
    })?;
    Ok((parsed, value))
}

/// Refuses an answer that turns on an extension, as none was offered. Without this the first
/// compressed frame would end the link.
pub(super) fn check_answer(headers: &HeaderMap) -> std::result::Result<(), LinkFailure> {
    let extensions = headers.get_all(SEC_WEBSOCKET_EXTENSIONS);
    let named = |value: &HeaderValue| printable(&String::from_utf8_lossy(value.as_bytes()));
    let named: Vec<String> = extensions.iter().map(named).collect();
    if named.iter().all(|extension| extension.trim().is_empty()) {
        return Ok(());
    }
    let named = named.join(", ");
    let message = format!(
        "the server turns on a WebSocket extension that was not offered ({named}): a proxy in \
         between may have added it to the request; let it pass Sec-WebSocket-Extensions unchanged"
    );
    Err(LinkFailure::new(FailureKind::Protocol, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(name: &str, value: &str) -> String {
        let error = check_header(name, value).unwrap_err();
        assert_eq!(error.status, Status::InvalidArgument);
        error.message
    }

    #[test]
    fn ordinary_headers_are_accepted() {
        check_header("X-Tenant", "seven of nine").unwrap();
        check_header("cookie", "directus_session_token=abc; a=b").unwrap();
        check_header("User-Agent", "mine/1.0").unwrap();
        check_header("X-Empty", "").unwrap();
    }

    #[test]
    fn a_header_with_line_breaks_is_refused() {
        for value in ["a\r\nOrigin: x", "a\nb", "a\rb", "a\0b"] {
            let message = refusal("X-Tenant", value);
            assert!(message.contains("X-Tenant"), "{message}");
            assert!(!message.contains("Origin"), "{message}");
        }
        for name in ["", "a b", "a:b", "a\r\nb", "ä"] {
            refusal(name, "value");
        }
    }

    #[test]
    fn headers_of_the_handshake_are_refused_by_name() {
        for name in ["Host", "ORIGIN", "upgrade", "Transfer-Encoding"] {
            assert!(refusal(name, "x").contains(name));
        }
        refusal("Sec-WebSocket-Protocol", "graphql-transport-ws");
        refusal("sec-websocket-anything", "x");
    }
}
