//! I9: whatever the way to authenticate, and whatever goes wrong, no secret is in a
//! log line, a state's message, an error or an event.

use std::ffi::c_void;
use std::sync::Arc;

use serde_json::json;

use super::listening::*;
use super::peer::Peer;
use super::server::{ADMIN, Server};
use super::sut::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

/// Everything that is told meanwhile, at the most talkative level.
struct Overheard {
    _turn: Turn,
    lines: Arc<Lines>,
    said: Vec<String>,
}

impl Overheard {
    fn new() -> Overheard {
        let turn = turn();
        Overheard {
            _turn: turn,
            lines: listen(DRT_LOG_TRACE),
            said: Vec::new(),
        }
    }

    fn note(&mut self, what: impl Into<String>) {
        self.said.push(what.into());
    }

    /// What a client told, and then its end.
    fn note_of(&mut self, client: &Sut) {
        self.note(last_error());
        assert_eq!(client.close(), DRT_OK);
        for (.., message) in client.states.all() {
            self.note(message);
        }
    }

    /// Nothing that was told has one of these in it, in any of the forms in which it
    /// may have been written.
    #[track_caller]
    fn has_none_of(&self, secrets: &[&str]) {
        let lines = self.lines.all();
        assert!(lines.len() > 2, "something is told: {lines:#?}");
        let told = lines.iter().map(|(.., line)| line).chain(&self.said);
        for line in told {
            for secret in secrets {
                assert!(!secret.is_empty());
                let quoted = json!(secret).to_string();
                let encoded: String = secret.bytes().map(|b| format!("%{b:02X}")).collect();
                for form in [secret, quoted.trim_matches('"'), &encoded] {
                    assert!(!line.contains(form), "{secret} is told: {line}");
                }
            }
        }
    }
}

#[test]
fn i9_a_static_token_a_good_one_and_a_bad_one() {
    let mut overheard = Overheard::new();
    let server = Server::shared();
    let client = Options::new(&server.url).token(ADMIN).open();
    let sub = client.follow(wish("posts").query(json!({"limit": 1})));
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
    sub.log.until_len(1);
    overheard.note_of(&client);
    let client = Options::new(&server.url).token("bad-t0ken-s3cret").open();
    client.start();
    assert_eq!(client.wait(CONNECTED), DRT_ERR_AUTH);
    overheard.note(last_error());
    let refused = client.try_subscribe(std::ptr::null_mut(), wish("posts"));
    assert_eq!(refused.status, DRT_ERR_NOT_CONNECTED);
    overheard.note_of(&client);
    overheard.has_none_of(&[ADMIN, "bad-t0ken-s3cret"]);
}

#[test]
fn i9_a_login_a_good_one_and_a_bad_one() {
    let mut overheard = Overheard::new();
    let server = Server::shared();
    for (password, state) in [("reader-password", CONNECTED), ("wr0ng-p4ssword", FAILED)] {
        let client = Options::new(&server.url)
            .text("email", "reader@example.com")
            .text("password", password)
            .open();
        client.start();
        client.told(state);
        overheard.note_of(&client);
    }
    overheard.has_none_of(&["reader-password", "wr0ng-p4ssword"]);
}

#[test]
fn i9_a_jwt_and_refresh_tokens_the_servers_successors_included() {
    let mut overheard = Overheard::new();
    let server = Server::shared();
    let login = server.login();
    let text = |name: &str| login[name].as_str().unwrap().to_owned();
    let (jwt, refresh) = (text("access_token"), text("refresh_token"));
    let client = Options::new(&server.url).token(&jwt).open();
    client.connect();
    client.set_token(&jwt);
    overheard.note_of(&client);
    let client = Options::new(&server.url)
        .text("refresh_token", &refresh)
        .open();
    client.connect();
    overheard.note_of(&client);
    // It is used up now.
    let client = Options::new(&server.url)
        .text("refresh_token", &refresh)
        .open();
    client.start();
    client.told(FAILED);
    overheard.note_of(&client);

    let peer = Peer::new();
    let client = Options::new(&peer.url())
        .text("refresh_token", "fi\"rst")
        .with(fast)
        .open();
    client.start();
    for (_, next) in [("fi\"rst", "se\\cond"), ("se\\cond", "third-s3cret")] {
        let mut link = peer.link();
        link.expect("auth");
        link.send(&json!({"type": "auth", "status": "ok", "refresh_token": next}));
        assert_eq!(client.wait(CONNECTED), DRT_OK);
        link.hang_up();
    }
    peer.link().expect("auth");
    overheard.note_of(&client);
    let payload = jwt.split('.').nth(1).unwrap();
    overheard.has_none_of(&[
        &jwt,
        payload,
        &refresh,
        "fi\"rst",
        "se\\cond",
        "third-s3cret",
    ]);
}

