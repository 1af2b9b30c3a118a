//! HTTP proxies: CONNECT.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::Url;
use zeroize::Zeroizing;

use super::failure::{FailureKind, LinkFailure};
use crate::error::{Error, Result, Status};
use crate::secret::Secret;

/// A proxy's answer is small; what is larger is none.
const LONGEST_ANSWER: usize = 16 * 1024;

/// An HTTP proxy.
#[derive(Clone, Debug)]
pub struct Proxy {
    /// Its host, IPv6 without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// `Basic …`, where the URL had a user.
    authorization: Option<Secret>,
}

impl Proxy {
    /// `http://[user:password@]host[:port]`; the port is 80 where there is none.
    pub fn parse(text: &str) -> Result<Proxy> {
        let invalid = |why: &str| {
            let message = format!("`proxy` {why}: write it as http://[user:password@]host:port");
            Error::new(Status::InvalidArgument, message)
        };
        let url = Url::parse(text).map_err(|error| invalid(&format!("is no URL ({error})")))?;
        if url.scheme() != "http" {
            return Err(invalid(&format!(
                "has the scheme {:?}, only http is known",
                url.scheme()
            )));
        }
        let host = url.host_str().ok_or_else(|| invalid("has no host"))?;
        let decode = |part: &str| percent_decode(part);
        let authorization = (!url.username().is_empty()).then(|| {
            let user = decode(url.username());
            let password = Zeroizing::new(decode(url.password().unwrap_or_default()));
            let pair = Zeroizing::new(format!("{user}:{}", *password));
            Secret::new(&format!("Basic {}", STANDARD.encode(pair.as_bytes())))
        });
        let host = host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned();
        Ok(Proxy {
            host,
            port: url.port().unwrap_or(80),
            authorization,
        })
    }

    /// Asks the proxy for a tunnel to `target` (`host:port`).
    pub(super) async fn tunnel(
        &self,
        socket: &mut TcpStream,
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
        // Byte by byte: what follows the answer belongs to the tunnel.
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() == LONGEST_ANSWER {
                return Err(failed("did not answer as an HTTP proxy does".into()));
            }
            answer.push(socket.read_u8().await.map_err(broken)?);
        }
        let line = String::from_utf8_lossy(&answer);
        let line = line.lines().next().unwrap_or_default();
        match line.split_whitespace().nth(1) {
            Some("200") => Ok(()),
            Some("407") => Err(failed("wants other credentials (HTTP 407)".into())),
            _ => Err(failed(format!(
                "does not let us through to {target}: {line}"
            ))),
        }
    }
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => std::str::from_utf8(&[*high, *low])
                .ok()
                .and_then(|hex| u8::from_str_radix(hex, 16).ok()),
            _ => None,
        };
        bytes.push(escaped.unwrap_or(*first));
        rest = if escaped.is_some() { &tail[2..] } else { tail };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
