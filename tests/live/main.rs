//! The library against real Directus servers, through its C ABI.
//!
//! A test's name states the rule that it holds, and begins with the invariant that it
//! guards (`i1_…` to `i9_…`, see `docs/architecture.md`). Each kind of server is started
//! once, when the first test needs it, and stops when this process ends.

#[path = "../support/mod.rs"]
mod support;

use support::{server, test_client, tls};

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
