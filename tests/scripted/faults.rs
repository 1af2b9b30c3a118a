//! Broken links and invalid frames: the reason is reported, and every subscription
//! recovers.

use std::time::Duration;

use serde_json::json;

use super::frame;
use super::scripted_server::{Link, ScriptedServer, event};
use super::test_client::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;

fn options(server: &ScriptedServer) -> Options {
    Options::new(&server.url()).token("static-token").with(fast)
}

/// A client with one subscription that is up to date.
struct Following {
    server: ScriptedServer,
    client: TestClient,
    sub: Sub,
    wire: String,
}

fn following(set: impl Fn(&mut drt_client_options) + 'static) -> (Following, Link) {
    let server = ScriptedServer::new();
    let client = options(&server).with(set).open();
    let sub = client.subscribe(subscription("posts"));
    let mut link = server.ready();
    let wire = link.confirm_subscribe_and_read();
    assert_eq!(sub.wait(), DRT_OK);
    sub.log.until_len(1);
    let following = Following {
        server,
        client,
        sub,
        wire,
    };
    (following, link)
}

impl Following {
    /// The link is lost for that reason; the next link delivers a RESYNC (I3), and then
    /// events under a new wire uid (I2).
    #[track_caller]
    fn recovers_after(&self, reason: i32, word: &str) {
        let (got, message) = self.client.wait_for_report(BACKOFF);
        assert!(message.contains(word), "{message}");
        assert_eq!(got, reason, "{message}");
        let mut link = self.server.ready();
        let wire = link.confirm_subscribe_and_read();
        assert_ne!(wire, self.wire);
        link.event(&wire, "update", &json!([{"id": 1}]));
        let seen = self.sub.log.until("the update", |all| {
            all.last().is_some_and(|last| last.name() == "update")
        });
        let before = &seen[seen.len() - 2];
        assert!(before.is_resync(), "{seen:?}");
        let stats = self.client.stats();
        assert_eq!((stats.connects, stats.reconnects, stats.resyncs), (2, 1, 1));
    }
}

#[test]
fn i3_a_close_frame_is_answered_and_ends_in_a_resync() {
    let (following, mut link) = following(|_| {});
    link.raw(&frame::encode(frame::CLOSE, true, b""));
    let (opcode, _) = frame::read(&mut link.socket).unwrap();
    assert_eq!(opcode, frame::CLOSE);
    following.recovers_after(DRT_ERR_IO, "without saying why");
}

#[test]
fn a_close_frame_is_reported_with_its_code_and_reason() {
    let (following, mut link) = following(|_| {});
    link.raw(&frame::encode(
        frame::CLOSE,
        true,
        b"\x03\xE9moving \x07 house",
    ));
    following.recovers_after(DRT_ERR_IO, "code 1001: moving \u{fffd} house");
}

#[test]
fn a_lost_link_is_reported_with_the_last_server_error() {
    let (following, mut link) = following(|_| {});
    link.send(&json!({"type": "server", "status": "error",
                      "error": {"code": "SOMETHING", "message": "went badly wrong."}}));
    link.raw(&frame::encode(frame::CLOSE, true, b""));
    following.recovers_after(DRT_ERR_IO, "SOMETHING: went badly wrong.");
}

#[test]
fn i3_a_reset_inside_a_frame_ends_in_a_resync() {
    let (following, mut link) = following(|_| {});
    let whole = event(&following.wire, "update", &json!([{"id": 1}])).to_string();
    let frame = frame::encode(frame::TEXT, true, whole.as_bytes());
    link.raw(&frame[..frame.len() / 2]);
    link.reset();
    following.recovers_after(DRT_ERR_IO, "broke");
    assert_eq!(following.sub.log.len(), 3, "half an event is none");
}

#[test]
fn i3_a_connection_closed_inside_a_frame_ends_in_a_resync() {
    let (following, mut link) = following(|_| {});
    link.raw(&frame::head(frame::TEXT, true, 500));
    link.raw(b"{\"type\":");
    link.hang_up();
    following.recovers_after(DRT_ERR_IO, "without a close frame");
}

#[test]
fn i3_invalid_frames_end_the_link_and_resync() {
    for (opcode, payload, word) in [
        (
            frame::TEXT,
            &b"{\"type\":\"subscription\",\"event\":\"upd"[..],
            "malformed frame",
        ),
        (frame::TEXT, b"[1, 2]", "malformed frame"),
        (frame::TEXT, b"", "malformed frame"),
        (frame::TEXT, b"{\"status\":\"ok\"}", "malformed frame"),
        (frame::TEXT, b"{\"type\":\"ping\",\"x\":\"\xFF\"}", "UTF-8"),
        (frame::CONTINUATION, b"{\"type\":\"ping\"}", "WebSocket"),
        (3, b"", "WebSocket"),
    ] {
        let (following, mut link) = following(|_| {});
        link.raw(&frame::encode(opcode, true, payload));
        following.recovers_after(DRT_ERR_IO, word);
    }
}

