//! Links that end badly, and frames that make no sense: the reason is told, and
//! everything comes back.

use std::time::Duration;

use serde_json::json;

use super::frame;
use super::peer::{Link, Peer, event};
use super::sut::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;

fn options(peer: &Peer) -> Options {
    Options::new(&peer.url()).token("static-token").with(fast)
}

/// A client with one subscription that is up to date.
struct Following {
    peer: Peer,
    client: Sut,
    sub: Sub,
    wire: String,
}

fn following(set: impl Fn(&mut drt_client_options) + 'static) -> (Following, Link) {
    let peer = Peer::new();
    let client = options(&peer).with(set).open();
    let sub = client.subscribe(wish("posts"));
    let mut link = peer.ready();
    let wire = link.subscribed();
    assert_eq!(sub.wait(), DRT_OK);
    sub.log.until_len(1);
    let following = Following {
        peer,
        client,
        sub,
        wire,
    };
    (following, link)
}

impl Following {
    /// The link is lost for that reason; the next one brings a RESYNC, and events
    /// under a fresh wire uid.
    #[track_caller]
    fn is_mended(&self, reason: i32, word: &str) {
        let (got, message) = self.client.told(BACKOFF);
        assert!(message.contains(word), "{message}");
        assert_eq!(got, reason, "{message}");
        let mut link = self.peer.ready();
        let wire = link.subscribed();
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
fn a_close_without_a_code_is_answered_told_and_mended() {
    let (following, mut link) = following(|_| {});
    link.raw(&frame::encode(frame::CLOSE, true, b""));
    let (opcode, _) = frame::read(&mut link.socket).unwrap();
    assert_eq!(opcode, frame::CLOSE);
    following.is_mended(DRT_ERR_IO, "without saying why");
}

#[test]
fn a_close_with_a_code_and_a_reason_is_told_with_both() {
    let (following, mut link) = following(|_| {});
    link.raw(&frame::encode(
        frame::CLOSE,
        true,
        b"\x03\xE9moving \x07 house",
    ));
    following.is_mended(DRT_ERR_IO, "code 1001: moving \u{fffd} house");
}

#[test]
fn the_servers_last_error_is_part_of_the_reason() {
    let (following, mut link) = following(|_| {});
    link.send(&json!({"type": "server", "status": "error",
                      "error": {"code": "SOMETHING", "message": "went badly wrong."}}));
    link.raw(&frame::encode(frame::CLOSE, true, b""));
    following.is_mended(DRT_ERR_IO, "SOMETHING: went badly wrong.");
}

#[test]
fn a_reset_in_the_middle_of_a_frame_is_told_and_mended() {
    let (following, mut link) = following(|_| {});
    let whole = event(&following.wire, "update", &json!([{"id": 1}])).to_string();
    let frame = frame::encode(frame::TEXT, true, whole.as_bytes());
    link.raw(&frame[..frame.len() / 2]);
    link.reset();
    following.is_mended(DRT_ERR_IO, "broke");
    assert_eq!(following.sub.log.len(), 3, "half an event is none");
}

#[test]
fn an_end_in_the_middle_of_a_frame_is_told_and_mended() {
    let (following, mut link) = following(|_| {});
    link.raw(&frame::head(frame::TEXT, true, 500));
    link.raw(b"{\"type\":");
    link.hang_up();
    following.is_mended(DRT_ERR_IO, "without a word");
}

#[test]
fn frames_that_make_no_sense_end_the_link_because_they_may_have_been_events() {
    for (opcode, payload, word) in [
        (
            frame::TEXT,
            &b"{\"type\":\"subscription\",\"event\":\"upd"[..],
            "no sense",
        ),
        (frame::TEXT, b"[1, 2]", "no sense"),
        (frame::TEXT, b"", "no sense"),
        (frame::TEXT, b"{\"status\":\"ok\"}", "no sense"),
        (frame::TEXT, b"{\"type\":\"ping\",\"x\":\"\xFF\"}", "UTF-8"),
        (frame::CONTINUATION, b"{\"type\":\"ping\"}", "WebSocket"),
        (3, b"", "WebSocket"),
    ] {
        let (following, mut link) = following(|_| {});
        link.raw(&frame::encode(opcode, true, payload));
        following.is_mended(DRT_ERR_IO, word);
    }
}

#[test]
fn an_event_that_only_looks_well_formed_is_a_gap_and_not_delivered() {
    let (following, mut link) = following(|_| {});
    let wire = &following.wire;
    link.text(&format!(
        "{{\"type\":\"subscription\",\"event\":\"update\",\"data\":[{{\"id\":}}],\"uid\":\"{wire}\"}}"
    ));
    following.is_mended(DRT_ERR_IO, "well-formed");
    assert_eq!(following.sub.log.len(), 3);
}

#[test]
fn a_masked_frame_of_the_server_is_refused_as_the_protocol_wants() {
    let (following, mut link) = following(|_| {});
    link.raw(&[0x81, 0x82, 1, 2, 3, 4, b'{' ^ 1, b'}' ^ 2]);
    following.is_mended(DRT_ERR_IO, "WebSocket");
}

#[test]
fn unknown_messages_are_passed_over() {
    let (following, mut link) = following(|_| {});
    for message in [
        json!({"type": "from-the-future", "data": [1]}),
        json!({"type": "subscription", "event": "archived", "data": [1], "uid": following.wire}),
        json!({"type": "subscription", "event": "update", "data": [{"id": 1}], "uid": "nobody's"}),
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
fn fragments_make_one_message_and_control_frames_may_come_between() {
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
fn binary_frames_of_text_are_messages_too() {
    let (following, mut link) = following(|_| {});
    let text = event(&following.wire, "create", &json!([{"id": 1}])).to_string();
    link.raw(&frame::encode(frame::BINARY, true, text.as_bytes()));
    assert_eq!(following.sub.log.until_len(2)[1].name(), "create");
}

#[test]
fn a_frame_byte_by_byte_is_a_frame() {
    let (following, mut link) = following(|_| {});
    let text = event(&following.wire, "create", &json!([{"id": 1}])).to_string();
    for byte in frame::encode(frame::TEXT, true, text.as_bytes()) {
        link.raw(&[byte]);
    }
    assert_eq!(following.sub.log.until_len(2)[1].name(), "create");
}

#[test]
fn messages_of_many_megabytes_are_taken() {
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
fn a_message_beyond_max_message_bytes_ends_the_link_with_advice() {
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
    following.client.told(BACKOFF);
    assert_eq!(following.sub.log.len(), 2);
    following.sub.log.clear();
    following.is_mended(DRT_ERR_IO, "max_message_bytes");
}

#[test]
fn fragments_beyond_max_message_bytes_end_the_link_before_they_are_all_there() {
    let (following, mut link) = following(|o| o.max_message_bytes = 1_000);
    link.raw(&frame::encode(frame::TEXT, false, &[b' '; 900]));
    link.raw(&frame::encode(frame::CONTINUATION, false, &[b' '; 900]));
    following.is_mended(DRT_ERR_IO, "max_message_bytes");
}

#[test]
fn a_frame_that_claims_to_be_endless_is_not_waited_for() {
    let (following, mut link) = following(|_| {});
    link.raw(&frame::head(frame::TEXT, true, 1 << 62));
    following.is_mended(DRT_ERR_IO, "max_message_bytes");
}

#[test]
fn a_half_open_link_is_noticed_by_the_heartbeat() {
    let (following, mut link) = following(|o| o.heartbeat_ms = 1_500);
    // Alive while it answers.
    for _ in 0..2 {
        while link.next()["type"] != "ping" {}
        link.send(&json!({"type": "pong"}));
    }
    assert_eq!(following.client.stats().connects, 1);
    eventually("the round trip", || {
        following.client.stats().last_rtt_us > 0
    });
    // From now on nothing comes any more, as when a cable is pulled.
    following.is_mended(DRT_ERR_TIMEOUT, "heartbeat");
}

#[test]
fn a_peer_that_does_not_read_any_more_is_noticed_too() {
    let (following, link) = following(|o| {
        o.heartbeat_ms = 300;
        o.queue_bytes = 1 << 30;
    });
    let long = "x".repeat(1 << 20);
    for _ in 0..32 {
        assert_eq!(
            following
                .client
                .send(&json!({"type": "chat", "text": long})),
            DRT_OK
        );
    }
    following.is_mended(DRT_ERR_TIMEOUT, "heartbeat");
    drop(link);
}

#[test]
fn the_servers_pings_are_answered() {
    let (_following, mut link) = following(|_| {});
    link.send(&json!({"type": "ping"}));
    assert_eq!(link.next(), json!({"type": "pong"}));
}

#[test]
fn answers_that_never_come_are_asked_for_again_under_another_uid() {
    let peer = Peer::new();
    let client = options(&peer).with(|o| o.ack_timeout_ms = 200).open();
    let sub = client.subscribe(wish("posts"));
    let mut link = peer.ready();
    let first = link.expect("subscribe")["uid"].clone();
    // Nothing is repeated before the link is known to live: what asks for that is answered.
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
    // The first one's answer comes after all, and is told to go.
    link.send(&json!({"type": "subscription", "event": "init", "data": [], "uid": first}));
    while link.answer_until("unsubscribe")["uid"] != first {}
    sub.log.until_len(1);
    assert_eq!(sub.log.all().len(), 1, "{:?}", sub.log.all());
}

#[test]
fn many_links_that_break_at_every_byte_leave_nothing_behind() {
    let peer = Peer::new();
    let client = options(&peer).open();
    let sub = client.subscribe(wish("posts").events(DRT_ON_CREATE));
    let told = event("0.0", "create", &json!([{"id": 1}])).to_string();
    let frame = frame::encode(frame::TEXT, true, told.as_bytes());
    for cut in (0..frame.len()).step_by(3) {
        let mut link = peer.ready();
        link.registered();
        link.raw(&frame[..cut]);
        link.reset();
    }
    let mut link = peer.ready();
    let wire = link.registered();
    link.event(&wire, "create", &json!([{"id": 2}]));
    let seen = sub.log.until("the create", |all| {
        all.last().is_some_and(|last| last.name() == "create")
    });
    assert_eq!(seen.last().unwrap().data, json!({"id": 2}));
    assert_eq!(seen.iter().filter(|e| e.name() == "create").count(), 1);
    assert!(link.is_silent_for(Duration::from_millis(50)));
    assert_eq!(client.stats().subscriptions, 1);
}
