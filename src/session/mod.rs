//! One client's life with its server, as a state machine.
//!
//! Nothing here knows sockets, clocks, threads or locks: every input comes with
//! the time, and what is to be done goes out as [`Effect`]s and delivery items.
//! The same inputs give the same outputs, to the bit.

mod auth;
mod backoff;
mod idle_cut;
mod in_flight;
mod outputs;
mod refusals;
mod request;
mod router;
mod scheduler;
mod timers;
mod token_life;
mod token_question;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

pub use auth::{AuthMode, Credentials};
pub use router::Session;
pub use router::commands::{NewSubscription, SubStatus, Subscribed};

use crate::error::Status;
use crate::handover::SubscriptionMeta;
use crate::log::Level;
use crate::secret::Secret;

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
        /// The name that its reports bear.
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
    /// Send what is waiting, say goodbye, close.
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

/// Why a link was lost, as the driver tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The nearest error code.
    pub status: Status,
    /// What was wrong, in words.
    pub message: String,
    /// Retrying cannot mend it (an untrusted certificate).
    pub permanent: bool,
    /// The server's HTTP answer was 401: it refuses the token in the URL.
    pub unauthorized: bool,
    /// The other side, or something in between, ended an open link without a reason.
    pub dropped: bool,
    /// The message where this endpoint has worked before, if it is another one then.
    pub if_worked: Option<String>,
    /// The server's HTTP answer asks to come back no sooner (`Retry-After`).
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
            retry_after: None,
        }
    }
}

/// The settings of a session. All are positive, unless they say so.
#[derive(Clone, Debug)]
pub struct Config {
    /// Who we are.
    pub credentials: Credentials,
    /// The replicas, as they may be shown.
    pub endpoints: Vec<String>,
    /// How long an answer may take.
    pub ack_timeout: Duration,
    /// The silence after which the client asks.
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
