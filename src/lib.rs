//! Live updates from a Directus server for C, C++, Python and Node.
//!
//! The product is the C ABI in [`ffi`]; everything below it is internal. The modules, from the
//! wire upwards, import only those below them:
//! [`protocol`], [`rows`], [`handover`], [`subscriptions`], [`session`], [`live`], [`delivery`],
//! [`driver`], [`client`], [`ffi`].

#![warn(missing_docs)]
#![deny(unsafe_op_in_unsafe_fn)]

pub mod client;
pub mod delivery;
pub mod driver;
pub mod error;
pub mod ffi;
mod growth;
pub mod handover;
#[cfg(test)]
mod layers;
pub mod live;
pub mod log;
#[cfg(unix)]
mod log_stream;
pub mod protocol;
pub mod rows;
pub mod secret;
pub mod session;
pub mod subscriptions;
pub mod threads;
