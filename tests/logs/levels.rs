//! Which lines each level logs.

use serde_json::json;

use super::listening::*;
use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

/// Runs clients that log at every level but ERROR: a credential over an unencrypted link,
/// a connection, an unknown message.
fn log_at_all_levels_but_error() {
    let exposed = Options::new("ws://directus.example/websocket").token("t");
    drop(exposed.open());
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").with(fast).open();
    let sub = client.subscribe(subscription("posts"));
    let mut link = server.ready();
    link.send(&json!({"type": "from-the-future"}));
    link.confirm_subscribe_and_read();
    assert_eq!(sub.wait(), DRT_OK);
    assert_eq!(client.send(&json!({"type": "chat"})), DRT_OK);
    link.expect("chat");
    assert_eq!(client.close(), DRT_OK);
}

#[test]
fn a_log_level_includes_its_own_and_more_severe_lines() {
    let _log = exclusive_log();
    let levels = [
        DRT_LOG_ERROR,
        DRT_LOG_WARN,
        DRT_LOG_INFO,
        DRT_LOG_DEBUG,
        DRT_LOG_TRACE,
    ];
    for level in levels {
        let lines = listen(level);
        log_at_all_levels_but_error();
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
fn nothing_is_logged_at_off_or_without_a_function() {
    let _log = exclusive_log();
    let lines = listen(DRT_LOG_TRACE);
    assert_eq!(
        set(
            DRT_LOG_OFF,
            Some(record),
            user_data(&lines),
            Some(release::<Line>)
        ),
        DRT_OK
    );
    assert_eq!(
        lines.released(),
        2,
        "the function before, and this one at once"
    );
    log_at_all_levels_but_error();
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
    log_at_all_levels_but_error();
    assert_eq!(lines.all(), []);
}

#[test]
fn i9_trace_logs_the_type_of_each_frame_and_never_its_content() {
    let _log = exclusive_log();
    let lines = listen(DRT_LOG_TRACE);
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").with(fast).open();
    let sub = client.subscribe(subscription("posts"));
    let mut link = server.ready();
    let wire = link.confirm_subscribe_and_read();
    link.event(
        &wire,
        "update",
        &json!([{"id": 1, "title": "confidential"}]),
    );
    sub.log.until_len(2);
    let wait_for_line = |line: &str| {
        lines.until(line, |all| all.iter().any(|(_, _, of)| of.contains(line)));
    };
    wait_for_line("sent auth, ");
    wait_for_line("received auth ok, ");
    wait_for_line(&format!("sent subscribe {wire}, "));
    wait_for_line("sent items ");
    wait_for_line(&format!("received subscription update {wire}, "));
    let all = lines.all();
    assert!(
        !all.iter().any(|(.., line)| line.contains("confidential")),
        "{all:#?}"
    );
}

#[test]
fn a_backoff_reason_is_a_warning_once_and_other_states_are_infos() {
    let _log = exclusive_log();
    let lines = listen(DRT_LOG_INFO);
    let client = Options::new("ws://127.0.0.1:1/").token("t").with(fast);
    let client = client.open();
    client.start();
    let of = |level: i32, text: &str| {
        let all = lines.all();
        let is_it = |line: &&Line| line.0 == level && line.1 == "session" && line.2.contains(text);
        all.iter().filter(is_it).count()
    };
    eventually("three attempts", || of(DRT_LOG_INFO, "connecting: ") >= 4);
    assert_eq!(
        of(
            DRT_LOG_WARN,
            "in backoff: 127.0.0.1:1 refused the connection"
        ),
        1
    );
    assert!(
        of(
            DRT_LOG_INFO,
            "in backoff: 127.0.0.1:1 refused the connection"
        ) >= 2
    );
}

#[test]
fn a_backoff_reason_is_a_warning_again_after_the_client_was_connected() {
    let _log = exclusive_log();
    let lines = listen(DRT_LOG_WARN);
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").with(fast).open();
    client.start();
    for connection in 1..=2 {
        server.ready().hang_up();
        lines.until("the warning", |all| all.len() == connection);
    }
    let all = lines.all();
    assert!(all.iter().all(|line| line.0 == DRT_LOG_WARN), "{all:?}");
}

#[test]
fn giving_up_is_logged_as_an_error() {
    let _log = exclusive_log();
    let lines = listen(DRT_LOG_ERROR);
    let client = Options::new("ws://127.0.0.1:1/").token("t");
    let client = client.with(|o| o.reconnect_attempts = 1).open();
    client.start();
    client.wait_for_report(DRT_STATE_FAILED);
    lines.until(
        "the reason",
        |all| matches!(all, [(DRT_LOG_ERROR, _, line)] if line.starts_with("failed: gave up")),
    );
}

#[test]
fn unencrypted_credentials_to_another_host_are_logged_as_a_warning() {
    let _log = exclusive_log();
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
    // A token that is set later is sent unencrypted as well.
    let client = Options::new(far).open();
    client.set_token("t");
    client.set_token("u");
    assert_eq!(warned(), 6, "once for a client: {:?}", lines.all());
}

#[test]
fn an_unanswered_upgrade_is_logged_as_a_warning_before_it_times_out() {
    let _log = exclusive_log();
    let lines = listen(DRT_LOG_WARN);
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").open();
    client.start();
    let silent = server.handshake();
    let all = lines.until("a warning", |lines| !lines.is_empty());
    assert_eq!(client.state(), DRT_STATE_CONNECTING);
    assert!(
        all[0].2.contains("/websocket") && all[0].2.contains("no answer yet"),
        "{all:?}"
    );
    drop(silent);
    assert_eq!(client.close(), DRT_OK);
}
