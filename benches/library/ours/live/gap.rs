//! A large live collection whose link is lost, or which many changes reach at once.

use std::time::Duration;

use directus_realtime::ffi::*;
use serde_json::{Value, json};

use super::{Client, Told, wait};
use crate::clock;

const TICK: Duration = Duration::from_micros(200);
/// Rows that change at once: fewer than make the library read all of them.
const BURST: u64 = 400;

/// From the lost link to rows that are current again, though nothing has changed. The server counts
/// the reads.
pub fn gap(url: &str, rows: u64) -> Value {
    let told = Told::default();
    let client = Client::open(url, |options| options.reconnect_min_ms = 10);
    let live = client.current(&told, rows);
    let (changes, connects) = (told.changes(), client.stats().connects);
    client.ask(r#"{"type":"bench","act":"drop"}"#);
    let status = || {
        // SAFETY: any handle is fine.
        unsafe { drt_live_get_status(live) }
    };
    while status() == DRT_LIVE_CURRENT {
        std::thread::sleep(TICK);
    }
    while client.stats().connects == connects {
        std::thread::sleep(TICK);
    }
    let (begin, before) = (clock::monotonic(), clock::processor());
    wait(live);
    let (end, after) = (clock::monotonic(), clock::processor());
    json!({
        "seconds": (end - begin) as f64 / 1e9,
        "cpu_seconds": (after - before) as f64 / 1e9,
        "told": told.changes() - changes,
    })
}

/// Updates in the middle of the list, which come at once, and are all found to be others again when
/// they are read.
pub fn burst(url: &str, rows: u64) -> Value {
    let told = Told::default();
    let client = Client::open(url, |_| ());
    client.current(&told, rows);
    let from = rows / 2;
    let ask = || {
        client.ask(&format!(
            r#"{{"type":"bench","act":"burst","from":{from},"count":{BURST}}}"#
        ));
    };
    // After the first seconds what is told need not be doubted for being early.
    std::thread::sleep(Duration::from_secs(11));
    let (mut changes, before) = (told.changes(), clock::processor());
    const ROUNDS: u64 = 5;
    for _ in 0..ROUNDS {
        ask();
        changes += 2 * BURST;
        while told.changes() < changes {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Another burst is not one with this one.
        std::thread::sleep(Duration::from_millis(2_500));
    }
    let used = (clock::processor() - before) as f64 / 1e3;
    json!({"cpu_us_per_change": used / (2 * BURST * ROUNDS) as f64})
}
