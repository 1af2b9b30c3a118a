//! The protocol: parses a frame into a borrowed [`incoming::Incoming`], writes commands, and parses
//! endpoint URLs. Pure: no clock, no I/O, no threads, no locks.

mod custom_message;
pub mod endpoint;
pub mod error_object;
pub mod fast_path;
pub mod frame;
pub mod incoming;
pub mod items;
mod json;
pub mod key;
pub mod outgoing;
mod plain_text;
mod scan;
pub mod wire_uid;

pub use frame::Frame;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod recordings;
