//! The connection to the server: whether there is to be one, to which endpoint, with which
//! credential, and how far the present link has come.
//!
//! Each file is a part that decides and returns values; the router carries them out.
//!
//! | file | what it knows |
//! | --- | --- |
//! | `link.rs` | the present link and its states |
//! | `authentication.rs` | what the server's replies to credentials mean |
//! | `credentials.rs` | which credential is shown next, and when one is renewed |
//! | `token_life.rs`, `token_question.rs` | when a JWT expires; what the token callback was asked |
//! | `backoff.rs`, `endpoints.rs`, `idle_cuts.rs` | when the next attempt is made, and to which replica; why links are lost |
//! | `heartbeat.rs` | when the server was last heard and asked |
//! | `draining.rs` | links that were left while subscribes were under way |
//! | `reported.rs` | the state that the application knows |

pub mod authentication;
pub mod backoff;
pub mod credentials;
pub mod draining;
mod endpoints;
pub mod heartbeat;
mod idle_cuts;
pub mod link;
pub mod reported;
mod token_life;
mod token_question;

use std::time::Duration;

use self::backoff::Backoff;
use self::credentials::{AuthMode, Keyring};
use self::endpoints::Endpoints;
use self::idle_cuts::IdleCuts;
use self::link::Link;
use super::{Config, LinkId, Loss, Now};
use crate::handover::State;
use crate::secret::Secret;

/// An error has to do with the end of the link if it is no older than this.
const RECENT_ERROR: Duration = Duration::from_secs(30);

/// What the application last asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Desired {
    /// Nothing yet: the first subscription connects.
    Unsaid,
    /// To be connected.
    Connected,
    /// To stay disconnected.
    Disconnected,
}

/// See the module.
#[derive(Debug)]
pub struct Connection {
    desired: Desired,
    link: Link,
    keyring: Keyring,
    backoff: Backoff,
    endpoints: Endpoints,
    idle_cuts: IdleCuts,
    max_attempts: u32,
    /// Refusals in a row that may have been the server's own time-out.
    slow_refusals: u32,
    /// When a token that was asked for may be tried.
    token_not_before: Option<Duration>,
    /// The last error without a uid that the server sent on this link, and when.
    last_error: Option<(Duration, String)>,
    connects: u64,
}

/// How an attempt to connect begins.
#[derive(Debug)]
pub enum Attempt {
    /// The driver is to open this link.
    Open {
        /// Its name.
        link: LinkId,
        /// Which replica it is to.
        endpoint: usize,
        /// Goes into the URL.
        access_token: Option<Secret>,
    },
    /// The application is to be asked for a token first.
    AwaitToken,
    /// There is nothing to show, and no callback to ask.
    NoCredentials,
}

/// What to do on a link that was opened.
#[derive(Debug)]
pub enum Opened {
    /// It is not the one that is wanted.
    Stale,
    /// Send this `auth` message.
    Authenticate(String),
    /// Nothing has to be shown: it is usable.
    Usable,
}

/// What follows from a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The next attempt is made after `wait`, of which the backoff wanted `pause`.
    After {
        /// Until the next attempt.
        wait: Duration,
        /// What the backoff says by itself.
        pause: Duration,
    },
    /// All attempts, so many, are used up.
    GiveUp(u32),
}

/// What to do with a fresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreshToken {
    /// Connect with it now.
    Connect,
    /// Make the next attempt at that time.
    ConnectAt(Duration),
    /// Show it on the link that is up.
    Show,
    /// The next attempt shows it.
    Keep,
}

impl Connection {
    /// No link, and none asked for.
    pub fn new(config: &Config) -> Connection {
        let replicas = config.endpoints.len();
        Connection {
            desired: Desired::Unsaid,
            link: Link::default(),
            keyring: Keyring::new(config.credentials.clone()),
            backoff: Backoff::new(config.reconnect_min, config.reconnect_max, replicas),
            endpoints: Endpoints::new(replicas),
            idle_cuts: IdleCuts::default(),
            max_attempts: config.reconnect_attempts,
            slow_refusals: 0,
            token_not_before: None,
            last_error: None,
            connects: 0,
        }
    }

    /// The present link.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// How often a link was up.
    pub fn connects(&self) -> u64 {
        self.connects
    }

    /// The application wants to be connected, now.
    pub fn want_connected(&mut self) {
        self.desired = Desired::Connected;
    }

    /// The application wants no link.
    pub fn want_disconnected(&mut self) {
        self.desired = Desired::Disconnected;
    }

    /// Something needs a link. Whether it is the first, which connects.
    pub fn want_first(&mut self) -> bool {
        let is_first = self.desired == Desired::Unsaid;
        if is_first {
            self.desired = Desired::Connected;
        }
        is_first
    }

    /// The next attempt is the first one again, and everything may be shown.
    pub fn start_afresh(&mut self) {
        self.backoff.reset();
        self.keyring.forgive();
        self.slow_refusals = 0;
    }

