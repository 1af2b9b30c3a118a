//! The library, called by its C ABI.

use std::ffi::{CString, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use directus_realtime::ffi::*;

use crate::counting;

struct Tally {
    events: AtomicU64,
    bytes: AtomicU64,
    began: Instant,
    first: AtomicU64,
    last: AtomicU64,
    wanted: u64,
}

unsafe extern "C" fn count(event: *const drt_event, user_data: *mut c_void) {
    // SAFETY: a live event, and the tally that outlives the client.
    let (event, tally) = unsafe { (&*event, &*user_data.cast::<Tally>()) };
    if event.kind != DRT_EVENT_UPDATE {
        return;
    }
    let seen = tally.events.load(Ordering::Relaxed) + 1;
    tally.events.store(seen, Ordering::Relaxed);
    let bytes = tally.bytes.load(Ordering::Relaxed) + event.data_len as u64;
    tally.bytes.store(bytes, Ordering::Relaxed);
    if seen == 1 {
        tally
            .first
            .store(tally.began.elapsed().as_nanos() as u64, Ordering::Relaxed);
    } else if seen == tally.wanted {
        tally
            .last
            .store(tally.began.elapsed().as_nanos() as u64, Ordering::Release);
    }
}

fn open(url: &str) -> *mut drt_client {
    let (url, token) = (
        CString::new(url).expect("text"),
        CString::new("t").expect("text"),
    );
    let mut client = ptr::null_mut();
    // SAFETY: all-zero is the default; everything lives until the calls return.
    unsafe {
        let mut options: drt_client_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_client_options>();
        options.url = url.as_ptr();
        options.access_token = token.as_ptr();
        assert_eq!(drt_client_new(&options, &mut client), DRT_OK);
        assert_eq!(drt_client_connect(client), DRT_OK);
        assert_eq!(drt_client_wait(client, DRT_STATE_CONNECTED, 10_000), DRT_OK);
    }
    client
}

fn subscribe(client: *mut drt_client, uid: Option<&str>, tally: &Tally) {
    let collection = CString::new("posts").expect("text");
    let uid = uid.map(|uid| CString::new(uid).expect("text"));
    // SAFETY: as above; the tally outlives the client.
    unsafe {
        let mut options: drt_subscription_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_subscription_options>();
        options.collection = collection.as_ptr();
        options.uid = uid.as_ref().map_or(ptr::null(), |uid| uid.as_ptr());
        let data = ptr::from_ref(tally).cast_mut().cast();
        let null = ptr::null_mut();
        let status = drt_subscribe(
            client,
            null,
            &options,
            Some(count),
            data,
            None,
            ptr::null_mut(),
        );
        assert_eq!(status, DRT_OK);
    }
}

fn tally(wanted: u64) -> Tally {
    Tally {
        events: AtomicU64::new(0),
        bytes: AtomicU64::new(0),
        began: Instant::now(),
        first: AtomicU64::new(0),
        last: AtomicU64::new(0),
        wanted,
    }
}

pub fn events_per_second(url: &str, frames: u64) -> f64 {
    let tally = tally(frames);
    let client = open(url);
    subscribe(client, None, &tally);
    while tally.last.load(Ordering::Acquire) == 0 {
        std::thread::sleep(Duration::from_millis(5));
        assert!(
            tally.began.elapsed() < Duration::from_secs(120),
            "the events do not come"
        );
    }
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_close(client, 10_000) }, DRT_OK);
    let (first, last) = (tally.first.into_inner(), tally.last.into_inner());
    assert!(tally.bytes.into_inner() > 0);
    frames as f64 / Duration::from_nanos(last - first).as_secs_f64()
}

/// How long subscriptions take to come back on a new link, each with an exact snapshot.
pub fn seconds_to_come_back(url: &str, subscriptions: usize) -> f64 {
    let tally = tally(0);
    let client = open(url);
    for _ in 0..subscriptions {
        subscribe(client, None, &tally);
    }
    wait_for_all(client, &tally, subscriptions);
    let began = Instant::now();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_reconnect(client) }, DRT_OK);
    let mut stats = stats();
    while (stats.resyncs as usize) < subscriptions {
        std::thread::sleep(Duration::from_millis(1));
        // SAFETY: a live handle and a valid out pointer.
        assert_eq!(unsafe { drt_client_stats(client, &mut stats) }, DRT_OK);
        assert!(
            began.elapsed() < Duration::from_secs(120),
            "not all came back"
        );
    }
    let seconds = began.elapsed().as_secs_f64();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_close(client, 10_000) }, DRT_OK);
    seconds
}

fn wait_for_all(client: *mut drt_client, tally: &Tally, subscriptions: usize) {
    let mut stats = stats();
    while (stats.active_subscriptions as usize) < subscriptions {
        std::thread::sleep(Duration::from_millis(50));
        // SAFETY: a live handle and a valid out pointer.
        assert_eq!(unsafe { drt_client_stats(client, &mut stats) }, DRT_OK);
        assert!(
            tally.began.elapsed() < Duration::from_secs(60),
            "not all became active"
        );
    }
}

pub fn bytes_per_subscription(url: &str, subscriptions: usize) -> f64 {
    let tally = tally(0);
    let client = open(url);
    let before = counting::live();
    let mut given = 0;
    for n in 0..subscriptions {
        let uid = format!("subscription-{n}");
        given += uid.len() + "posts".len() + 2;
        subscribe(client, Some(&uid), &tally);
    }
    wait_for_all(client, &tally, subscriptions);
    std::thread::sleep(Duration::from_millis(300));
    let bytes = counting::live() - before - given;
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_close(client, 10_000) }, DRT_OK);
    bytes as f64 / subscriptions as f64
}

fn stats() -> drt_stats {
    // SAFETY: all-zero is fine for an out struct.
    let mut stats: drt_stats = unsafe { std::mem::zeroed() };
    stats.struct_size = size_of::<drt_stats>();
    stats
}

pub fn wakes_while_idle(url: &str, time: Duration) -> u64 {
    let tally = tally(0);
    let client = open(url);
    subscribe(client, None, &tally);
    std::thread::sleep(Duration::from_secs(1));
    let before = wakes();
    std::thread::sleep(time);
    let after = wakes();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_close(client, 10_000) }, DRT_OK);
    after - before
}

/// How often the library's threads have gone to sleep, counted by the kernel.
fn wakes() -> u64 {
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
    let tasks = std::fs::read_dir("/proc/self/task")
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter(|task| read(task.path().join("comm")).starts_with("drt-"))
        .map(|task| {
            let status = read(task.path().join("status"));
            let line = status
                .lines()
                .find(|l| l.starts_with("voluntary_ctxt_switches"));
            line.and_then(|l| l.split_whitespace().nth(1)?.parse::<u64>().ok())
                .unwrap_or(0)
        })
        .sum()
}
