//! One link: a task that opens a socket, pumps frames, and tells how it ended.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::Sink;
use tokio::io::AsyncWrite;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_tungstenite::WebSocketStream;

use super::connect::{Way, connect};
use super::failure::LinkFailure;
use super::pump::{Order, Pump};
use super::runtime::catch;
use super::stream::Stream;
use super::trace::describe;
use super::traffic::Traffic;
use super::{Proxy, Runtime, TARGET, Tls};
use crate::log::{self, Level};
use crate::protocol::Frame;
use crate::protocol::endpoint::Endpoint;
use crate::secret::Secret;

/// Names a link; chosen by whoever opens it.
pub type LinkId = u64;

/// What all links of a client have in common.
pub struct LinkOptions {
    /// Checked with [`super::check_header`].
    pub headers: Vec<(String, String)>,
    /// The User-Agent header, unless `headers` has one.
    pub user_agent: String,
    /// The way out.
    pub proxy: Option<Proxy>,
    /// Wanted where an endpoint uses TLS.
    pub tls: Option<Arc<Tls>>,
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
    /// Whether so much waits for the application that links should be read more
    /// slowly.
    fn is_crowded(&self) -> bool {
        false
    }
    /// The link is gone. The last report of a link, and it comes exactly once,
    /// unless the link was aborted: then there is none.
    fn lost(&self, link: LinkId, failure: LinkFailure);
}

/// The way to a link's task. Dropped, it closes the link as [`Link::close`] does.
pub struct Link {
    orders: UnboundedSender<Order>,
    task: tokio::task::AbortHandle,
    status: Arc<LinkStatus>,
}

/// What a link's task and its owner both know.
#[derive(Default)]
pub(super) struct LinkStatus {
    /// Bytes that were given and are not with the system yet.
    pub backlog: AtomicUsize,
    aborted: AtomicBool,
}

impl Link {
    /// Sends a text frame; never blocks. What is sent before the link is open
    /// goes out first thing; what is sent after its end is dropped.
    pub fn send(&self, text: String) {
        let bytes = text.len();
        self.status.backlog.fetch_add(bytes, Ordering::Relaxed);
        if self.orders.send(Order::Send(text)).is_err() {
            self.status.backlog.fetch_sub(bytes, Ordering::Relaxed);
        }
    }

    /// Sends what was given so far, says goodbye, and closes, within a second;
    /// at once while the link is not open yet. Frames that come meanwhile are
    /// still reported, and the loss at the end, as for any other link.
    pub fn close(&self) {
        let _ = self.orders.send(Order::Close);
    }

    /// Closes at once. Nothing more is reported, but a report that is being made
    /// at this moment is not waited for.
    pub fn abort(&self) {
        self.status.aborted.store(true, Ordering::SeqCst);
        self.task.abort();
    }

    /// Bytes that were given to [`Link::send`] and are not with the system yet.
    pub fn backlog_bytes(&self) -> usize {
        self.status.backlog.load(Ordering::Relaxed)
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
    let status = Arc::new(LinkStatus::default());
    let traffic = Arc::clone(&options.traffic);
    let pump = Pump::new(inbox, Arc::clone(&status), traffic);
    let report = Report {
        id,
        events,
        status: Arc::clone(&status),
    };
    let lookups = Arc::clone(&runtime.lookups);
    let task = runtime.spawn(async move {
        let way = Way {
            endpoint: &endpoint,
            options: &options,
            lookups: &lookups,
        };
        let life = live(way, access_token, pump, &report);
        let failure = catch(life).await.unwrap_or_else(LinkFailure::of_fault);
        report.lost(failure);
    });
    Link {
        orders,
        task,
        status,
    }
}

async fn live(
    way: Way<'_>,
    access_token: Option<Secret>,
    mut pump: Pump,
    report: &Report,
) -> LinkFailure {
    let connecting = connect(way, access_token.as_ref());
    let mut socket = match pump.wait_for(connecting).await {
        Ok(socket) => socket,
        Err(failure) => return failure,
    };
    drop(access_token);
    report.opened(way.endpoint);
    let failure = pump.run(&mut socket, report).await;
    take_leave(&mut socket).await;
    failure
}

/// Answers a close frame and ends TLS, if that can be had without waiting.
/// Dropping the socket does the rest.
async fn take_leave(socket: &mut WebSocketStream<Stream>) {
    poll_fn(|cx| {
        let _ = Pin::new(&mut *socket).poll_flush(cx);
        let _ = Pin::new(socket.get_mut()).poll_shutdown(cx);
        Poll::Ready(())
    })
    .await;
}

/// Tells the owner of a link what happens to it.
pub(super) struct Report {
    id: LinkId,
    events: Arc<dyn LinkEvents>,
    status: Arc<LinkStatus>,
}

impl Report {
    fn is_wanted(&self) -> bool {
        !self.status.aborted.load(Ordering::SeqCst)
    }

    fn opened(&self, endpoint: &Endpoint) {
        self.log(|id| format!("link {id} to {} is open", endpoint.url()));
        if self.is_wanted() {
            self.events.opened(self.id);
        }
    }

    /// Hands the frames over and empties the list.
    pub fn frames(&self, frames: &mut Vec<Frame>) {
        if self.is_wanted() && !frames.is_empty() {
            self.events.frames(self.id, frames);
        }
        frames.clear();
    }

    /// See [`LinkEvents::is_crowded`].
    pub fn is_crowded(&self) -> bool {
        self.is_wanted() && self.events.is_crowded()
    }

    fn lost(&self, failure: LinkFailure) {
        self.log(|id| format!("link {id} is gone: {}", failure.message));
        if self.is_wanted() {
            self.events.lost(self.id, failure);
        }
    }

    /// What went over the link, and where to.
    pub fn trace(&self, direction: &str, text: &str) {
        if log::enabled(Level::Trace) {
            let line = format!("link {}: {direction} {}", self.id, describe(text));
            log::emit(Level::Trace, TARGET, &line);
        }
    }

    pub fn log(&self, line: impl FnOnce(LinkId) -> String) {
        if log::enabled(Level::Debug) {
            log::emit(Level::Debug, TARGET, &line(self.id));
        }
    }
}
