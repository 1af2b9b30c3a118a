//! What each level tells.

use serde_json::json;

use super::listening::*;
use super::peer::Peer;
use super::sut::*;
use directus_realtime::ffi::*;

/// A life with something for every level but ERROR: a credential in the clear, links that come and go,
/// an unknown message.
fn eventful_life() {
    let exposed = Options::new("ws://directus.example/websocket").token("t");
    drop(exposed.open());
    let peer = Peer::new();
    let client = Options::new(&peer.url()).token("t").with(fast).open();
    let sub = client.subscribe(wish("posts"));
    let mut link = peer.ready();
    link.send(&json!({"type": "from-the-future"}));
    link.subscribed();
    assert_eq!(sub.wait(), DRT_OK);
    assert_eq!(client.send(&json!({"type": "chat"})), DRT_OK);
    link.expect("chat");
    assert_eq!(client.close(), DRT_OK);
}

#[test]
fn a_level_tells_what_it_names_and_what_is_more_important() {
    let _turn = turn();
    let levels = [
        DRT_LOG_ERROR,
        DRT_LOG_WARN,
        DRT_LOG_INFO,
        DRT_LOG_DEBUG,
        DRT_LOG_TRACE,
    ];
    for level in levels {
        let lines = listen(level);
        eventful_life();
        let all = lines.all();
        assert!(
            all.iter()
                .all(|(of, ..)| (DRT_LOG_ERROR..=level).contains(of)),
            "{all:#?}"
        );
        for wanted in levels
            .into_iter()
            .filter(|one| (DRT_LOG_WARN..=level).contains(one))
        {
            let there = all.iter().any(|(of, ..)| *of == wanted);
            assert!(there, "nothing of level {wanted} at {level}: {all:#?}");
        }
        let whole = |line: &Line| !line.1.is_empty() && !line.2.is_empty();
        assert!(all.iter().all(whole), "{all:#?}");
    }
}

#[test]
fn nothing_is_told_at_off_before_and_without_a_function() {
    let _turn = turn();
    let lines = listen(DRT_LOG_TRACE);
    assert_eq!(
        set(
            DRT_LOG_OFF,
            Some(keep),
            user_data(&lines),
            Some(release::<Line>)
        ),
        DRT_OK
    );
    assert_eq!(lines.released(), 2, "the one before, and this one at once");
    eventful_life();
    assert_eq!(lines.all(), []);
    assert_eq!(
        set(
            DRT_LOG_TRACE,
            None,
            user_data(&lines),
            Some(release::<Line>)
        ),
        DRT_OK
    );
    assert_eq!(lines.released(), 3);
    eventful_life();
    assert_eq!(lines.all(), []);
}

#[test]
fn trace_tells_the_type_of_each_frame_both_ways_and_not_what_is_in_it() {
    let _turn = turn();
    let lines = listen(DRT_LOG_TRACE);
    let peer = Peer::new();
    let client = Options::new(&peer.url()).token("t").with(fast).open();
    let sub = client.subscribe(wish("posts"));
    let mut link = peer.ready();
    let wire = link.subscribed();
    link.event(
        &wire,
        "update",
        &json!([{"id": 1, "title": "confidential"}]),
    );
    sub.log.until_len(2);
    let told = |line: &str| {
        lines.until(line, |all| all.iter().any(|(_, _, of)| of.contains(line)));
    };
    told("sent auth, ");
    told("received auth ok, ");
    told(&format!("sent subscribe {wire}, "));
    told("sent items ");
    told(&format!("received subscription update {wire}, "));
    let all = lines.all();
    assert!(
        !all.iter().any(|(.., line)| line.contains("confidential")),
        "{all:#?}"
    );
}

