//! Log functions that are set, replaced and released, wherever and whenever.

use std::ffi::{c_char, c_void};
use std::io::Read;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use super::listening::*;
use super::peer::Peer;
use super::sut::*;
use directus_realtime::ffi::*;

fn say_something() {
    let client = Options::new("ws://127.0.0.1:1/").token("t").open();
    client.start();
    client.told(DRT_STATE_BACKOFF);
    assert_eq!(client.close(), DRT_OK);
}

#[test]
fn each_function_is_released_once_when_another_one_or_none_takes_its_place() {
    let _turn = turn();
    let (first, second) = (listen(DRT_LOG_TRACE), listen(DRT_LOG_TRACE));
    assert_eq!((first.released(), second.released()), (1, 0));
    say_something();
    assert!(first.all().is_empty() && !second.all().is_empty());
    assert_eq!(set(DRT_LOG_OFF, None, std::ptr::null_mut(), None), DRT_OK);
    assert_eq!((first.released(), second.released()), (1, 1));
    let so_far = second.len();
    say_something();
    assert_eq!((second.len(), second.released()), (so_far, 1));
}

#[test]
fn a_descriptor_takes_the_messages_until_something_else_does() {
    let _turn = turn();
    let mut fd = -1;
    // SAFETY: `fd` is valid for writing.
    assert_eq!(unsafe { drt_log_open(DRT_LOG_INFO, &raw mut fd) }, DRT_OK);
    // SAFETY: the descriptor is this function's own from here on.
    let mut reader = UnixStream::from(unsafe { OwnedFd::from_raw_fd(fd) });
    say_something();
    let next = listen(DRT_LOG_TRACE);
    say_something();
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
fn a_registration_that_fails_is_released_before_the_call_returns_and_changes_nothing() {
    let _turn = turn();
    let (kept, refused) = (listen(DRT_LOG_TRACE), Lines::new());
    for level in [-1, 6, i32::MAX, i32::MIN] {
        let status = set(
            level,
            Some(keep),
            user_data(&refused),
            Some(release::<Line>),
        );
        assert_eq!(status, DRT_ERR_INVALID_ARGUMENT);
        assert!(last_error().contains("max_level"), "{}", last_error());
    }
    assert_eq!((refused.released(), kept.released()), (4, 0));
    say_something();
    assert!(!kept.all().is_empty() && refused.all().is_empty());
}

#[test]
fn a_function_without_user_data_or_release_is_fine() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    unsafe extern "C" fn count(_: i32, _: *const c_char, _: *const c_char, data: *mut c_void) {
        assert!(data.is_null());
        CALLS.fetch_add(1, Ordering::SeqCst);
    }
    let _turn = turn();
    assert_eq!(
        set(DRT_LOG_TRACE, Some(count), std::ptr::null_mut(), None),
        DRT_OK
    );
    say_something();
    assert!(CALLS.load(Ordering::SeqCst) > 0);
}

/// A log function that replaces itself from inside itself.
struct Handing {
    to: Arc<Lines>,
    handed: AtomicBool,
    releases: AtomicUsize,
    inside: AtomicUsize,
}

unsafe extern "C" fn hand_over(_: i32, _: *const c_char, _: *const c_char, data: *mut c_void) {
    // SAFETY: the test keeps it.
    let own = unsafe { &*data.cast::<Handing>() };
    own.inside.fetch_add(1, Ordering::SeqCst);
    if !own.handed.swap(true, Ordering::SeqCst) {
        let status = set(
            DRT_LOG_TRACE,
            Some(keep),
            user_data(&own.to),
            Some(release::<Line>),
        );
        assert_eq!(status, DRT_OK);
        assert_eq!(
            own.releases.load(Ordering::SeqCst),
            0,
            "its call has not returned"
        );
    }
    own.inside.fetch_sub(1, Ordering::SeqCst);
}

unsafe extern "C" fn handed_over(data: *mut c_void) {
    // SAFETY: as above.
    let own = unsafe { &*data.cast::<Handing>() };
    assert_eq!(
        own.inside.load(Ordering::SeqCst),
        0,
        "its last call has returned"
    );
    own.releases.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_log_function_may_replace_itself_and_is_released_when_it_has_returned() {
    let _turn = turn();
    for _ in 0..20 {
        let handing = Handing {
            to: Log::new(),
            handed: AtomicBool::new(false),
            releases: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
        };
        let data = (&raw const handing).cast_mut().cast();
        assert_eq!(
            set(DRT_LOG_TRACE, Some(hand_over), data, Some(handed_over)),
            DRT_OK
        );
        say_something();
        let released = || handing.releases.load(Ordering::SeqCst) == 1;
        eventually("the release", released);
        handing.to.until_len(1);
        assert_eq!(handing.to.released(), 0);
        assert_eq!(set(DRT_LOG_OFF, None, std::ptr::null_mut(), None), DRT_OK);
        handing
            .to
            .until("its release", |_| handing.to.released() == 1);
        assert!(released(), "and no second time");
    }
}

/// A log function that takes its time.
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

unsafe extern "C" fn slow_is_over(data: *mut c_void) {
    // SAFETY: as above.
    unsafe { &*data.cast::<Slow>() }
        .releases
        .fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_function_that_still_runs_on_another_thread_is_released_when_it_returns() {
    let _turn = turn();
    let own = Slow::default();
    let data = (&raw const own).cast_mut().cast();
    assert_eq!(
        set(DRT_LOG_TRACE, Some(slow), data, Some(slow_is_over)),
        DRT_OK
    );
    thread::scope(|threads| {
        let saying = threads.spawn(say_something);
        eventually("its call", || own.entered.load(Ordering::SeqCst));
        let lines = listen(DRT_LOG_TRACE);
        assert_eq!(own.releases.load(Ordering::SeqCst), 0, "it runs");
        own.open.store(true, Ordering::SeqCst);
        saying.join().unwrap();
        eventually("the release", || own.releases.load(Ordering::SeqCst) == 1);
        assert!(!lines.all().is_empty());
    });
}

#[test]
fn functions_that_come_and_go_while_others_log_are_each_released_once() {
    let _turn = turn();
    let sinks: Vec<Arc<Lines>> = thread::scope(|threads| {
        for _ in 0..3 {
            threads.spawn(|| {
                for _ in 0..10 {
                    say_something();
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
    say_something();
    assert!(sinks.iter().all(|sink| sink.released() == 1));
}

#[test]
fn a_clients_states_come_in_their_order_however_slow_the_function_is() {
    /// Takes its time for the first state, which the application's thread reports.
    unsafe extern "C" fn dawdle(
        level: i32,
        target: *const c_char,
        message: *const c_char,
        data: *mut c_void,
    ) {
        // SAFETY: the library passes NUL-terminated texts.
        let text = unsafe { std::ffi::CStr::from_ptr(message) };
        if text.to_bytes().starts_with(b"Connecting") {
            thread::sleep(Duration::from_millis(200));
        }
        // SAFETY: what this function was given, it passes on.
        unsafe { keep(level, target, message, data) }
    }
    let _turn = turn();
    let lines: Arc<Lines> = Log::new();
    let set = set(
        DRT_LOG_INFO,
        Some(dawdle),
        user_data(&lines),
        Some(release::<Line>),
    );
    assert_eq!(set, DRT_OK);
    let peer = Peer::new();
    let client = Options::new(&peer.url()).token("t").with(fast).open();
    thread::scope(|threads| {
        let starting = threads.spawn(|| client.start());
        let link = peer.ready();
        client.told(DRT_STATE_CONNECTED);
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
        ["Connecting", "Authenticating", "Connected", "Closed"]
    );
}
