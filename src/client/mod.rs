//! The client: puts the modules together behind a safe API, which the C ABI wraps.
//!
//! The session is behind one lock, which is never held while a callback or a log sink runs. The
//! session's effects are carried out before the lock is released, so that they happen in the order
//! in which the session decided them.

mod changes;
mod cleartext_warning;
mod drain_buffer;
pub mod engine;
mod live;
mod log_queue;
mod options;
mod shared;
mod subscribe;
mod wait;

pub use live::{LiveCollectionOptions, stale_live};
pub use options::{ClientOptions, SnapshotMode, SubscriptionOptions};
pub use subscribe::{Subscribed, SubscriptionInfo};

pub use crate::delivery::{RowEntry, RowsOf};
pub use crate::session::AuthMode;
pub use crate::subscriptions::{ScopeId, SubId};

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::delivery::{Batch, Descriptor, ReplySink, State, StateSink, TokenSink};
use crate::error::{Error, Result};
use crate::protocol::outgoing::CustomMessage;
use crate::secret::Secret;
use shared::Shared;

/// The module's name in the log.
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
    /// How often a subscription overflowed.
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

    /// Closes the link, if there is one, and connects at once.
    pub fn reconnect(&self) -> Result<()> {
        self.shared.with(|session, now| session.reconnect(now))
    }

    /// Closes the link and stays disconnected; subscriptions are kept.
    pub fn disconnect(&self) -> Result<()> {
        self.shared.with(|session, now| session.disconnect(now))
    }

    /// Sets the access token, and re-authenticates a live link with it.
    pub fn set_token(&self, token: &str) -> Result<()> {
        if token.is_empty() {
            let message = "`access_token` is empty: give the token itself";
            return Err(Error::invalid("access_token", message));
        }
        let token = Secret::new(token);
        self.shared.cleartext_warning.emit();
        self.shared
            .with(|session, now| session.set_token(now, token))
    }

    /// The state.
    pub fn state(&self) -> State {
        self.shared.lock().engine.session.state()
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    /// Closes the client: ends its subscriptions, runs the callbacks that are
    /// due, releases all of them, and closes the link with a closing handshake. `handshake` is the
    /// deadline of that, and `callbacks` of a callback that runs.
    pub fn close(&self, handshake: Instant, callbacks: Instant) -> Result<()> {
        self.shared.close(handshake, callbacks)
    }

    /// Everything of a close that does not block has ended.
    pub fn end_close(&self) {
        self.shared.end_close();
    }

    /// Waits until [`Client::end_close`] is called.
    pub fn await_closed(&self, timeout: Duration) -> Result<()> {
        self.shared.await_closed(timeout)
    }

    /// Whether the application takes what waits, instead of a thread of the library.
    pub fn is_polled(&self) -> bool {
        self.fd().is_some()
    }

    /// Whether the application is asked for tokens.
    pub fn has_token_sink(&self) -> bool {
        self.shared.lock().engine.session.has_token_sink()
    }

    /// In poll delivery: the descriptor that is readable while something is queued.
    pub fn fd(&self) -> Option<Descriptor> {
        self.shared.delivery.fd()
    }

    /// In poll delivery: runs callbacks on this thread. `None` waits for ever; 0 events means all
    /// that are queued.
    pub fn dispatch(&self, timeout: Option<Duration>, max_events: usize) -> Result<usize> {
        self.shared.delivery.dispatch(timeout, max_events)
    }

    /// Like dispatch, but passes what [`RowsOf`] says to `show` as rows, which stay valid until the
    /// next call.
    pub fn take_rows(
        &self,
        of: RowsOf,
        timeout: Option<Duration>,
        most: usize,
        show: &mut dyn FnMut(&str, &[RowEntry]),
    ) -> Result<usize> {
        let fill = |batch: &mut Batch| self.shared.delivery.take_rows(of, timeout, most, batch);
        self.shared.drain_buffer.next(fill, show)
    }

    /// In poll delivery: runs the callbacks that wait and are no events', ahead of those.
    pub fn dispatch_control(&self, max: usize) -> Result<usize> {
        self.shared.delivery.dispatch_control(max)
    }

    /// Whether both are the same client.
    pub fn is_same(&self, other: &Client) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Sends a message that expects no answer.
    pub fn send_message(&self, json: &str) -> Result<()> {
        let message = CustomMessage::parse(json)?;
        self.shared.with_core(|core| {
            let unsent = core.unsent();
            self.shared.run(core, |session, now| {
                session.send_message(now, message, unsent)
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
            let unsent = core.unsent();
            self.shared.run(core, |session, now| {
                session.request(now, message, timeout, sink, unsent)
            })
        });
        outcome.map_err(|(error, sink)| {
            drop(sink);
            error
        })
    }
}
