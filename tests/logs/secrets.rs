//! I9: however the client authenticates, and whatever fails, no secret appears in a log
//! line, a state's message or an error.

use std::ffi::c_void;
use std::sync::Arc;

use serde_json::json;

use super::listening::*;
use super::scripted_server::ScriptedServer;
use super::server::{ADMIN, Server};
use super::test_client::*;
use directus_realtime::ffi::*;

const CONNECTED: i32 = DRT_STATE_CONNECTED;
const BACKOFF: i32 = DRT_STATE_BACKOFF;
const FAILED: i32 = DRT_STATE_FAILED;

/// Collects all log lines at TRACE, and all messages that a test notes.
struct Reports {
    _log: ExclusiveLog,
    lines: Arc<Lines>,
    messages: Vec<String>,
}

impl Reports {
    fn new() -> Reports {
        let log = exclusive_log();
        Reports {
            _log: log,
            lines: listen(DRT_LOG_TRACE),
            messages: Vec::new(),
        }
    }

    fn note(&mut self, what: impl Into<String>) {
        self.messages.push(what.into());
    }

    /// Closes a client, and notes its last error and the messages of its states.
    fn close_and_note(&mut self, client: &TestClient) {
        self.note(last_error());
        assert_eq!(client.close(), DRT_OK);
        for (.., message) in client.states.all() {
            self.note(message);
        }
    }

    /// Checks that none of these appears, neither as it is nor as JSON or
    /// percent-encoded.
    #[track_caller]
    fn have_none_of(&self, secrets: &[&str]) {
        let lines = self.lines.all();
        assert!(lines.len() > 2, "something is logged: {lines:#?}");
        let reported = lines.iter().map(|(.., line)| line).chain(&self.messages);
        for line in reported {
            for secret in secrets {
                assert!(!secret.is_empty());
                let quoted = json!(secret).to_string();
                let encoded: String = secret.bytes().map(|b| format!("%{b:02X}")).collect();
                for form in [secret, quoted.trim_matches('"'), &encoded] {
                    assert!(!line.contains(form), "{secret} is reported: {line}");
                }
            }
        }
    }
}

#[test]
fn i9_static_tokens_are_never_reported() {
    let mut reports = Reports::new();
    let server = Server::shared();
    let client = Options::new(&server.url).token(ADMIN).open();
    let sub = client.follow(subscription("posts").query(json!({"limit": 1})));
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_reconnect(client.raw) }, DRT_OK);
    sub.log.until_len(1);
    reports.close_and_note(&client);
    let client = Options::new(&server.url).token("bad-t0ken-s3cret").open();
    client.start();
    assert_eq!(client.wait(CONNECTED), DRT_ERR_AUTH);
    reports.note(last_error());
    let refused = client.try_subscribe(std::ptr::null_mut(), subscription("posts"));
    assert_eq!(refused.status, DRT_ERR_NOT_CONNECTED);
    reports.close_and_note(&client);
    reports.have_none_of(&[ADMIN, "bad-t0ken-s3cret"]);
}

#[test]
fn i9_passwords_are_never_reported() {
    let mut reports = Reports::new();
    let server = Server::shared();
    for (password, state) in [("reader-password", CONNECTED), ("wr0ng-p4ssword", FAILED)] {
        let client = Options::new(&server.url)
            .text("email", "reader@example.com")
            .text("password", password)
            .open();
        client.start();
        client.wait_for_report(state);
        reports.close_and_note(&client);
    }
    reports.have_none_of(&["reader-password", "wr0ng-p4ssword"]);
}

