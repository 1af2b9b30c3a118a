//! The protocol: parses a frame into a borrowed [`incoming::Incoming`], writes commands, and parses
//! endpoint URLs. Pure: no clock, no I/O, no threads, no locks.

mod custom_message;
pub mod endpoint;
pub mod error_object;
pub mod fast_path;
pub mod incoming;
pub mod items;
mod json;
pub mod key;
pub mod outgoing;
mod scan;
pub mod wire_uid;

/// The text of one received frame: UTF-8, cheap to clone, because it shares the buffer that it was
/// read into.
pub type Frame = tokio_tungstenite::tungstenite::Utf8Bytes;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod recordings;
