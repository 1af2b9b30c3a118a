//! One link: a task that moves frames between a socket and the session.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, Stream as _, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;
use tokio_rustls::rustls;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{self, Message};

use super::connect::{Stream, connect};
use super::failure::{FailureKind, LinkFailure};
use super::traffic::Traffic;
use super::{Proxy, Runtime};
use crate::log::{self, Level};
use crate::protocol::Frame;
use crate::protocol::endpoint::Endpoint;
use crate::secret::Secret;

/// A batch ends with this many frames or bytes, so that others get their turn.
const BATCH_FRAMES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;
/// How long a polite farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// Names a link; chosen by whoever opens it.
pub type LinkId = u64;

/// What all links of a client have in common.
pub struct LinkOptions {
    /// Checked with [`super::check_header`].
    pub headers: Vec<(String, String)>,
    /// The User-Agent header.
    pub user_agent: String,
    /// The way out.
    pub proxy: Option<Proxy>,
    /// Wanted where an endpoint uses TLS.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// A larger message breaks the link.
    pub max_message_bytes: usize,
    /// For everything up to the upgrade's answer.
    pub connect_timeout: Duration,
    /// Counts what goes over the links.
    pub traffic: Arc<Traffic>,
}

/// Receives what happens to links, on the I/O thread.
pub trait LinkEvents: Send + Sync + 'static {
    /// The WebSocket is open.
    fn opened(&self, link: LinkId);
    /// Frames have come. Those that are left in the list are forgotten.
    fn frames(&self, link: LinkId, frames: &mut Vec<Frame>);
    /// The link is gone. The last report of a link, and it comes once, unless
    /// the link was aborted: then there is none.
    fn lost(&self, link: LinkId, failure: LinkFailure);
}

enum Order {
    Send(String),
    Close,
}

/// The way to a link's task.
pub struct Link {
    orders: UnboundedSender<Order>,
    task: tokio::task::AbortHandle,
    backlog: Arc<AtomicUsize>,
}

impl Link {
    /// Sends a text frame; never blocks.
    pub fn send(&self, text: String) {
        self.backlog.fetch_add(text.len(), Ordering::Relaxed);
        let _ = self.orders.send(Order::Send(text));
    }

    /// Sends what was given so far, says goodbye, and closes, within a second.
    /// The loss is reported at the end.
    pub fn close(&self) {
        let _ = self.orders.send(Order::Close);
    }

    /// Closes at once. Nothing more is reported.
    pub fn abort(&self) {
        self.task.abort();
    }

    /// Bytes that were given to [`Link::send`] and are not with the system yet.
    pub fn backlog_bytes(&self) -> usize {
        self.backlog.load(Ordering::Relaxed)
    }
}

/// Opens a link.
pub fn open(
    runtime: &Runtime,
    id: LinkId,
    endpoint: Endpoint,
    access_token: Option<Secret>,
    options: Arc<LinkOptions>,
    events: Arc<dyn LinkEvents>,
) -> Link {
    let (orders, inbox) = unbounded_channel();
    let backlog = Arc::new(AtomicUsize::new(0));
    let mut pump = Pump {
        inbox,
        backlog: Arc::clone(&backlog),
        traffic: Arc::clone(&options.traffic),
        frames: Vec::new(),
        unflushed: 0,
        closing: false,
    };
    let task = runtime.spawn(async move {
        let failure = match connect(&endpoint, access_token.as_ref(), &options).await {
            Ok(mut socket) => {
                drop(access_token);
                log::emit(
                    Level::Debug,
                    "driver",
                    &format!("link {id} to {} is open", endpoint.url()),
                );
                events.opened(id);
                let failure = pump.run(id, &mut socket, events.as_ref()).await;
                // A forked child may have a copy of the socket: say FIN ourselves.
                let _ = timeout(FAREWELL, socket.get_mut().shutdown()).await;
                failure
            }
            Err(failure) => failure,
        };
        log::emit(
            Level::Debug,
            "driver",
            &format!("link {id} is gone: {}", failure.message),
        );
        events.lost(id, failure);
    });
    Link {
        orders,
        task,
        backlog,
    }
}

