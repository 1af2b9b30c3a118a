//! Poll delivery in event loops.

use std::time::{Duration, Instant};

use serde_json::json;

use super::server::{ADMIN, Server};
use super::test_client::*;
use directus_realtime::ffi::*;

fn polled(server: &Server) -> TestClient {
    Options::new(&server.url)
        .token(ADMIN)
        .with(|o| o.delivery = DRT_DELIVER_POLL)
        .open()
}

fn dispatch(client: &TestClient, timeout_ms: i32, most: usize) -> usize {
    let mut dispatched = 0;
    // SAFETY: a live handle and a valid out pointer.
    let status = unsafe { drt_client_dispatch(client.raw, timeout_ms, most, &mut dispatched) };
    assert_eq!(status, DRT_OK, "{}", last_error());
    dispatched
}

fn readable(fd: i32, timeout_ms: i32) -> bool {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    // SAFETY: one pollfd, as said.
    unsafe { libc::poll(&mut poll, 1, timeout_ms) == 1 }
}

#[test]
fn a_poll_loop_on_the_descriptor_receives_every_event() {
    let server = Server::shared();
    let client = polled(server);
    // SAFETY: a live handle.
    let fd = unsafe { drt_client_fd(client.raw) };
    assert!(fd >= 0);
    let sub = client.subscribe(
        subscription("codes")
            .primary_key("code")
            .query(json!({"filter": {"code": {"_starts_with": "poll-"}}, "limit": -1})),
    );
    assert_eq!(sub.wait(), DRT_OK, "waiting needs no dispatch");
    assert_eq!(sub.log.len(), 0, "callbacks run only inside dispatch");
    for n in 0..5 {
        server.create("codes", json!({"code": format!("poll-{n}"), "label": "x"}));
    }
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while fold(&sub.log.all(), "code").len() < 5 {
        assert!(Instant::now() < deadline, "{:?}", sub.log.all());
        if readable(fd, 1_000) {
            dispatch(&client, 0, 2);
        }
    }
    while dispatch(&client, 0, 0) > 0 {}
    assert!(!readable(fd, 0), "nothing waits: not readable");
    let started = Instant::now();
    dispatch(&client, 50, 0);
    assert!(started.elapsed() >= Duration::from_millis(45) || sub.log.len() > 6);
    for n in 0..5 {
        server.delete("codes", &json!(format!("poll-{n}")));
    }
}

#[test]
fn an_edge_triggered_epoll_loop_receives_every_event() {
    let server = Server::shared();
    let client = polled(server);
    // SAFETY: plain system calls with valid arguments.
    let epoll = unsafe {
        let epoll = libc::epoll_create1(libc::EPOLL_CLOEXEC);
        let fd = drt_client_fd(client.raw);
        let interest = (libc::EPOLLIN | libc::EPOLLET) as u32;
        let mut event = libc::epoll_event {
            events: interest,
            u64: 1,
        };
        assert_eq!(
            libc::epoll_ctl(epoll, libc::EPOLL_CTL_ADD, fd, &mut event),
            0
        );
        epoll
    };
    let query = json!({"filter": {"title": {"_starts_with": "edge"}}, "limit": -1});
    let sub = client.subscribe(subscription("things").query(query));
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for n in 0..20 {
                server.create("things", json!({"title": format!("edge {n}")}));
            }
        });
        let deadline = Instant::now() + WAIT_TIMEOUT;
        // The snapshot may contain the first ones.
        while fold(&sub.log.all(), "id").len() < 20 {
            assert!(Instant::now() < deadline, "{:?}", sub.log.all());
            let mut event = libc::epoll_event { events: 0, u64: 0 };
            // SAFETY: room for one event, as passed.
            let ready = unsafe { libc::epoll_wait(epoll, &mut event, 1, 1_000) };
            if ready == 1 {
                while dispatch(&client, 0, 3) > 0 {}
            }
        }
    });
    let events = sub.log.all();
    assert_eq!(fold_and_count(&events, "id").1, 0, "none twice: {events:?}");
    // SAFETY: our own descriptor.
    unsafe { libc::close(epoll) };
}

#[test]
fn drain_returns_events_as_one_json_array() {
    let server = Server::shared();
    let client = polled(server);
    let sub =
        client.subscribe(subscription("codes").primary_key("code").query(
            json!({"filter": {"code": {"_starts_with": "drain-"}}, "meta": ["filter_count"]}),
        ));
    assert_eq!(sub.wait(), DRT_OK);
    server.create("codes", json!({"code": "drain-1", "label": "x"}));
    server.delete("codes", &json!("drain-1"));
    let mut all: Vec<serde_json::Value> = Vec::new();
    let deadline = Instant::now() + WAIT_TIMEOUT;
    while !all.iter().any(|event| event[1] == DRT_EVENT_DELETE) {
        assert!(Instant::now() < deadline, "{all:?}");
        let (mut json, mut len, mut drained) = (std::ptr::null(), 0, 0);
        // SAFETY: a live handle and valid out pointers.
        let text = unsafe {
            let status = drt_client_drain(client.raw, 1_000, 0, &mut json, &mut len, &mut drained);
            assert_eq!(status, DRT_OK, "{}", last_error());
            std::slice::from_raw_parts(json.cast::<u8>(), len)
        };
        let batch: serde_json::Value = serde_json::from_slice(text).unwrap();
        all.extend(batch.as_array().unwrap().clone());
    }
    assert_eq!(sub.log.len(), 0, "no event callback runs");
    let key = all[0][0].as_u64().unwrap() as usize;
    assert!(std::ptr::eq(
        key as *const Log<Seen>,
        std::sync::Arc::as_ptr(&sub.log)
    ));
    let kinds: Vec<_> = all.iter().map(|event| event[1].as_u64().unwrap()).collect();
    assert_eq!(kinds, [0, 1, 3]);
    assert_eq!(all[0][6], json!([]));
    assert_eq!(all[0][7], json!({"filter_count": 0}));
    assert_eq!(all[1][6]["code"], "drain-1");
    assert_eq!(all[2][6], json!({"code": "drain-1"}));
    let sequences: Vec<_> = all.iter().map(|event| event[3].as_u64().unwrap()).collect();
    assert_eq!(sequences, [1, 2, 3]);
}

#[test]
fn thread_delivery_has_no_descriptor_and_refuses_dispatch() {
    let client = TestClient::admin(Server::shared());
    let mut dispatched = 0;
    // SAFETY: a live handle and a valid out pointer.
    unsafe {
        assert_eq!(drt_client_fd(client.raw), -1);
        let status = drt_client_dispatch(client.raw, 0, 0, &mut dispatched);
        assert_eq!(status, DRT_ERR_INVALID_ARGUMENT);
    }
}
