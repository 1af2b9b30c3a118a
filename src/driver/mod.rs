//! tokio, tungstenite and rustls: it carries out what the session decides and
//! decides nothing itself.

mod alarm;
mod answer;
mod connect;
mod connection;
mod failure;
mod headers;
mod packer;
mod pem;
mod proxy;
mod pump;
mod resolve;
pub mod runtime;
mod stream;
mod system_roots;
mod tls;
mod tls_failure;
mod trace;
mod traffic;
mod trust;

pub use alarm::{Alarm, spawn_alarm};
pub use connection::{Link, LinkEvents, LinkId, LinkOptions, open};
pub use failure::{FailureKind, LinkFailure};
pub use headers::check_header;
pub use pem::TlsFiles;
pub use proxy::Proxy;
pub use runtime::Runtime;
pub use tls::Tls;
pub use traffic::{Totals, Traffic};

/// The room's name in the log.
const TARGET: &str = "driver";

#[cfg(test)]
mod tests;
