//! Who the server takes us for: credentials shown, accepted, refused, expired.
//!
//! A link on which a token has expired is given up. Directus before 12.1.1 does not
//! check what it sends on such a link as it should, not even for a while after the
//! authentication was renewed on it.

use std::time::Duration;

use super::{Link, Reauth, Session};
use crate::error::Status;
use crate::handover::State;
use crate::log::Level;
use crate::secret::Secret;
use crate::session::auth::{AuthMode, Kind, Shown};
use crate::session::backoff::HEALTHY_AFTER;
use crate::session::timers::Timer;
use crate::session::{Effect, Now};

/// A refusal that took this long may be the server's own time-out: it cannot
/// tell the two apart in its answer.
const SLOW_REFUSAL: Duration = Duration::from_secs(2);
const SLOW_REFUSALS: u32 = 3;
/// Why the right password may be refused.
const TWO_FACTOR: &str = "; a user with two-factor authentication cannot log in by email and \
                          password over a WebSocket: log in by REST with the code and give the \
                          token, or use a refresh token or a static token";
/// A token that was asked for is tried after this at the latest.
const LONGEST_PROMPT: Duration = Duration::from_secs(2);

impl Reauth {
    /// An answer without a uid is taken for the one that is awaited.
    fn is_answered_by(&self, uid: Option<&str>) -> bool {
        uid.is_none_or(|uid| uid == self.uid)
    }
}

impl Session {
    /// The server has confirmed an authentication.
    pub(super) fn on_auth_ok(
        &mut self,
        now: Now,
        uid: Option<&str>,
        refresh_token: Option<Secret>,
    ) {
        match &mut self.link {
            Link::Authenticating { id, shown, .. } => {
                let (id, shown) = (*id, *shown);
                self.auth.accepted(now, shown, refresh_token);
                self.come_up(now, id, true);
            }
            // The answer to another one would bring no refresh token.
            Link::Expired { id, reauth } if reauth.is_answered_by(uid) => {
                let (id, shown) = (*id, reauth.shown);
                self.auth.accepted(now, shown, refresh_token);
                self.outputs.effect(Effect::Close(id));
                self.begin(now);
            }
            Link::Up(up) => match up.reauth.take_if(|reauth| reauth.is_answered_by(uid)) {
                Some(reauth) => self.reauthenticated(now, reauth.shown, refresh_token),
                None => self.on_late_auth_ok(now, refresh_token),
            },
            _ => {}
        }
    }

    fn reauthenticated(&mut self, now: Now, shown: Shown, refresh_token: Option<Secret>) {
        self.auth.accepted(now, shown, refresh_token);
        let renew_at = self.auth.renew_at(now);
        let judged_before = self.last_serial;
        let Some(up) = self.up() else { return };
        up.judged_before = judged_before;
        self.timers.stop(Timer::AuthReply);
        self.timers.set_or_stop(Timer::Renew, renew_at);
        self.settle_suspects(now);
        if self.auth.has_fresh_token() {
            self.reauthenticate(now, Kind::Token);
        }
        self.pump(now);
    }

    /// Whether the server judges a message, or has judged it, by an identity that is
    /// about to change or has changed. Its answer may come after the next identity's.
    pub(super) fn is_judged_by_another(&self, serial: u64) -> bool {
        let Link::Up(up) = &self.link else {
            return false;
        };
        up.reauth.is_some() || self.is_past(serial)
    }

    /// Whether a message was sent before the present identity was shown.
    pub(super) fn is_past(&self, serial: u64) -> bool {
        matches!(&self.link, Link::Up(up) if serial <= up.judged_before)
    }

