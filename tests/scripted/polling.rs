//! Poll delivery: dispatching, and when the descriptor is readable.

use std::ffi::{c_char, c_void};
use std::sync::Arc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use serde_json::json;

use super::polled::*;
use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

/// What ran, and on which thread.
type Ran = Log<(&'static str, ThreadId)>;

fn ran(log: *mut c_void, what: &'static str) {
    // SAFETY: the pointer of an Arc that the test keeps.
    unsafe { &*log.cast::<Ran>() }.push((what, thread::current().id()));
}

unsafe extern "C" fn on_event(_: *const drt_event, log: *mut c_void) {
    ran(log, "event");
}

unsafe extern "C" fn on_state(
    _: *mut drt_client,
    _: drt_state,
    _: drt_status,
    _: *const c_char,
    log: *mut c_void,
) {
    ran(log, "state");
}

unsafe extern "C" fn on_token(_: *mut drt_client, _: drt_status, log: *mut c_void) {
    ran(log, "token");
}

unsafe extern "C" fn on_reply(_: drt_status, _: *const c_char, _: usize, log: *mut c_void) {
    ran(log, "reply");
}

unsafe extern "C" fn on_release(log: *mut c_void) {
    ran(log, "release");
}

#[test]
fn in_poll_delivery_every_callback_runs_inside_dispatch() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .with(fast)
        .with(|o| o.delivery = DRT_DELIVER_POLL)
        .open();
    let log: Arc<Ran> = Log::new();
    let data = Arc::as_ptr(&log).cast_mut().cast();
    let collection = c("posts");
    // SAFETY: the log and the texts live until the client is closed.
    let sub = unsafe {
        assert_eq!(
            drt_client_on_state(client.raw, Some(on_state), data, Some(on_release)),
            DRT_OK
        );
        assert_eq!(
            drt_client_on_token(client.raw, Some(on_token), data, Some(on_release)),
            DRT_OK
        );
        let mut options: drt_subscription_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_subscription_options>();
        options.collection = collection.as_ptr();
        options.snapshot = DRT_SNAPSHOT_SERVER;
        let mut sub = std::ptr::null_mut();
        let status = drt_subscribe(
            client.raw,
            std::ptr::null_mut(),
            &options,
            Some(on_event),
            data,
            Some(on_release),
            &mut sub,
        );
        assert_eq!(status, DRT_OK);
        sub
    };
    let fd = fd(&client);
    let runs = |what: &str| log.all().iter().any(|(of, _)| *of == what);
    let until = |what: &str| {
        let deadline = Instant::now() + WAIT_TIMEOUT;
        while !runs(what) {
            assert!(Instant::now() < deadline, "no {what}");
            assert!(!readable(fd, 10) || dispatch(&client, 0, 0).0 == DRT_OK);
        }
    };
    assert_eq!(log.all(), [], "not inside the calls that register them");
    until("token");
    client.set_token("t");
    let mut link = server.ready();
    link.confirm_subscribe();
    until("event");
    let ask = c(r#"{"type": "ping"}"#);
    // SAFETY: as above.
    unsafe {
        let status = drt_request(
            client.raw,
            ask.as_ptr(),
            0,
            Some(on_reply),
            data,
            Some(on_release),
        );
        assert_eq!(status, DRT_OK);
    }
    let ping = link.next();
    link.answer(&ping);
    until("reply");
    until("release");
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_subscription_unsubscribe(sub) }, DRT_OK);
    assert_eq!(client.close(), DRT_OK);
    let here = thread::current().id();
    let all = log.all();
    assert!(all.iter().all(|(_, thread)| *thread == here), "{all:?}");
    let releases = all.iter().filter(|(what, _)| *what == "release").count();
    assert_eq!(releases, 4, "state, token, event, reply: each once");
}

#[test]
fn the_poll_descriptor_is_readable_exactly_while_callbacks_are_queued() {
    let mut polled = polled();
    let (sub, wire) = follow(&mut polled);
    let (client, link) = (&polled.client, &mut polled.link);
    let fd = fd(client);
    dispatch_all(client);
    assert!(!readable(fd, 0));
    for round in 0..200 {
        let before = sub.log.len();
        let events = 1 + round % 3;
        for n in 0..events {
            link.event(&wire, "update", &json!([{"id": n}]));
        }
        while sub.log.len() < before + events {
            assert!(readable(fd, 60_000), "something waits, or is about to");
            let most = round % 2;
            let (status, count) = dispatch(client, 0, most);
            assert_eq!(status, DRT_OK);
            assert!(most == 0 || count <= most);
        }
        assert!(!readable(fd, 0), "round {round}");
        assert_eq!(dispatch(client, 0, 0), (DRT_OK, 0));
    }
}

