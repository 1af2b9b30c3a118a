//! What the server says.

use serde::Serialize;
use serde_json::{Value, json};

/// The server's word that the token has expired.
pub fn expired() -> Value {
    json!({"type": "auth", "status": "error", "error": {"code": "TOKEN_EXPIRED", "message": "Token expired."}})
}

/// A subscription is registered, with an empty snapshot.
pub fn init(uid: impl Serialize) -> Value {
    json!({"type": "subscription", "event": "init", "data": [], "uid": uid})
}

/// A subscription is forgotten.
pub fn unsubscribed(uid: impl Serialize) -> Value {
    json!({"type": "subscription", "event": "unsubscribe", "uid": uid})
}

/// An authentication is confirmed.
pub fn auth_ok(uid: &Value) -> Value {
    json!({"type": "auth", "status": "ok", "uid": uid})
}

/// A credential is refused.
pub fn auth_failed() -> Value {
    json!({"type": "auth", "status": "error",
           "error": {"code": "AUTH_FAILED", "message": "Authentication handshake failed."}})
}

/// A refusal, or an event withheld: an 11.x server does not say whose.
pub fn forbidden() -> Value {
    json!({"type": "subscribe", "status": "error", "error": {"code": "FORBIDDEN", "message": "no"}})
}

/// An error of the items service that does not say whom it means.
pub fn items_error(code: &str) -> Value {
    json!({"type": "items", "status": "error", "error": {"code": code, "message": "no"}})
}

/// The error, with whom it means.
pub fn named(mut error: Value, uid: &Value) -> Value {
    error["uid"] = uid.clone();
    error
}

/// The server's word that it has dropped a message.
pub fn limited(ms: u32) -> Value {
    json!({"type": "server", "status": "error", "error": {
        "code": "REQUESTS_EXCEEDED", "message": format!("Too many messages, retry after {ms}ms.")}})
}
