//! From an endpoint to an open WebSocket: DNS, TCP, proxy, TLS, upgrade.

use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::{HeaderName, HeaderValue, USER_AGENT};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::connection::LinkOptions;
use super::failure::{FailureKind, LinkFailure};
use crate::protocol::endpoint::Endpoint;
use crate::secret::Secret;

/// An address gets at most this long before the next one is tried.
const ADDRESS_SHARE: Duration = Duration::from_secs(3);

/// A TCP connection, with or without TLS.
#[derive(Debug)]
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// What the time ran out in.
#[derive(Clone, Copy)]
enum Stage {
    Resolve,
    Connect,
    Proxy,
    Tls,
    Upgrade,
}

/// Opens a WebSocket within the time that the options allow.
pub(super) async fn connect(
    endpoint: &Endpoint,
    access_token: Option<&Secret>,
    options: &LinkOptions,
) -> Result<WebSocketStream<Stream>, LinkFailure> {
    let mut stage = Stage::Resolve;
    let attempt = attempt(endpoint, access_token, options, &mut stage);
    let outcome = timeout(options.connect_timeout, attempt).await;
    outcome.unwrap_or_else(|_| Err(too_late(endpoint, options, stage)))
}

async fn attempt(
    endpoint: &Endpoint,
    access_token: Option<&Secret>,
    options: &LinkOptions,
    stage: &mut Stage,
) -> Result<WebSocketStream<Stream>, LinkFailure> {
    let (host, port) = match &options.proxy {
        Some(proxy) => (proxy.host.as_str(), proxy.port),
        None => (endpoint.host.as_str(), endpoint.port),
    };
    let mut socket = open_tcp(host, port, options.connect_timeout, stage).await?;
    // Small frames in both directions: never wait to fill a packet.
    let _ = socket.set_nodelay(true);
    if let Some(proxy) = &options.proxy {
        *stage = Stage::Proxy;
        proxy
            .tunnel(&mut socket, &authority(&endpoint.host, endpoint.port))
            .await?;
    }
    let stream = match (&options.tls, endpoint.tls) {
        (Some(config), true) => {
            *stage = Stage::Tls;
            let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| {
                let message = format!("{} is no name that a certificate can have", endpoint.host);
                LinkFailure::new(FailureKind::Untrusted, message)
            })?;
            let connector = TlsConnector::from(config.clone());
            let stream = connector.connect(name, socket).await;
            let stream = stream.map_err(|error| LinkFailure::of_tls(&endpoint.host, &error))?;
            Stream::Tls(Box::new(stream))
        }
        _ => Stream::Plain(socket),
    };
    *stage = Stage::Upgrade;
    upgrade(endpoint, access_token, options, stream).await
}

async fn open_tcp(
    host: &str,
    port: u16,
    time: Duration,
    stage: &mut Stage,
) -> Result<TcpStream, LinkFailure> {
    let begin = Instant::now();
    let found = lookup_host((host, port)).await.map_err(|error| {
        let message = format!("the name {host} cannot be resolved: {error}");
        LinkFailure::new(FailureKind::Dns, message)
    })?;
    let addresses: Vec<SocketAddr> = found.collect();
    *stage = Stage::Connect;
    let name = authority(host, port);
    let mut failure = LinkFailure::new(FailureKind::Dns, format!("the name {host} has no address"));
    for (tried, address) in addresses.iter().enumerate() {
        // A share for each that is left, so that a dead one does not eat it all.
        let left = time.saturating_sub(begin.elapsed()) / (addresses.len() - tried) as u32;
        let share = if addresses.len() - tried > 1 {
            left.min(ADDRESS_SHARE)
        } else {
            time
        };
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(error)) => failure = LinkFailure::of_connect(&name, &error),
            Err(_) => {
                let message = format!("{address} does not answer");
                failure = LinkFailure::new(FailureKind::Timeout, message);
            }
        }
    }
    Err(failure)
}

async fn upgrade(
    endpoint: &Endpoint,
    access_token: Option<&Secret>,
    options: &LinkOptions,
    stream: Stream,
) -> Result<WebSocketStream<Stream>, LinkFailure> {
    let uri = endpoint.request_uri(access_token);
    let mut request = uri
        .as_str()
        .into_client_request()
        .map_err(LinkFailure::of_websocket)?;
    let headers = request.headers_mut();
    let agent = ("User-Agent".to_owned(), options.user_agent.clone());
    for (name, value) in options.headers.iter().chain([&agent]) {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap_or(USER_AGENT);
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    }
    let config = WebSocketConfig::default()
        .max_message_size(Some(options.max_message_bytes))
        .max_frame_size(Some(options.max_message_bytes));
    let opened = client_async_with_config(request, stream, Some(config)).await;
    opened
        .map(|(socket, _)| socket)
        .map_err(LinkFailure::of_websocket)
}

fn too_late(endpoint: &Endpoint, options: &LinkOptions, stage: Stage) -> LinkFailure {
    let seconds = options.connect_timeout.as_secs_f32();
    let host = authority(&endpoint.host, endpoint.port);
    let message = match stage {
        Stage::Resolve => format!(
            "the name {} was not resolved within {seconds} s",
            endpoint.host
        ),
        Stage::Connect => format!("{host} does not answer: no connection within {seconds} s"),
        Stage::Proxy => format!("the proxy did not open a tunnel to {host} within {seconds} s"),
        Stage::Tls => format!("no TLS with {host} within {seconds} s"),
        Stage::Upgrade => {
            let path = endpoint.path.split('?').next().unwrap_or_default();
            format!(
                "no answer to the WebSocket upgrade on path {path:?} within {seconds} s; Directus \
                 stays silent on any path but its WEBSOCKETS_REST_PATH, so check the URL"
            )
        }
    };
    LinkFailure::new(FailureKind::Timeout, message)
}

fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
