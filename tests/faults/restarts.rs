//! Servers that are killed and networks that fail, while four writers change items: at
//! every quiet moment a copy made of events is the collection.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::proxy::{Fault, Proxy};
use super::setting;
use super::support::server::{ADMIN, Server, V12, text};
use super::support::sut::*;
use directus_realtime::ffi::*;

const WRITERS: u64 = 4;

/// Changes items at random until told to stop; the server may be away.
fn write(server: &Server, stop: &AtomicBool, writer: u64, seed: u64) {
    let mut rng = fastrand::Rng::with_seed(seed ^ writer);
    let mut mine: Vec<Value> = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        let ask = |method: &str, path: &str, body| server.rest_as(ADMIN, method, path, body);
        let outcome = match rng.u32(..10) {
            0..=4 => {
                let body = json!({"title": format!("writer {writer}"), "n": rng.u32(..)});
                ask("POST", "/items/posts", Some(body)).map(|made| mine.push(made["id"].clone()))
            }
            5..=7 if !mine.is_empty() => {
                let path = format!("/items/posts/{}", text(rng.choice(&mine).unwrap()));
                ask("PATCH", &path, Some(json!({"n": rng.u32(..)}))).map(drop)
            }
            _ if !mine.is_empty() => {
                let key = mine.swap_remove(rng.usize(..mine.len()));
                ask("DELETE", &format!("/items/posts/{}", text(&key)), None).map(drop)
            }
            _ => Ok(()),
        };
        if outcome.is_err() {
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn rows(server: &Server) -> BTreeMap<String, Value> {
    let all = server.read("posts");
    all.into_iter()
        .map(|item| (text(&item["id"]), item))
        .collect()
}

#[track_caller]
fn agrees(server: &Server, sub: &Sub, when: &str, seed: u64) {
    let there = rows(server);
    let same = |events: &[Seen]| fold(events, "id") == there;
    sub.log
        .until_quietly(&format!("{when} (DRT_FAULT_SEED={seed})"), same);
}

fn everything() -> Wish {
    wish("posts").query(json!({"limit": -1}))
}

#[test]
fn i7_a_copy_agrees_with_the_server_however_often_it_is_killed() {
    let seed = setting("DRT_FAULT_SEED", fastrand::u64(..) >> 16);
    let server = Server::start(V12, &[]);
    let proxy = Proxy::start(server.port, seed);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast);
    let client = client.with(|o| o.heartbeat_ms = 2_000).open();
    let sub = client.follow(everything());
    let mut rng = fastrand::Rng::with_seed(seed);
    for round in 0..setting("DRT_FAULT_RESTARTS", 6) {
        let stop = AtomicBool::new(false);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                let (server, stop) = (&server, &stop);
                scope.spawn(move || write(server, stop, writer, seed ^ (round << 8)));
            }
            for _ in 0..6 {
                let faults = [Fault::Freeze, Fault::Trickle, Fault::Split, Fault::Join];
                proxy.set(*rng.choice(&faults).unwrap());
                thread::sleep(Duration::from_millis(rng.u64(20..300)));
                if rng.u32(..4) == 0 {
                    proxy.reset();
                }
                proxy.set(Fault::None);
            }
            server.tell("kill");
            server.tell("start");
            thread::sleep(Duration::from_millis(rng.u64(..500)));
            stop.store(true, Ordering::SeqCst);
        });
        agrees(&server, &sub, &format!("after kill {round}"), seed);
    }
    assert!(client.stats().resyncs >= 1);
}

#[test]
fn i1_a_half_open_link_is_noticed_and_made_up_for() {
    let server = Server::shared();
    let proxy = Proxy::start(server.port, 0);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast);
    let client = client.with(|o| o.heartbeat_ms = 500).open();
    let sub = client.follow(wish("things").query(json!({"limit": -1})));
    proxy.set(Fault::HalfOpen);
    let made = server.create("things", json!({"title": "unheard"}));
    client.told(DRT_STATE_BACKOFF);
    proxy.set(Fault::None);
    let key = made["id"].clone();
    sub.log.until("a resync that has it", |events| {
        events.iter().any(Seen::is_resync) && fold(events, "id").contains_key(&text(&key))
    });
    server.delete("things", &key);
}

#[test]
fn i8_whatever_byte_is_another_the_client_lives_and_comes_right() {
    let seed = setting("DRT_FAULT_SEED", fastrand::u64(..) >> 16);
    let server = Server::shared();
    let proxy = Proxy::start(server.port, seed);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast).open();
    let sub = client.follow(wish("codes").query(json!({"limit": -1})));
    for round in 0..60 {
        proxy.set(Fault::Corrupt);
        let code = format!("corrupt-{seed}-{round}");
        server.create("codes", json!({"code": code, "label": "x"}));
        server.delete("codes", &json!(code));
    }
    proxy.set(Fault::None);
    // A letter of a text that is another is no fault that anybody could notice.
    // SAFETY: any number is a fine handle.
    assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
    let there = server.read("codes").len();
    server.create(
        "codes",
        json!({"code": format!("last-{seed}"), "label": "x"}),
    );
    sub.log
        .until_quietly(&format!("all is well (DRT_FAULT_SEED={seed})"), |events| {
            let copy = fold(events, "code");
            copy.contains_key(&format!("last-{seed}")) && copy.len() == there + 1
        });
    server.delete("codes", &json!(format!("last-{seed}")));
}
