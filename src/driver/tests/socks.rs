//! Through a SOCKS5 proxy.

use tokio::io::{AsyncWriteExt, copy_bidirectional};

use super::proxies::target;
use super::*;

/// What a client asked a proxy for.
#[derive(Debug, PartialEq)]
enum Asked {
    /// A user and password.
    Login(String, String),
    /// A connection to a name.
    Name(String),
    /// A connection to an address.
    Address(String),
}

/// What a proxy does.
#[derive(Clone, Copy)]
struct Behaviour {
    /// The user and password that it requires.
    login: Option<(&'static str, &'static str)>,
    /// The code of its reply.
    reply: u8,
    /// Where it connects to.
    target: Option<SocketAddr>,
}

async fn read_text(socket: &mut TcpStream) -> String {
    let length = socket.read_u8().await.unwrap();
    let mut bytes = vec![0; length.into()];
    socket.read_exact(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

/// Reads a request, as RFC 1928 has it.
async fn read_request(socket: &mut TcpStream) -> Asked {
    let mut head = [0; 4];
    socket.read_exact(&mut head).await.unwrap();
    assert_eq!(head[..3], [5, 1, 0]);
    let host = match head[3] {
        1 => {
            let mut bytes = [0; 4];
            socket.read_exact(&mut bytes).await.unwrap();
            std::net::IpAddr::from(bytes).to_string()
        }
        4 => {
            let mut bytes = [0; 16];
            socket.read_exact(&mut bytes).await.unwrap();
            std::net::IpAddr::from(bytes).to_string()
        }
        kind => {
            assert_eq!(kind, 3);
            read_text(socket).await
        }
    };
    let port = socket.read_u16().await.unwrap();
    match head[3] {
        3 => Asked::Name(format!("{host}:{port}")),
        _ => Asked::Address(format!("{host}:{port}")),
    }
}

async fn serve(mut near: TcpStream, behaviour: Behaviour, asked: Sender<Asked>) {
    let mut head = [0; 2];
    near.read_exact(&mut head).await.unwrap();
    assert_eq!(head[0], 5);
    let mut methods = vec![0; head[1].into()];
    near.read_exact(&mut methods).await.unwrap();
    let method = if behaviour.login.is_some() { 2 } else { 0 };
    if !methods.contains(&method) {
        near.write_all(&[5, 0xFF]).await.unwrap();
        return;
    }
    near.write_all(&[5, method]).await.unwrap();
    if let Some((user, password)) = behaviour.login {
        assert_eq!(near.read_u8().await.unwrap(), 1);
        let login = (read_text(&mut near).await, read_text(&mut near).await);
        let is_right = login == (user.to_owned(), password.to_owned());
        let _ = asked.send(Asked::Login(login.0, login.1));
        near.write_all(&[1, u8::from(!is_right)]).await.unwrap();
        if !is_right {
            return;
        }
    }
    let _ = asked.send(read_request(&mut near).await);
    let reply = [5, behaviour.reply, 0, 1, 0, 0, 0, 0, 0, 0];
    near.write_all(&reply).await.unwrap();
    if let Some(target) = behaviour.target.filter(|_| behaviour.reply == 0) {
        let mut far = TcpStream::connect(target).await.unwrap();
        let _ = copy_bidirectional(&mut near, &mut far).await;
    }
}

fn proxy(behaviour: Behaviour) -> (Server, Receiver<Asked>) {
    let (sender, receiver) = channel();
    let server = Server::start(move |near| serve(near, behaviour, sender.clone()));
    (server, receiver)
}

fn through(proxy: &Server, scheme: &str, credentials: &str) -> Setup {
    let mut setup = Setup::default();
    let url = format!("{scheme}://{credentials}{}", proxy.address);
    setup.options.proxies = Some(Proxies::parse(&url, &[]).unwrap());
    setup
}

const OPEN: Behaviour = Behaviour {
    login: None,
    reply: 0,
    target: None,
};

#[test]
fn a_name_is_resolved_by_the_proxy_or_here_as_the_scheme_says() {
    let target = target();
    let (proxy, asked) = proxy(Behaviour {
        target: Some(target.address),
        ..OPEN
    });
    let port = target.address.port();
    let address = format!("127.0.0.1:{port}");
    for (scheme, host, wanted) in [
        (
            "socks5h",
            "directus.invalid",
            Asked::Name(format!("directus.invalid:{port}")),
        ),
        ("socks5h", "127.0.0.1", Asked::Address(address.clone())),
        ("socks5", "127.0.0.1", Asked::Address(address)),
        ("socks5h", "[::1]", Asked::Address(format!("::1:{port}"))),
    ] {
        let url = format!("ws://{host}:{port}/websocket");
        drop(through(&proxy, scheme, "").open(&url).opened());
        assert_eq!(asked.recv_timeout(SOON).unwrap(), wanted, "{scheme} {host}");
    }
    let url = format!("ws://localhost:{port}/websocket");
    drop(through(&proxy, "socks5", "").open(&url).opened());
    let resolved = asked.recv_timeout(SOON).unwrap();
    assert!(matches!(resolved, Asked::Address(_)), "{resolved:?}");
}

#[test]
fn a_name_that_is_resolved_here_and_does_not_exist_is_reported() {
    let (proxy, asked) = proxy(OPEN);
    let url = format!("ws://{}.invalid/", "x".repeat(64));
    let failure = through(&proxy, "socks5", "").open(&url).lost();
    assert_eq!(failure.kind, FailureKind::Dns, "{failure:?}");
    assert!(asked.try_recv().is_err());
}

#[test]
fn user_and_password_are_sent_to_a_proxy_that_asks() {
    let target = target();
    let (proxy, asked) = proxy(Behaviour {
        login: Some(("me", "s3:cret")),
        target: Some(target.address),
        ..OPEN
    });
    drop(
        through(&proxy, "socks5h", "me:s3%3Acret@")
            .open(&target.url())
            .opened(),
    );
    let login = Asked::Login("me".to_owned(), "s3:cret".to_owned());
    assert_eq!(asked.recv_timeout(SOON).unwrap(), login);
    // They do no harm where they are not asked for.
    let (open, _asked) = self::proxy(Behaviour {
        target: Some(target.address),
        ..OPEN
    });
    drop(
        through(&open, "socks5h", "me:s3%3Acret@")
            .open(&target.url())
            .opened(),
    );
}

#[test]
fn i9_a_refused_login_says_what_to_do_without_the_password() {
    let login = Some(("me", "s3cret"));
    for (credentials, word) in [
        ("", "user:password@"),
        (
            "me:wr0ng@",
            "refused the user and password of the option proxy",
        ),
    ] {
        let (proxy, _asked) = proxy(Behaviour { login, ..OPEN });
        let failure = through(&proxy, "socks5h", credentials)
            .open("ws://a.invalid/")
            .lost();
        assert_eq!(failure.kind, FailureKind::Proxy);
        assert!(failure.message.contains(word), "{failure:?}");
        assert!(
            failure.message.contains(&proxy.address.to_string()),
            "{failure:?}"
        );
        assert!(!failure.message.contains("wr0ng"), "{failure:?}");
    }
}

#[test]
fn each_code_of_a_refusal_says_what_to_do() {
    for (reply, word) in [
        (1, "its log may say why"),
        (2, "its rules"),
        (3, "no route"),
        (4, "socks5:// has it resolved here"),
        (5, "is the server running?"),
        (6, "no answer"),
        (7, "opens no connections"),
        (8, "kind of address"),
        (77, "SOCKS5 does not define"),
    ] {
        let (proxy, _asked) = proxy(Behaviour { reply, ..OPEN });
        let failure = through(&proxy, "socks5h", "")
            .open("ws://a.invalid/")
            .lost();
        assert_eq!(failure.kind, FailureKind::Proxy, "{failure:?}");
        let words = [word, &proxy.address.to_string()];
        assert!(
            words.iter().all(|word| failure.message.contains(word)),
            "{failure:?}"
        );
        let names_target = failure.message.contains("a.invalid:80");
        assert!(names_target || reply == 7, "{failure:?}");
    }
}

#[test]
fn what_is_no_socks_proxy_is_reported_as_that() {
    for (answer, word) in [
        (
            "HTTP/1.1 400 Bad Request\r\n\r\n",
            "did not answer as a SOCKS5 proxy does",
        ),
        ("", "broke the connection"),
    ] {
        let proxy = Server::start(move |mut near: TcpStream| async move {
            let _ = near.read_u8().await;
            let _ = near.write_all(answer.as_bytes()).await;
            // Until the client has read it: closing at once could drop it.
            let _ = near.shutdown().await;
            while near.read_u8().await.is_ok() {}
        });
        let failure = through(&proxy, "socks5h", "")
            .open("ws://a.invalid/")
            .lost();
        assert_eq!(failure.kind, FailureKind::Proxy, "{failure:?}");
        assert!(failure.message.contains(word), "{failure:?}");
    }
}

#[test]
fn a_silent_socks_proxy_ends_with_connect_timeout() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut setup = Setup::default();
    let url = format!("socks5h://{}", listener.local_addr().unwrap());
    setup.options.proxies = Some(Proxies::parse(&url, &[]).unwrap());
    setup.options.connect_timeout = Duration::from_millis(150);
    let failure = setup.open("ws://directus.invalid/websocket").lost();
    assert_eq!(failure.kind, FailureKind::Timeout);
    let words = ["the proxy", "directus.invalid:80"];
    assert!(
        words.iter().all(|word| failure.message.contains(word)),
        "{failure:?}"
    );
}