#[test]
fn i3_an_event_with_malformed_json_is_a_gap_and_not_delivered() {
    let (following, mut link) = following(|_| {});
    let wire = &following.wire;
    link.text(&format!(
        "{{\"type\":\"subscription\",\"event\":\"update\",\"data\":[{{\"id\":}}],\"uid\":\"{wire}\"}}"
    ));
    following.recovers_after(DRT_ERR_IO, "well-formed");
    assert_eq!(following.sub.log.len(), 3);
}

#[test]
fn a_masked_frame_from_the_server_ends_the_link() {
    let (following, mut link) = following(|_| {});
    link.raw(&[0x81, 0x82, 1, 2, 3, 4, b'{' ^ 1, b'}' ^ 2]);
    following.recovers_after(DRT_ERR_IO, "WebSocket");
}

#[test]
fn i8_unknown_messages_are_ignored() {
    let (following, mut link) = following(|_| {});
    for message in [
        json!({"type": "from-the-future", "data": [1]}),
        json!({"type": "subscription", "event": "archived", "data": [1], "uid": following.wire}),
        json!({"type": "subscription", "event": "update", "data": [{"id": 1}], "uid": "unknown"}),
        json!({"type": "subscription", "event": "update", "data": [{"id": 1}], "uid": "ff.ff"}),
        json!({"type": "subscription", "event": "init", "data": [{"id": 1}], "uid": "0.1.2"}),
        json!({"type": "subscription", "event": "update", "data": [{"id": 1}]}),
        json!({"type": "pong", "uid": 7}),
        json!({"type": "logs", "data": {"level": 30}, "uid": "node"}),
        json!({"type": "items", "data": [], "uid": "1.2"}),
        json!({"type": "auth", "status": "ok"}),
    ] {
        link.send(&message);
    }
    link.raw(&frame::encode(frame::BINARY, true, b"\xFF\xFE"));
    link.event(&following.wire, "update", &json!([{"id": 1}]));
    let seen = following.sub.log.until_len(2);
    assert_eq!((seen.len(), seen[1].name()), (2, "update"), "{seen:?}");
    assert_eq!(following.client.stats().connects, 1);
}

#[test]
fn fragments_with_control_frames_between_them_make_one_message() {
    let (following, mut link) = following(|_| {});
    let text = event(
        &following.wire,
        "create",
        &json!([{"id": 1, "title": "Straße"}]),
    )
    .to_string();
    // In the middle of a character.
    let middle = text.find('ß').unwrap() + 1;
    let (first, rest) = text.as_bytes().split_at(middle);
    link.raw(&frame::encode(frame::TEXT, false, &first[..1]));
    link.raw(&frame::encode(frame::PING, true, b"still there?"));
    link.raw(&frame::encode(frame::CONTINUATION, false, &first[1..]));
    link.raw(&frame::encode(frame::PONG, true, b""));
    link.raw(&frame::encode(frame::CONTINUATION, false, b""));
    link.raw(&frame::encode(frame::CONTINUATION, true, rest));
    let seen = following.sub.log.until_len(2);
    assert_eq!(seen[1].data, json!({"id": 1, "title": "Straße"}));
    let (opcode, payload) = frame::read(&mut link.socket).unwrap();
    assert_eq!((opcode, &payload[..]), (frame::PONG, &b"still there?"[..]));
}

#[test]
fn a_binary_frame_with_json_is_a_message() {
    let (following, mut link) = following(|_| {});
    let text = event(&following.wire, "create", &json!([{"id": 1}])).to_string();
    link.raw(&frame::encode(frame::BINARY, true, text.as_bytes()));
    assert_eq!(following.sub.log.until_len(2)[1].name(), "create");
}

#[test]
fn a_frame_that_arrives_byte_by_byte_is_received() {
    let (following, mut link) = following(|_| {});
    let text = event(&following.wire, "create", &json!([{"id": 1}])).to_string();
    for byte in frame::encode(frame::TEXT, true, text.as_bytes()) {
        link.raw(&[byte]);
    }
    assert_eq!(following.sub.log.until_len(2)[1].name(), "create");
}

#[test]
fn messages_of_many_megabytes_are_received() {
    let (following, mut link) = following(|_| {});
    let items: Vec<_> = (0..20)
        .map(|id| json!({"id": id, "text": "x".repeat(1 << 20)}))
        .collect();
    link.event(&following.wire, "update", &json!(items));
    let seen = following.sub.log.until_len(21);
    assert_eq!((seen[20].index, seen[20].count), (19, 20));
    assert_eq!(seen[20].data["text"].as_str().unwrap().len(), 1 << 20);
}