    /// Starts an attempt to connect.
    pub fn begin(&mut self) -> Attempt {
        let endpoint = self.backoff.replica();
        self.endpoints.choose(endpoint);
        if self.keyring.choose().is_none() && self.keyring.needs_credential() {
            if !self.keyring.can_ask() {
                return Attempt::NoCredentials;
            }
            self.link.await_token();
            return Attempt::AwaitToken;
        }
        let in_url = self.keyring.mode() == AuthMode::Strict;
        self.last_error = None;
        Attempt::Open {
            link: self.link.open(),
            endpoint,
            access_token: if in_url { self.keyring.token() } else { None },
        }
    }

    /// The driver has opened a link.
    pub fn opened(&mut self, now: Now, link: LinkId) -> Opened {
        if !self.link.is_opening(link) {
            return Opened::Stale;
        }
        let is_strict = self.keyring.mode() == AuthMode::Strict;
        let kind = self.keyring.choose().filter(|_| !is_strict);
        if let Some((text, shown)) = kind.and_then(|kind| self.keyring.frame(kind, None)) {
            self.link.authenticate(shown, now.mono);
            return Opened::Authenticate(text);
        }
        if is_strict {
            let shown = self.keyring.shown_token();
            self.keyring.accepted(now, shown, None);
        }
        Opened::Usable
    }

    /// The link is usable; returns when the authentication is to be renewed.
    pub fn come_up(&mut self, now: Now) -> Option<Duration> {
        let is_guest = !self.link.is_authenticating();
        self.connects += 1;
        self.slow_refusals = 0;
        self.endpoints.has_worked();
        self.link.come_up(now.mono, is_guest);
        self.keyring.renew_at(now)
    }

    /// The server has sent an error that does not say which message it is for. It may be
    /// why the link is lost next.
    pub fn server_error(&mut self, now: Duration, error: &str) {
        self.last_error = Some((now, error.to_owned()));
    }

    /// The present link is lost, after so long without a frame either way. Adds to the
    /// driver's reason what is known here.
    pub fn explain_loss(&mut self, now: Now, mut loss: Loss, idle_for: Duration) -> Loss {
        if let Some(message) = self.better_reason(now, &mut loss, idle_for) {
            loss.message = message;
        }
        let error = self.last_error.take();
        if let Some((_, error)) = error.filter(|(at, _)| now.mono - *at <= RECENT_ERROR) {
            loss.message = format!("{}; the server's last error was {error}", loss.message);
        }
        loss
    }

    /// What is known here and not to the driver: whether the endpoint has worked before,
    /// and after which silences links were cut.
    fn better_reason(&mut self, now: Now, loss: &mut Loss, idle_for: Duration) -> Option<String> {
        let has_worked = self.endpoints.lost(now.mono, loss.retry_after);
        if has_worked && loss.if_worked.is_some() {
            return loss.if_worked.take();
        }
        self.link.up_id()?;
        if !loss.dropped {
            self.idle_cuts.clear();
            return None;
        }
        self.idle_cuts.cut(idle_for)
    }

    /// An attempt has failed: the next one is made after a pause, not before `least`.
    pub fn retry(&mut self, now: Now, least: Duration, rng: &mut fastrand::Rng) -> Retry {
        if self.max_attempts > 0 && self.backoff.failures() >= self.max_attempts {
            return Retry::GiveUp(self.max_attempts);
        }
        let pause = self.backoff.failed(now.mono, rng);
        let endpoint_wait = self.endpoints.wait(self.backoff.replica(), now.mono);
        let least = least.max(endpoint_wait);
        // Not all clients at the same time.
        let wait = if pause < least { least + pause } else { pause };
        Retry::After { wait, pause }
    }

    /// The link is gone. If it was healthy, attempts are counted anew.
    pub fn end_link(&mut self, now: Now) {
        if self.link.is_healthy(now.mono) {
            self.backoff.reset();
        }
        self.link.end();
    }

    /// There is no attempt under way any more.
    pub fn end_attempt(&mut self) {
        self.link.end();
    }

    /// A fresh token from the application; in `state`, what to do with it.
    pub fn set_token(&mut self, now: Now, token: Secret, state: State) -> FreshToken {
        let was_asked = self.keyring.set_token(token);
        match state {
            _ if self.link.is_awaiting_token() => FreshToken::Connect,
            State::Failed => FreshToken::Connect,
            State::Backoff if was_asked => match self.token_not_before {
                // It may be as bad as the one before: no faster than any other attempt.
                Some(at) if at > now.mono => FreshToken::ConnectAt(at),
                _ => FreshToken::Connect,
            },
            _ if self.link.up_id().is_some() => FreshToken::Show,
            _ => FreshToken::Keep,
        }
    }

    /// Whether a token was set that the server has not seen.
    pub fn has_fresh_token(&self) -> bool {
        self.keyring.has_fresh_token()
    }
}
