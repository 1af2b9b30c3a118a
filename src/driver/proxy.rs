//! Proxies that the client goes through: HTTP (CONNECT) and SOCKS5.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::Url;
use zeroize::Zeroizing;

use super::failure::{FailureKind, LinkFailure, printable};
use super::socks::Socks;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A proxy's answer is small; more than this is no answer of a proxy.
const LONGEST_ANSWER: usize = 16 * 1024;
/// How a proxy is written.
const FORM: &str = "write it as http://[user:password@]host:port, or with socks5:// or socks5h:// \
                    for a SOCKS5 proxy";

/// A proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its host, IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) kind: Kind,
}

/// What a proxy speaks.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Http {
        /// `Basic …`, if the URL has a user.
        authorization: Option<Secret>,
    },
    Socks(Socks),
}

impl Proxy {
    /// Parses `scheme://[user:password@]host[:port]`; the default port is 80 for HTTP and 1080 for
    /// SOCKS. `name` is the name of what is parsed, for the error, which never quotes the URL: it
    /// may contain a password.
    pub(super) fn parse(text: &str, name: &str) -> Result<Proxy> {
        let invalid = |why: &str| Error::invalid("proxy", format!("{name} {why}: {FORM}"));
        let url = Url::parse(text).map_err(|_| invalid("is not a URL"))?;
        let socks = match url.scheme() {
            "http" => None,
            "socks5" => Some(false),
            "socks5h" => Some(true),
            _ => return Err(invalid("has a scheme that is not supported")),
        };
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("has something behind the host and port"));
        }
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| invalid("has no host"))?;
        let port = url
            .port()
            .unwrap_or(if socks.is_some() { 1080 } else { 80 });
        if port == 0 {
            return Err(invalid("has a bad port"));
        }
        let login = (!url.username().is_empty()).then(|| {
            let user = Zeroizing::new(percent_decode(url.username()));
            let password = Zeroizing::new(percent_decode(url.password().unwrap_or_default()));
            (user, password)
        });
        let kind = match socks {
            None => Kind::Http {
                authorization: login.map(|(user, password)| basic(&user, &password)),
            },
            Some(remote_names) => Kind::Socks(Socks {
                remote_names,
                login: login.map(socks_login).transpose().map_err(|()| {
                    invalid("has a user or password that is not text of 1 to 255 bytes")
                })?,
            }),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Proxy {
            host: host.to_owned(),
            port,
            kind,
        })
    }

    /// For instance `squid.example:3128`.
    pub(super) fn authority(&self) -> String {
        super::connect::authority(&self.host, self.port)
    }

    /// A failure for which the proxy is the reason.
    pub(super) fn failed(&self, why: &str) -> LinkFailure {
        let message = format!("the proxy {} {why}", self.authority());
        LinkFailure::new(FailureKind::Proxy, message)
    }
}

fn basic(user: &[u8], password: &[u8]) -> Secret {
    // With the full capacity, so that the buffer never moves and leaves half a password behind.
    let mut pair = Zeroizing::new(Vec::with_capacity(user.len() + 1 + password.len()));
    pair.extend_from_slice(user);
    pair.push(b':');
    pair.extend_from_slice(password);
    let encoded = Zeroizing::new(STANDARD.encode(&*pair));
    Secret::new(&Zeroizing::new(format!("Basic {}", *encoded)))
}

type Bytes = Zeroizing<Vec<u8>>;

fn socks_login((user, password): (Bytes, Bytes)) -> std::result::Result<(Secret, Secret), ()> {
    let secret = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) if (1..=255).contains(&text.len()) => Ok(Secret::new(text)),
        _ => Err(()),
    };
    Ok((secret(&user)?, secret(&password)?))
}

