//! The driver: sockets, TLS, proxies and timers, on tokio, tungstenite and rustls. It carries out
//! what the session decides, and decides nothing itself.

mod answer;
mod connect;
mod connection;
mod counters;
mod dial;
#[cfg(any(target_os = "android", target_os = "linux"))]
mod epoll;
mod failure;
mod frame_head;
mod gate;
mod headers;
// Without epoll no thread but the I/O thread reads links: see `watch_none.rs`.
#[cfg_attr(not(any(target_os = "android", target_os = "linux")), allow(dead_code))]
mod open_link;
#[cfg_attr(not(any(target_os = "android", target_os = "linux")), allow(dead_code))]
mod outbox;
mod pem;
mod proxies;
mod proxy;
mod pump;
mod reader;
#[cfg(any(target_os = "android", target_os = "linux"))]
mod readiness;
mod resolve;
pub mod runtime;
mod socks;
#[cfg_attr(not(any(target_os = "android", target_os = "linux")), allow(dead_code))]
mod stream;
mod sync;
mod system_roots;
mod timer;
mod tls;
mod tls_failure;
mod trace;
mod turns;
mod verifier;
#[cfg(any(target_os = "android", target_os = "linux"))]
mod watch;
#[cfg(not(any(target_os = "android", target_os = "linux")))]
#[path = "watch_none.rs"]
mod watch;
pub mod websocket;
#[cfg_attr(not(any(target_os = "android", target_os = "linux")), allow(dead_code))]
mod writer;

pub use connection::{Link, LinkEvents, LinkId, LinkOptions, open};
pub use counters::{Counters, Totals};
pub use failure::{FailureKind, LinkFailure};
pub use headers::check_header;
pub use pem::TlsFiles;
pub use proxies::Proxies;
pub use runtime::Runtime;
pub use timer::{Timer, spawn_timer};
pub use tls::Tls;
pub use watch::Watch;

/// The module's name in the log.
const TARGET: &str = "driver";

#[cfg(test)]
mod tests;
