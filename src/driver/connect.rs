//! Opens a WebSocket to an endpoint: DNS, TCP, proxy, TLS, upgrade.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_socks::TargetAddr;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::USER_AGENT;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use super::TARGET;
use super::connection::LinkOptions;
use super::dial::dial;
use super::failure::{FailureKind, LinkFailure};
use super::gate::Gate;
use super::headers::{check_answer, parse_header};
use super::proxy::{Kind, Proxy, tunnel};
use super::resolve::Lookups;
use super::socks::{self, Socks};
use super::stream::{Tcp, Transport};
use super::websocket::WebSocket;
use crate::log::{self, Level};
use crate::protocol::endpoint::Endpoint;
use crate::secret::Secret;

/// Directus never answers an upgrade on a wrong path. After this time without an answer the log
/// says so, well before the attempt times out.
const SLOW_UPGRADE: Duration = Duration::from_secs(3);

/// tungstenite reads what is not cut out of the socket's own buffer: a few frames. It fills so many
/// bytes with zeros before each read, which by its own 128 KiB is an idle link's largest memory.
const READ_BUFFER: usize = 4 << 10;

/// The stage in which an attempt timed out.
#[derive(Clone, Copy)]
enum Stage {
    Resolve,
    /// The server's name, for a proxy that takes addresses only.
    ResolveTarget,
    Connect,
    Proxy,
    Tls,
    Upgrade,
}

/// Where to connect to, and how.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub endpoint: &'a Endpoint,
    pub options: &'a LinkOptions,
    pub lookups: &'a Arc<Lookups>,
}

impl<'a> Route<'a> {
    fn proxy(&self) -> Option<&'a Proxy> {
        self.options.proxies.as_ref()?.of(self.endpoint)
    }

    /// The host and port that TCP connects to.
    fn first_hop(&self) -> (&'a str, u16) {
        match self.proxy() {
            Some(proxy) => (&proxy.host, proxy.port),
            None => (&self.endpoint.host, self.endpoint.port),
        }
    }

    fn target(&self) -> String {
        authority(&self.endpoint.host, self.endpoint.port)
    }
}

/// Opens a WebSocket within the time that the options allow.
pub(super) async fn connect(
    route: Route<'_>,
    access_token: Option<&Secret>,
) -> Result<WebSocket<Transport>, LinkFailure> {
    let mut stage = Stage::Resolve;
    let attempt = attempt(route, access_token, &mut stage);
    let outcome = timeout(route.options.connect_timeout, attempt).await;
    outcome.unwrap_or_else(|_| Err(timed_out(route, stage)))
}

async fn attempt(
    route: Route<'_>,
    access_token: Option<&Secret>,
    stage: &mut Stage,
) -> Result<WebSocket<Transport>, LinkFailure> {
    let Route {
        endpoint, options, ..
    } = route;
    let socket = match route.proxy() {
        None => open_tcp(route, stage).await?,
        Some(proxy) => open_through(route, proxy, stage).await?,
    };
    let transport = if endpoint.tls {
        *stage = Stage::Tls;
        Transport::Tls(Box::new(open_tls(endpoint, options, socket).await?))
    } else {
        Transport::Plain(socket)
    };
    *stage = Stage::Upgrade;
    upgrade(endpoint, access_token, options, transport).await
}

/// Opens a connection to the server through a proxy.
async fn open_through(
    route: Route<'_>,
    proxy: &Proxy,
    stage: &mut Stage,
) -> Result<Tcp, LinkFailure> {
    match &proxy.kind {
        Kind::Http { authorization } => {
            let mut socket = open_proxy(route, stage).await?;
            tunnel(proxy, authorization.as_ref(), &mut socket, &route.target()).await?;
            Ok(socket)
        }
        Kind::Socks(socks) => open_socks(route, proxy, socks, stage).await,
    }
}

async fn open_socks(
    route: Route<'_>,
    proxy: &Proxy,
    socks: &Socks,
    stage: &mut Stage,
) -> Result<Tcp, LinkFailure> {
    let (host, port) = (&route.endpoint.host, route.endpoint.port);
    let targets = if socks.remote_names && host.parse::<std::net::IpAddr>().is_err() {
        vec![TargetAddr::Domain(host.into(), port)]
    } else {
        *stage = Stage::ResolveTarget;
        let found = resolve(route, host, port).await?;
        found.into_iter().map(TargetAddr::Ip).collect()
    };
    let mut first = None;
    for target in targets {
        let socket = open_proxy(route, stage).await?;
        let refusal = match socks::open(proxy, socks, socket, target, &route.target()).await {
            Ok(socket) => return Ok(socket),
            Err(refusal) => refusal,
        };
        let is_last = !refusal.of_address;
        first.get_or_insert(refusal.failure);
        if is_last {
            break;
        }
    }
    Err(first.unwrap_or_else(|| {
        LinkFailure::new(FailureKind::Dns, format!("the name {host} has no address"))
    }))
}

/// Opens a connection to the proxy.
async fn open_proxy(route: Route<'_>, stage: &mut Stage) -> Result<Tcp, LinkFailure> {
    let socket = open_tcp(route, stage).await.map_err(|failure| {
        let message = format!("the proxy cannot be reached: {}", failure.message);
        LinkFailure::new(FailureKind::Proxy, message)
    })?;
    *stage = Stage::Proxy;
    Ok(socket)
}