/// Asks an HTTP proxy for a tunnel to `target` (`host:port`).
///
/// hyper-util's `Tunnel` is not used: it drops the proxy's reason, the bytes that follow its answer,
/// and takes only 200 for a success.
pub(super) async fn tunnel(
    proxy: &Proxy,
    authorization: Option<&Secret>,
    socket: &mut (impl AsyncRead + AsyncWrite + Unpin),
    target: &str,
) -> std::result::Result<(), LinkFailure> {
    let mut request = Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
    if let Some(authorization) = authorization {
        request.push_str("Proxy-Authorization: ");
        request.push_str(authorization.expose());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    let broken = |error: std::io::Error| proxy.failed(&format!("broke the connection: {error}"));
    socket.write_all(request.as_bytes()).await.map_err(broken)?;
    socket.flush().await.map_err(broken)?;
    // Byte by byte, because what follows the answer belongs to the tunnel.
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() == LONGEST_ANSWER {
            return Err(proxy.failed("did not answer as an HTTP proxy does"));
        }
        answer.push(socket.read_u8().await.map_err(broken)?);
    }
    let answer = String::from_utf8_lossy(&answer);
    let line = answer.lines().next().unwrap_or_default();
    let status = match line.split_once(' ') {
        Some((version, rest)) if version.starts_with("HTTP/1.") => rest.get(..3),
        _ => None,
    };
    match status.and_then(|status| status.parse::<u16>().ok()) {
        Some(200..=299) => Ok(()),
        Some(407) if authorization.is_none() => Err(proxy.failed(
            "wants credentials (HTTP 407): write the option proxy as \
             http://user:password@host:port",
        )),
        Some(407) => {
            Err(proxy.failed("refused the user and password of the option proxy (HTTP 407)"))
        }
        Some(_) => {
            let line = printable(line);
            Err(proxy.failed(&format!("refused the tunnel to {target}: {line}")))
        }
        None => Err(proxy.failed("did not answer as an HTTP proxy does")),
    }
}

fn percent_decode(text: &str) -> Vec<u8> {
    // With the full capacity, so that the buffer never moves and leaves half a password behind.
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, after @ ..]) => hex(*high)
                .zip(hex(*low))
                .map(|(high, low)| (high << 4 | low, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    fn parse(url: &str) -> Result<Proxy> {
        Proxy::parse(url, "`proxy`")
    }

    fn authorization(proxy: Proxy) -> Option<Secret> {
        match proxy.kind {
            Kind::Http { authorization } => authorization,
            Kind::Socks(_) => panic!("a SOCKS proxy"),
        }
    }

    fn credentials(url: &str) -> String {
        let authorization = authorization(parse(url).unwrap()).unwrap();
        let encoded = authorization.expose().strip_prefix("Basic ").unwrap();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn a_proxy_url_gives_host_port_and_credentials() {
        let proxy = parse("http://squid.example:3128").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("squid.example", 3128));
        assert!(authorization(proxy).is_none());
        let proxy = parse("http://[::1]/").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("::1", 80));
        assert_eq!(credentials("http://me:secret@p:1"), "me:secret");
        assert_eq!(credentials("http://me@p:1"), "me:");
        assert_eq!(credentials("http://me:s%40c%3aret%25%@p:1"), "me:s@c:ret%%");
        assert_eq!(credentials("http://me:%C3%A4@p:1"), "me:ä");
    }

    #[test]
    fn a_wrong_proxy_url_is_refused_without_quoting_its_password() {
        for url in [
            "",
            "squid.example:3128",
            "me:s3cret@squid.example:3128",
            "https://me:s3cret@squid.example:3128",
            "socks4://me:s3cret@squid.example:1080",
            "socks5://me:s3cret@",
            "socks5://s3cret@squid.example:1080",
            "socks5h://me:s3cret%FF@squid.example:1080",
            "socks5h://me:s3cret@squid.example:1080/path",
            "http://me:s3cret@:3128",
            "http://me:s3cret@p:0",
            "http://me:s3cret@p:99999",
            "http://me:s3cret@p:1/path",
        ] {
            let error = parse(url).unwrap_err();
            assert_eq!(error.status, Status::InvalidArgument, "{url}");
            assert!(error.message.contains("http://[user"), "{}", error.message);
            assert!(!error.message.contains("s3cret"), "{}", error.message);
        }
    }

    #[test]
    fn a_socks_url_gives_the_place_where_names_are_resolved_and_the_login() {
        for (url, remote, port, login) in [
            ("socks5://p", false, 1080, None),
            ("socks5h://[::1]:9050/", true, 9050, None),
            ("socks5h://me:s%40cret@p:1", true, 1, Some(("me", "s@cret"))),
        ] {
            let proxy = parse(url).unwrap();
            let Kind::Socks(socks) = proxy.kind else {
                panic!("{url} is no SOCKS proxy");
            };
            let shown = socks.login.as_ref();
            let shown = shown.map(|(user, password)| (user.expose(), password.expose()));
            assert_eq!(
                (socks.remote_names, proxy.port, shown),
                (remote, port, login),
                "{url}"
            );
        }
    }

    #[test]
    fn debug_output_of_a_proxy_does_not_show_its_password() {
        for url in ["http://me:s3cret@p:1", "socks5://me:s3cret@p:1"] {
            let shown = format!("{:?}", parse(url).unwrap());
            assert!(
                !shown.contains("s3cret") && !shown.contains("Basic"),
                "{shown}"
            );
        }
    }
}
