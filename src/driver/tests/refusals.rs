//! Links that do not open, and the upgrade request.

use tokio::io::AsyncWriteExt;

use super::*;

const TOKEN: &str = "s3cr3t token/+";

/// Answers every request with the same bytes and hangs up; sends the requests to the channel.
fn answering(answer: &'static str) -> (Server, Receiver<String>) {
    let (sender, receiver) = channel();
    let server = Server::start(move |mut socket| {
        let sender = sender.clone();
        async move {
            let _ = sender.send(read_head(&mut socket).await);
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (server, receiver)
}

fn with_token() -> Setup {
    Setup {
        token: Some(TOKEN),
        ..Setup::default()
    }
}

fn impatient() -> Setup {
    let mut setup = with_token();
    setup.options.connect_timeout = Duration::from_millis(150);
    setup
}

fn shows_no_token(failure: &LinkFailure) -> bool {
    !failure.message.contains("s3cr3t")
}

#[test]
fn a_refused_upgrade_says_what_to_do_about_its_status() {
    // Directus sends a status line and nothing else.
    for (answer, status, word) in [
        ("HTTP/1.1 401 Unauthorized\r\n\r\n", 401, "token"),
        ("HTTP/1.1 403 Forbidden\r\n\r\n", 403, "CONN_LIMIT"),
        (
            "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
            404,
            "path",
        ),
        (
            "HTTP/1.1 301 Moved\r\nLocation: /x\r\n\r\n",
            301,
            "redirects",
        ),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", 502, "proxy"),
        ("HTTP/1.1 500 Oops\r\n\r\n", 500, "failed"),
        ("HTTP/1.1 200 OK\r\n\r\n<html>", 200, "WebSocket"),
        // HAProxy's error page, and what old proxies answer.
        (
            "HTTP/1.0 503 Service Unavailable\r\nCache-Control: no-cache\r\n\
             Connection: close\r\nContent-Type: text/html\r\n\r\n<html><body>",
            503,
            "not available",
        ),
        ("HTTP/1.0 401 Unauthorized\r\n\r\n", 401, "token"),
    ] {
        let (server, _told) = answering(answer);
        let failure = with_token().open(&server.url()).lost();
        assert_eq!(failure.kind, FailureKind::Http(status));
        assert!(failure.message.contains(word), "{failure:?}");
        assert!(failure.message.contains(&status.to_string()), "{failure:?}");
        assert!(shows_no_token(&failure));
    }
}

#[test]
fn a_refused_upgrade_reports_the_servers_retry_after() {
    for (answer, after) in [
        ("HTTP/1.1 503 No\r\nRetry-After: 7\r\n\r\n", Some(7)),
        ("HTTP/1.0 429 No\r\nretry-after: 120\r\n\r\n", Some(120)),
        ("HTTP/1.1 503 No\r\n\r\n", None),
    ] {
        let (server, _told) = answering(answer);
        let failure = with_token().open(&server.url()).lost();
        assert_eq!(failure.retry_after, after.map(Duration::from_secs));
    }
}

#[test]
fn a_401_without_a_token_in_the_url_names_what_may_want_one() {
    let (server, _told) = answering("HTTP/1.1 401 Unauthorized\r\n\r\n");
    let failure = Setup::default().open(&server.url()).lost();
    assert_eq!(failure.kind, FailureKind::Http(401));
    for word in [
        "proxy",
        "WEBSOCKETS_REST_AUTH",
        "`auth_mode` to strict",
        "401",
    ] {
        assert!(failure.message.contains(word), "{failure:?}");
    }
    let failure = with_token().open(&server.url()).lost();
    assert!(!failure.message.contains("strict"), "{failure:?}");
}

#[test]
fn the_upgrade_request_has_token_and_headers_but_no_origin_or_subprotocol() {
    let (server, receiver) = answering("HTTP/1.1 401 Unauthorized\r\n\r\n");
    let mut setup = with_token();
    setup.options.headers = vec![
        ("X-Tenant".into(), "one".into()),
        ("X-Tenant".into(), "two".into()),
    ];
    setup.open(&server.url()).lost();
    let head = receiver.recv_timeout(SOON).unwrap().to_ascii_lowercase();
    let first = head.lines().next().unwrap();
    assert_eq!(
        first,
        "get /websocket?access_token=s3cr3t+token%2f%2b http/1.1"
    );
    for line in [
        format!("host: {}", server.address),
        "user-agent: tests/1".to_owned(),
        "x-tenant: one".to_owned(),
        "x-tenant: two".to_owned(),
    ] {
        assert!(head.lines().any(|other| other == line), "{head}");
    }
    for absent in ["origin:", "sec-websocket-protocol:", "extensions:"] {
        assert!(!head.contains(absent), "{head}");
    }
}

#[test]
fn a_user_agent_in_the_headers_overrides_the_option() {
    let (server, receiver) = answering("HTTP/1.1 401 Unauthorized\r\n\r\n");
    let mut setup = Setup::default();
    setup.options.headers = vec![("user-agent".into(), "mine/2".into())];
    setup.open(&server.url()).lost();
    let head = receiver.recv_timeout(SOON).unwrap();
    assert_eq!(head.matches("user-agent").count(), 1, "{head}");
    assert!(head.contains("user-agent: mine/2"), "{head}");
}

#[test]
fn a_header_that_was_not_checked_is_not_sent() {
    let (server, receiver) = answering("HTTP/1.1 401 Unauthorized\r\n\r\n");
    let mut setup = Setup::default();
    setup.options.headers = vec![("X-A".into(), "a\r\nOrigin: evil".into())];
    let failure = setup.open(&server.url()).lost();
    assert!(failure.message.contains("X-A"), "{failure:?}");
    assert!(receiver.recv_timeout(QUIET).is_err());
}

#[test]
fn a_port_without_a_listener_is_reported_as_refused() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    for host in ["127.0.0.1", "localhost"] {
        let before = Instant::now();
        let url = format!("ws://{host}:{port}/websocket");
        let failure = with_token().open(&url).lost();
        assert_eq!(failure.kind, FailureKind::Refused, "{failure:?}");
        assert!(failure.message.contains(&format!("{host}:{port}")));
        assert!(before.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn an_unknown_host_name_is_reported_as_unresolvable() {
    // RFC 6761: this name exists nowhere. Where no resolver answers, time runs out.
    let mut setup = Setup::default();
    setup.options.connect_timeout = Duration::from_millis(500);
    let failure = setup.open("ws://nobody.invalid:9/websocket").lost();
    assert!(matches!(
        failure.kind,
        FailureKind::Dns | FailureKind::Timeout
    ));
    assert!(failure.message.contains("nobody.invalid"), "{failure:?}");
    assert!(failure.message.contains("resolved"), "{failure:?}");
}

#[test]
fn an_unanswered_upgrade_names_the_path_and_likely_causes() {
    let server = Server::start(|socket| async move {
        tokio::time::sleep(SOON).await;
        drop(socket);
    });
    let url = format!("ws://{}/wrong/path?x=hidden", server.address);
    let failure = impatient().open(&url).lost();
    assert_eq!(failure.kind, FailureKind::Timeout);
    for word in ["\"/wrong/path\"", "0.15 s", "WEBSOCKETS_REST_PATH"] {
        assert!(failure.message.contains(word), "{failure:?}");
    }
    assert!(!failure.message.contains("hidden") && shows_no_token(&failure));
}

#[test]
fn hanging_up_and_answering_nonsense_are_reported_differently() {
    let (server, _told) = answering("");
    let failure = with_token().open(&server.url()).lost();
    assert_eq!(failure.kind, FailureKind::Closed, "{failure:?}");
    let (server, _told) = answering("SSH-2.0-OpenSSH_9.6\r\n\r\n");
    let failure = with_token().open(&server.url()).lost();
    assert_eq!(failure.kind, FailureKind::Protocol, "{failure:?}");
    let answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                  Connection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n";
    let (server, _told) = answering(answer);
    let failure = with_token().open(&server.url()).lost();
    assert_eq!(failure.kind, FailureKind::Protocol, "{failure:?}");
}

#[test]
fn close_ends_a_connecting_link_at_once() {
    let server = Server::start(|socket| async move {
        tokio::time::sleep(SOON).await;
        drop(socket);
    });
    let before = Instant::now();
    let subject = Setup::default().open(&server.url());
    subject.link.send("never sent".into());
    subject.link.close();
    assert_eq!(subject.lost().kind, FailureKind::Closed);
    assert!(before.elapsed() < Duration::from_secs(1));
}

#[test]
fn abort_of_a_connecting_link_reports_nothing() {
    let (sender, receiver) = channel();
    let server = Server::start(move |mut socket| {
        let sender = sender.clone();
        async move {
            read_head(&mut socket).await;
            sender.send(false).unwrap();
            let gone = matches!(socket.read(&mut [0; 1]).await, Ok(0) | Err(_));
            sender.send(gone).unwrap();
        }
    });
    let subject = Setup::default().open(&server.url());
    assert!(!receiver.recv_timeout(SOON).unwrap());
    subject.link.abort();
    assert!(receiver.recv_timeout(SOON).unwrap());
    assert!(subject.is_silent());
}
