//! Headers of the upgrade request.

use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};

use crate::error::{Error, Result, Status};

/// Headers that belong to the handshake itself. An Origin would make the server
/// treat us as a browser and refuse what it does not know.
const RESERVED: [&str; 9] = [
    "host",
    "connection",
    "upgrade",
    "origin",
    "content-length",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
    "sec-websocket-extensions",
];

/// Whether a header may be added to the upgrade request.
pub fn check_header(name: &str, value: &str) -> Result<()> {
    let invalid = |message: String| Err(Error::new(Status::InvalidArgument, message));
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        return invalid(format!("{name:?} in `headers` is not the name of a header"));
    }
    if HeaderValue::from_str(value).is_err() {
        return invalid(format!(
            "the value of the header {name} has characters that none may have"
        ));
    }
    if RESERVED.contains(&name.to_ascii_lowercase().as_str()) {
        return invalid(format!(
            "the header {name} is the handshake's own and cannot be set"
        ));
    }
    Ok(())
}
