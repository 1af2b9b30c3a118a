//! One client's life with its server, as a state machine.
//!
//! Nothing here knows sockets, clocks, threads or locks: every input comes with the
//! time, and what is to be done is handed out. The same inputs give the same outputs, to
//! the bit.
//!
//! What comes in: the application's commands ([`Session::connect`],
//! [`Session::subscribe`], [`Session::request`], …), what the driver reports
//! ([`Session::on_opened`], [`Session::on_frames`], [`Session::on_lost`]), what delivery
//! reports ([`Session::on_overflow`], [`Session::on_caught_up`], [`Session::released`]),
//! and that a deadline has come ([`Session::on_timer`]).
//!
//! What goes out: items for the application ([`Session::take_items`]), effects for the
//! driver ([`Session::take_effects`]), whether a waiting thread has to look again
//! ([`Session::take_changed`]), what live collections have to know
//! ([`Session::take_notices`]), and the next deadline ([`Session::next_deadline`]).
//! `client/engine.rs` does one round of this.
//!
//! [`Session`] is a router over parts that own their state. The files of `router/` turn
//! an input into calls of parts, and carry out what these return; only they log, deliver
//! and add effects.
//!
//! | part | what it owns |
//! | --- | --- |
//! | `connection/` | the link and its credentials: when to connect, where to, as which user; heartbeat, draining links, the reported state |
//! | `timers.rs` | the deadlines, and in which order those that are due are worked off |
//! | `outputs.rs` | items, effects and the wake-up that the present input has caused |
//! | `in_flight/` | what was sent on this link and is not answered, or was given up |
//! | `attribution/` | errors that carry no uid, as servers before 12.4 send them: which message each answers |
//! | `scheduler/` | what is to be sent, whose turn it is, and how fast the rate limiter lets it go |
//! | `refusals.rs` | subscriptions that the server refused |
//! | `row_expiry.rs` | when rows of snapshots and of events may be forgotten |
//! | `subscriptions/` (a layer below) | the subscriptions, and how far each has come |
//!
//! Imports run one way: from the router to the parts, and from these to lower layers. A
//! part knows neither the router nor another part; `src/layers.rs` tests that.

mod attribution;
mod connection;
mod in_flight;
mod jitter;
mod outputs;
mod refusals;
mod request;
mod router;
mod row_expiry;
mod scheduler;
mod timers;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use connection::credentials::{AuthMode, Credentials};
pub use router::Session;

use crate::error::{Error, Status};
use crate::handover::{DeliveryOptions, EventSink, ReadAnswer, SubscriptionMeta};
use crate::log::Level;
use crate::secret::Secret;
use crate::subscriptions::{ScopeId, SubId, SubscriptionSpec};

/// The time of an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Monotonic time since some origin of the client's own.
    pub mono: Duration,
    /// Time since 1970 in UTC, for the expiry of tokens only.
    pub wall: Duration,
}

/// Names one link (one attempt to open a socket, and its life). Never reused.
pub type LinkId = u64;

/// Something for the driver to do.
pub enum Effect {
    /// Open a link to this endpoint (an index into the list of replicas).
    Open {
        /// Its name in the driver's reports.
        link: LinkId,
        /// Which replica.
        endpoint: usize,
        /// Goes into the URL (strict authentication).
        access_token: Option<Secret>,
    },
    /// Send a frame.
    Send {
        /// On which link.
        link: LinkId,
        /// The frame.
        text: String,
    },
    /// Send what is waiting, then close with a closing handshake.
    Close(LinkId),
    /// Close at once; nothing more is reported.
    Abort(LinkId),
    /// A subscription has ended: nothing of it may be delivered from now on.
    End(Arc<SubscriptionMeta>),
    /// A line for the log.
    Log(Level, String),
}