#[test]
fn i9_jwts_and_refresh_tokens_are_never_reported() {
    let mut reports = Reports::new();
    let server = Server::shared();
    let login = server.login();
    let text = |name: &str| login[name].as_str().unwrap().to_owned();
    let (jwt, refresh) = (text("access_token"), text("refresh_token"));
    let client = Options::new(&server.url).token(&jwt).open();
    client.connect();
    client.set_token(&jwt);
    reports.close_and_note(&client);
    let client = Options::new(&server.url)
        .text("refresh_token", &refresh)
        .open();
    client.connect();
    reports.close_and_note(&client);
    // The token is used up now, so it is refused.
    let client = Options::new(&server.url)
        .text("refresh_token", &refresh)
        .open();
    client.start();
    client.wait_for_report(FAILED);
    reports.close_and_note(&client);

    let scripted = ScriptedServer::new();
    let client = Options::new(&scripted.url())
        .text("refresh_token", "fi\"rst")
        .with(fast)
        .open();
    client.start();
    for (_, next) in [("fi\"rst", "se\\cond"), ("se\\cond", "third-s3cret")] {
        let mut link = scripted.link();
        link.expect("auth");
        link.send(&json!({"type": "auth", "status": "ok", "refresh_token": next}));
        assert_eq!(client.wait(CONNECTED), DRT_OK);
        link.hang_up();
    }
    scripted.link().expect("auth");
    reports.close_and_note(&client);
    let payload = jwt.split('.').nth(1).unwrap();
    reports.have_none_of(&[
        &jwt,
        payload,
        &refresh,
        "fi\"rst",
        "se\\cond",
        "third-s3cret",
    ]);
}

#[test]
fn i9_strict_mode_tokens_are_never_reported() {
    let mut reports = Reports::new();
    let server = ScriptedServer::new();
    let strict = |url: &str, token: &str| {
        let options = Options::new(url).token(token).with(fast);
        options.with(|o| o.auth_mode = DRT_AUTH_STRICT).open()
    };
    // Answered with nonsense, refused, reset, and at last accepted.
    let client = strict(&server.url(), "str1ct s3cret&");
    client.start();
    server.handshake().answer("SSH-2.0-OpenSSH_9.6\r\n");
    server.handshake().refuse("502 Bad Gateway");
    server.handshake().upgrade().reset();
    let handshake = server.handshake();
    assert!(
        handshake.path().contains("str1ct"),
        "the token is in the URL"
    );
    let mut link = handshake.upgrade();
    eventually("the link", || client.state() == CONNECTED);
    link.send(&json!({"type": "auth", "status": "error",
                      "error": {"code": "TOKEN_EXPIRED", "message": "Token expired."}}));
    client.wait_for_report(FAILED);
    reports.close_and_note(&client);
    let client = strict(&server.url(), "another-s3cret");
    client.start();
    server.handshake().refuse("401 Unauthorized");
    client.wait_for_report(FAILED);
    reports.close_and_note(&client);
    let nowhere = strict("ws://127.0.0.1:1/websocket", "third-s3cret");
    nowhere.start();
    nowhere.wait_for_report(BACKOFF);
    reports.close_and_note(&nowhere);
    reports.have_none_of(&[
        "str1ct s3cret&",
        "str1ct",
        "another-s3cret",
        "third-s3cret",
        "access_token=",
    ]);
}

#[test]
fn i9_tokens_in_the_applications_url_are_never_reported() {
    let mut reports = Reports::new();
    let server = ScriptedServer::new();
    let url = format!("{}?room=r00m&access_token=url-s3cret", server.url());
    let client = Options::new(&url)
        .with(fast)
        .with(|o| o.auth_mode = DRT_AUTH_PUBLIC)
        .open();
    client.start();
    let handshake = server.handshake();
    assert!(
        handshake
            .path()
            .ends_with("?room=r00m&access_token=url-s3cret")
    );
    handshake.refuse("404 Not Found");
    let silent = server.handshake();
    client.wait_for_report(BACKOFF);
    silent.upgrade().hang_up();
    reports.close_and_note(&client);
    for bad in [
        "wsx://me:url-s3cret@127.0.0.1/",
        "ws://127.0.0.1:99999/?access_token=url-s3cret",
        "ws://me:url-s3cret@127.0.0.1/",
        "http://[::1/?url-s3cret",
        "url-s3cret",
        "ws://good/, ws://me:url-s3cret@/",
    ] {
        if let Err((_, error)) = Options::new(bad).token("t").try_open() {
            reports.note(error);
        }
    }
    reports.have_none_of(&["url-s3cret"]);
}