#[test]
fn events_left_by_a_limited_dispatch_keep_the_descriptor_readable() {
    let mut polled = polled();
    let (sub, wire) = follow(&mut polled);
    let (client, link) = (&polled.client, &mut polled.link);
    dispatch_all(client);
    link.event(&wire, "update", &json!([{"id": 1}, {"id": 2}, {"id": 3}]));
    let begin = sub.log.len();
    for n in 1..=3 {
        assert!(readable(fd(client), 60_000));
        assert_eq!(dispatch(client, 60_000, 1), (DRT_OK, 1));
        assert_eq!(sub.log.len(), begin + n, "a message is cut at max_events");
    }
    assert!(!readable(fd(client), 0));
}

#[test]
fn reading_from_the_descriptor_loses_no_wake_up() {
    let mut polled = polled();
    let (sub, wire) = follow(&mut polled);
    let (client, link) = (&polled.client, &mut polled.link);
    dispatch_all(client);
    let fd = fd(client);
    for round in 0..50 {
        let before = sub.log.len();
        link.event(&wire, "update", &json!([{"id": round}]));
        assert!(readable(fd, 60_000));
        let mut bytes = [0u8; 64];
        // SAFETY: a live descriptor and a buffer of that size.
        unsafe { libc::read(fd, bytes.as_mut_ptr().cast(), bytes.len()) };
        dispatch_all(client);
        assert_eq!(sub.log.len(), before + 1);
    }
}

#[test]
fn dispatch_waits_for_its_timeout_or_the_next_event() {
    let mut polled = polled();
    let (sub, wire) = follow(&mut polled);
    let (client, link) = (&polled.client, &mut polled.link);
    dispatch_all(client);
    let begin = Instant::now();
    assert_eq!(dispatch(client, 100, 0), (DRT_OK, 0), "nothing is no error");
    assert!(begin.elapsed() >= Duration::from_millis(100));
    let (status, batch, drained) = drain(client, 100, 0);
    assert_eq!((status, batch.len(), drained), (DRT_OK, 0, 0));
    assert!(begin.elapsed() >= Duration::from_millis(200));
    let before = sub.log.len();
    thread::scope(|threads| {
        let waiting = threads.spawn(|| dispatch(client, -1, 0));
        link.event(&wire, "update", &json!([{"id": 1}]));
        assert_eq!(waiting.join().unwrap(), (DRT_OK, 1));
    });
    assert_eq!(sub.log.len(), before + 1);
}

#[test]
fn i2_several_dispatching_threads_deliver_each_event_once_in_order() {
    let mut polled = polled();
    let (sub, wire) = follow(&mut polled);
    let (client, link) = (&polled.client, &mut polled.link);
    const EVENTS: usize = 2_000;
    thread::scope(|threads| {
        for thread in 0..3 {
            let log = &sub.log;
            threads.spawn(move || {
                while log.len() <= EVENTS {
                    let (status, _) = dispatch(client, 20, thread);
                    assert_eq!(status, DRT_OK);
                }
            });
        }
        for id in 0..EVENTS {
            link.event(&wire, "update", &json!([{"id": id}]));
        }
    });
    let seen = sub.log.all();
    assert_eq!(seen.len(), EVENTS + 1);
    for (at, event) in seen.iter().enumerate() {
        assert_eq!(event.sequence, at as u64 + 1);
        assert!(at == 0 || event.data["id"] == at - 1, "{event:?}");
    }
}

#[test]
fn a_dispatch_or_drain_behind_another_returns_at_its_timeout() {
    let polled = polled();
    let client = &polled.client;
    dispatch_all(client);
    thread::scope(|threads| {
        let first = threads.spawn(|| {
            loop {
                match drain(client, -1, 0) {
                    (DRT_OK, ..) => {}
                    (status, ..) => return status,
                }
            }
        });
        // The first thread waits inside drain almost all the time, and keeps the others out.
        for _ in 0..10 {
            assert_eq!(drain(client, 10, 0), (DRT_OK, Vec::new(), 0));
            assert_eq!(dispatch(client, 10, 0), (DRT_OK, 0));
            assert_eq!(drain(client, 0, 0), (DRT_OK, Vec::new(), 0));
        }
        assert_eq!(client.close(), DRT_OK, "{}", last_error());
        let status = first.join().unwrap();
        assert!(
            [DRT_ERR_CLOSED, DRT_ERR_INVALID_HANDLE].contains(&status),
            "{status}"
        );
    });
}
