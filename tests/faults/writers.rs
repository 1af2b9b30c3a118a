//! Other users, who write to `posts`.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::mirror::{Rows, keyed};
use super::support::server::{ADMIN, Server, text};

pub const WRITERS: u64 = 4;

/// Changes random items until `stop` is set. The server may be down at times.
pub fn write(server: &Server, stop: &AtomicBool, writer: u64, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed ^ writer);
    let mut mine: Vec<Value> = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let outcome = match rng.u32(..10) {
            0..=4 => create(server, writer, &mut rng).map(|key| mine.push(key)),
            5..=7 if !mine.is_empty() => update(server, rng.choice(&mine).unwrap(), &mut rng),
            _ if !mine.is_empty() => delete(server, &mine.swap_remove(rng.usize(..mine.len()))),
            _ => Ok(()),
        };
        if outcome.is_err() {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

/// The same, but changes no item twice: in a cluster, the events of two changes of an item
/// may be sent in either order. `known`: items that no other writer changes.
pub fn write_once(
    server: &Server,
    stop: &AtomicBool,
    writer: u64,
    seed: u64,
    mut known: Vec<Value>,
) {
    let mut rng = fastrand::Rng::with_seed(seed ^ writer);
    while !stop.load(Ordering::SeqCst) {
        let outcome = match (rng.u32(..10), known.is_empty()) {
            (0..=4, _) | (_, true) => create(server, writer, &mut rng).map(drop),
            (5..=7, _) => update(server, &known.pop().unwrap(), &mut rng),
            _ => delete(server, &known.pop().unwrap()),
        };
        if outcome.is_err() {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn create(server: &Server, writer: u64, rng: &mut fastrand::Rng) -> Result<Value, String> {
    let body = json!({"title": format!("writer {writer}"), "n": rng.u32(..)});
    let made = server.rest_as(ADMIN, "POST", "/items/posts", Some(body))?;
    Ok(made["id"].clone())
}

fn update(server: &Server, key: &Value, rng: &mut fastrand::Rng) -> Result<(), String> {
    let (path, body) = (path_of(key), json!({"n": rng.u32(..)}));
    server.rest_as(ADMIN, "PATCH", &path, Some(body)).map(drop)
}

fn delete(server: &Server, key: &Value) -> Result<(), String> {
    server
        .rest_as(ADMIN, "DELETE", &path_of(key), None)
        .map(drop)
}

fn path_of(key: &Value) -> String {
    format!("/items/posts/{}", text(key))
}

/// What is in the database.
pub fn rows(server: &Server) -> Rows {
    keyed(server.read("posts"), "id")
}
