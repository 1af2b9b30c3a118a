//! Half-open links and corrupted bytes.

use serde_json::{Value, json};

use super::proxy::{Fault, Proxy};
use super::seed;
use super::support::server::{ADMIN, Server, text};
use super::support::test_client::*;
use directus_realtime::ffi::*;

fn all() -> Value {
    json!({"limit": -1})
}

#[test]
fn i3_a_half_open_link_is_detected_and_ends_in_a_resync() {
    let server = Server::shared();
    let proxy = Proxy::start(server.port, 0);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast);
    let client = client.with(|o| o.heartbeat_ms = 2_000).open();
    let sub = client.follow(subscription("things").query(all()));
    proxy.set(Fault::HalfOpen);
    let made = server.create("things", json!({"title": "missed"}));
    client.wait_for_report(DRT_STATE_BACKOFF);
    proxy.set(Fault::None);
    let key = made["id"].clone();
    sub.log.until("a resync that has it", |events| {
        events.iter().any(Seen::is_resync) && fold(events, "id").contains_key(&text(&key))
    });
    server.delete("things", &key);
}

fn reconnect(client: &TestClient) {
    // SAFETY: any number is a fine handle.
    assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
}

#[test]
fn i8_the_client_recovers_from_corrupted_bytes_of_the_server() {
    let seed = seed();
    let server = Server::shared();
    let proxy = Proxy::start(server.port, seed);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast).open();
    let sub = client.follow(subscription("codes").query(all()));
    for round in 0..60 {
        proxy.set(Fault::Corrupt);
        let code = format!("corrupt-{seed}-{round}");
        server.create("codes", json!({"code": code, "label": "x"}));
        server.delete("codes", &json!(code));
    }
    proxy.set(Fault::None);
    // A changed letter inside a string cannot be noticed, so the copy is read anew.
    reconnect(&client);
    let there = server.read("codes").len();
    server.create(
        "codes",
        json!({"code": format!("last-{seed}"), "label": "x"}),
    );
    sub.log.until_quietly(
        &format!("the copy agrees (DRT_FAULT_SEED={seed})"),
        |events| {
            let copy = fold(events, "code");
            copy.contains_key(&format!("last-{seed}")) && copy.len() == there + 1
        },
    );
    server.delete("codes", &json!(format!("last-{seed}")));
}

#[test]
fn i8_every_request_is_answered_once_though_its_bytes_are_corrupted() {
    let seed = seed();
    let server = Server::shared();
    let proxy = Proxy::start(server.port, seed);
    let client = Options::new(&proxy.url()).token(ADMIN).with(fast);
    let client = client.with(|o| {
        o.heartbeat_ms = 1_000;
        o.ack_timeout_ms = 4_000;
        o.connect_timeout_ms = 4_000;
    });
    let client = client.open();
    let first = client.follow(subscription("messages").query(all()));
    let mut requests = Vec::new();
    for round in 0..40 {
        // Connected, unless the last corrupted bit was one of the token.
        client.wait(DRT_STATE_CONNECTED);
        proxy.set(Fault::Garble);
        match round % 4 {
            0 => reconnect(&client),
            1 => {
                let uid = format!("garbled-{round}");
                let sub =
                    client.try_subscribe(std::ptr::null_mut(), subscription("authors").uid(&uid));
                // The server may have refused it already.
                sub.unsubscribe();
            }
            _ => {
                let read = json!({"type": "items", "action": "read", "collection": "messages"});
                let (status, log) = client.request(&read, 2_000);
                if status == DRT_OK {
                    requests.push(log);
                }
            }
        }
        eventually("a bit is corrupted", || {
            // It may have been a bit of the token.
            if client.state() == DRT_STATE_FAILED {
                reconnect(&client);
            }
            !proxy.is_set(Fault::Garble)
        });
    }
    reconnect(&client);
    client.connect();
    let made = server.create("messages", json!({"text": "delivered"}));
    let has_it = |events: &[Seen]| fold(events, "id").contains_key(&text(&made["id"]));
    let last = client.subscribe(subscription("messages").query(all()));
    let when = format!("the last item (DRT_FAULT_SEED={seed})");
    last.log.until_quietly(&when, has_it);
    // The subscription may have been refused, where a bit of its request was corrupted.
    first.log.until_quietly(&when, |events| {
        has_it(events) || events.iter().any(Seen::is_end)
    });
    assert!(!requests.is_empty());
    for answers in &requests {
        answers.until_len(1);
    }
    assert_eq!(client.close(), DRT_OK);
    for answers in &requests {
        assert_eq!(answers.len(), 1, "DRT_FAULT_SEED={seed}");
    }
    server.delete("messages", &made["id"]);
}
