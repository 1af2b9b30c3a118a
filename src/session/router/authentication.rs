//! Carries out what replies to credentials mean; `connection/authentication.rs` decides it.

use std::time::Duration;

use super::Session;
use super::link_end::LinkEnd;
use crate::error::Status;
use crate::handover::State;
use crate::log::Level;
use crate::secret::Secret;
use crate::session::connection::authentication::{AfterRefusal, Confirmed, Expiry, Refused};
use crate::session::connection::credentials::{CredentialKind, Shown};
use crate::session::timers::Timer;
use crate::session::{Effect, Now};

impl Session {
    /// The server has confirmed an authentication.
    pub(super) fn on_auth_ok(
        &mut self,
        now: Now,
        uid: Option<&str>,
        refresh_token: Option<Secret>,
    ) {
        let last_serial = self.last_serial;
        let confirmed = self
            .connection
            .confirmed(now, uid, refresh_token, last_serial);
        match confirmed {
            Confirmed::ComeUp => self.come_up(now),
            Confirmed::Renewed(renew_at) => {
                self.timers.stop(Timer::AuthReply);
                self.timers.set_or_stop(Timer::Renew, renew_at);
                let verdicts = self.attribution.on_identity_changed();
                self.carry_out(now, verdicts);
                if self.connection.has_fresh_token() {
                    self.reauthenticate(now, CredentialKind::Token);
                }
                self.flush(now);
            }
            Confirmed::Earlier { show_token } => {
                if show_token {
                    self.reauthenticate(now, CredentialKind::Token);
                }
            }
            Confirmed::Replace(link) => {
                self.outputs.effect(Effect::Close(link));
                self.begin(now);
            }
            Confirmed::Nothing => {}
        }
    }

    /// See [`crate::session::connection::link::Link::is_judged_by_another`].
    pub(super) fn is_judged_by_another(&self, serial: u64) -> bool {
        self.connection.link().is_judged_by_another(serial)
    }

    /// See [`crate::session::connection::link::Link::is_past`].
    pub(super) fn is_past(&self, serial: u64) -> bool {
        self.connection.link().is_past(serial)
    }

    /// Shows a credential on the live link. Nothing else is sent until the reply.
    pub(super) fn reauthenticate(&mut self, now: Now, kind: CredentialKind) {
        // A fresh token is shown after the reply to the one before.
        if !self.connection.link().is_usable() {
            return;
        }
        let uid = format!("auth.{}", self.next_serial());
        let Some(text) = self.connection.renew(now, kind, uid) else {
            return;
        };
        self.timers
            .set(Timer::AuthReply, now.mono + self.config.ack_timeout);
        self.timers.stop(Timer::Renew);
        self.transmit_untracked(now, text);
    }

    /// The time has come to renew the authentication ahead of its end.
    pub(super) fn renew(&mut self, now: Now) {
        match self.connection.renewal() {
            Some(kind) => self.reauthenticate(now, kind),
            None => self.ask_for_token(Status::Ok),
        }
    }

    /// The server has not answered an authentication in time.
    pub(super) fn auth_unanswered(&mut self, now: Now) {
        let link = self.connection.link();
        if link.is_authenticating() {
            let seconds = self.config.ack_timeout.as_secs_f32();
            let message =
                format!("the server did not answer the authentication within {seconds} s");
            self.break_link(now, Status::Timeout, message);
        } else if link.up_id().is_some() {
            let message = "the server did not answer the renewed authentication".into();
            self.break_link(now, Status::Timeout, message);
        } else if let Some(expired) = link.id() {
            self.outputs.effect(Effect::Abort(expired));
            self.begin(now);
        }
    }

    /// The server has refused a credential.
    pub(super) fn on_auth_failed(&mut self, now: Now, uid: Option<&str>, error: &str) {
        let refusal = match self.connection.refused(now, uid, error) {
            Refused::Credential(refusal) => refusal,
            Refused::Guest => return self.guest_refused(now, error),
            Refused::Earlier => return,
        };
        self.drop_link(now, LinkEnd::Lost(&refusal.message));
        if refusal.is_server_busy {
            self.retry_later(now, Status::Auth, refusal.message);
        } else {
            self.credential_refused(now, refusal.shown, refusal.message);
        }
    }