/// Without the text of frames, which may carry a credential.
impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Effect::Open { link, endpoint, .. } => write!(f, "Open {{ {link}, {endpoint} }}"),
            Effect::Send { link, text } => write!(f, "Send {{ {link}, {} bytes }}", text.len()),
            Effect::Close(link) => write!(f, "Close({link})"),
            Effect::Abort(link) => write!(f, "Abort({link})"),
            Effect::End(meta) => write!(f, "End({})", meta.slot),
            Effect::Log(level, line) => write!(f, "Log({level:?}, {line:?})"),
        }
    }
}

/// Why a link was lost, as the driver reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The nearest error code.
    pub status: Status,
    /// What was wrong, in a sentence.
    pub message: String,
    /// Retrying does not help (an untrusted certificate).
    pub permanent: bool,
    /// The server answered HTTP 401: it refuses the token in the URL.
    pub unauthorized: bool,
    /// The other side, or something in between, ended an open link without a reason.
    pub dropped: bool,
    /// The message where this endpoint has worked before, if it is another one then.
    pub if_worked: Option<String>,
    /// The server sent a message that is larger than is accepted.
    pub too_large: bool,
    /// The server asks to come back no sooner (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Loss {
    /// One that a later attempt may repair.
    pub fn new(status: Status, message: impl Into<String>) -> Loss {
        Loss {
            status,
            message: message.into(),
            permanent: false,
            unauthorized: false,
            dropped: false,
            if_worked: None,
            too_large: false,
            retry_after: None,
        }
    }
}

/// A subscription to be made.
pub struct NewSubscription {
    /// The application's uid; one is generated where there is none.
    pub uid: Option<String>,
    /// The collection's name.
    pub collection: String,
    /// What is asked for.
    pub spec: SubscriptionSpec,
    /// How its changes are delivered.
    pub delivery: DeliveryOptions,
    /// The scope that ends it.
    pub scope: Option<ScopeId>,
    /// See [`SubscriptionMeta::tag`].
    pub tag: u64,
    /// The callback.
    pub sink: Box<dyn EventSink>,
}

/// Something that a live collection has to know.
#[derive(Debug)]
pub enum LiveNotice {
    /// The link is lost, and with it what the server knew of all of them.
    LinkLost {
        /// A message was larger than is accepted.
        was_too_large: bool,
    },
    /// The read that this subscription's live collection has asked for is sent.
    ReadSent(SubId),
    /// It is over.
    ReadOver(SubId, ReadAnswer),
    /// The application has ended the live collection.
    Ended(SubId),
}

/// What became of a new subscription. A sink that was not taken comes back, to
/// be dropped where no lock is held.
pub enum Subscribed {
    /// It was made.
    New,
    /// Its uid is taken by the one with this tag.
    Duplicate {
        /// The tag of the one that exists.
        tag: u64,
        /// The callback that is not used.
        sink: Box<dyn EventSink>,
    },
    /// It could not be made.
    Refused {
        /// Why.
        error: Error,
        /// The callback that is not used.
        sink: Box<dyn EventSink>,
    },
}

/// How far a subscription has come, for a thread that waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SubStatus {
    /// Not answered on the present link.
    Pending,
    /// Its INIT is on the way.
    Active,
    /// The server refused it with this error.
    Refused(String),
    /// It has ended, or never existed.
    Gone,
}

/// The settings of a session. All are positive, unless they say so.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the client authenticates with.
    pub credentials: Credentials,
    /// The URLs of the replicas, without secrets, as they are logged.
    pub endpoints: Vec<String>,
    /// How long a reply of the server may take.
    pub ack_timeout: Duration,
    /// The silence after which the server is asked whether it is there.
    pub heartbeat: Duration,
    /// The first backoff's upper bound.
    pub reconnect_min: Duration,
    /// Every backoff's upper bound.
    pub reconnect_max: Duration,
    /// Failed attempts in a row before giving up; 0 = never.
    pub reconnect_attempts: u32,
    /// Bytes that may be held back, for a snapshot or for sending.
    pub queue_bytes: u64,
    /// Bytes of messages that may wait for a usable link; 0 = none.
    pub send_queue_bytes: u64,
    /// Seed of the jitter.
    pub seed: u64,
}