#[test]
fn i9_proxy_credentials_and_headers_are_never_reported() {
    let mut reports = Reports::new();
    let server = ScriptedServer::new();
    let proxy = format!("http://me:pr0xy-s3cret@127.0.0.1:{}", server.port);
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
    server
        .handshake()
        .answer("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
    server.handshake().answer("HTTP/1.1 503 me:nothing\r\n\r\n");
    server.connection();
    client.wait_for_report(BACKOFF);
    server.handshake();
    reports.close_and_note(&client);
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
        reports.note(refused.err().unwrap().1);
    }
    let basic = "bWU6cHIweHktczNjcmV0";
    reports.have_none_of(&[
        "pr0xy-s3cret",
        basic,
        "he4der-s3cret",
        "c00kie-s3cret",
        "header-s3cret",
        "t0ken-s3cret",
    ]);
}

#[test]
fn i9_refused_tokens_of_the_token_callback_are_never_reported() {
    unsafe extern "C" fn answer(client: *mut drt_client, _: drt_status, _: *mut c_void) {
        // SAFETY: a live handle and a NUL-terminated text.
        let status = unsafe { drt_client_set_token(client, c"c4llback-s3cret".as_ptr()) };
        assert_eq!(status, DRT_OK);
    }
    let mut reports = Reports::new();
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .with(fast)
        .with(|o| o.ack_timeout_ms = 300)
        .open();
    // SAFETY: no user data.
    let status =
        unsafe { drt_client_on_token(client.raw, Some(answer), std::ptr::null_mut(), None) };
    assert_eq!(status, DRT_OK);
    client.start();
    let mut link = server.link();
    assert_eq!(link.expect("auth")["access_token"], "c4llback-s3cret");
    link.send(&json!({"type": "auth", "status": "error",
                      "error": {"code": "AUTH_FAILED", "message": "no"}}));
    client.wait_for_report(BACKOFF);
    reports.close_and_note(&client);
    reports.have_none_of(&["c4llback-s3cret"]);
}

#[test]
fn i9_errors_never_quote_secret_arguments() {
    let mut reports = Reports::new();
    let client = Options::new("ws://127.0.0.1:1/").token("t").open();
    client.start();
    client.wait_for_report(BACKOFF);
    let bad = [b"bad-s3cret \xFF".as_slice(), b"\0"].concat();
    // SAFETY: NUL-terminated texts and live handles.
    unsafe {
        let status = drt_client_set_token(client.raw, bad.as_ptr().cast());
        assert_eq!(status, DRT_ERR_INVALID_UTF8);
        reports.note(last_error());
        let auth = c(r#"{"type": "auth", "access_token": "bad-s3cret"}"#);
        assert_eq!(
            drt_send_message(client.raw, auth.as_ptr()),
            DRT_ERR_INVALID_ARGUMENT
        );
        reports.note(last_error());
        let broken = c(r#"{"type": "auth", "access_token": "bad-s3cret"#);
        assert_eq!(
            drt_send_message(client.raw, broken.as_ptr()),
            DRT_ERR_INVALID_JSON
        );
        reports.note(last_error());
    }
    let lonely = Options::new("ws://127.0.0.1:1/").text("password", "bad-s3cret");
    reports.note(lonely.try_open().err().unwrap().1);
    let strict = Options::new("ws://127.0.0.1:1/").text("refresh_token", "bad-s3cret");
    let strict = strict.with(|o| o.auth_mode = DRT_AUTH_STRICT);
    reports.note(strict.try_open().err().unwrap().1);
    reports.close_and_note(&client);
    reports.have_none_of(&["bad-s3cret"]);
}
