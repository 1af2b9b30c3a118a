//! Each counter of `drt_client_stats`, against what the scripted server counted.

use serde_json::json;

use super::frame;
use super::scripted_server::{Link, ScriptedServer, answer_to, auth_ok};
use super::test_client::*;
use directus_realtime::ffi::*;

/// A link that counts frames and bytes as the library must.
struct Counted {
    link: Link,
    frames: [u64; 2],
    bytes: [u64; 2],
}

const IN: usize = 0;
const OUT: usize = 1;

impl Counted {
    fn new(link: Link) -> Counted {
        Counted {
            link,
            frames: [0; 2],
            bytes: [0; 2],
        }
    }

    fn count(&mut self, way: usize, bytes: usize) {
        self.frames[way] += 1;
        self.bytes[way] += bytes as u64;
    }

    fn expect(&mut self, kind: &str) -> serde_json::Value {
        let (opcode, payload) = frame::read(&mut self.link.socket).unwrap();
        assert_eq!(opcode, frame::TEXT);
        self.count(OUT, payload.len());
        let message: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(message["type"], kind);
        message
    }

    fn send(&mut self, message: &serde_json::Value) {
        let text = message.to_string();
        self.count(IN, text.len());
        self.link.text(&text);
    }

    fn answer(&mut self, kind: &str) -> String {
        let message = self.expect(kind);
        self.send(&answer_to(&message).unwrap());
        message["uid"].as_str().unwrap_or_default().to_owned()
    }

    fn matches(&self, stats: &drt_stats) -> bool {
        let ins = [stats.frames_in, stats.bytes_in];
        let outs = [stats.frames_out, stats.bytes_out];
        ins == [self.frames[IN], self.bytes[IN]] && outs == [self.frames[OUT], self.bytes[OUT]]
    }
}

fn connected(
    set: impl Fn(&mut drt_client_options) + 'static,
) -> (ScriptedServer, TestClient, Counted) {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .token("t")
        .with(fast)
        .with(set)
        .open();
    client.start();
    let mut counted = Counted::new(server.link());
    let auth = counted.expect("auth");
    counted.send(&auth_ok(&auth));
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_OK);
    (server, client, counted)
}

#[test]
fn stats_count_frames_and_bytes_in_both_directions() {
    let (_server, client, mut counted) = connected(|_| {});
    let before = TestClient::stats(&client);
    assert!(counted.matches(&before), "the authentication");
    client.subscribe(subscription("posts").uid("a uid that stays here"));
    let wire = counted.answer("subscribe");
    counted.answer("items");
    for id in 0..10 {
        let text = "ü".repeat(id);
        counted.send(&super::scripted_server::event(
            &wire,
            "update",
            &json!([{"id": id, "text": text}]),
        ));
    }
    assert_eq!(client.send(&json!({"type": "chat", "text": "häß"})), DRT_OK);
    counted.expect("chat");
    eventually("the same numbers", || counted.matches(&client.stats()));
}

#[test]
fn stats_count_a_fragmented_message_as_one_frame() {
    let (_server, client, mut counted) = connected(|_| {});
    let text = json!({"type": "from-the-future"}).to_string();
    let (first, rest) = text.as_bytes().split_at(5);
    counted.link.raw(&frame::encode(frame::TEXT, false, first));
    counted
        .link
        .raw(&frame::encode(frame::CONTINUATION, true, rest));
    counted.count(IN, text.len());
    eventually("one more", || counted.matches(&client.stats()));
}

#[test]
fn stats_count_connects_and_reconnects_of_usable_links_only() {
    let (server, client, counted) = connected(|_| {});
    let both = |client: &TestClient| (client.stats().connects, client.stats().reconnects);
    assert_eq!(both(&client), (1, 0));
    counted.link.hang_up();
    server.handshake().refuse("502 Bad Gateway");
    let mut link = server.link();
    link.expect("auth");
    link.hang_up();
    assert_eq!(both(&client), (1, 0), "neither was usable");
    let _link = server.ready();
    eventually("the second", || both(&client) == (2, 1));
}

