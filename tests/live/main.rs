//! The library against real Directus servers, through its C ABI.
//!
//! Test names are sentences; those that guard an invariant of the design name
//! it (`i1_…` to `i9_…`). Each kind of server is started once, when the first
//! test wants it, and ends with this process.

#[path = "../support/mod.rs"]
mod support;

use support::{server, sut, tls};

mod auth;
mod certificates;
mod connection;
mod delivery;
mod events;
mod gaps;
mod items;
mod keys;
mod lifetimes;
mod messages;
mod old_server;
mod urls;