#[test]
fn a_message_over_max_message_bytes_ends_the_link_with_advice() {
    let (following, mut link) = following(|o| o.max_message_bytes = 1_000);
    link.event(
        &following.wire,
        "update",
        &json!([{"id": 1, "text": "x".repeat(800)}]),
    );
    following.sub.log.until_len(2);
    link.event(
        &following.wire,
        "update",
        &json!([{"id": 2, "text": "x".repeat(1_000)}]),
    );
    following.client.wait_for_report(BACKOFF);
    assert_eq!(following.sub.log.len(), 2);
    following.sub.log.clear();
    following.recovers_after(DRT_ERR_IO, "max_message_bytes");
}

#[test]
fn fragments_over_max_message_bytes_end_the_link_before_the_last_one() {
    let (following, mut link) = following(|o| o.max_message_bytes = 1_000);
    link.raw(&frame::encode(frame::TEXT, false, &[b' '; 900]));
    link.raw(&frame::encode(frame::CONTINUATION, false, &[b' '; 900]));
    following.recovers_after(DRT_ERR_IO, "max_message_bytes");
}

#[test]
fn a_frame_header_over_max_message_bytes_ends_the_link_at_once() {
    let (following, mut link) = following(|_| {});
    link.raw(&frame::head(frame::TEXT, true, 1 << 62));
    following.recovers_after(DRT_ERR_IO, "max_message_bytes");
}

#[test]
fn the_heartbeat_detects_a_half_open_link() {
    let (following, mut link) = following(|o| o.heartbeat_ms = 2_000);
    // Alive while it answers.
    for _ in 0..2 {
        while link.next()["type"] != "ping" {}
        link.send(&json!({"type": "pong"}));
    }
    assert_eq!(following.client.stats().connects, 1);
    eventually("the round trip", || {
        following.client.stats().last_rtt_us > 0
    });
    // From now on the server is silent, as when a cable is pulled.
    following.recovers_after(DRT_ERR_TIMEOUT, "heartbeat");
}

#[test]
fn the_heartbeat_detects_a_server_that_stopped_reading() {
    // More than the sockets' buffers take. It is one message, and made beforehand, so that
    // the heartbeat cannot end the link before all of it was sent.
    let large = json!({"type": "chat", "text": "x".repeat(32 << 20)});
    let (following, link) = following(|o| {
        o.heartbeat_ms = 2_000;
        o.queue_bytes = 1 << 30;
    });
    assert_eq!(following.client.send(&large), DRT_OK, "{}", last_error());
    following.recovers_after(DRT_ERR_TIMEOUT, "heartbeat");
    drop(link);
}

#[test]
fn the_servers_pings_are_answered() {
    let (_following, mut link) = following(|_| {});
    link.send(&json!({"type": "ping"}));
    assert_eq!(link.next(), json!({"type": "pong"}));
}

#[test]
fn an_unanswered_subscribe_is_sent_again_under_another_wire_uid() {
    let server = ScriptedServer::new();
    let client = options(&server).with(|o| o.ack_timeout_ms = 2_000).open();
    let sub = client.subscribe(subscription("posts"));
    let mut link = server.ready();
    let first = link.expect("subscribe")["uid"].clone();
    // The client pings before it repeats a request, to know that the link is alive.
    let again = link.answer_until("subscribe");
    assert_ne!(again["uid"], first);
    assert_eq!(
        client.state(),
        CONNECTED,
        "one silence is no reason to leave"
    );
    link.answer(&again);
    let read = link.answer_until("items");
    link.answer(&read);
    assert_eq!(sub.wait(), DRT_OK);
    // The late reply to the first one registers it after all, so it is unsubscribed.
    link.send(&json!({"type": "subscription", "event": "init", "data": [], "uid": first}));
    while link.answer_until("unsubscribe")["uid"] != first {}
    sub.log.until_len(1);
    assert_eq!(sub.log.all().len(), 1, "{:?}", sub.log.all());
}

#[test]
fn i8_links_that_break_inside_a_frame_deliver_no_partial_event() {
    let server = ScriptedServer::new();
    let client = options(&server).open();
    let sub = client.subscribe(subscription("posts").events(DRT_ON_CREATE));
    let told = event("0.0", "create", &json!([{"id": 1}])).to_string();
    let frame = frame::encode(frame::TEXT, true, told.as_bytes());
    for cut in (0..frame.len()).step_by(3) {
        let mut link = server.ready();
        link.confirm_subscribe();
        link.raw(&frame[..cut]);
        link.reset();
    }
    let mut link = server.ready();
    let wire = link.confirm_subscribe();
    link.event(&wire, "create", &json!([{"id": 2}]));
    let seen = sub.log.until("the create", |all| {
        all.last().is_some_and(|last| last.name() == "create")
    });
    assert_eq!(seen.last().unwrap().data, json!({"id": 2}));
    assert_eq!(seen.iter().filter(|e| e.name() == "create").count(), 1);
    assert!(link.is_silent_for(Duration::from_millis(50)));
    assert_eq!(client.stats().subscriptions, 1);
}
