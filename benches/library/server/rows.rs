//! A collection for live collections: its rows are read, changed on demand, and reported.
//!
//! What is done is asked for by a custom message, `{"type":"bench","act":…}`: `drop` ends the link,
//! `burst` reports `count` updated rows `from` one on at once and then stores them in another version,
//! and `storm` goes on changing one row for so many `ms`.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::link::Link;
use super::table::{FIRST_KEY, Table};
use super::{SETTLE, listen};
use crate::frame;

/// So often a storm changes the row, twice in a row.
const STORM: Duration = Duration::from_millis(200);

#[derive(Default)]
struct Seen {
    /// The wire uids of subscriptions.
    uids: Vec<String>,
    /// How often each collection was read since the last storm began.
    reads: HashMap<String, u64>,
}

/// Serves links until a client closes one. Returns how many reads came on the last one or since the last
/// storm began on it, and how many of the collection that was read most.
pub fn rows(count: u64, item: usize) -> Value {
    let (server, mut table) = (listen(), Table::new(count, item));
    let mut version = 0;
    loop {
        let mut link = Link::accept(&server);
        let mut seen = Seen::default();
        let was_dropped = serve(&mut link, &mut table, &mut seen, &mut version);
        if !was_dropped {
            let (reads, most) = (seen.reads.values().sum::<u64>(), seen.reads.values().max());
            return json!({"reads": reads, "most_reads": most});
        }
    }
}

/// Serves one link. True where it was dropped by request.
fn serve(link: &mut Link, table: &mut Table, seen: &mut Seen, version: &mut u64) -> bool {
    let mut storm: Option<(Instant, Instant)> = None;
    loop {
        if let Some((next, end)) = storm {
            let now = Instant::now();
            if now >= end {
                storm = None;
            } else if now >= next {
                for _ in 0..2 {
                    *version += 1;
                    table.set(FIRST_KEY, *version);
                    for uid in &seen.uids {
                        report(link, uid, &table.row(FIRST_KEY));
                    }
                }
                storm = Some((now + STORM, end));
            } else if !link.has_more_within(next - now) {
                continue;
            }
        }
        let Some(message) = link.next_message() else {
            return false;
        };
        let number = |name: &str| message[name].as_u64().unwrap_or(0);
        let text = |name: &str| message[name].as_str().unwrap_or("").to_owned();
        match &*text("type") {
            "items" => {
                *seen.reads.entry(text("collection")).or_default() += 1;
                link.put_parts([
                    r#"{"type":"items","data":"#,
                    &table.answer(&message),
                    &format!(r#","uid":"{}"}}"#, text("uid")),
                ]);
            }
            "bench" => match &*text("act") {
                "drop" => {
                    link.flush();
                    // Until the client is idle.
                    std::thread::sleep(SETTLE);
                    return true;
                }
                "burst" => {
                    let keys = (0..number("count")).map(|n| FIRST_KEY + 2 * (number("from") + n));
                    *version += 2;
                    for key in keys.clone() {
                        table.set(key, *version - 1);
                        for uid in &seen.uids {
                            report(link, uid, &table.row(key));
                        }
                    }
                    link.flush();
                    keys.for_each(|key| table.set(key, *version));
                }
                _ => {
                    seen.reads.clear();
                    let now = Instant::now();
                    storm = Some((now, now + Duration::from_millis(number("ms"))));
                }
            },
            "subscribe" => {
                seen.uids.push(text("uid"));
                link.answer(&serde_json::from_value(message).expect("a request"));
            }
            _ => link.answer(&serde_json::from_value(message).expect("a request")),
        }
    }
}

fn report(link: &mut Link, uid: &str, row: &str) {
    link.put(&format!(
        r#"{{"type":"subscription","event":"update","data":[{row}],"uid":"{uid}"}}"#
    ));
}

impl Link {
    /// Adds a message to what is written next.
    fn put(&mut self, text: &str) {
        self.put_parts([text]);
    }

    fn put_parts<const N: usize>(&mut self, parts: [&str; N]) {
        let bytes: usize = parts.iter().map(|part| part.len()).sum();
        self.answers
            .extend(frame::head(frame::TEXT, true, bytes as u64));
        for part in parts {
            self.answers.extend_from_slice(part.as_bytes());
        }
    }
}
