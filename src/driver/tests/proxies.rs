//! Through an HTTP proxy.

use futures_util::StreamExt;
use tokio::io::{AsyncWriteExt, copy_bidirectional};

use super::*;

/// A proxy that requires `me:s3cret`, answers `status` to a request with it, and sends the heads of
/// its requests to the channel.
fn proxy(status: &'static str) -> (Server, Receiver<String>) {
    let (sender, receiver) = channel();
    let server = Server::start(move |mut near| {
        let sender = sender.clone();
        async move {
            let head = read_head(&mut near).await;
            let target = head.split(' ').nth(1).unwrap().to_owned();
            // me:s3cret
            let allowed = head.contains("Proxy-Authorization: Basic bWU6czNjcmV0\r\n");
            let _ = sender.send(head);
            let status = if allowed { status } else { "407 Who" };
            let answer = format!("HTTP/1.1 {status}\r\nVia: a test\r\n\r\n");
            near.write_all(answer.as_bytes()).await.unwrap();
            if status.starts_with("200") {
                let mut far = TcpStream::connect(target).await.unwrap();
                let _ = copy_bidirectional(&mut near, &mut far).await;
            }
        }
    });
    (server, receiver)
}

fn through(proxy: &Server, credentials: &str) -> Setup {
    let mut setup = Setup::default();
    let url = format!("http://{credentials}{}", proxy.address);
    setup.options.proxies = Some(Proxies::parse(&url, &[]).unwrap());
    setup
}

pub(super) fn target() -> Server {
    Server::websocket(|mut socket| async move { while let Some(Ok(_)) = socket.next().await {} })
}

#[test]
fn a_link_goes_through_the_proxys_tunnel() {
    let (target, (proxy, receiver)) = (target(), proxy("200 Connection established"));
    through(&proxy, "me:s3cret@").open(&target.url()).opened();
    let head = receiver.recv_timeout(SOON).unwrap();
    let first = format!("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", target.address);
    assert!(head.starts_with(&first), "{head}");
}

#[test]
fn a_refusal_by_the_proxy_names_the_proxy_and_its_reason() {
    let target = target();
    let failures = [
        ("200 OK", "", "wants credentials"),
        ("200 OK", "me:wr0ng@", "refused the user and password"),
        ("403 Not that port", "me:s3cret@", "403 Not that port"),
        ("nonsense", "me:s3cret@", "did not answer as an HTTP proxy"),
    ];
    for (status, credentials, word) in failures {
        let (proxy, _told) = proxy(status);
        let failure = through(&proxy, credentials).open(&target.url()).lost();
        assert_eq!(failure.kind, FailureKind::Proxy);
        assert!(failure.message.contains(word), "{failure:?}");
        assert!(failure.message.contains(&proxy.address.to_string()));
        assert!(!failure.message.contains("s3cret") && !failure.message.contains("wr0ng"));
    }
}

#[test]
fn an_unreachable_or_silent_proxy_is_reported_as_the_proxy() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut setup = Setup::default();
    setup.options.proxies = Some(Proxies::parse(&format!("http://{address}"), &[]).unwrap());
    // The system accepts the connection, and no program answers.
    setup.options.connect_timeout = Duration::from_millis(150);
    let failure = setup.open("ws://directus.invalid/websocket").lost();
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert!(failure.message.contains("the proxy"), "{failure:?}");
    drop(listener);
    let mut setup = Setup::default();
    setup.options.proxies = Some(Proxies::parse(&format!("http://{address}"), &[]).unwrap());
    let failure = setup.open("ws://directus.invalid/websocket").lost();
    assert_eq!(failure.kind, FailureKind::Proxy);
    assert!(
        failure.message.contains(&address.to_string()),
        "{failure:?}"
    );
}
