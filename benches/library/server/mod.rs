//! The least of a Directus server that a client believes, and events.

mod events;
mod link;
mod rows;
mod table;

use std::time::Duration;

use serde_json::{Value, json};

use self::events::{Frames, put};
use self::link::Link;
pub use self::rows::rows;
pub use self::table::{FIRST_KEY, Table};
use crate::clock;
use crate::scripted_server::ScriptedServer;

/// A block of frames that is written at once has at least so many bytes.
const BLOCK_BYTES: usize = 2 << 20;
/// Until what a client does at its end is over.
const SETTLE: Duration = Duration::from_millis(300);

fn listen() -> ScriptedServer {
    let server = ScriptedServer::new();
    println!("{}", server.url());
    server
}

/// Answers until the client has gone.
pub fn answers() -> ! {
    let server = listen();
    loop {
        let mut link = Link::accept(&server);
        while let Some(request) = link.next() {
            link.answer(&request);
        }
    }
}

/// Answers so many subscribes and, if it reads snapshots, reads: the uids of the subscribes.
fn subscribed(link: &mut Link, count: usize) -> Option<Vec<String>> {
    let (mut uids, mut reads) = (Vec::new(), 0);
    while reads < count {
        let request = link.next()?;
        link.answer(&request);
        match (&*request.kind, request.uid) {
            ("subscribe", Some(uid)) => uids.push(uid),
            ("items", _) => reads += 1,
            _ => {}
        }
    }
    link.flush();
    Some(uids)
}

/// Sends events to each of so many subscriptions in turn, as fast as the socket takes them, as soon
/// as all have read their snapshots.
pub fn flood(item: usize, frames: u64, subscriptions: usize) -> ! {
    let server = listen();
    loop {
        let mut link = Link::accept(&server);
        let Some(uids) = subscribed(&mut link, subscriptions) else {
            continue;
        };
        let mut block = Frames::new(&uids, item, BLOCK_BYTES);
        let (mut left, mut id) = (frames as usize, events::FIRST_ID);
        while left > 0 {
            let count = left.min(block.count());
            block.number(&mut id, count);
            if !link.write(block.first(count)) {
                break;
            }
            left -= count;
        }
        // What comes in the end.
        while let Some(request) = link.next() {
            link.answer(&request);
        }
    }
}

/// Sends so many events in a second to the first subscription. Each tells when it was sent.
pub fn paced(item: usize, frames: u64, rate: u64) -> ! {
    let server = listen();
    clock::sleep_exactly();
    loop {
        let mut link = Link::accept(&server);
        let Some(uids) = subscribed(&mut link, 1) else {
            continue;
        };
        let mut frame = Frames::new(&uids[..1], item, 0);
        let (begin, mut id) = (clock::monotonic() + 50_000_000, events::FIRST_ID);
        for n in 0..frames {
            clock::sleep_until(begin + n * 1_000_000_000 / rate);
            frame.number(&mut id, 1);
            put(frame.stamp(), clock::monotonic());
            if !link.write(frame.first(1)) {
                break;
            }
        }
        while let Some(request) = link.next() {
            link.answer(&request);
        }
    }
}

/// Ends the first link without a close frame, once so many subscriptions have read their snapshots.
/// Returns how long they take to do that on the next link: from its first message to the answer to
/// the last read.
pub fn drops(subscriptions: u64) -> Value {
    let (server, count) = (listen(), subscriptions as usize);
    let mut link = Link::accept(&server);
    subscribed(&mut link, count).expect("a client that stays");
    std::thread::sleep(SETTLE);
    drop(link);
    let mut link = Link::accept(&server);
    let auth = link.next().expect("a client that comes back");
    let begin = clock::monotonic();
    link.answer(&auth);
    subscribed(&mut link, count).expect("a client that comes back");
    let seconds = (clock::monotonic() - begin) as f64 / 1e9;
    while let Some(request) = link.next() {
        link.answer(&request);
    }
    json!({"seconds": seconds})
}
