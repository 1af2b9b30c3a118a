//! `drt_set_log`, and that no secret is ever logged or reported (I9). The log belongs to
//! the whole process, so these tests are a program of their own and run one by one.

#[path = "../support/mod.rs"]
mod support;

use support::{cc, scripted_server, server, test_client};

mod listening;

mod early;
mod environment;
mod levels;
mod secrets;
mod sinks;