    pub(super) fn credential_refused(&mut self, now: Now, shown: Shown, message: String) {
        match self.connection.after_refusal(now, shown) {
            AfterRefusal::NextCredential => {
                self.log(
                    Level::Warn,
                    format!("{message}; trying the next credential"),
                );
                self.begin(now);
            }
            AfterRefusal::AskForToken(least) => {
                let least = least.unwrap_or(self.config.ack_timeout);
                self.ask_and_retry(now, message, least);
            }
            AfterRefusal::RetryAfter(least) => {
                let message = format!(
                    "{message}; these credentials were accepted before, so the server may be \
                     unable to check them at the moment"
                );
                self.retry_after(now, Status::Auth, message, least);
            }
            AfterRefusal::GiveUp => {
                let message =
                    format!("{message}; check the credentials, and that their user is active");
                self.fail(Status::Auth, message);
            }
        }
    }

    /// Asks for a fresh token, and makes the next attempt with it, or, after `least`,
    /// with what there is.
    fn ask_and_retry(&mut self, now: Now, message: String, least: Duration) {
        self.connection.token_is_overdue();
        self.ask_for_token(Status::Auth);
        let message = format!("{message}; asking for a fresh token");
        let pause = self.retry_after(now, Status::Auth, message, least);
        self.connection.pace_next_token(now, pause);
    }

    /// No `auth` message was sent on this link, and the server wants one.
    fn guest_refused(&mut self, now: Now, error: &str) {
        let reason = format!("the server wants credentials: {error}");
        self.drop_link(now, LinkEnd::Lost(&reason));
        if self.connection.is_strict() {
            let message = format!(
                "the server wants a message of type \"auth\" although the access token is in the URL, as \
                 Directus 10.10 does with WEBSOCKETS_REST_AUTH=strict: update it, or set both \
                 that and `auth_mode` to handshake ({error})"
            );
            return self.fail(Status::Auth, message);
        }
        let message = format!(
            "the server wants credentials, as its WEBSOCKETS_REST_AUTH is not public: set \
             `access_token`, or `email` and `password`, and `auth_mode` to handshake ({error})"
        );
        match self.connection.after_guest_refusal() {
            AfterRefusal::AskForToken(_) => {
                self.ask_and_retry(now, message, self.config.ack_timeout);
            }
            _ => self.fail(Status::Auth, message),
        }
    }

    /// The server has closed or will close a link on which it has waited for an `auth`
    /// message for too long.
    pub(super) fn on_auth_timeout(&mut self, now: Now, error: &str) {
        if self.connection.link().is_guest() {
            self.guest_refused(now, error);
        }
    }

    /// The token has expired on a live link, which is given up: nothing that comes on it
    /// from now on is delivered. A fresh link with a fresh token begins with a RESYNC.
    pub(super) fn on_token_expired(&mut self, now: Now, error: &str) {
        let Some(expiry) = self.connection.expired(now) else {
            return;
        };
        let message = format!("the access token has expired: {error}");
        if let Expiry::AwaitReply(link, renewal) = expiry {
            let deadline = self.timers.at(Timer::AuthReply);
            self.tear_down(now, LinkEnd::Lost(&message));
            self.connection.keep_expired(link, renewal);
            self.timers.set_or_stop(Timer::AuthReply, deadline);
            return self.enter(State::Connecting, Status::Auth, message);
        }
        self.leave_link(now, LinkEnd::Lost(&message));
        match expiry {
            Expiry::AwaitReply(..) => {}
            Expiry::Reconnect => {
                self.enter(State::Connecting, Status::Auth, message);
                self.begin(now);
            }
            Expiry::RetryLater => self.retry_later(now, Status::Auth, message),
            Expiry::AskForToken => self.ask_and_retry(now, message, self.config.ack_timeout),
            Expiry::GiveUp => self.fail(
                Status::Auth,
                "the access token has expired: set a fresh one, or a token callback",
            ),
        }
    }
}