#[test]
fn a_reason_to_back_off_is_a_warning_once_and_the_other_states_are_infos() {
    let _turn = turn();
    let lines = listen(DRT_LOG_INFO);
    let client = Options::new("ws://127.0.0.1:1/").token("t").with(fast);
    let client = client.open();
    client.start();
    let of = |level: i32, text: &str| {
        let all = lines.all();
        let is_it = |line: &&Line| line.0 == level && line.1 == "session" && line.2.contains(text);
        all.iter().filter(is_it).count()
    };
    eventually("three attempts", || of(DRT_LOG_INFO, "Connecting: ") >= 4);
    assert_eq!(
        of(DRT_LOG_WARN, "Backoff: 127.0.0.1:1 refused the connection"),
        1
    );
    assert!(of(DRT_LOG_INFO, "Backoff: 127.0.0.1:1 refused the connection") >= 2);
}

#[test]
fn the_same_reason_is_worth_another_warning_after_the_client_was_connected() {
    let _turn = turn();
    let lines = listen(DRT_LOG_WARN);
    let peer = Peer::new();
    let client = Options::new(&peer.url()).token("t").with(fast).open();
    client.start();
    for connection in 1..=2 {
        peer.ready().hang_up();
        lines.until("the warning", |all| all.len() == connection);
    }
    let all = lines.all();
    assert!(all.iter().all(|line| line.0 == DRT_LOG_WARN), "{all:?}");
}

#[test]
fn that_a_client_gives_up_is_an_error() {
    let _turn = turn();
    let lines = listen(DRT_LOG_ERROR);
    let client = Options::new("ws://127.0.0.1:1/").token("t");
    let client = client.with(|o| o.reconnect_attempts = 1).open();
    client.start();
    client.told(DRT_STATE_FAILED);
    lines.until(
        "the reason",
        |all| matches!(all, [(DRT_LOG_ERROR, _, line)] if line.starts_with("Failed: gave up")),
    );
}

#[test]
fn a_credential_that_goes_unencrypted_to_another_machine_is_worth_a_warning() {
    let _turn = turn();
    let lines = listen(DRT_LOG_WARN);
    let warned = || {
        lines
            .all()
            .iter()
            .filter(|(.., line)| line.contains("unencrypted"))
            .count()
    };
    for url in [
        "ws://127.0.0.1:1/",
        "http://localhost:1",
        "ws://[::1]:1/",
        "wss://directus.example/",
    ] {
        drop(Options::new(url).token("t").open());
    }
    drop(
        Options::new("ws://directus.example/")
            .with(|o| o.auth_mode = DRT_AUTH_PUBLIC)
            .open(),
    );
    assert_eq!(warned(), 0, "{:?}", lines.all());
    let far = "ws://directus.example/";
    drop(Options::new(far).token("t").open());
    drop(Options::new(far).text("refresh_token", "t").open());
    drop(
        Options::new(far)
            .text("email", "me@example.com")
            .text("password", "p")
            .open(),
    );
    drop(Options::new("ws://directus.example/?access_token=t").open());
    drop(
        Options::new(far)
            .text("headers", "Cookie: directus_session_token=t")
            .open(),
    );
    drop(Options::new(far).text("headers", "X-Cookie: none").open());
    assert_eq!(warned(), 5, "{:?}", lines.all());
    // The one that comes later is as readable.
    let client = Options::new(far).open();
    client.set_token("t");
    client.set_token("u");
    assert_eq!(warned(), 6, "once for a client: {:?}", lines.all());
}

#[test]
fn an_upgrade_that_gets_no_answer_is_a_warning_long_before_the_attempt_ends() {
    let _turn = turn();
    let lines = listen(DRT_LOG_WARN);
    let peer = Peer::new();
    let client = Options::new(&peer.url()).token("t").open();
    client.start();
    let silent = peer.caller();
    let all = lines.until("a warning", |lines| !lines.is_empty());
    assert_eq!(client.state(), DRT_STATE_CONNECTING);
    assert!(
        all[0].2.contains("/websocket") && all[0].2.contains("no answer yet"),
        "{all:?}"
    );
    drop(silent);
    assert_eq!(client.close(), DRT_OK);
}
