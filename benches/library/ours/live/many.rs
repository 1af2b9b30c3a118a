//! Many live collections in one client.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Client, Told, wait};
use crate::{allocations, clock};

const STORM_MS: u64 = 5_000;

/// What each takes beside its rows, and how often the server is asked for rows that change without a
/// pause: the server counts.
pub fn many(url: &str, collections: u64) -> Value {
    allocations::begin();
    let told = Told::default();
    let client = Client::open(url, |_| ());
    std::thread::sleep(Duration::from_millis(500));
    let (before, begin, used) = (allocations::live(), clock::monotonic(), clock::processor());
    let names = (0..collections).map(|n| format!("posts_{n}"));
    let lives: Vec<_> = names.map(|name| client.live(&name, &told)).collect();
    lives.iter().for_each(|live| wait(*live));
    let (end, after) = (clock::monotonic(), clock::processor());
    std::thread::sleep(Duration::from_millis(1_000));
    let bytes = allocations::live() - before;
    client.ask(&format!(
        r#"{{"type":"bench","act":"storm","ms":{STORM_MS}}}"#
    ));
    std::thread::sleep(Duration::from_millis(STORM_MS + 2_500));
    json!({
        "bytes": bytes as f64 / collections as f64,
        "seconds": (end - begin) as f64 / 1e9,
        "cpu_seconds": (after - used) as f64 / 1e9,
    })
}
