//! Credentials: accepted, refused, expired, renewed.

use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;

use super::server::{ADMIN, READER, Server, V12};
use super::test_client::*;
use directus_realtime::ffi::*;

#[test]
fn static_token_login_and_refresh_token_each_authenticate() {
    let server = Server::shared();
    let login = server.login();
    let url = &server.url;
    let ways = [
        Options::new(url).token(READER),
        Options::new(url).token(login["access_token"].as_str().unwrap()),
        Options::new(url)
            .text("email", "reader@example.com")
            .text("password", "reader-password"),
        Options::new(url).text("refresh_token", login["refresh_token"].as_str().unwrap()),
    ];
    for options in ways {
        let client = options.open();
        client.connect();
        assert!(client.follow(subscription("posts")).log.all().is_empty());
        let path = client.path();
        let expected = [
            DRT_STATE_CONNECTING,
            DRT_STATE_AUTHENTICATING,
            DRT_STATE_CONNECTED,
        ];
        assert_eq!(path, expected.map(|state| state));
    }
}

#[test]
fn refused_credentials_fail_with_the_reason_until_a_valid_token_is_set() {
    let server = Server::shared();
    let client = Options::new(&server.url).token("wrong-token-5150").open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_ERR_AUTH);
    assert!(last_error().contains("refused"), "{}", last_error());
    assert_eq!(client.state(), DRT_STATE_FAILED);
    let failed = |s: &(i32, i32, String)| s.0 == DRT_STATE_FAILED;
    let states = client
        .states
        .until("the failure", |all| all.iter().any(failed));
    let (_, reason, message) = states.iter().find(|s| failed(s)).unwrap();
    assert_eq!(*reason, DRT_ERR_AUTH);
    assert!(message.contains("AUTH_FAILED"), "{message}");
    assert!(
        !message.contains("wrong-token-5150"),
        "no secret in a message: {message}"
    );

    client.set_token(ADMIN);
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_OK, "{}", last_error());

    let wrong = Options::new(&server.url).text("email", "reader@example.com");
    let client = wrong.text("password", "wrong").open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_ERR_AUTH);
}

#[test]
fn connecting_without_credentials_fails_and_names_the_option_to_set() {
    let client = Options::new(&Server::shared().url).open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_ERR_AUTH);
    assert!(last_error().contains("access_token"), "{}", last_error());
}

/// A token callback that sets the next of these tokens.
struct Tokens {
    tokens: Mutex<Vec<String>>,
    calls: AtomicUsize,
    reasons: Mutex<Vec<i32>>,
}

unsafe extern "C" fn set_next_token(
    client: *mut drt_client,
    reason: drt_status,
    data: *mut c_void,
) {
    // SAFETY: the pointer of an Arc that outlives the client.
    let tokens = unsafe { &*data.cast::<Tokens>() };
    tokens.calls.fetch_add(1, Ordering::SeqCst);
    tokens.reasons.lock().unwrap().push(reason);
    let next = tokens.tokens.lock().unwrap().pop();
    if let Some(token) = next {
        let token = c(&token);
        // SAFETY: a handle and a text.
        assert_eq!(
            unsafe { drt_client_set_token(client, token.as_ptr()) },
            DRT_OK
        );
    }
}

fn with_tokens(client: &TestClient, tokens: &[String]) -> Arc<Tokens> {
    let tokens = Arc::new(Tokens {
        tokens: Mutex::new(tokens.iter().rev().cloned().collect()),
        calls: AtomicUsize::new(0),
        reasons: Mutex::new(Vec::new()),
    });
    let data = Arc::as_ptr(&tokens).cast_mut().cast();
    // SAFETY: the Arc is kept by the test until the client is closed.
    let status = unsafe { drt_client_on_token(client.raw, Some(set_next_token), data, None) };
    assert_eq!(status, DRT_OK);
    tokens
}

#[test]
fn the_token_callback_runs_before_the_first_link_and_after_a_refusal() {
    let server = Server::shared();
    let client = Options::new(&server.url).open();
    let tokens = with_tokens(&client, &["wrong".into(), ADMIN.into()]);
    client.connect();
    assert_eq!(tokens.calls.load(Ordering::SeqCst), 2);
    assert_eq!(*tokens.reasons.lock().unwrap(), [DRT_OK, DRT_ERR_AUTH]);
    client.close();
}

#[test]
fn the_token_callback_runs_again_when_no_token_is_set_in_time() {
    let server = Server::shared();
    let client = Options::new(&server.url)
        .with(|o| {
            o.ack_timeout_ms = 300;
            o.reconnect_max_ms = 100;
            o.reconnect_min_ms = 10;
        })
        .open();
    let tokens = with_tokens(&client, &[]);
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
    eventually("a second request", || {
        tokens.calls.load(Ordering::SeqCst) >= 2
    });
    client.set_token(ADMIN);
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_OK);
    client.close();
}

#[test]
fn public_mode_connects_without_credentials_and_reports_forbidden_collections() {
    let server = Server::start(V12, &[("WEBSOCKETS_REST_AUTH", "public")]);
    let public = |o: &mut drt_client_options| o.auth_mode = DRT_AUTH_PUBLIC;
    let client = Options::new(&server.url).with(public).open();
    client.connect();
    let refused = client.subscribe(subscription("posts"));
    assert_eq!(refused.wait(), DRT_ERR_SERVER);
    assert!(last_error().contains("FORBIDDEN"), "{}", last_error());
    let seen = refused.log.until_len(1);
    assert!(seen[0].is_error() && seen[0].is_end(), "{seen:?}");

    let known = Options::new(&server.url).token(READER).with(public).open();
    known.connect();
    known.follow(subscription("posts"));
}

