//! The life of a link: from the wish to connect to its loss.

use std::time::Duration;

use super::auth::{AuthMode, Kind};
use super::backoff::HEALTHY_AFTER;
use super::ledger::What;
use super::machine::{Link, Reauth, Session, Up};
use super::{Effect, LinkId, Loss, Now};
use crate::error::Status;
use crate::handover::{Item, State};
use crate::log::Level;
use crate::protocol::outgoing;
use crate::secret::Secret;
use crate::subscriptions::Phase;

/// A refusal that took this long may be the server's own time-out: it cannot
/// tell the two apart in its answer.
const SLOW_REFUSAL: Duration = Duration::from_secs(2);
const SLOW_REFUSALS: u32 = 3;
/// A token that was asked for is tried after this at the latest.
const LONGEST_PROMPT: Duration = Duration::from_secs(2);
/// An error has to do with the end of the link if it is no older than this.
const LAST_WORD: Duration = Duration::from_secs(30);

impl Session {
    /// Starts an attempt to connect.
    pub(super) fn begin(&mut self, now: Now) {
        self.retry_at = None;
        let endpoint = self.backoff.replica();
        let name = self
            .config
            .endpoints
            .get(endpoint)
            .cloned()
            .unwrap_or_default();
        let credential = self.auth.choose();
        if credential.is_none() && self.auth.mode() != AuthMode::Public {
            if !self.auth.can_ask {
                return self.fail(
                    Status::Auth,
                    "there are no credentials to connect with: set access_token, email and \
                     password, or a token callback, or use DRT_AUTH_PUBLIC",
                );
            }
            self.ask_for_token(Status::Ok);
            self.link = Link::AwaitingToken {
                deadline: now.mono + self.config.ack_timeout,
            };
            return self.go(State::Connecting, Status::Ok, "waiting for an access token");
        }
        self.last_link += 1;
        let id = self.last_link;
        let in_url = self.auth.mode() == AuthMode::Strict;
        let access_token = if in_url { self.auth.token() } else { None };
        self.last_word = None;
        self.link = Link::Opening { id };
        self.effects.push(Effect::Open {
            link: id,
            endpoint,
            access_token,
        });
        self.go(
            State::Connecting,
            Status::Ok,
            format!("connecting to {name}"),
        );
    }

    pub(super) fn ask_for_token(&mut self, reason: Status) {
        if self.auth.can_ask && !self.auth.asked {
            self.auth.asked = true;
            self.items.push(Item::TokenWanted { reason });
        }
    }

    /// The driver has opened a link.
    pub fn on_opened(&mut self, now: Now, link: LinkId) {
        if !matches!(self.link, Link::Opening { id } if id == link) {
            return self.effects.push(Effect::Abort(link));
        }
        let frame = match (self.auth.mode(), self.auth.choose()) {
            (AuthMode::Strict, _) | (_, None) => None,
            (_, Some(kind)) => self.auth.frame(kind, None).map(|text| (kind, text)),
        };
        let Some((kind, text)) = frame else {
            if self.auth.mode() == AuthMode::Strict {
                self.auth.accepted(now, Kind::Token, None);
            }
            return self.come_up(now, link);
        };
        self.effects.push(Effect::Send { link, text });
        let deadline = now.mono + self.config.ack_timeout;
        self.link = Link::Authenticating {
            id: link,
            kind,
            since: now.mono,
            deadline,
        };
        self.go(
            State::Authenticating,
            Status::Ok,
            "the link is open, authenticating",
        );
    }

    /// The link is usable: everything that is wanted goes to the server.
    fn come_up(&mut self, now: Now, id: LinkId) {
        self.connects += 1;
        self.slow_refusals = 0;
        self.link = Link::Up(Up {
            id,
            since: now.mono,
            last_heard: now.mono,
            probed: None,
            answers_pings: false,
            reauth: None,
            renew_at: self.auth.renew_at(now),
            deaf_until: None,
        });
        self.pacer.new_link();
        self.go(State::Connected, Status::Ok, "connected");
        self.subscribes = self.registry.select(|_| true).into();
        if self.auth.has_fresh_token() {
            self.reauthenticate(now, Kind::Token);
        }
        self.pump(now);
    }

