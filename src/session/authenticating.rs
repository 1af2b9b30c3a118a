//! Who the server takes us for: credentials shown, accepted, refused, expired.

use std::time::Duration;

use super::auth::{Kind, Shown};
use super::machine::{Link, Reauth, Session};
use super::{Effect, Now};
use crate::error::Status;
use crate::handover::State;
use crate::log::Level;
use crate::secret::Secret;

/// A refusal that took this long may be the server's own time-out: it cannot
/// tell the two apart in its answer.
const SLOW_REFUSAL: Duration = Duration::from_secs(2);
const SLOW_REFUSALS: u32 = 3;
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
                self.come_up(now, id);
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
        (up.renew_at, up.judged_before) = (renew_at, judged_before);
        let was_deaf = up.deaf_until.take().is_some();
        self.settle_suspects(now);
        if self.auth.has_fresh_token() {
            self.reauthenticate(now, Kind::Token);
        }
        if was_deaf {
            self.go(State::Connected, Status::Ok, "authenticated again");
            self.resync_deaf(now);
        }
        self.pump(now);
    }

    /// Whether the server judges a message, or has judged it, by an identity that has
    /// expired or is about to change. Its answer may come after the next identity's.
    pub(super) fn is_judged_by_another(&self, serial: u64) -> bool {
        let Link::Up(up) = &self.link else {
            return false;
        };
        up.deaf_until.is_some() || up.reauth.is_some() || self.is_past(serial)
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
            deadline,
        });
        up.renew_at = None;
        self.transmit_casually(now, text);
    }

    /// The server has refused a credential.
    pub(super) fn on_auth_failed(&mut self, now: Now, uid: Option<&str>, words: &str) {
        let (id, shown, slow) = match &self.link {
            Link::Authenticating {
                id, shown, since, ..
            } => (*id, *shown, now.mono.saturating_sub(*since) >= SLOW_REFUSAL),
            Link::Up(up) => match &up.reauth {
                Some(reauth) if reauth.is_answered_by(uid) => (up.id, reauth.shown, false),
                // One that was shown before: the server ends the link, if it minds.
                _ => return,
            },
            _ => return,
        };
        self.effects.push(Effect::Abort(id));
        self.tear_down(now, Status::NotConnected);
        if slow && self.slow_refusals + 1 < SLOW_REFUSALS {
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
        let message = format!("the server refused the {which}: {words}");
        self.credential_refused(now, shown, message);
    }

    pub(super) fn credential_refused(&mut self, now: Now, shown: Shown, message: String) {
        self.slow_refusals = 0;
        self.auth.refused(shown);
        if self.auth.choose().is_some() {
            self.log(
                Level::Warn,
                format!("{message}; trying the next credential"),
            );
            return self.begin(now);
        }
        if !self.auth.can_ask {
            let message =
                format!("{message}; check the credentials, and that their user is active");
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
            None if self.auth.can_ask => {
                // Once more, where the one ahead of the expiry was not answered.
                self.auth.asked = false;
                self.ask_for_token(Status::Auth);
            }
            None => {
                self.drop_link(now, Status::NotConnected);
                self.fail(
                    Status::Auth,
                    "the access token has expired: give a fresh one with drt_client_set_token, \
                     or set a token callback",
                );
            }
        }
    }

    /// The time has come to renew the authentication ahead of its end.
    pub(super) fn renew(&mut self, now: Now) {
        if let Some(up) = self.up() {
            up.renew_at = None;
        }
        match self.auth.renewal() {
            Some(kind) => self.reauthenticate(now, kind),
            None => self.ask_for_token(Status::Ok),
        }
    }
}