struct Pump {
    inbox: UnboundedReceiver<Order>,
    backlog: Arc<AtomicUsize>,
    traffic: Arc<Traffic>,
    frames: Vec<Frame>,
    /// Bytes in the WebSocket's own buffer.
    unflushed: usize,
    closing: bool,
}

impl Pump {
    async fn run(
        &mut self,
        id: LinkId,
        socket: &mut WebSocketStream<Stream>,
        events: &dyn LinkEvents,
    ) -> LinkFailure {
        loop {
            let outcome = std::future::poll_fn(|cx| self.poll(cx, socket)).await;
            if !self.frames.is_empty() {
                events.frames(id, &mut self.frames);
                self.frames.clear();
            }
            if let Some(failure) = outcome {
                return failure;
            }
            if self.closing {
                let farewell = async {
                    let _ = socket.close(None).await;
                    // Until the peer has closed as well.
                    while let Some(Ok(_)) = socket.next().await {}
                };
                let _ = timeout(FAREWELL, farewell).await;
                return LinkFailure::new(FailureKind::Closed, "closed by this side");
            }
            tokio::task::yield_now().await;
        }
    }

    /// Ready when there are frames to hand over, or with the link's end.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut WebSocketStream<Stream>,
    ) -> Poll<Option<LinkFailure>> {
        if let Err(error) = self.write(cx, socket) {
            return Poll::Ready(Some(LinkFailure::of_websocket(error)));
        }
        if self.closing && self.unflushed == 0 {
            return Poll::Ready(None);
        }
        match self.read(cx, socket) {
            Some(failure) => Poll::Ready(Some(failure)),
            None if self.frames.is_empty() => Poll::Pending,
            None => Poll::Ready(None),
        }
    }

    /// Moves what is to be sent towards the system, as far as it takes it.
    fn write(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut WebSocketStream<Stream>,
    ) -> Result<(), tungstenite::Error> {
        let mut socket = pin!(socket);
        while !self.closing && socket.as_mut().poll_ready(cx)?.is_ready() {
            match self.inbox.poll_recv(cx) {
                Poll::Ready(Some(Order::Send(text))) => {
                    self.traffic.sent(text.len());
                    self.unflushed += text.len();
                    socket.as_mut().start_send(Message::text(text))?;
                }
                Poll::Ready(Some(Order::Close) | None) => self.closing = true,
                Poll::Pending => break,
            }
        }
        // Also what tungstenite itself wants to say.
        if socket.as_mut().poll_flush(cx)?.is_ready() {
            self.backlog.fetch_sub(self.unflushed, Ordering::Relaxed);
            self.unflushed = 0;
        }
        Ok(())
    }

    /// Reads what is there into `frames`.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        socket: &mut WebSocketStream<Stream>,
    ) -> Option<LinkFailure> {
        let mut bytes = 0;
        let mut socket = pin!(socket);
        let mut failure = None;
        while self.frames.len() < BATCH_FRAMES && bytes < BATCH_BYTES {
            let message = match socket.as_mut().poll_next(cx) {
                Poll::Pending => break,
                Poll::Ready(message) => message,
            };
            let frame = match message {
                Some(Ok(Message::Text(text))) => text,
                Some(Ok(Message::Binary(data))) => match Frame::try_from(data) {
                    Ok(text) => text,
                    Err(_) => continue,
                },
                Some(Ok(Message::Close(frame))) => {
                    failure = Some(closed(
                        frame.map(|f| (u16::from(f.code), f.reason.to_string())),
                    ));
                    break;
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => {
                    failure = Some(LinkFailure::of_websocket(error));
                    break;
                }
                None => {
                    failure = Some(closed(None));
                    break;
                }
            };
            bytes += frame.len();
            self.frames.push(frame);
        }
        self.traffic.received(self.frames.len(), bytes);
        failure
    }
}

fn closed(why: Option<(u16, String)>) -> LinkFailure {
    let message = match why {
        Some((code, reason)) if !reason.is_empty() => {
            format!("the server closed the connection with code {code}: {reason}")
        }
        Some((code, _)) if code != 1005 => {
            format!("the server closed the connection with code {code}")
        }
        _ => "the server closed the connection without saying why".to_owned(),
    };
    LinkFailure::new(FailureKind::Closed, message)
}