#[test]
fn stats_count_delivered_events_resyncs_and_subscriptions() {
    let (server, client, mut counted) = connected(|_| {});
    let one = client.subscribe(subscription("posts").uid("one").server_snapshot());
    let two = client.subscribe(subscription("posts").uid("two").server_snapshot());
    let wire = counted.answer("subscribe");
    assert_eq!(one.wait(), DRT_OK);
    let stats = client.stats();
    assert_eq!((stats.subscriptions, stats.active_subscriptions), (2, 1));
    counted.answer("subscribe");
    assert_eq!(two.wait(), DRT_OK);
    counted
        .link
        .event(&wire, "create", &json!([{"id": 1}, {"id": 2}, {"id": 3}]));
    one.log.until_len(4);
    two.log.until_len(1);
    let stats = client.stats();
    assert_eq!((stats.events, stats.resyncs), (5, 0));
    assert_eq!((stats.subscriptions, stats.active_subscriptions), (2, 2));
    counted.link.hang_up();
    let mut link = server.ready();
    assert_eq!(client.stats().active_subscriptions, 0);
    link.confirm_subscribe();
    link.confirm_subscribe();
    one.log.until_len(5);
    two.log.until_len(2);
    let stats = client.stats();
    assert_eq!((stats.events, stats.resyncs), (7, 2));
    assert_eq!(stats.active_subscriptions, 2);
    assert_eq!(client.unsubscribe("one"), DRT_OK);
    let stats = client.stats();
    assert_eq!((stats.subscriptions, stats.active_subscriptions), (1, 1));
}

#[test]
fn stats_count_queued_events_until_they_are_delivered() {
    let (_server, client, mut counted) = connected(|o| o.delivery = DRT_DELIVER_POLL);
    let sub = client.subscribe(subscription("posts").server_snapshot());
    let wire = counted.answer("subscribe");
    assert_eq!(sub.wait(), DRT_OK);
    for id in 0..10 {
        counted.link.event(&wire, "update", &json!([{"id": id}]));
    }
    eventually("eleven messages", || client.stats().queued_events == 11);
    let full = client.stats();
    assert!(full.queued_bytes >= 10 * 60, "{}", full.queued_bytes);
    assert_eq!(full.events, 0);
    let mut dispatched = 0;
    while sub.log.len() < 6 {
        // SAFETY: a live handle and a valid out pointer.
        let status = unsafe { drt_client_dispatch(client.raw, 0, 1, &mut dispatched) };
        assert_eq!(status, DRT_OK);
    }
    let half = client.stats();
    assert_eq!((half.events, half.queued_events), (6, 5));
    assert!(half.queued_bytes > 0 && half.queued_bytes < full.queued_bytes);
    // SAFETY: a live handle.
    while unsafe { drt_client_dispatch(client.raw, 0, 0, &mut dispatched) } == DRT_OK
        && dispatched > 0
    {}
    let empty = client.stats();
    assert_eq!(
        (empty.events, empty.queued_events, empty.queued_bytes),
        (11, 0, 0)
    );
    assert_eq!((sub.log.len(), empty.overflows), (11, 0));
}

#[test]
fn stats_count_an_overflow_once_for_each_subscription_that_lost_events() {
    let (_server, client, mut counted) = connected(|o| {
        o.delivery = DRT_DELIVER_POLL;
        o.queue_bytes = 20_000;
    });
    let sub = client.subscribe(subscription("posts").server_snapshot());
    let wire = counted.answer("subscribe");
    assert_eq!(sub.wait(), DRT_OK);
    let text = "x".repeat(1_000);
    for id in 0..50 {
        counted
            .link
            .event(&wire, "update", &json!([{"id": id, "text": text}]));
    }
    eventually("the overflow", || client.stats().overflows == 1);
    assert!(client.stats().queued_bytes <= 20_000);
}

#[test]
fn stats_report_the_round_trip_of_the_last_heartbeat() {
    let (_server, client, mut counted) = connected(|o| o.heartbeat_ms = 1_500);
    assert_eq!(client.stats().last_rtt_us, 0, "none yet");
    while counted.link.next()["type"] != "ping" {}
    std::thread::sleep(std::time::Duration::from_millis(30));
    counted.link.send(&json!({"type": "pong"}));
    eventually("a round trip", || client.stats().last_rtt_us > 0);
    assert!(
        client.stats().last_rtt_us >= 30_000,
        "as long as the answer took"
    );
}