/// Opens a connection to the first hop.
async fn open_tcp(route: Route<'_>, stage: &mut Stage) -> Result<Tcp, LinkFailure> {
    let (host, port) = route.first_hop();
    *stage = Stage::Resolve;
    let addresses = resolve(route, host, port).await?;
    *stage = Stage::Connect;
    let name = authority(host, port);
    dial(&addresses, &name, route.options.connect_timeout).await
}

async fn resolve(route: Route<'_>, host: &str, port: u16) -> Result<Vec<SocketAddr>, LinkFailure> {
    let found = route.lookups.resolve(host, port).await;
    found.map_err(|error| {
        let message = format!("the name {host} cannot be resolved: {error}");
        LinkFailure::new(FailureKind::Dns, message)
    })
}

async fn open_tls(
    endpoint: &Endpoint,
    options: &LinkOptions,
    socket: Tcp,
) -> Result<tokio_rustls::client::TlsStream<Tcp>, LinkFailure> {
    let host = &endpoint.host;
    // Never fall back to plain text.
    let tls = options.tls.as_ref().ok_or_else(|| {
        let message = format!("TLS is not set up, but {} needs it", endpoint.url());
        LinkFailure::new(FailureKind::Tls, message)
    })?;
    let name = ServerName::try_from(host.clone()).map_err(|_| {
        let message = format!("{host} is no name that a certificate can have");
        LinkFailure::new(FailureKind::Untrusted, message)
    })?;
    let connector = TlsConnector::from(tls.up_to_date());
    connector.connect(name, socket).await.map_err(|error| {
        let mut failure = LinkFailure::of_tls(host, &error);
        // The next attempt reads the changed files and may trust the certificate: not permanent.
        if failure.kind == FailureKind::Untrusted && tls.files_have_changed() {
            failure.kind = FailureKind::Tls;
        }
        failure
    })
}

async fn upgrade(
    endpoint: &Endpoint,
    access_token: Option<&Secret>,
    options: &LinkOptions,
    transport: Transport,
) -> Result<WebSocket<Transport>, LinkFailure> {
    let uri = endpoint.request_uri(access_token);
    // The error is not quoted: it could contain the token.
    let mut request = uri.as_str().into_client_request().map_err(|_| {
        let message = format!("the URL {} cannot be requested", endpoint.url());
        LinkFailure::new(FailureKind::Protocol, message)
    })?;
    let headers = request.headers_mut();
    let agent = ("User-Agent".to_owned(), options.user_agent.clone());
    for (name, value) in [&agent].into_iter().chain(&options.headers) {
        let (name, value) = parse_header(name, value)
            .map_err(|error| LinkFailure::new(FailureKind::Protocol, error.message))?;
        if name == USER_AGENT {
            headers.insert(name, value);
        } else {
            headers.append(name, value);
        }
    }
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .max_message_size(Some(options.max_message_bytes))
        .max_frame_size(Some(options.max_message_bytes));
    let mut answer = pin!(client_async_with_config(
        request,
        Gate::new(transport),
        Some(config)
    ));
    let opened = match timeout(SLOW_UPGRADE, &mut answer).await {
        Ok(opened) => opened,
        Err(_) => {
            let (path, seconds) = (shown_path(endpoint), SLOW_UPGRADE.as_secs());
            let message = format!(
                "no answer yet to the WebSocket upgrade on path \"{path}\" after {seconds} s: \
                 is the path the server's WEBSOCKETS_REST_PATH?"
            );
            log::emit(Level::Warn, TARGET, &message);
            answer.await
        }
    };
    let (socket, response) =
        opened.map_err(|error| LinkFailure::of_upgrade(error, access_token.is_some()))?;
    check_answer(response.headers())?;
    Ok(WebSocket::new(socket, options.max_message_bytes))
}

/// The path without the query, which may contain a token.
fn shown_path(endpoint: &Endpoint) -> &str {
    endpoint.path.split('?').next().unwrap_or_default()
}

fn timed_out(route: Route<'_>, stage: Stage) -> LinkFailure {
    let endpoint = route.endpoint;
    let seconds = route.options.connect_timeout.as_secs_f32();
    let (hop, port) = route.first_hop();
    let target = route.target();
    let message = match stage {
        Stage::Resolve => format!("the name {hop} was not resolved within {seconds} s"),
        Stage::ResolveTarget => {
            let host = &endpoint.host;
            format!("the name {host} was not resolved within {seconds} s")
        }
        Stage::Connect => {
            let hop = authority(hop, port);
            format!("{hop} does not answer: no connection within {seconds} s")
        }
        Stage::Proxy => format!("the proxy did not open a tunnel to {target} within {seconds} s"),
        Stage::Tls => format!("{target} did not finish the TLS handshake within {seconds} s"),
        Stage::Upgrade => {
            let path = shown_path(endpoint);
            format!(
                "no answer to the WebSocket upgrade on path \"{path}\" within {seconds} s; \
                 Directus stays silent on any path but its WEBSOCKETS_REST_PATH, and there, too, \
                 with WEBSOCKETS_REST_ENABLED=false, so check the URL and the server's environment"
            )
        }
    };
    let if_worked = matches!(stage, Stage::Upgrade).then(|| {
        format!(
            "no answer to the WebSocket upgrade within {seconds} s, though this URL has worked: \
             the server, or a proxy in front of it, is overloaded or starting"
        )
    });
    LinkFailure {
        if_worked,
        ..LinkFailure::new(FailureKind::Timeout, message)
    }
}

/// `host:port`, with IPv6 in brackets.
pub(super) fn authority(host: &str, port: u16) -> String {
    if host.contains(':') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}
