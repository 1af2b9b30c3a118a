//! `drt_set_log`, and that no secret is ever told (I9). The log is the process's, so
//! these tests have a program of their own and run one after the other in it.

#[path = "../support/mod.rs"]
mod support;

use support::{cc, peer, server, sut};

mod listening;

mod environment;
mod levels;
mod secrets;
mod sinks;
