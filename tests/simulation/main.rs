//! Years of broken networks in seconds: the session, the subscriptions and the
//! delivery, unchanged, against a model of the server, under virtual time.
//!
//!     cargo test --test simulation                       100,000 schedules
//!     DRT_SIM_SEED=42 cargo test --test simulation       the one with that seed
//!     DRT_SIM_TRACE=1 DRT_SIM_SEED=42 …                  and all that happens in it
//!     DRT_SIM_SCHEDULES=1000000 cargo test --test simulation
//!
//! See README.md beside this file.

mod checks;
mod client;
mod mirror;
mod network;
mod runner;
mod schedule;
mod server;
mod shrink;
mod world;

#[test]
fn i1_to_i9_hold_on_every_schedule() {
    runner::run();
}