#[test]
fn strict_mode_sends_the_token_in_the_url_and_a_wrong_one_fails() {
    let server = Server::start(V12, &[("WEBSOCKETS_REST_AUTH", "strict")]);
    let strict = |o: &mut drt_client_options| o.auth_mode = DRT_AUTH_STRICT;
    let client = Options::new(&server.url).token(ADMIN).with(strict).open();
    client.connect();
    client.follow(subscription("posts"));

    let client = Options::new(&server.url).token("wrong").with(strict).open();
    // SAFETY: a live handle.
    assert_eq!(unsafe { drt_client_connect(client.raw) }, DRT_OK);
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_ERR_AUTH);
    assert!(last_error().contains("401"), "{}", last_error());
}

/// A server whose tokens live for six seconds.
fn with_short_lived_tokens() -> Server {
    Server::start(
        V12,
        &[
            ("ACCESS_TOKEN_TTL", "6s"),
            ("WEBSOCKETS_REST_AUTH_TIMEOUT", "5"),
        ],
    )
}

#[test]
fn i3_the_first_expiry_of_a_login_ends_in_a_resync_and_later_ones_are_renewed_ahead() {
    let server = with_short_lived_tokens();
    let options = Options::new(&server.url).text("email", "reader@example.com");
    let client = options.text("password", "reader-password").open();
    let posts = client.follow(subscription("posts").query(json!({"fields": ["id"], "limit": -1})));
    // The first expiry cannot be foreseen: the server does not say how long a login lives.
    let seen = posts.log.until("the resync after the first expiry", |all| {
        all.iter().any(Seen::is_resync)
    });
    assert!(seen.iter().all(|e| !e.is_error()), "{seen:?}");
    posts.log.clear();
    // Later ones are renewed ahead, without a gap, on the same link.
    std::thread::sleep(std::time::Duration::from_secs(13));
    let post = server.create("posts", json!({"title": "after"}));
    let seen = posts.log.until_len(1);
    assert_eq!(
        (seen[0].name(), &seen[0].data["id"]),
        ("create", &post["id"]),
        "{seen:?}"
    );
    // The link of the first expiry was replaced; the second one is still open.
    assert_eq!(client.stats().connects, 2, "{:?}", client.states.all());
}

#[test]
fn the_token_callback_renews_a_jwt_before_it_expires_without_a_gap() {
    let server = with_short_lived_tokens();
    let client = Options::new(&server.url).open();
    // The callback logs in, so that each token is fresh.
    struct Login {
        server: *const Server,
        calls: AtomicUsize,
    }
    unsafe extern "C" fn log_in(client: *mut drt_client, _: drt_status, data: *mut c_void) {
        // SAFETY: the test keeps both alive until the client is closed.
        let (login, server) = unsafe {
            let login = &*data.cast::<Login>();
            (login, &*login.server)
        };
        login.calls.fetch_add(1, Ordering::SeqCst);
        let token = c(server.login()["access_token"].as_str().unwrap());
        // SAFETY: a handle and a text.
        unsafe { drt_client_set_token(client, token.as_ptr()) };
    }
    let login = Login {
        server: &raw const server,
        calls: AtomicUsize::new(0),
    };
    let data = (&raw const login).cast_mut().cast();
    // SAFETY: as above.
    assert_eq!(
        unsafe { drt_client_on_token(client.raw, Some(log_in), data, None) },
        DRT_OK
    );
    let posts = client.follow(
        subscription("posts")
            .query(json!({"limit": 0}))
            .events(DRT_ON_CREATE),
    );
    std::thread::sleep(std::time::Duration::from_secs(13));
    assert!(
        login.calls.load(Ordering::SeqCst) >= 3,
        "a call ahead of each expiry"
    );
    assert_eq!(posts.log.all(), [], "no resync, and no error");
    assert_eq!(client.stats().connects, 1, "{:?}", client.states.all());
    client.close();
}

#[test]
fn an_expired_jwt_without_a_token_callback_fails_with_the_reason() {
    let server = with_short_lived_tokens();
    let login = server.login();
    let client = Options::new(&server.url)
        .token(login["access_token"].as_str().unwrap())
        .open();
    client.connect();
    assert_eq!(client.wait(DRT_STATE_FAILED), DRT_OK, "{}", last_error());
    let states = client.states.until("the failure", |all| {
        all.iter().any(|(state, ..)| *state == DRT_STATE_FAILED)
    });
    let (_, reason, message) = states.last().unwrap();
    assert_eq!(*reason, DRT_ERR_AUTH);
    assert!(message.contains("expired"), "{message}");
    // A valid token lets it connect again.
    client.set_token(ADMIN);
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_OK);
}

#[test]
fn set_token_reauthenticates_an_open_link() {
    let server = Server::shared();
    let client = Options::new(&server.url).token(READER).open();
    client.connect();
    let (status, error) =
        client.ask(&json!({"type": "items", "action": "read", "collection": "secrets"}));
    assert_eq!(status, DRT_ERR_SERVER);
    assert_eq!(error["code"], "FORBIDDEN");
    client.set_token(ADMIN);
    let (status, _) =
        client.ask(&json!({"type": "items", "action": "read", "collection": "secrets"}));
    assert_eq!(status, DRT_OK);
    assert_eq!(client.stats().connects, 1);
}
