//! Two threads read a link in turn: the one that runs the callbacks, while nothing waits for it, and
//! the I/O thread, while a callback runs. Events come singly and in bursts, callbacks pause, other
//! threads subscribe, unsubscribe and fork: each event comes once and in order, and the client can
//! be closed at any moment. Everything random comes from a seed, which is printed; to replay it, set
//! `DRT_SEED`.

use std::ffi::c_void;
use std::io::Write;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use serde_json::{Value, json};

use super::frame;
use super::polled::dispatch;
use super::scripted_server::{Link, ScriptedServer, answer_to, event};
use super::test_client::*;
use super::tls::TlsFront;
use directus_realtime::ffi::*;

/// Events in one run.
const EVENTS: u64 = 4000;

fn seed() -> u64 {
    let seed = std::env::var("DRT_SEED").ok().and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("DRT_SEED={seed}");
    seed
}

/// What the callback of the numbered events knows.
struct Counted {
    rng: Mutex<Rng>,
    /// The number of the next event.
    next: AtomicU64,
    out_of_order: AtomicU64,
    closed: AtomicBool,
    after_close: AtomicBool,
}

unsafe extern "C" fn on_event(event: *const drt_event, data: *mut c_void) {
    // SAFETY: both live during the call; the data is counted by the library.
    let (event, own) = unsafe { (&*event, &*data.cast::<Counted>()) };
    if own.closed.load(Ordering::SeqCst) {
        own.after_close.store(true, Ordering::SeqCst);
    }
    if event.kind != DRT_EVENT_CREATE {
        return;
    }
    // SAFETY: counted by the library.
    let text = unsafe { std::slice::from_raw_parts(event.data.cast::<u8>(), event.data_len) };
    let item: Value = serde_json::from_slice(text).unwrap();
    if item["id"] != own.next.fetch_add(1, Ordering::SeqCst) {
        own.out_of_order.fetch_add(1, Ordering::SeqCst);
    }
    let mut rng = own.rng.lock().unwrap();
    let pause = match rng.u8(..) {
        0..4 => rng.u64(500..15_000),
        4..12 => rng.u64(..300),
        _ => return,
    };
    thread::sleep(Duration::from_micros(pause));
}

fn subscribe(client: &TestClient, counted: &Arc<Counted>) {
    let collection = c("posts");
    // SAFETY: the text lives during the call, the user data until the client is closed.
    let status = unsafe {
        let mut options: drt_subscription_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_subscription_options>();
        options.collection = collection.as_ptr();
        options.snapshot = DRT_SNAPSHOT_SERVER;
        let data = Arc::as_ptr(counted).cast_mut().cast();
        let none = ptr::null_mut();
        drt_subscribe(
            client.raw,
            none,
            &options,
            Some(on_event),
            data,
            None,
            none.cast(),
        )
    };
    assert_eq!(status, DRT_OK, "{}", last_error());
}

/// Answers the client, and sends the numbered events to its first subscription.
fn serve(mut link: Link, mut rng: Rng) {
    let out = Arc::new(Mutex::new(link.socket.try_clone().unwrap()));
    let first = link.answer_until("subscribe");
    link.answer(&first);
    let wire = first["uid"].as_str().unwrap().to_owned();
    let answers = Arc::clone(&out);
    let answering = thread::spawn(move || {
        while let Ok(message) = link.try_next() {
            let answer = answer_to(&message).map(|answer| text(&answer));
            if answer.is_some_and(|answer| answers.lock().unwrap().write_all(&answer).is_err()) {
                return;
            }
        }
    });
    let mut number = 0;
    while number < 2 * EVENTS {
        let burst = if rng.u8(..) < 16 { rng.u64(2..200) } else { 1 };
        let mut bytes = Vec::new();
        for _ in 0..burst {
            bytes.extend(text(&event(&wire, "create", &json!([{ "id": number }]))));
            number += 1;
        }
        // The client answers the ping by another message.
        if rng.u8(..) == 0 {
            bytes.extend(text(&json!({"type": "ping"})));
        }
        // In pieces, which end anywhere.
        let piece = rng.usize(1..=bytes.len());
        let size = piece.max(bytes.len() / 4);
        let is_gone = {
            let mut out = out.lock().unwrap();
            bytes
                .chunks(size)
                .any(|piece| out.write_all(piece).is_err())
        };
        if is_gone {
            return answering.join().unwrap();
        }
        match rng.u8(..) {
            0..8 => thread::sleep(Duration::from_micros(rng.u64(..3000))),
            8..128 => thread::sleep(Duration::from_micros(rng.u64(..100))),
            _ => {}
        }
    }
    answering.join().unwrap();
}

