//! Real faults on real servers: a proxy that breaks connections between the library and
//! Directus, servers that are killed, applications that are slow.
//!
//! `DRT_FAULT_SEED` replays the random choices. `DRT_FAULT_RESTARTS` sets how often the
//! server is killed, `DRT_FAULT_FAILOVERS` how often a node of the cluster, and
//! `DRT_FAULT_SECONDS` how long the application is slow.

#[path = "../support/mod.rs"]
mod support;

mod bytes;
mod cluster;
mod exactness;
mod mirror;
mod proxy;
mod restarts;
mod slow;
mod thousand;
mod writers;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} wants a number, not {text:?}"))
    })
}

fn seed() -> u64 {
    setting("DRT_FAULT_SEED", fastrand::u64(..) >> 16)
}

/// Prints a measurement, also where the test passes.
fn report(text: &str) {
    use std::io::Write;
    // Not by eprintln!: cargo shows its output only for tests that fail.
    let _ = writeln!(std::io::stderr(), "{text}");
}