#[test]
fn i9_a_token_in_the_url_of_strict_mode_a_good_one_and_a_bad_one() {
    let mut overheard = Overheard::new();
    let peer = Peer::new();
    let strict = |url: &str, token: &str| {
        let options = Options::new(url).token(token).with(fast);
        options.with(|o| o.auth_mode = DRT_AUTH_STRICT).open()
    };
    // Refused, answered with nonsense, lost, too late, and at last accepted.
    let client = strict(&peer.url(), "str1ct s3cret&");
    client.start();
    peer.caller().answer("SSH-2.0-OpenSSH_9.6\r\n");
    peer.caller().refuse("502 Bad Gateway");
    peer.caller().upgrade().reset();
    let caller = peer.caller();
    assert!(caller.path().contains("str1ct"), "it is in there");
    let mut link = caller.upgrade();
    eventually("the link", || client.state() == CONNECTED);
    link.send(&json!({"type": "auth", "status": "error",
                      "error": {"code": "TOKEN_EXPIRED", "message": "Token expired."}}));
    client.told(FAILED);
    overheard.note_of(&client);
    let client = strict(&peer.url(), "another-s3cret");
    client.start();
    peer.caller().refuse("401 Unauthorized");
    client.told(FAILED);
    overheard.note_of(&client);
    let nowhere = strict("ws://127.0.0.1:1/websocket", "third-s3cret");
    nowhere.start();
    nowhere.told(BACKOFF);
    overheard.note_of(&nowhere);
    overheard.has_none_of(&[
        "str1ct s3cret&",
        "str1ct",
        "another-s3cret",
        "third-s3cret",
        "access_token=",
    ]);
}

#[test]
fn i9_a_token_that_the_application_wrote_into_the_url_itself() {
    let mut overheard = Overheard::new();
    let peer = Peer::new();
    let url = format!("{}?room=r00m&access_token=url-s3cret", peer.url());
    let client = Options::new(&url)
        .with(fast)
        .with(|o| o.auth_mode = DRT_AUTH_PUBLIC)
        .open();
    client.start();
    let caller = peer.caller();
    assert!(
        caller
            .path()
            .ends_with("?room=r00m&access_token=url-s3cret")
    );
    caller.refuse("404 Not Found");
    let silent = peer.caller();
    client.told(BACKOFF);
    silent.upgrade().hang_up();
    overheard.note_of(&client);
    for bad in [
        "wsx://me:url-s3cret@127.0.0.1/",
        "ws://127.0.0.1:99999/?access_token=url-s3cret",
        "ws://me:url-s3cret@127.0.0.1/",
        "http://[::1/?url-s3cret",
        "url-s3cret",
        "ws://good/, ws://me:url-s3cret@/",
    ] {
        if let Err((_, error)) = Options::new(bad).token("t").try_open() {
            overheard.note(error);
        }
    }
    overheard.has_none_of(&["url-s3cret"]);
}

