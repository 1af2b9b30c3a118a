//! An application that is slower than the server.

use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use directus_realtime::ffi::*;
use serde_json::{Value, json};

use super::setting;
use super::support::frame;
use super::support::peer::{Peer, answer_to, event};
use super::support::sut::*;

const EVENTS_A_SECOND: u64 = 5_000;
const QUEUE_BYTES: u64 = 1 << 20;
const HEARTBEAT: Duration = Duration::from_millis(500);

/// Sleeps for every event, and keeps the last version that it was told.
#[derive(Default)]
struct Sleeper {
    version: AtomicU64,
    resyncs: AtomicU64,
}

unsafe extern "C" fn sleeps(event: *const drt_event, user_data: *mut c_void) {
    // SAFETY: a live event, and a sleeper that outlives the client.
    let (event, sleeper) = unsafe { (&*event, &*user_data.cast::<Sleeper>()) };
    if event.flags & DRT_FLAG_RESYNC != 0 {
        sleeper.resyncs.fetch_add(1, Ordering::SeqCst);
    }
    let data = json(event.data, event.data_len);
    let row = if event.kind == DRT_EVENT_INIT {
        &data[0]
    } else {
        &data
    };
    if let Some(version) = row["n"].as_u64() {
        // Behind a snapshot come the events of the time in which it was read.
        sleeper.version.store(version, Ordering::SeqCst);
    }
    thread::sleep(Duration::from_millis(2));
}

fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = statm.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn i6_a_slow_application_costs_neither_the_link_nor_memory_and_comes_right() {
    let peer = Peer::new();
    let version = Arc::new(AtomicU64::new(0));
    let (rows, url) = (Arc::clone(&version), peer.url());
    let longest_silence = thread::spawn(move || serve(&peer, &rows));

    let sleeper = Box::leak(Box::<Sleeper>::default());
    let client = Options::new(&url)
        .token("t")
        .with(|o| o.queue_bytes = QUEUE_BYTES)
        .open();
    // SAFETY: all-zero is the default of every option.
    let mut options: drt_subscription_options = unsafe { std::mem::zeroed() };
    options.struct_size = size_of::<drt_subscription_options>();
    options.collection = c"posts".as_ptr();
    let user_data = (&raw mut *sleeper).cast();
    // SAFETY: everything lives long enough.
    let status = unsafe {
        let (scope, out) = (std::ptr::null_mut(), std::ptr::null_mut());
        drt_subscribe(
            client.raw,
            scope,
            &options,
            Some(sleeps),
            user_data,
            None,
            out,
        )
    };
    assert_eq!(status, DRT_OK, "{}", last_error());

    eventually("the first overflow", || client.stats().overflows > 0);
    let (before, end) = (
        resident(),
        Duration::from_secs(setting("DRT_FAULT_SECONDS", 10)),
    );
    let began = Instant::now();
    while began.elapsed() < end {
        let stats = client.stats();
        let fits = stats.queued_bytes <= QUEUE_BYTES || stats.queued_events <= 1;
        assert!(fits, "{} bytes wait", stats.queued_bytes);
        thread::sleep(Duration::from_millis(20));
    }
    let grown = resident().saturating_sub(before);
    assert!(
        grown < 32 << 20,
        "{grown} bytes more than at the first overflow"
    );
    assert_eq!(client.stats().reconnects, 0);

    // The server falls silent: what was written last has to arrive.
    let last = version.fetch_or(1 << 40, Ordering::SeqCst);
    eventually("the last version", || {
        sleeper.version.load(Ordering::SeqCst) == last
    });
    assert!(sleeper.resyncs.load(Ordering::SeqCst) > 0);
    client.close();
    let silence = longest_silence.join().unwrap();
    assert!(
        silence < 20 * HEARTBEAT,
        "a ping was answered after {silence:?}"
    );
}

/// Writes one row as often as said, tells of it, and pings. Ends with the link; the
/// longest time that a ping has waited for its pong. The highest bit of `version` says
/// that no more is written.
fn serve(peer: &Peer, version: &AtomicU64) -> Duration {
    let mut link = peer.ready();
    let out = Mutex::new(link.socket.try_clone().unwrap());
    let wires: Mutex<Vec<String>> = Mutex::default();
    let pinged: Mutex<Option<Instant>> = Mutex::default();
    let longest = Mutex::new(Duration::ZERO);
    let left = AtomicBool::new(false);
    let row = |version: u64| json!([{"id": 1, "n": version & ((1 << 40) - 1)}]);
    thread::scope(|scope| {
        scope.spawn(|| {
            let (began, mut sent, mut last_ping) = (Instant::now(), 0, Instant::now());
            while !left.load(Ordering::SeqCst) {
                if last_ping.elapsed() > HEARTBEAT && pinged.lock().unwrap().is_none() {
                    last_ping = Instant::now();
                    *pinged.lock().unwrap() = Some(last_ping);
                    if say(&out, &json!({"type": "ping"})).is_err() {
                        return;
                    }
                }
                let due = began.elapsed().as_millis() as u64 * EVENTS_A_SECOND / 1000;
                let over = version.load(Ordering::SeqCst) >> 40 != 0;
                while sent < due && !over {
                    sent += 1;
                    let now = version.fetch_add(1, Ordering::SeqCst) + 1;
                    for wire in wires.lock().unwrap().iter() {
                        if say(&out, &event(wire, "update", &row(now))).is_err() {
                            return;
                        }
                    }
                }
                thread::sleep(Duration::from_millis(2));
            }
        });
        while let Ok(message) = link.try_next() {
            if message["type"] == "pong" {
                let waited = pinged.lock().unwrap().take().map(|since| since.elapsed());
                let mut longest = longest.lock().unwrap();
                *longest = longest.max(waited.unwrap_or_default());
                continue;
            }
            let Some(mut answer) = answer_to(&message) else {
                continue;
            };
            // Registered, read and answered in one step.
            let mut wires = wires.lock().unwrap();
            let uid = message["uid"].as_str().unwrap_or_default().to_owned();
            match message["type"].as_str() {
                Some("subscribe") => wires.push(uid),
                Some("unsubscribe") => wires.retain(|wire| *wire != uid),
                _ => {}
            }
            if answer.get("data").is_some() {
                answer["data"] = row(version.load(Ordering::SeqCst));
            }
            if say(&out, &answer).is_err() {
                break;
            }
        }
        left.store(true, Ordering::SeqCst);
    });
    longest.into_inner().unwrap()
}

fn say(out: &Mutex<std::net::TcpStream>, message: &Value) -> std::io::Result<()> {
    let frame = frame::encode(frame::TEXT, true, message.to_string().as_bytes());
    std::io::Write::write_all(&mut *out.lock().unwrap(), &frame)
}