    /// The server has confirmed an authentication.
    pub(super) fn on_auth_ok(&mut self, now: Now, refresh_token: Option<Secret>) {
        match &mut self.link {
            Link::Authenticating { id, kind, .. } => {
                let (id, kind) = (*id, *kind);
                self.auth.accepted(now, kind, refresh_token);
                self.come_up(now, id);
            }
            Link::Up(up) => {
                let Some(reauth) = up.reauth.take() else {
                    return;
                };
                let was_deaf = up.deaf_until.take().is_some();
                self.auth.accepted(now, reauth.kind, refresh_token);
                let renew_at = self.auth.renew_at(now);
                if let Some(up) = self.up() {
                    up.renew_at = renew_at;
                }
                if self.auth.has_fresh_token() {
                    self.reauthenticate(now, Kind::Token);
                }
                if was_deaf {
                    self.go(State::Connected, Status::Ok, "authenticated again");
                    self.resync_deaf(now);
                }
                self.pump(now);
            }
            _ => {}
        }
    }

    /// Shows a credential on the live link. Nothing else is sent until the
    /// answer: the server may lose it, or judge it by the old identity.
    pub(super) fn reauthenticate(&mut self, now: Now, kind: Kind) {
        // A fresh token is shown after the answer to the one before.
        if self.up().is_none_or(|up| up.reauth.is_some()) {
            return;
        }
        let deadline = now.mono + self.config.ack_timeout;
        let Some(text) = self.auth.frame(kind, Some("auth")) else {
            return;
        };
        let Some(up) = self.up() else { return };
        up.reauth = Some(Reauth { kind, deadline });
        up.renew_at = None;
        self.transmit_casually(now, text);
    }

    /// The server has refused a credential.
    pub(super) fn on_auth_failed(&mut self, now: Now, words: &str) {
        let (id, kind, slow) = match &self.link {
            Link::Authenticating {
                id, kind, since, ..
            } => (*id, *kind, now.mono.saturating_sub(*since) >= SLOW_REFUSAL),
            Link::Up(up) => match &up.reauth {
                Some(reauth) => (up.id, reauth.kind, false),
                None => return,
            },
            _ => return,
        };
        self.effects.push(Effect::Abort(id));
        self.tear_down(Status::NotConnected);
        if slow && self.slow_refusals + 1 < SLOW_REFUSALS {
            self.slow_refusals += 1;
            let message =
                format!("the authentication failed slowly, perhaps a busy server: {words}");
            return self.retry_later(now, Status::Auth, message);
        }
        let which = match kind {
            Kind::Token => "access token",
            Kind::Refresh => "refresh token",
            Kind::Password => "email and password",
        };
        let message = format!("the server refused the {which}: {words}");
        self.credential_refused(now, kind, message);
    }

    fn credential_refused(&mut self, now: Now, kind: Kind, message: String) {
        self.slow_refusals = 0;
        self.auth.refused(kind);
        if self.auth.choose().is_some() {
            self.log(
                Level::Warn,
                format!("{message}; trying the next credential"),
            );
            return self.begin(now);
        }
        if !self.auth.can_ask {
            return self.fail(Status::Auth, message);
        }
        self.ask_for_token(Status::Auth);
        self.retry_later(
            now,
            Status::Auth,
            format!("{message}; a fresh token was asked for"),
        );
        // The answer comes when it comes. It is tried at once the first time, and after
        // a pause when that was refused, too; some tokens do not live for a long one.
        let pause_ends = self.retry_at.map(|at| at.min(now.mono + LONGEST_PROMPT));
        self.prompt_at = pause_ends.filter(|_| self.backoff.failures() > 1);
        self.retry_at = self
            .retry_at
            .map(|at| at.max(now.mono + self.config.ack_timeout));
    }

    /// The token has expired on a live link: until the server knows us again,
    /// whatever it sends is what the public may see.
    pub(super) fn on_token_expired(&mut self, now: Now, words: &str) {
        let deadline = now.mono + self.config.ack_timeout;
        self.auth.expired(now);
        let Some(up) = self.up() else { return };
        up.deaf_until = Some(deadline);
        up.renew_at = None;
        let renewing = up.reauth.is_some();
        self.go_deaf();
        self.go(
            State::Authenticating,
            Status::Auth,
            format!("the token has expired: {words}"),
        );
        if renewing {
            return;
        }
        match self.auth.choose() {
            Some(kind) => self.reauthenticate(now, kind),
            None if self.auth.can_ask => self.ask_for_token(Status::Auth),
            None => {
                self.drop_link(Status::NotConnected);
                self.fail(
                    Status::Auth,
                    "the access token has expired: give a fresh one with drt_client_set_token, \
                     or set a token callback",
                );
            }
        }
    }

