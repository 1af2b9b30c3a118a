//! Setting, replacing and releasing log functions, from any thread at any time.

use std::ffi::{c_char, c_void};
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::listening::*;
use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

fn log_something() {
    let client = Options::new("ws://127.0.0.1:1/").token("t").open();
    client.start();
    client.wait_for_report(DRT_STATE_BACKOFF);
    assert_eq!(client.close(), DRT_OK);
}

#[test]
fn i4_a_replaced_log_function_is_released_once() {
    let _log = exclusive_log();
    let (first, second) = (listen(DRT_LOG_TRACE), listen(DRT_LOG_TRACE));
    assert_eq!((first.released(), second.released()), (1, 0));
    log_something();
    assert!(first.all().is_empty() && !second.all().is_empty());
    assert_eq!(set(DRT_LOG_OFF, None, std::ptr::null_mut(), None), DRT_OK);
    assert_eq!((first.released(), second.released()), (1, 1));
    let so_far = second.len();
    log_something();
    assert_eq!((second.len(), second.released()), (so_far, 1));
}

#[test]
fn a_log_descriptor_receives_lines_until_it_is_replaced() {
    let _log = exclusive_log();
    let mut fd = -1;
    // SAFETY: `fd` is valid for writing.
    assert_eq!(unsafe { drt_log_open(DRT_LOG_INFO, &raw mut fd) }, DRT_OK);
    // SAFETY: the descriptor is this function's own from here on.
    let mut reader = UnixStream::from(unsafe { OwnedFd::from_raw_fd(fd) });
    log_something();
    let next = listen(DRT_LOG_TRACE);
    log_something();
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert!(text.lines().count() > 1 && !next.all().is_empty());
    for line in text.lines() {
        let (level, target, message): (i32, String, String) = serde_json::from_str(line).unwrap();
        assert!(
            (DRT_LOG_ERROR..=DRT_LOG_INFO).contains(&level) && !target.is_empty(),
            "{line}"
        );
        assert!(!message.is_empty(), "{line}");
    }
}

#[test]
fn i4_a_refused_log_function_is_released_before_the_call_returns() {
    let _log = exclusive_log();
    let (kept, refused) = (listen(DRT_LOG_TRACE), Lines::new());
    for level in [-1, 6, i32::MAX, i32::MIN] {
        let status = set(
            level,
            Some(record),
            user_data(&refused),
            Some(release::<Line>),
        );
        assert_eq!(status, DRT_ERR_INVALID_ARGUMENT);
        assert!(last_error().contains("max_level"), "{}", last_error());
    }
    assert_eq!((refused.released(), kept.released()), (4, 0));
    log_something();
    assert!(!kept.all().is_empty() && refused.all().is_empty());
}

#[test]
fn a_log_function_needs_no_user_data_and_no_release() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn count(_: i32, _: *const c_char, _: *const c_char, data: *mut c_void) {
        assert!(data.is_null());
        CALLS.fetch_add(1, Ordering::SeqCst);
    }
    let _log = exclusive_log();
    assert_eq!(
        set(DRT_LOG_TRACE, Some(count), std::ptr::null_mut(), None),
        DRT_OK
    );
    log_something();
    assert!(CALLS.load(Ordering::SeqCst) > 0);
}

/// A log function that replaces itself from its own call.
struct Replacing {
    to: Arc<Lines>,
    replaced: AtomicBool,
    releases: AtomicUsize,
    inside: AtomicUsize,
}

