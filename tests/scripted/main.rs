//! The library, through its C ABI, against a server that misbehaves as no real one
//! can be made to: the test itself says the server's every word.

#[path = "../support/mod.rs"]
mod support;

use support::{frame, log, peer, seen, sut, tls};

mod authentication;
mod certificates;
mod closing;
mod draining;
mod expiry;
mod faults;
mod fountain;
mod names;
mod polled;
mod polling;
mod pouring;
mod proxies;
mod states;
mod stats;
mod upgrade;
mod visits;
