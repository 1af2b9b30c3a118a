//! Session, subscriptions and delivery, unchanged, against a model of the server, under
//! virtual time: years of broken networks in seconds.
//!
//!     cargo test --test simulation                       100,000 schedules
//!     DRT_SIM_SEED=42 cargo test --test simulation       the one with that seed
//!     DRT_SIM_TRACE=1 DRT_SIM_SEED=42 …                  and a trace of its run
//!     DRT_SIM_SCHEDULES=1000000 cargo test --test simulation
//!     DRT_SIM_INVARIANT=I3 …                             only violations of that one
//!
//! See README.md beside this file.

mod act;
mod app;
mod calls;
mod checks;
mod client;
mod footprint;
mod generate;
mod growth;
mod journal;
mod known;
mod lives;
mod memory;
mod mirror;
mod network;
mod order;
mod quiet;
mod runner;
mod schedule;
mod secrets;
mod server;
mod shrink;
mod sinks;
mod stream;
mod threads;
mod watch;
mod world;

#[global_allocator]
static MEMORY: memory::Counting = memory::Counting;

#[test]
fn i1_to_i9_hold_on_every_schedule() {
    runner::run();
}

#[test]
fn i8_a_long_lived_client_does_not_grow() {
    growth::run();
}

#[test]
fn i1_to_i4_hold_with_several_threads() {
    threads::run();
}
