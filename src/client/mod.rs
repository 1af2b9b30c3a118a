//! The client: the rooms put together behind a safe API that the C ABI wraps.
//!
//! One lock holds the session; it is never held while a callback or a log sink
//! runs. What the session decides is carried out before the lock is given
//! back, so that the order of decisions is the order of deeds.

mod drained;
pub mod engine;
mod exposure;
mod log_queue;
mod options;
mod shared;
mod subscribe;
mod waiting;

pub use options::{ClientOptions, SnapshotMode, SubscriptionOptions};
pub use subscribe::{Subscribed, SubscriptionInfo};

pub use crate::session::AuthMode;
pub use crate::subscriptions::{ScopeId, SubId};

use std::os::fd::RawFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::delivery::{ReplySink, State, StateSink, TokenSink};
use crate::error::{Error, Result, Status};
use crate::protocol::outgoing::CustomMessage;
use crate::secret::Secret;
use shared::Shared;

/// The room's name in the log.
const TARGET: &str = "client";

/// A client. Clones are the same client.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

/// Counters of a client (`drt_stats`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Links that became usable.
    pub connects: u64,
    /// Those after the first.
    pub reconnects: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Bytes received in frames.
    pub bytes_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Bytes sent in frames.
    pub bytes_out: u64,
    /// Events delivered.
    pub events: u64,
    /// INIT events marked RESYNC.
    pub resyncs: u64,
    /// Times that a subscription lost what waited for want of room.
    pub overflows: u64,
    /// Events that wait for the application.
    pub queued_events: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Subscriptions.
    pub subscriptions: u64,
    /// Those that the server has confirmed.
    pub active_subscriptions: u64,
    /// The last heartbeat's round trip in microseconds.
    pub last_rtt_us: u64,
}

impl Client {
    /// Makes a client; nothing is sent before it is told to connect or gets its
    /// first subscription.
    pub fn new(options: ClientOptions) -> Result<Client> {
        Ok(Client {
            shared: Shared::start(options)?,
        })
    }

    /// Sets or removes the state callback.
    pub fn on_state(&self, sink: Option<Box<dyn StateSink>>) -> Result<()> {
        self.shared.check_open()?;
        self.shared.with(|session, _| session.set_state_sink(sink));
        Ok(())
    }

    /// Sets or removes the callback that is asked for tokens.
    pub fn on_token(&self, sink: Option<Box<dyn TokenSink>>) -> Result<()> {
        self.shared.check_open()?;
        self.shared
            .with(|session, now| session.set_token_sink(now, sink));
        Ok(())
    }

    /// Starts to connect; returns at once.
    pub fn connect(&self) -> Result<()> {
        self.shared.with(|session, now| session.connect(now))
    }

    /// Drops the link, if any, and connects now.
    pub fn reconnect(&self) -> Result<()> {
        self.shared.with(|session, now| session.reconnect(now))
    }

    /// Goes down and stays down; subscriptions are kept.
    pub fn disconnect(&self) -> Result<()> {
        self.shared.with(|session, now| session.disconnect(now))
    }

    /// Sets the access token, and re-authenticates a live link with it.
    pub fn set_token(&self, token: &str) -> Result<()> {
        if token.is_empty() {
            let message = "`access_token` is empty: give the token itself";
            return Err(Error::new(Status::InvalidArgument, message));
        }
        let token = Secret::new(token);
        self.shared.exposure.tell();
        self.shared
            .with(|session, now| session.set_token(now, token))
    }

    /// The state.
    pub fn state(&self) -> State {
        self.shared.lock().session.state()
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Closes the client: ends its subscriptions, runs what callbacks are due,
    /// releases them all, and takes the link down politely, all within `timeout`.
    pub fn close(&self, timeout: Duration) -> Result<()> {
        self.shared.close(Instant::now() + timeout)
    }

    /// The descriptor that is readable while something waits, in poll delivery.
    pub fn fd(&self) -> Option<RawFd> {
        self.shared.delivery.fd()
    }

    /// Runs callbacks on this thread, in poll delivery. `None` waits for ever,
    /// 0 events means all that wait.
    pub fn dispatch(&self, timeout: Option<Duration>, max_events: usize) -> Result<usize> {
        self.shared.delivery.dispatch(timeout, max_events)
    }

    /// Like dispatch, but shows the events as one JSON array, which stays where
    /// it is until the next drain or dispatch.
    pub fn drain(
        &self,
        timeout: Option<Duration>,
        max_events: usize,
        show: &mut dyn FnMut(&str),
    ) -> Result<usize> {
        let delivery = &self.shared.delivery;
        let fill = |batch: &mut String| delivery.drain(timeout, max_events, batch);
        self.shared.drained.next(fill, show)
    }

    /// Whether both are the same client.
    pub fn is_same(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Sends a message that expects no answer.
    pub fn send_message(&self, json: &str) -> Result<()> {
        let message = CustomMessage::parse(json)?;
        self.shared.with_core(|core| {
            let backlog = core.backlog();
            self.shared.run(core, |session, now| {
                session.send_message(now, message, backlog)
            })
        })
    }

    /// Sends a request; `sink` is called once, unless this fails.
    pub fn request(&self, json: &str, timeout: Duration, sink: Box<dyn ReplySink>) -> Result<()> {
        let message = CustomMessage::parse(json)?;
        let timeout = if timeout.is_zero() {
            self.shared.ack_timeout
        } else {
            timeout
        };
        let outcome = self.shared.with_core(|core| {
            let backlog = core.backlog();
            self.shared.run(core, |session, now| {
                session.request(now, message, timeout, sink, backlog)
            })
        });
        outcome.map_err(|(error, sink)| {
            drop(sink);
            error
        })
    }
}
