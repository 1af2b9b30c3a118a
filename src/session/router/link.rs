//! The life of a link: from the decision to connect to its loss.

use std::time::Duration;

use super::{Link, NEXT_ATTEMPT, Session, Up};
use crate::error::Status;
use crate::handover::{DeliveryItem, State};
use crate::session::auth::{AuthMode, Kind};
use crate::session::backoff::HEALTHY_AFTER;
use crate::session::in_flight::Purpose;
use crate::session::timers::Timer;
use crate::session::{Effect, LinkId, Loss, Now};

/// An error has to do with the end of the link if it is no older than this.
const LAST_WORD: Duration = Duration::from_secs(30);
/// A server that wants to be left alone for longer is asked after this all the same.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(300);

/// What is known of a replica.
#[derive(Clone, Debug, Default)]
pub struct EndpointState {
    /// There was a usable link to it.
    pub has_worked: bool,
    /// When the server wants to be asked again at the earliest.
    pub not_before: Duration,
}

impl Session {
    /// Starts an attempt to connect.
    pub(super) fn begin(&mut self, now: Now) {
        for timer in [Timer::Reconnect, Timer::TokenReply, Timer::AuthReply] {
            self.timers.stop(timer);
        }
        let endpoint = self.backoff.replica();
        self.endpoint = endpoint;
        let name = self
            .config
            .endpoints
            .get(endpoint)
            .cloned()
            .unwrap_or_default();
        let credential = self.auth.choose();
        if credential.is_none() && self.auth.needs_credential() {
            if !self.auth.can_ask {
                return self.fail(
                    Status::Auth,
                    "there are no credentials to connect with: set access_token, email and \
                     password, or a token callback, or use DRT_AUTH_PUBLIC",
                );
            }
            self.ask_for_token(Status::Ok);
            self.link = Link::AwaitingToken;
            self.timers
                .set(Timer::TokenReply, now.mono + self.config.ack_timeout);
            return self.go(State::Connecting, Status::Ok, "waiting for an access token");
        }
        self.last_link += 1;
        let id = self.last_link;
        let in_url = self.auth.mode() == AuthMode::Strict;
        let access_token = if in_url { self.auth.token() } else { None };
        self.last_word = None;
        self.link = Link::Opening { id };
        self.outputs.effect(Effect::Open {
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
        if self.auth.can_ask && self.auth.question.ask() {
            self.outputs.deliver(DeliveryItem::TokenWanted { reason });
        }
    }

    /// The driver has opened a link.
    pub fn on_opened(&mut self, now: Now, link: LinkId) {
        if !matches!(self.link, Link::Opening { id } if id == link) {
            return self.outputs.effect(Effect::Abort(link));
        }
        let frame = match (self.auth.mode(), self.auth.choose()) {
            (AuthMode::Strict, _) | (_, None) => None,
            (_, Some(kind)) => self.auth.frame(kind, None),
        };
        let Some((text, shown)) = frame else {
            if self.auth.mode() == AuthMode::Strict {
                let shown = self.auth.shown_token();
                self.auth.accepted(now, shown, None);
            }
            return self.come_up(now, link, false);
        };
        self.outputs.effect(Effect::Send { link, text });
        let deadline = now.mono + self.config.ack_timeout;
        self.link = Link::Authenticating {
            id: link,
            shown,
            since: now.mono,
        };
        self.timers.set(Timer::AuthReply, deadline);
        self.go(
            State::Authenticating,
            Status::Ok,
            "the link is open, authenticating",
        );
    }

    /// The link is usable: everything that is wanted goes to the server. Whether an
    /// `auth` message was sent on it.
    pub(super) fn come_up(&mut self, now: Now, id: LinkId, was_shown: bool) {
        self.connects += 1;
        self.slow_refusals = 0;
        if let Some(endpoint) = self.endpoints.get_mut(self.endpoint) {
            endpoint.has_worked = true;
        }
        self.link = Link::Up(Up {
            id,
            since: now.mono,
            last_heard: now.mono,
            last_sent: now.mono,
            probed: None,
            answers_pings: false,
            pong: None,
            judged_before: 0,
            reauth: None,
            is_guest: !was_shown,
        });
        self.timers.stop(Timer::AuthReply);
        self.timers
            .set_or_stop(Timer::Renew, self.auth.renew_at(now));
        self.timers
            .set(Timer::Heartbeat, now.mono + self.config.heartbeat);
        self.go(State::Connected, Status::Ok, "connected");
        let all = self.registry.select(|_| true);
        self.scheduler.new_link(all);
        if self.auth.has_fresh_token() {
            self.reauthenticate(now, Kind::Token);
        }
        self.pump(now);
    }

    /// The application has not given the token that it was asked for.
    pub(super) fn token_unanswered(&mut self, now: Now) {
        self.link = Link::None;
        self.auth.question.is_overdue();
        let seconds = self.config.ack_timeout.as_secs_f32();
        let message = format!("no access token was given within {seconds} s");
        self.retry_later(now, Status::Auth, message);
    }

    /// The server has not answered an authentication.
    pub(super) fn auth_unanswered(&mut self, now: Now) {
        match &self.link {
            Link::Authenticating { .. } => {
                let seconds = self.config.ack_timeout.as_secs_f32();
                let message =
                    format!("the server did not answer the authentication within {seconds} s");
                self.break_link(now, Status::Timeout, message);
            }
            Link::Up(_) => {
                let message = "the server did not answer the renewed authentication".into();
                self.break_link(now, Status::Timeout, message);
            }
            Link::Expired { id, .. } => {
                self.outputs.effect(Effect::Abort(*id));
                self.begin(now);
            }
            _ => {}
        }
    }

    /// We give the present link up.
    pub(super) fn break_link(&mut self, now: Now, status: Status, message: String) {
        let id = match &self.link {
            Link::None | Link::AwaitingToken => return,
            Link::Opening { id } | Link::Authenticating { id, .. } | Link::Expired { id, .. } => {
                *id
            }
            Link::Up(up) => up.id,
        };
        self.outputs.effect(Effect::Abort(id));
        self.lost(now, Loss::new(status, message));
    }

    /// The driver has lost a link.
    pub fn on_lost(&mut self, now: Now, link: LinkId, loss: Loss) {
        self.lingers.retain(|linger| linger.link != link);
        self.timers.stop(Timer::CloseDraining(link));
        self.outputs.notify();
        let current = match &self.link {
            Link::Opening { id } | Link::Authenticating { id, .. } | Link::Expired { id, .. } => {
                *id == link
            }
            Link::Up(up) => up.id == link,
            _ => false,
        };
        if current {
            self.lost(now, loss);
        }
    }

    fn lost(&mut self, now: Now, mut loss: Loss) {
        if let Some(message) = self.explain_loss(now, &mut loss) {
            loss.message = message;
        }
        self.tear_down(now, Status::NotConnected);
        let last_word = self.last_word.take();
        let message = match last_word.filter(|(at, _)| now.mono - *at <= LAST_WORD) {
            Some((_, word)) => format!("{}; the server's last error was {word}", loss.message),
            None => loss.message,
        };
        if loss.permanent {
            self.fail(loss.status, message);
        } else if loss.unauthorized && self.auth.mode() == AuthMode::Strict {
            self.credential_refused(now, self.auth.shown_token(), message);
        } else {
            self.retry_later(now, loss.status, message);
        }
    }

    /// What the session knows better than the driver: whether the endpoint has worked
    /// before, and how long an open link was silent.
    fn explain_loss(&mut self, now: Now, loss: &mut Loss) -> Option<String> {
        if let Some(endpoint) = self.endpoints.get_mut(self.endpoint) {
            let retry_after = loss.retry_after.unwrap_or_default();
            endpoint.not_before = now.mono + retry_after.min(LONGEST_RETRY_AFTER);
            if endpoint.has_worked && loss.if_worked.is_some() {
                return loss.if_worked.take();
            }
        }
        let Link::Up(up) = &self.link else {
            return None;
        };
        if !loss.dropped {
            self.idle_cuts.clear();
            return None;
        }
        let silence = now.mono.saturating_sub(up.last_heard.max(up.last_sent));
        self.idle_cuts.cut(silence)
    }

    pub(super) fn retry_later(&mut self, now: Now, status: Status, message: String) {
        self.retry_after(now, status, message, Duration::ZERO);
    }

    /// Makes the next attempt after a pause, not before `least`. Returns the pause as
    /// the backoff has it, unless all attempts are used up.
    pub(super) fn retry_after(
        &mut self,
        now: Now,
        status: Status,
        message: String,
        least: Duration,
    ) -> Option<Duration> {
        let most = self.config.reconnect_attempts;
        if most > 0 && self.backoff.failures() >= most {
            let message = format!("gave up after {most} attempts to reconnect: {message}");
            self.fail(status, message);
            return None;
        }
        let pause = self.backoff.failed(now.mono, &mut self.rng);
        let next = self.endpoints.get(self.backoff.replica());
        let wanted = next.map(|next| next.not_before.saturating_sub(now.mono));
        let least = least.max(wanted.unwrap_or_default());
        // Not all clients at the same time.
        let wait = if pause < least { least + pause } else { pause };
        self.timers.set(Timer::Reconnect, now.mono + wait);
        let message = format!("{message}{NEXT_ATTEMPT}{:.1} s", wait.as_secs_f32());
        self.go(State::Backoff, status, message);
        Some(pause)
    }

    pub(super) fn fail(&mut self, status: Status, message: impl Into<String>) {
        self.link = Link::None;
        self.timers.stop(Timer::Reconnect);
        self.clear_send_queue(Status::NotConnected, "the client failed");
        self.go(State::Failed, status, message);
    }

    /// Forgets everything that was between us and the server on this link. If it was
    /// healthy, attempts are counted anew.
    pub(super) fn tear_down(&mut self, now: Now, status: Status) {
        if let Link::Up(up) = &self.link {
            if now.mono.saturating_sub(up.since) >= HEALTHY_AFTER {
                self.backoff.reset();
            }
        }
        self.link = Link::None;
        self.timers.stop_link();
        self.one_at_a_time = false;
        let waiting = self.keep_for_next_link();
        for entry in self.in_flight.on_link_lost(&waiting) {
            if let Purpose::Request(request) = entry.purpose {
                self.reply(*request, status, "");
            }
        }
        self.scheduler.link_lost();
        self.unexplained.clear();
        self.ambiguous.clear();
        self.owed.clear();
        for subscription in self.registry.iter_mut() {
            subscription.link_lost();
        }
        self.outputs.notify();
    }
}