#[test]
fn i9_the_proxys_credentials_and_headers() {
    let mut overheard = Overheard::new();
    let peer = Peer::new();
    let proxy = format!("http://me:pr0xy-s3cret@127.0.0.1:{}", peer.port);
    let client = Options::new("ws://directus.example/websocket")
        .token("t0ken-s3cret")
        .text("proxy", &proxy)
        .text(
            "headers",
            "Authorization: Bearer he4der-s3cret\nCookie: s=c00kie-s3cret",
        )
        .with(fast)
        .open();
    client.start();
    peer.caller()
        .answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    peer.caller().answer("HTTP/1.1 503 me:nothing\r\n\r\n");
    peer.connection();
    client.told(BACKOFF);
    peer.caller();
    overheard.note_of(&client);
    for (headers, proxy) in [
        ("Bad header-s3cret", "http://p:1"),
        ("Host: header-s3cret", "http://p:1"),
        ("X: y", "ftp://me:pr0xy-s3cret@p:1"),
        ("X: y", "http://me:pr0xy-s3cret@p:1/x"),
    ] {
        let options = Options::new("ws://directus.example/").token("t0ken-s3cret");
        let refused = options
            .text("headers", headers)
            .text("proxy", proxy)
            .try_open();
        overheard.note(refused.err().unwrap().1);
    }
    let basic = "bWU6cHIweHktczNjcmV0";
    overheard.has_none_of(&[
        "pr0xy-s3cret",
        basic,
        "he4der-s3cret",
        "c00kie-s3cret",
        "header-s3cret",
        "t0ken-s3cret",
    ]);
}

#[test]
fn i9_tokens_from_the_callback_and_a_server_that_does_not_take_them() {
    unsafe extern "C" fn answer(client: *mut drt_client, _: drt_status, _: *mut c_void) {
        // SAFETY: a live handle and a NUL-terminated text.
        let status = unsafe { drt_client_set_token(client, c"c4llback-s3cret".as_ptr()) };
        assert_eq!(status, DRT_OK);
    }
    let mut overheard = Overheard::new();
    let peer = Peer::new();
    let client = Options::new(&peer.url())
        .with(fast)
        .with(|o| o.ack_timeout_ms = 300)
        .open();
    // SAFETY: no user data.
    let status =
        unsafe { drt_client_on_token(client.raw, Some(answer), std::ptr::null_mut(), None) };
    assert_eq!(status, DRT_OK);
    client.start();
    let mut link = peer.link();
    assert_eq!(link.expect("auth")["access_token"], "c4llback-s3cret");
    link.send(&json!({"type": "auth", "status": "error",
                      "error": {"code": "AUTH_FAILED", "message": "no"}}));
    client.told(BACKOFF);
    overheard.note_of(&client);
    overheard.has_none_of(&["c4llback-s3cret"]);
}

#[test]
fn i9_errors_of_calls_that_are_given_secrets() {
    let mut overheard = Overheard::new();
    let client = Options::new("ws://127.0.0.1:1/").token("t").open();
    client.start();
    client.told(BACKOFF);
    let bad = [b"bad-s3cret \xFF".as_slice(), b"\0"].concat();
    // SAFETY: NUL-terminated texts and live handles.
    unsafe {
        let status = drt_client_set_token(client.raw, bad.as_ptr().cast());
        assert_eq!(status, DRT_ERR_INVALID_UTF8);
        overheard.note(last_error());
        let auth = c(r#"{"type": "auth", "access_token": "bad-s3cret"}"#);
        assert_eq!(
            drt_send_message(client.raw, auth.as_ptr()),
            DRT_ERR_INVALID_ARGUMENT
        );
        overheard.note(last_error());
        let broken = c(r#"{"type": "auth", "access_token": "bad-s3cret"#);
        assert_eq!(
            drt_send_message(client.raw, broken.as_ptr()),
            DRT_ERR_INVALID_JSON
        );
        overheard.note(last_error());
    }
    let lonely = Options::new("ws://127.0.0.1:1/").text("password", "bad-s3cret");
    overheard.note(lonely.try_open().err().unwrap().1);
    let strict = Options::new("ws://127.0.0.1:1/").text("refresh_token", "bad-s3cret");
    let strict = strict.with(|o| o.auth_mode = DRT_AUTH_STRICT);
    overheard.note(strict.try_open().err().unwrap().1);
    overheard.note_of(&client);
    overheard.has_none_of(&["bad-s3cret"]);
}