    /// Timers of the link itself.
    pub(super) fn check_link(&mut self, now: Now) {
        match &self.link {
            Link::AwaitingToken { deadline } if *deadline <= now.mono => {
                self.link = Link::None;
                self.auth.asked = false;
                let seconds = self.config.ack_timeout.as_secs_f32();
                let message = format!("no access token was given within {seconds} s");
                self.retry_later(now, Status::Auth, message);
            }
            Link::Authenticating { deadline, .. } if *deadline <= now.mono => {
                let seconds = self.config.ack_timeout.as_secs_f32();
                let message =
                    format!("the server did not answer the authentication within {seconds} s");
                self.break_link(now, Status::Timeout, message);
            }
            Link::Up(up) => {
                let reauth_late = up.reauth.as_ref().is_some_and(|r| r.deadline <= now.mono);
                let deaf_late = up.deaf_until.is_some_and(|until| until <= now.mono);
                let renew = up.renew_at.is_some_and(|at| at <= now.mono);
                if reauth_late {
                    let message = "the server did not answer the renewed authentication".into();
                    return self.break_link(now, Status::Timeout, message);
                }
                if deaf_late {
                    self.auth.asked = false;
                    let message = "the token has expired, and no fresh one was given".into();
                    return self.break_link(now, Status::Auth, message);
                }
                if renew {
                    self.renew(now);
                }
                self.check_heartbeat(now);
            }
            _ => {}
        }
    }

    fn renew(&mut self, now: Now) {
        if let Some(up) = self.up() {
            up.renew_at = None;
        }
        match self.auth.renewal() {
            Some(kind) => self.reauthenticate(now, kind),
            None => self.ask_for_token(Status::Ok),
        }
    }

    /// We give the present link up.
    pub(super) fn break_link(&mut self, now: Now, status: Status, message: String) {
        let id = match &self.link {
            Link::None | Link::AwaitingToken { .. } => return,
            Link::Opening { id } | Link::Authenticating { id, .. } => *id,
            Link::Up(up) => up.id,
        };
        self.effects.push(Effect::Abort(id));
        self.lost(
            now,
            Loss {
                status,
                message,
                permanent: false,
                unauthorized: false,
            },
        );
    }

    /// The driver has lost a link.
    pub fn on_lost(&mut self, now: Now, link: LinkId, loss: Loss) {
        self.lingers.retain(|linger| linger.link != link);
        self.changed = true;
        let current = match &self.link {
            Link::Opening { id } | Link::Authenticating { id, .. } => *id == link,
            Link::Up(up) => up.id == link,
            _ => false,
        };
        if current {
            self.lost(now, loss);
        }
    }

    fn lost(&mut self, now: Now, loss: Loss) {
        if let Link::Up(up) = &self.link {
            if now.mono.saturating_sub(up.since) >= HEALTHY_AFTER {
                self.backoff.reset();
            }
        }
        self.tear_down(Status::NotConnected);
        let last_word = self.last_word.take();
        let message = match last_word.filter(|(at, _)| now.mono - *at <= LAST_WORD) {
            Some((_, word)) => format!("{}; the server's last error was {word}", loss.message),
            None => loss.message,
        };
        if loss.permanent {
            self.fail(loss.status, message);
        } else if loss.unauthorized && self.auth.mode() == AuthMode::Strict {
            self.credential_refused(now, Kind::Token, message);
        } else {
            self.retry_later(now, loss.status, message);
        }
    }

    fn retry_later(&mut self, now: Now, status: Status, message: String) {
        let most = self.config.reconnect_attempts;
        if most > 0 && self.backoff.failures() >= most {
            let message = format!("gave up after {most} attempts to reconnect: {message}");
            return self.fail(status, message);
        }
        let wait = self.backoff.failed(&mut self.rng);
        self.retry_at = Some(now.mono + wait);
        let message = format!("{message}; next attempt in {:.1} s", wait.as_secs_f32());
        self.go(State::Backoff, status, message);
    }

    pub(super) fn fail(&mut self, status: Status, message: impl Into<String>) {
        self.link = Link::None;
        self.retry_at = None;
        self.go(State::Failed, status, message);
    }

    /// Forgets everything that was between us and the server on this link.
    pub(super) fn tear_down(&mut self, status: Status) {
        self.link = Link::None;
        self.retry_at = None;
        self.one_at_a_time = false;
        self.drop_outbox();
        for entry in self.ledger.clear() {
            if let What::Request(request) = entry.what {
                self.reply(*request, status, "");
            }
        }
        self.unsubscribes.clear();
        self.reads.clear();
        self.checks.clear();
        self.subscribes.clear();
        self.sleeping.clear();
        self.resting.clear();
        self.unexplained.clear();
        self.ambiguous.clear();
        for subscription in self.registry.iter_mut() {
            subscription.phase = Phase::Wanted;
        }
        self.changed = true;
    }

    pub(super) fn pong(&mut self, now: Now) {
        self.transmit_casually(now, outgoing::pong());
    }
}
