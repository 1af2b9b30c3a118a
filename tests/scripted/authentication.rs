//! Authentication by a server that takes its time, or never answers.

use std::time::Duration;

use serde_json::json;

use super::peer::Peer;
use super::sut::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const AUTHENTICATING: i32 = DRT_STATE_AUTHENTICATING;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

fn client(peer: &Peer) -> Options {
    Options::new(&peer.url()).token("static-token").with(fast)
}

#[test]
fn nothing_goes_out_before_a_late_auth_ok_because_the_server_would_lose_it() {
    let peer = Peer::new();
    let client = client(&peer).open();
    let sub = client.subscribe(wish("posts"));
    let mut link = peer.link();
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
    link.subscribed();
    assert_eq!((client.state(), sub.wait()), (CONNECTED, DRT_OK));
}

#[test]
fn an_authentication_that_is_never_answered_ends_with_ack_timeout_and_is_tried_again() {
    let peer = Peer::new();
    let client = client(&peer).with(|o| o.ack_timeout_ms = 200).open();
    client.start();
    let mut deaf = peer.link();
    deaf.expect("auth");
    let (reason, message) = client.told(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT);
    assert!(
        message.contains("authentication") && message.contains("0.2 s"),
        "{message}"
    );
    deaf.until_closed();
    peer.ready().hold_until(|| client.state() == CONNECTED);
}

#[test]
fn a_renewal_that_is_never_answered_breaks_the_link() {
    let peer = Peer::new();
    let client = client(&peer).with(|o| o.ack_timeout_ms = 200).open();
    let sub = client.subscribe(wish("posts"));
    let mut link = peer.ready();
    link.subscribed();
    assert_eq!(sub.wait(), DRT_OK);
    client.set_token("a-newer-token");
    assert_eq!(link.expect("auth")["access_token"], "a-newer-token");
    let (reason, message) = client.told(BACKOFF);
    assert_eq!(reason, DRT_ERR_TIMEOUT);
    assert!(message.contains("renewed authentication"), "{message}");
    let mut link = peer.link();
    assert_eq!(link.authenticate()["access_token"], "a-newer-token");
    link.subscribed();
    sub.log
        .until("the resync", |all| all.iter().any(Seen::is_resync));
}

#[test]
fn a_link_that_ends_before_the_answer_is_no_refusal() {
    let peer = Peer::new();
    let client = client(&peer).open();
    client.start();
    let mut link = peer.link();
    link.expect("auth");
    link.hang_up();
    let (reason, _) = client.told(BACKOFF);
    assert_eq!(reason, DRT_ERR_IO);
    peer.ready().hold_until(|| client.state() == CONNECTED);
}

#[test]
fn a_refusal_fails_with_the_servers_words_and_set_token_leaves_failed() {
    let peer = Peer::new();
    let client = client(&peer).open();
    client.start();
    let mut link = peer.link();
    link.expect("auth");
    link.send(&json!({"type": "auth", "status": "error",
                      "error": {"code": "AUTH_FAILED", "message": "Not with this token."}}));
    let (reason, message) = client.told(FAILED);
    assert_eq!(reason, DRT_ERR_AUTH);
    assert!(message.contains("Not with this token."), "{message}");
    assert_eq!(client.wait(CONNECTED), DRT_ERR_AUTH, "at once the reason");
    assert!(
        !peer.is_called_within(Duration::from_millis(300)),
        "asking again mends nothing"
    );
    client.set_token("another");
    let mut link = peer.link();
    assert_eq!(link.authenticate()["access_token"], "another");
    assert_eq!(client.wait(CONNECTED), DRT_OK);
}

#[test]
fn a_refresh_token_is_used_once_and_its_successor_next() {
    let peer = Peer::new();
    let client = Options::new(&peer.url())
        .text("refresh_token", "first")
        .with(fast)
        .open();
    client.start();
    for (shown, next) in [("first", "second"), ("second", "third")] {
        let mut link = peer.link();
        assert_eq!(
            link.expect("auth"),
            json!({"type": "auth", "refresh_token": shown})
        );
        link.send(&json!({"type": "auth", "status": "ok", "refresh_token": next}));
        assert_eq!(client.wait(CONNECTED), DRT_OK);
        link.hang_up();
    }
    assert_eq!(peer.link().expect("auth")["refresh_token"], "third");
}
