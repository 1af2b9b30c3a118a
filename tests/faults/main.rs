//! Real faults on real servers: a proxy between the library and Directus that does
//! what networks do, servers that are killed, applications that are slow.
//!
//! `DRT_FAULT_SEED` replays the proxy's choices, `DRT_FAULT_RESTARTS` sets how often
//! the server is killed, `DRT_FAULT_SECONDS` how long the application is slow;
//! `DRT_FAULT_COMPARE` counts what the server's own snapshots miss.

#[path = "../support/mod.rs"]
mod support;

mod exactness;
mod proxy;
mod restarts;
mod slow;
mod thousand;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name} wants a number, not {text:?}"))
    })
}
