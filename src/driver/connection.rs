//! One link: a task that opens a socket, moves frames, and reports how it ended.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_util::Sink;

use super::connect::{Route, connect};
use super::counters::Counters;
use super::failure::LinkFailure;
use super::open_link::{Ends, OpenLink};
use super::outbox::Outbox;
use super::pump::Pump;
use super::reader::Reader;
use super::runtime::catch;
use super::trace::describe;
use super::turns::WRITE;
use super::watch::Watch;
use super::writer::Writer;
use super::{Proxies, Runtime, TARGET, Tls};
use crate::log::{self, Level};
use crate::protocol::Frame;
use crate::protocol::endpoint::Endpoint;
use crate::secret::Secret;

/// Identifies a link; the caller of [`open`] chooses it.
pub type LinkId = u64;

/// The options that all links of a client share.
pub struct LinkOptions {
    /// Checked with [`super::check_header`].
    pub headers: Vec<(String, String)>,
    /// The User-Agent header, unless `headers` has one.
    pub user_agent: String,
    /// The proxies to go through.
    pub proxies: Option<Proxies>,
    /// Needed if an endpoint uses TLS.
    pub tls: Option<Arc<Tls>>,
    /// A larger message ends the link.
    pub max_message_bytes: usize,
    /// The time for everything up to the answer to the upgrade.
    pub connect_timeout: Duration,
    /// Counts what goes over the links.
    pub counters: Arc<Counters>,
    /// Lets the client's consumer read the links.
    pub watch: Arc<Watch>,
}

/// Receives what happens to links, on the I/O thread; frames on the consumer's, too.
pub trait LinkEvents: Send + Sync + 'static {
    /// The WebSocket is open.
    fn opened(&self, link: LinkId);
    /// Frames were received. Those that the callee leaves in the list are dropped.
    fn frames(&self, link: LinkId, frames: &mut Vec<Frame>);
    /// Whether so much waits for the application that the link should be read more slowly.
    fn is_crowded(&self) -> bool {
        false
    }
    /// The link is lost. This is its last report and comes exactly once; an aborted link reports
    /// nothing.
    fn lost(&self, link: LinkId, failure: LinkFailure);
}

/// The owner's end of a link. Dropping it closes the link as [`Link::close`] does.
pub struct Link {
    outbox: Arc<Outbox>,
    aborted: Arc<AtomicBool>,
    task: tokio::task::AbortHandle,
}

impl Link {
    /// Sends a text frame; never blocks. Before the link is open, the frame waits for that; after
    /// its end, the frame is dropped.
    pub fn send(&self, text: String) {
        self.outbox.send(text);
    }

    /// Sends what was given so far, then a close frame, and closes, all within a second; at once
    /// if the link is not open yet. Until then received frames are reported, and the loss at the
    /// end.
    pub fn close(&self) {
        self.outbox.close();
    }

    /// Closes at once. Nothing more is reported, but a report that is running now is not waited
    /// for.
    pub fn abort(&self) {
        self.aborted.store(true, Ordering::SeqCst);
        self.outbox.end();
        self.task.abort();
    }

    /// Bytes that were given to [`Link::send`] and not yet to the system.
    pub fn unsent_bytes(&self) -> usize {
        self.outbox.unsent()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.close();
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
    let outbox = Arc::<Outbox>::default();
    let aborted = Arc::<AtomicBool>::default();
    let report = Arc::new(Report {
        id,
        events,
        aborted: Arc::clone(&aborted),
    });
    let theirs = Arc::clone(&outbox);
    let lookups = Arc::clone(&runtime.lookups);
    let task = runtime.spawn(async move {
        let route = Route {
            endpoint: &endpoint,
            options: &options,
            lookups: &lookups,
        };
        let running = run_link(route, access_token, &theirs, &report);
        let failure = catch(running).await.unwrap_or_else(LinkFailure::of_panic);
        theirs.end();
        report.lost(failure);
    });
    Link {
        outbox,
        aborted,
        task,
    }
}

async fn run_link(
    route: Route<'_>,
    access_token: Option<Secret>,
    outbox: &Arc<Outbox>,
    report: &Arc<Report>,
) -> LinkFailure {
    let mut pump = Pump::new(Arc::clone(outbox));
    let connecting = connect(route, access_token.as_ref());
    let socket = match pump.wait_for(connecting).await {
        Ok(socket) => socket,
        Err(failure) => return failure,
    };
    drop(access_token);
    report.opened(route.endpoint);
    let counters = &route.options.counters;
    let ends = Ends {
        reader: Reader::new(socket, Arc::clone(counters)),
        writer: Writer::new(Arc::clone(outbox), Arc::clone(counters)),
    };
    let link = OpenLink::new(ends, Arc::clone(report), Arc::clone(outbox));
    let watched = route.options.watch.add(&link).inspect_err(|error| {
        report.log(|id| format!("link {id} is read by the I/O thread alone: {error}"));
    });
    let failure = pump.run(&link, watched.as_ref().ok()).await;
    drop(watched);
    finish_close(&link).await;
    failure
}

/// Answers a close frame and ends TLS, as far as that works without waiting. Dropping the socket
/// does the rest.
async fn finish_close(link: &OpenLink) {
    poll_fn(|cx| {
        link.outbox.has_task(cx);
        let turn = link.ends.turn(WRITE, |ends, _| {
            let reader = &mut ends.reader;
            let _ = reader.socket.sink().poll_flush(cx);
            let _ = reader.socket.poll_shutdown(cx);
        });
        match turn {
            Some(_) => Poll::Ready(()),
            // The consumer wakes this task after its turn.
            None => Poll::Pending,
        }
    })
    .await;
}

/// Reports to the owner of a link what happens to it.
pub(super) struct Report {
    id: LinkId,
    events: Arc<dyn LinkEvents>,
    aborted: Arc<AtomicBool>,
}

impl Report {
    fn is_wanted(&self) -> bool {
        !self.aborted.load(Ordering::SeqCst)
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
        self.log(|id| format!("link {id} is lost: {}", failure.message));
        if self.is_wanted() {
            self.events.lost(self.id, failure);
        }
    }

    /// Logs a frame that was sent or received.
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