fn text(message: &Value) -> Vec<u8> {
    frame::encode(frame::TEXT, true, message.to_string().as_bytes())
}

/// Subscribes and unsubscribes others, and forks.
fn interfere(client: &TestClient, mut rng: Rng, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let other = client.try_subscribe(ptr::null_mut(), subscription("others"));
        thread::sleep(Duration::from_micros(rng.u64(..5000)));
        if other.status == DRT_OK {
            // SAFETY: any handle.
            unsafe { drt_subscription_unsubscribe(other.raw) };
        }
        if rng.u8(..) < 16 {
            // SAFETY: the child does nothing but to keep its copies of the sockets for a while.
            unsafe {
                let child = libc::fork();
                if child == 0 {
                    libc::usleep(20_000);
                    libc::_exit(0);
                }
                assert!(child > 0);
                let mut status = 0;
                assert_eq!(libc::waitpid(child, &mut status, 0), child);
            }
        }
    }
}

/// Dispatches with and without waiting, and at times not at all, until the client is closed.
fn dispatch_at_random(client: &TestClient, mut rng: Rng) {
    loop {
        let timeout = [-1, 0, 1, 20][rng.usize(..4)];
        let most = [0, 0, 1, 7][rng.usize(..4)];
        if dispatch(client, timeout, most).0 != DRT_OK {
            return;
        }
        if rng.u8(..) < 8 {
            thread::sleep(Duration::from_micros(rng.u64(..10_000)));
        }
    }
}

fn every_event_comes_once_and_in_order(polled: bool, tls: bool) {
    let mut rng = Rng::with_seed(seed());
    let server = ScriptedServer::new();
    let front = tls.then(|| TlsFront::start(server.port));
    let (url, ca_file) = match &front {
        Some(front) => (front.url(), Some(front.ca_file())),
        None => (server.url(), None),
    };
    let mut options = Options::new(&url).token("t").with(fast);
    if let Some(ca_file) = ca_file {
        options = options.text("ca_file", ca_file);
    }
    let client = options
        .with(move |o| {
            if polled {
                o.delivery = DRT_DELIVER_POLL;
            }
        })
        .open();
    let counted = Arc::new(Counted {
        rng: Mutex::new(rng.fork()),
        next: AtomicU64::new(0),
        out_of_order: AtomicU64::new(0),
        closed: AtomicBool::new(false),
        after_close: AtomicBool::new(false),
    });
    client.start();
    let link = server.ready();
    subscribe(&client, &counted);
    let is_over = AtomicBool::new(false);
    let (served, interfered, dispatched) = (rng.fork(), rng.fork(), rng.fork());
    thread::scope(|threads| {
        threads.spawn(|| serve(link, served));
        threads.spawn(|| interfere(&client, interfered, &is_over));
        if polled {
            threads.spawn(|| dispatch_at_random(&client, dispatched));
        }
        let begin = Instant::now();
        while counted.next.load(Ordering::SeqCst) < EVENTS && begin.elapsed() < WAIT_TIMEOUT {
            thread::sleep(Duration::from_millis(5));
        }
        // The server goes on sending.
        is_over.store(true, Ordering::SeqCst);
        assert_eq!(client.close(), DRT_OK);
        counted.closed.store(true, Ordering::SeqCst);
    });
    let seen = counted.next.load(Ordering::SeqCst);
    assert!(seen >= EVENTS, "{seen} events came");
    assert_eq!(counted.out_of_order.load(Ordering::SeqCst), 0);
    assert!(
        !counted.after_close.load(Ordering::SeqCst),
        "a callback ran after the close"
    );
}

#[test]
fn every_event_comes_once_while_two_threads_read_in_turn() {
    every_event_comes_once_and_in_order(false, false);
}

#[test]
fn every_event_comes_once_while_two_threads_read_tls_in_turn() {
    every_event_comes_once_and_in_order(false, true);
}

#[test]
fn every_event_comes_once_while_a_dispatch_reads_in_turn() {
    every_event_comes_once_and_in_order(true, false);
}

#[test]
fn every_event_comes_once_while_a_dispatch_reads_tls_in_turn() {
    every_event_comes_once_and_in_order(true, true);
}
