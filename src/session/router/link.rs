//! The life of a link, from the request to connect to its loss.

use std::time::Duration;

use super::Session;
use super::link_end::LinkEnd;
use crate::error::Status;
use crate::handover::{DeliveryItem, State};
use crate::session::connection::credentials::CredentialKind;
use crate::session::connection::{Attempt, Opened, Retry};
use crate::session::in_flight::Purpose;
use crate::session::timers::Timer;
use crate::session::{Effect, LinkId, LiveNotice, Loss, Now};

impl Session {
    /// Starts an attempt to connect.
    pub(super) fn begin(&mut self, now: Now) {
        for timer in [Timer::Reconnect, Timer::TokenReply, Timer::AuthReply] {
            self.timers.stop(timer);
        }
        match self.connection.begin() {
            Attempt::Open {
                link,
                endpoint,
                access_token,
            } => {
                self.outputs.effect(Effect::Open {
                    link,
                    endpoint,
                    access_token,
                });
                let name = self.config.endpoints.get(endpoint);
                let message = format!("connecting to {}", name.map_or("", String::as_str));
                self.enter(State::Connecting, Status::Ok, message);
            }
            Attempt::AwaitToken => {
                self.ask_for_token(Status::Ok);
                self.timers
                    .set(Timer::TokenReply, now.mono + self.config.ack_timeout);
                self.enter(State::Connecting, Status::Ok, "waiting for an access token");
            }
            Attempt::NoCredentials => self.fail(
                Status::Auth,
                "there are no credentials to connect with: set `access_token`, `email` and \
                 `password`, or a token callback, or set `auth_mode` to public",
            ),
        }
    }

    pub(super) fn ask_for_token(&mut self, reason: Status) {
        if self.connection.ask_for_token() {
            self.outputs.deliver(DeliveryItem::TokenWanted { reason });
        }
    }

    /// The application has not given the token that it was asked for.
    pub(super) fn token_unanswered(&mut self, now: Now) {
        self.connection.end_attempt();
        self.connection.token_is_overdue();
        let seconds = self.config.ack_timeout.as_secs_f32();
        let message = format!("no access token was given within {seconds} s");
        self.retry_later(now, Status::Auth, message);
    }

    /// The driver has opened a link.
    pub fn on_opened(&mut self, now: Now, link: LinkId) {
        match self.connection.opened(now, link) {
            Opened::Stale => self.outputs.effect(Effect::Abort(link)),
            Opened::Usable => self.come_up(now),
            Opened::Authenticate(text) => {
                self.outputs.effect(Effect::Send { link, text });
                self.timers
                    .set(Timer::AuthReply, now.mono + self.config.ack_timeout);
                self.enter(
                    State::Authenticating,
                    Status::Ok,
                    "the link is open, authenticating",
                );
            }
        }
    }

    /// The link is usable: every subscription goes to the server.
    pub(super) fn come_up(&mut self, now: Now) {
        let renew_at = self.connection.come_up(now);
        self.heartbeat.start(now.mono);
        self.timers.stop(Timer::AuthReply);
        self.timers.set_or_stop(Timer::Renew, renew_at);
        self.timers
            .set(Timer::Heartbeat, now.mono + self.config.heartbeat);
        self.enter(State::Connected, Status::Ok, "connected");
        let all = self.registry.select(|_| true);
        self.scheduler.new_link(all);
        if self.connection.has_fresh_token() {
            self.reauthenticate(now, CredentialKind::Token);
        }
        self.flush(now);
    }

    /// We give the present link up.
    pub(super) fn break_link(&mut self, now: Now, status: Status, message: String) {
        if let Some(link) = self.connection.link().id() {
            self.outputs.effect(Effect::Abort(link));
            self.lost(now, Loss::new(status, message));
        }
    }

    /// The driver has lost a link.
    pub fn on_lost(&mut self, now: Now, link: LinkId, loss: Loss) {
        self.draining.remove(link);
        self.timers.stop(Timer::CloseDraining(link));
        self.outputs.notify();
        if self.connection.link().id() == Some(link) {
            self.lost(now, loss);
        }
    }

    fn lost(&mut self, now: Now, loss: Loss) {
        let idle_for = self.heartbeat.idle_for(now.mono);
        let loss = self.connection.explain_loss(now, loss, idle_for);
        self.tear_down(now, LinkEnd::Lost(&loss.message));
        if loss.too_large {
            let was_too_large = true;
            self.outputs.notice(LiveNotice::LinkLost { was_too_large });
        }
        if loss.permanent {
            self.fail(loss.status, loss.message);
        } else if loss.unauthorized && self.connection.is_strict() {
            self.credential_refused(now, self.connection.shown_token(), loss.message);
        } else {
            self.retry_later(now, loss.status, loss.message);
        }
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
        match self.connection.retry(now, least, &mut self.rng) {
            Retry::After { wait, pause } => {
                self.timers.set(Timer::Reconnect, now.mono + wait);
                self.enter_with(State::Backoff, status, message, Some(wait));
                Some(pause)
            }
            Retry::GiveUp(most) => {
                let attempts = if most == 1 { "attempt" } else { "attempts" };
                let message = format!("gave up after {most} {attempts} to reconnect: {message}");
                self.fail(status, message);
                None
            }
        }
    }

    pub(super) fn fail(&mut self, status: Status, message: impl Into<String>) {
        let message = message.into();
        self.connection.end_attempt();
        self.timers.stop(Timer::Reconnect);
        self.clear_send_queue(LinkEnd::Failed(&message));
        self.enter(State::Failed, status, message);
    }

    /// Forgets everything that was between us and the server on this link.
    pub(super) fn tear_down(&mut self, now: Now, end: LinkEnd<'_>) {
        self.connection.end_link(now);
        self.heartbeat.stop();
        self.timers.stop_link();
        self.attribution.on_link_lost();
        let waiting = self.keep_for_next_link(end);
        for entry in self.in_flight.on_link_lost(&waiting) {
            let was_sent = entry.is_sent();
            if let Purpose::Request(request) = entry.purpose {
                self.reply(*request, end.status(), end.sentence(was_sent));
            }
        }
        self.scheduler.link_lost();
        for subscription in self.registry.iter_mut() {
            subscription.link_lost();
        }
        let was_too_large = false;
        self.outputs.notice(LiveNotice::LinkLost { was_too_large });
        self.outputs.notify();
    }
}