unsafe extern "C" fn replace_itself(_: i32, _: *const c_char, _: *const c_char, data: *mut c_void) {
    // SAFETY: the test keeps it.
    let own = unsafe { &*data.cast::<Replacing>() };
    own.inside.fetch_add(1, Ordering::SeqCst);
    if !own.replaced.swap(true, Ordering::SeqCst) {
        let status = set(
            DRT_LOG_TRACE,
            Some(record),
            user_data(&own.to),
            Some(release::<Line>),
        );
        assert_eq!(status, DRT_OK);
        assert_eq!(
            own.releases.load(Ordering::SeqCst),
            0,
            "released while its call runs"
        );
    }
    own.inside.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn replaced_released(data: *mut c_void) {
    // SAFETY: as above.
    let own = unsafe { &*data.cast::<Replacing>() };
    assert_eq!(
        own.inside.load(Ordering::SeqCst),
        0,
        "released while a call runs"
    );
    own.releases.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn i4_a_log_function_that_replaces_itself_is_released_after_it_returns() {
    let _log = exclusive_log();
    for _ in 0..20 {
        let replacing = Replacing {
            to: Log::new(),
            replaced: AtomicBool::new(false),
            releases: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
        };
        let data = (&raw const replacing).cast_mut().cast();
        assert_eq!(
            set(
                DRT_LOG_TRACE,
                Some(replace_itself),
                data,
                Some(replaced_released)
            ),
            DRT_OK
        );
        log_something();
        let released = || replacing.releases.load(Ordering::SeqCst) == 1;
        eventually("the release", released);
        replacing.to.until_len(1);
        assert_eq!(replacing.to.released(), 0);
        assert_eq!(set(DRT_LOG_OFF, None, std::ptr::null_mut(), None), DRT_OK);
        replacing
            .to
            .until("its release", |_| replacing.to.released() == 1);
        assert!(released(), "and no second time");
    }
}

/// A log function that blocks until the test opens it.
#[derive(Default)]
struct Slow {
    entered: AtomicBool,
    open: AtomicBool,
    releases: AtomicUsize,
}

unsafe extern "C" fn slow(_: i32, _: *const c_char, _: *const c_char, data: *mut c_void) {
    // SAFETY: the test keeps it.
    let own = unsafe { &*data.cast::<Slow>() };
    own.entered.store(true, Ordering::SeqCst);
    while !own.open.load(Ordering::SeqCst) {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(own.releases.load(Ordering::SeqCst), 0);
}

unsafe extern "C" fn slow_released(data: *mut c_void) {
    // SAFETY: as above.
    unsafe { &*data.cast::<Slow>() }
        .releases
        .fetch_add(1, Ordering::SeqCst);
}

#[test]
fn i4_a_replaced_log_function_is_released_after_its_running_call_returns() {
    let _log = exclusive_log();
    let own = Slow::default();
    let data = (&raw const own).cast_mut().cast();
    assert_eq!(
        set(DRT_LOG_TRACE, Some(slow), data, Some(slow_released)),
        DRT_OK
    );
    thread::scope(|threads| {
        let logging = threads.spawn(log_something);
        eventually("its call", || own.entered.load(Ordering::SeqCst));
        let lines = listen(DRT_LOG_TRACE);
        assert_eq!(own.releases.load(Ordering::SeqCst), 0, "it runs");
        own.open.store(true, Ordering::SeqCst);
        logging.join().unwrap();
        eventually("the release", || own.releases.load(Ordering::SeqCst) == 1);
        assert!(!lines.all().is_empty());
    });
}

#[test]
fn i4_log_functions_replaced_under_load_are_each_released_once() {
    let _log = exclusive_log();
    let sinks: Vec<Arc<Lines>> = thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..10 {
                    log_something();
                }
            });
        }
        let set_some = || {
            (0..300)
                .map(|n| {
                    thread::yield_now();
                    listen(1 + n % DRT_LOG_TRACE)
                })
                .collect::<Vec<_>>()
        };
        let other = threads.spawn(set_some);
        let mut sinks = set_some();
        sinks.extend(other.join().unwrap());
        sinks
    });
    assert_eq!(set(DRT_LOG_OFF, None, std::ptr::null_mut(), None), DRT_OK);
    for sink in &sinks {
        sink.until("its release", |_| sink.released() == 1);
    }
    log_something();
    assert!(sinks.iter().all(|sink| sink.released() == 1));
}

#[test]
fn a_slow_log_function_gets_a_clients_states_in_order() {
    /// Is slow at the first state, which is logged on the application's thread.
    unsafe extern "C" fn slow_at_first(
        level: i32,
        target: *const c_char,
        message: *const c_char,
        data: *mut c_void,
    ) {
        // SAFETY: the library passes NUL-terminated texts.
        let text = unsafe { std::ffi::CStr::from_ptr(message) };
        if text.to_bytes().starts_with(b"connecting") {
            thread::sleep(Duration::from_millis(200));
        }
        // SAFETY: the library's own arguments.
        unsafe { record(level, target, message, data) }
    }
    let _log = exclusive_log();
    let lines: Arc<Lines> = Log::new();
    let set = set(
        DRT_LOG_INFO,
        Some(slow_at_first),
        user_data(&lines),
        Some(release::<Line>),
    );
    assert_eq!(set, DRT_OK);
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").with(fast).open();
    thread::scope(|threads| {
        let starting = threads.spawn(|| client.start());
        let link = server.ready();
        client.wait_for_report(DRT_STATE_CONNECTED);
        starting.join().unwrap();
        assert_eq!(client.close(), DRT_OK);
        drop(link);
    });
    let states: Vec<String> = (lines.all().into_iter())
        .filter(|(_, target, _)| target == "session")
        .filter_map(|(_, _, text)| text.split(':').next().map(str::to_owned))
        .collect();
    assert_eq!(
        states,
        ["connecting", "authenticating", "connected", "closed"]
    );
}
