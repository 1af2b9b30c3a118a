//! What subscriptions take, and what an idle client does.

use std::ffi::c_void;
use std::path::PathBuf;
use std::time::Duration;

use directus_realtime::ffi::*;
use serde_json::{Value, json};

use super::Client;
use crate::allocations;

/// Until what has been caused is over.
const SETTLE: Duration = Duration::from_millis(500);

unsafe extern "C" fn ignore(_event: *const drt_event, _user_data: *mut c_void) {}

pub fn memory(url: &str, subscriptions: u64) -> Value {
    allocations::begin();
    let client = Client::open(url, |_| ());
    std::thread::sleep(SETTLE);
    let (before, mut given) = (allocations::live(), 0);
    for n in 0..subscriptions {
        let uid = format!("subscription-{n}");
        given += uid.len() + "posts".len() + 2;
        client.subscribe(Some(&uid), Some(ignore), &());
    }
    while client.stats().active_subscriptions < subscriptions {
        std::thread::sleep(Duration::from_millis(50));
    }
    std::thread::sleep(SETTLE);
    let bytes = allocations::live() - before - given;
    json!({"bytes_per_subscription": bytes as f64 / subscriptions as f64})
}

pub fn idle(url: &str, seconds: u64) -> Value {
    // The deadlines of what has been answered pass while it settles.
    let client = Client::open(url, |options| options.ack_timeout_ms = 300);
    client.subscribe(None, Some(ignore), &());
    std::thread::sleep(2 * SETTLE);
    let before = wakes();
    std::thread::sleep(Duration::from_secs(seconds));
    json!({"wakes": wakes() - before})
}

/// How often the library's threads have gone to sleep, counted by the kernel.
fn wakes() -> u64 {
    let read = |path: PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let tasks = std::fs::read_dir("/proc/self/task");
    tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter(|task| read(task.path().join("comm")).starts_with("drt-"))
        .map(|task| {
            let status = read(task.path().join("status"));
            let line = status
                .lines()
                .find(|line| line.starts_with("voluntary_ctxt_switches"));
            line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
                .expect("the kernel counts")
        })
        .sum()
}
