//! Connects through an HTTP proxy (CONNECT).

use std::env;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use url::Url;
use zeroize::Zeroizing;

use super::failure::{FailureKind, LinkFailure, printable};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// A proxy's answer is small; more than this is no answer of a proxy.
const LONGEST_ANSWER: usize = 16 * 1024;

/// The environment variables from which other programs read their proxy. This library ignores
/// them.
const VARIABLES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// An HTTP proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its host, IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// `Basic …`, if the URL has a user.
    authorization: Option<Secret>,
}

impl Proxy {
    /// The proxy variables that are set in the environment, and not used.
    pub fn unused_variables() -> Vec<&'static str> {
        let is_set = |name: &&str| env::var_os(name).is_some_and(|value| !value.is_empty());
        VARIABLES.into_iter().filter(is_set).collect()
    }

    /// Parses `http://[user:password@]host[:port]`; the default port is 80. The error never quotes
    /// the URL, which may contain a password.
    pub fn parse(text: &str) -> Result<Proxy> {
        let invalid = |why: &str| {
            let message = format!("`proxy` {why}: write it as http://[user:password@]host:port");
            Error::invalid("proxy", message)
        };
        let url = Url::parse(text).map_err(|_| invalid("is not a URL"))?;
        if url.scheme() != "http" {
            return Err(invalid(
                "has a scheme other than http, the only one that is supported",
            ));
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("has something behind the host and port"));
        }
        let host = url.host_str().ok_or_else(|| invalid("has no host"))?;
        let port = url.port().unwrap_or(80);
        if port == 0 {
            return Err(invalid("has a bad port"));
        }
        let authorization = (!url.username().is_empty()).then(|| {
            let mut pair = Zeroizing::new(percent_decode(url.username()));
            pair.push(b':');
            pair.extend(percent_decode(url.password().unwrap_or_default()));
            let encoded = Zeroizing::new(STANDARD.encode(&*pair));
            Secret::new(&Zeroizing::new(format!("Basic {}", *encoded)))
        });
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Ok(Proxy {
            host: host.to_owned(),
            port,
            authorization,
        })
    }

    /// Asks the proxy for a tunnel to `target` (`host:port`).
    pub(super) async fn tunnel(
        &self,
        socket: &mut (impl AsyncRead + AsyncWrite + Unpin),
        target: &str,
    ) -> std::result::Result<(), LinkFailure> {
        let failed = |why: String| {
            let message = format!("the proxy {}:{} {why}", self.host, self.port);
            LinkFailure::new(FailureKind::Proxy, message)
        };
        let mut request =
            Zeroizing::new(format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n"));
        if let Some(authorization) = &self.authorization {
            request.push_str("Proxy-Authorization: ");
            request.push_str(authorization.expose());
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let broken = |error: std::io::Error| failed(format!("broke the connection: {error}"));
        socket.write_all(request.as_bytes()).await.map_err(broken)?;
        socket.flush().await.map_err(broken)?;
        // Byte by byte, because what follows the answer belongs to the tunnel.
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() == LONGEST_ANSWER {
                return Err(failed("did not answer as an HTTP proxy does".into()));
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
            Some(407) if self.authorization.is_none() => Err(failed(
                "wants credentials (HTTP 407): write the option proxy as \
                 http://user:password@host:port"
                    .into(),
            )),
            Some(407) => Err(failed(
                "refused the user and password of the option proxy (HTTP 407)".into(),
            )),
            Some(_) => {
                let line = printable(line);
                Err(failed(format!("refused the tunnel to {target}: {line}")))
            }
            None => Err(failed("did not answer as an HTTP proxy does".into())),
        }
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

    fn credentials(url: &str) -> String {
        let authorization = Proxy::parse(url).unwrap().authorization.unwrap();
        let encoded = authorization.expose().strip_prefix("Basic ").unwrap();
        String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn a_proxy_url_gives_host_port_and_credentials() {
        let proxy = Proxy::parse("http://squid.example:3128").unwrap();
        assert_eq!((proxy.host.as_str(), proxy.port), ("squid.example", 3128));
        assert!(proxy.authorization.is_none());
        let proxy = Proxy::parse("http://[::1]/").unwrap();
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
            "socks5://me:s3cret@squid.example:1080",
            "http://me:s3cret@:3128",
            "http://me:s3cret@p:0",
            "http://me:s3cret@p:99999",
            "http://me:s3cret@p:1/path",
        ] {
            let error = Proxy::parse(url).unwrap_err();
            assert_eq!(error.status, Status::InvalidArgument, "{url}");
            assert!(error.message.contains("http://[user"), "{}", error.message);
            assert!(!error.message.contains("s3cret"), "{}", error.message);
        }
    }

    #[test]
    fn debug_output_of_a_proxy_does_not_show_its_password() {
        let proxy = Proxy::parse("http://me:s3cret@p:1").unwrap();
        let shown = format!("{proxy:?}");
        assert!(
            !shown.contains("s3cret") && !shown.contains("Basic"),
            "{shown}"
        );
    }
}
