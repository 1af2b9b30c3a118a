//! Authentication by a server that answers late, or never.

use std::time::Duration;

use serde_json::json;

use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const AUTHENTICATING: i32 = DRT_STATE_AUTHENTICATING;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

fn client(server: &ScriptedServer) -> Options {
    Options::new(&server.url()).token("static-token").with(fast)
}

#[test]
fn nothing_is_sent_before_the_auth_reply() {
    let server = ScriptedServer::new();
    let client = client(&server).open();
    let sub = client.subscribe(subscription("posts"));
    let mut link = server.link();
    let auth = link.expect("auth");
    assert_eq!(
        auth,
        json!({"type": "auth", "access_token": "static-token"})
    );
    assert!(link.is_silent_for(Duration::from_secs(2)));
    assert_eq!(client.state(), AUTHENTICATING);
    assert_eq!(client.send(&json!({"type": "ping"})), DRT_ERR_NOT_CONNECTED);
    assert_eq!(sub.wait_for(0), DRT_ERR_TIMEOUT);
    link.answer(&auth);
    link.confirm_subscribe_and_read();
    assert_eq!((client.state(), sub.wait()), (CONNECTED, DRT_OK));
}

#[test]
fn an_unanswered_authentication_is_retried_after_ack_timeout() {
    let server = ScriptedServer::new();
    let client = client(&server).with(|o| o.ack_timeout_ms = 2_000).open();
    client.start();
    let mut silent = server.link();
    silent.expect("auth");
    let (reason, message) = client.wait_for_report(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT);
    assert!(
        message.contains("authentication") && message.contains("2 s"),
        "{message}"
    );
    silent.until_closed();
    server.ready().hold_until(|| client.state() == CONNECTED);
}

#[test]
fn an_unanswered_token_renewal_ends_the_link() {
    let server = ScriptedServer::new();
    let client = client(&server).with(|o| o.ack_timeout_ms = 2_000).open();
    let sub = client.subscribe(subscription("posts"));
    let mut link = server.ready();
    link.confirm_subscribe_and_read();
    assert_eq!(sub.wait(), DRT_OK);
    client.set_token("a-newer-token");
    assert_eq!(link.expect("auth")["access_token"], "a-newer-token");
    let (reason, message) = client.wait_for_report(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT);
    assert!(message.contains("renewed authentication"), "{message}");
    let mut link = server.link();
    assert_eq!(link.authenticate()["access_token"], "a-newer-token");
    link.confirm_subscribe_and_read();
    sub.log
        .until("the resync", |all| all.iter().any(Seen::is_resync));
}

#[test]
fn a_link_lost_before_the_auth_reply_is_retried() {
    let server = ScriptedServer::new();
    let client = client(&server).open();
    client.start();
    let mut link = server.link();
    link.expect("auth");
    link.hang_up();
    let (reason, _) = client.wait_for_report(BACKOFF);
    assert_eq!(reason, DRT_ERR_IO);
    server.ready().hold_until(|| client.state() == CONNECTED);
}

#[test]
fn refused_credentials_fail_with_the_servers_message_until_set_token() {
    let server = ScriptedServer::new();
    let client = client(&server).open();
    client.start();
    let mut link = server.link();
    link.expect("auth");
    link.send(&json!({"type": "auth", "status": "error",
                      "error": {"code": "AUTH_FAILED", "message": "Not with this token."}}));
    let (reason, message) = client.wait_for_report(FAILED);
    assert_eq!(reason, DRT_ERR_AUTH);
    assert!(message.contains("Not with this token."), "{message}");
    assert_eq!(client.wait(CONNECTED), DRT_ERR_AUTH, "at once the reason");
    assert!(
        !server.has_connection_within(Duration::from_millis(300)),
        "the same credentials would be refused again"
    );
    client.set_token("another");
    let mut link = server.link();
    assert_eq!(link.authenticate()["access_token"], "another");
    assert_eq!(client.wait(CONNECTED), DRT_OK);
}

#[test]
fn each_refresh_token_is_used_once() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .text("refresh_token", "first")
        .with(fast)
        .open();
    client.start();
    for (shown, next) in [("first", "second"), ("second", "third")] {
        let mut link = server.link();
        assert_eq!(
            link.expect("auth"),
            json!({"type": "auth", "refresh_token": shown})
        );
        link.send(&json!({"type": "auth", "status": "ok", "refresh_token": next}));
        assert_eq!(client.wait(CONNECTED), DRT_OK);
        link.hang_up();
    }
    assert_eq!(server.link().expect("auth")["refresh_token"], "third");
}