    /// The server has confirmed a credential after it was shown another one, or the same
    /// again. Whom it takes us for in the end is the last answer's.
    fn on_late_auth_ok(&mut self, now: Now, refresh_token: Option<Secret>) {
        self.auth.keep_refresh_token(refresh_token);
        if self.auth.choose() == Some(Kind::Token) {
            self.reauthenticate(now, Kind::Token);
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
        let uid = format!("auth.{}", self.next_serial());
        let Some((text, shown)) = self.auth.frame(kind, Some(&uid)) else {
            return;
        };
        let Some(up) = self.up() else { return };
        up.reauth = Some(Reauth {
            uid,
            shown,
            sent: now.mono,
        });
        up.is_guest = false;
        self.timers.set(Timer::AuthReply, deadline);
        self.timers.stop(Timer::Renew);
        self.transmit_untracked(now, text);
    }

    /// The server has refused a credential.
    pub(super) fn on_auth_failed(&mut self, now: Now, uid: Option<&str>, words: &str) {
        let (id, shown, slow) = match &self.link {
            Link::Authenticating {
                id, shown, since, ..
            } => (*id, *shown, now.mono.saturating_sub(*since) >= SLOW_REFUSAL),
            Link::Up(up) => match &up.reauth {
                Some(reauth) if reauth.is_answered_by(uid) => (up.id, reauth.shown, false),
                None if up.is_guest && uid.is_none() => return self.guest_refused(now, words),
                // One that was shown before: the server ends the link, if it minds.
                _ => return,
            },
            Link::Expired { id, reauth } if reauth.is_answered_by(uid) => {
                (*id, reauth.shown, false)
            }
            _ => return,
        };
        self.outputs.effect(Effect::Abort(id));
        self.tear_down(now, Status::NotConnected);
        let was_accepted = self.auth.was_accepted(shown);
        if slow && !was_accepted && self.slow_refusals + 1 < SLOW_REFUSALS {
            self.slow_refusals += 1;
            let message =
                format!("the authentication failed slowly, perhaps a busy server: {words}");
            return self.retry_later(now, Status::Auth, message);
        }
        let which = match shown.kind {
            Kind::Token => "access token",
            Kind::Refresh => "refresh token",
            Kind::Password => "email and password",
        };
        let mut message = format!("the server refused the {which}: {words}");
        if shown.kind == Kind::Password && !was_accepted {
            message.push_str(TWO_FACTOR);
        }
        self.credential_refused(now, shown, message);
    }

    pub(super) fn credential_refused(&mut self, now: Now, shown: Shown, message: String) {
        self.slow_refusals = 0;
        self.auth.refused(now, shown);
        if self.auth.choose().is_some() && self.auth.wait(now).is_zero() {
            self.log(
                Level::Warn,
                format!("{message}; trying the next credential"),
            );
            return self.begin(now);
        }
        let is_usable = self.auth.choose().is_some() || self.auth.forgive_what_was_accepted(now);
        let wait = self.auth.wait(now);
        match (is_usable, self.auth.can_ask) {
            (true, true) => self.ask_and_retry(now, message, wait),
            (true, false) => {
                let message = format!(
                    "{message}; these credentials were accepted before, so the server may be \
                     unable to check them at the moment"
                );
                self.retry_after(now, Status::Auth, message, wait);
            }
            (false, true) => self.ask_and_retry(now, message, self.config.ack_timeout),
            (false, false) => {
                let message =
                    format!("{message}; check the credentials, and that their user is active");
                self.fail(Status::Auth, message);
            }
        }
    }

    /// Asks for a fresh token, and makes the next attempt with it, or, after `least`,
    /// with what there is.
    fn ask_and_retry(&mut self, now: Now, message: String, least: Duration) {
        self.auth.question.is_overdue();
        self.ask_for_token(Status::Auth);
        let message = format!("{message}; a fresh token was asked for");
        let pause = self.retry_after(now, Status::Auth, message, least);
        // The answer comes when it comes. It is tried at once the first time, and after
        // a pause when that was refused, too; some tokens do not live for a long one.
        let pause_ends = pause.map(|pause| now.mono + pause.min(LONGEST_PROMPT));
        self.prompt_at = pause_ends.filter(|_| self.backoff.failures() > 1);
    }

    /// No `auth` message was sent on this link, and the server wants one.
    fn guest_refused(&mut self, now: Now, words: &str) {
        self.drop_link(now, Status::NotConnected);
        if self.auth.mode() == AuthMode::Strict {
            let message = format!(
                "the server wants an `auth` message although the access token is in the URL, as \
                 Directus 10.10 does with WEBSOCKETS_REST_AUTH=strict: update it, or set that to \
                 handshake and use DRT_AUTH_HANDSHAKE ({words})"
            );
            return self.fail(Status::Auth, message);
        }
        let message = format!(
            "the server wants credentials, as its WEBSOCKETS_REST_AUTH is not public: set \
             access_token, or email and password, and use DRT_AUTH_HANDSHAKE ({words})"
        );
        self.auth.refuse_guests();
        if self.auth.can_ask {
            self.ask_and_retry(now, message, self.config.ack_timeout);
        } else {
            self.fail(Status::Auth, message);
        }
    }

    /// The server has closed or will close a link on which it has waited for an `auth`
    /// message for too long.
    pub(super) fn on_auth_timeout(&mut self, now: Now, words: &str) {
        if matches!(&self.link, Link::Up(up) if up.is_guest) {
            self.guest_refused(now, words);
        }
    }

    /// The token has expired on a live link, which is given up: nothing that comes on it
    /// from now on is delivered. A fresh link with a fresh token begins with a RESYNC.
    pub(super) fn on_token_expired(&mut self, now: Now, words: &str) {
        let Link::Up(up) = &mut self.link else { return };
        let (id, reauth) = (up.id, up.reauth.take());
        let was_healthy = now.mono.saturating_sub(up.since) >= HEALTHY_AFTER;
        self.auth.expired(now);
        let message = format!("the access token has expired: {words}");
        if let Some(reauth) = reauth.filter(|reauth| reauth.shown.kind == Kind::Refresh) {
            // It is good for one use: only this link brings the next one.
            let deadline = self.timers.at(Timer::AuthReply);
            self.tear_down(now, Status::NotConnected);
            self.link = Link::Expired { id, reauth };
            self.timers.set_or_stop(Timer::AuthReply, deadline);
            return self.go(State::Connecting, Status::Auth, message);
        }
        self.leave_link(now, Status::NotConnected);
        match self.auth.choose() {
            Some(_) if was_healthy => {
                self.go(State::Connecting, Status::Auth, message);
                self.begin(now);
            }
            Some(_) => self.retry_later(now, Status::Auth, message),
            None if self.auth.can_ask => {
                self.ask_and_retry(now, message, self.config.ack_timeout);
            }
            None => self.fail(
                Status::Auth,
                "the access token has expired: give a fresh one with drt_client_set_token, \
                 or set a token callback",
            ),
        }
    }

    /// The time has come to renew the authentication ahead of its end.
    pub(super) fn renew(&mut self, now: Now) {
        match self.auth.renewal() {
            Some(kind) => self.reauthenticate(now, kind),
            None => self.ask_for_token(Status::Ok),
        }
    }
}
