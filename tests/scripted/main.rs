//! The library, through its C ABI, against a scripted server, which misbehaves as no
//! real one can be made to.

#[path = "../support/mod.rs"]
mod support;

use support::{frame, log, scripted_server, seen, test_client, tls};

mod authentication;
mod certificates;
mod closing;
mod draining;
mod event_load;
mod expiry;
mod faults;
mod live;
mod load_server;
mod names;
mod polled;
mod polling;
mod proxies;
mod rows;
mod states;
mod stats;
mod take_over;
mod upgrade;
mod visits;
