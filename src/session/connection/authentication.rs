//! Who the server takes us for: credentials shown, accepted, refused, expired.
//!
//! A link on which a token has expired is given up. Directus before 12.1.1 does not
//! check what it sends on such a link as it should, not even for a while after the
//! authentication was renewed on it.

use std::time::Duration;

use super::Connection;
use super::credentials::{AuthMode, CredentialKind, Shown};
use super::link::{Renewal, ReplyFor};
use crate::secret::Secret;
use crate::session::{LinkId, Now};

/// A refusal that took this long may be the server's own time-out: it cannot
/// tell the two apart in its reply.
const SLOW_REFUSAL: Duration = Duration::from_secs(2);
const SLOW_REFUSALS: u32 = 3;
/// Why the right password may be refused.
const TWO_FACTOR: &str = "; a user with two-factor authentication cannot log in by email and \
                          password over a WebSocket: log in by REST with the code and give the \
                          token, or use a refresh token or a static token";
/// A token that was asked for is tried after this at the latest.
const LONGEST_TOKEN_PAUSE: Duration = Duration::from_secs(2);

/// What a confirmed credential means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmed {
    /// The link is usable.
    ComeUp,
    /// The authentication is renewed, until then.
    Renewed(Option<Duration>),
    /// The server took one that was shown earlier. Which user it takes us for in the end
    /// is the last reply's: a token has to be shown once more, or nothing follows.
    Earlier {
        /// Whether a token is to be shown.
        show_token: bool,
    },
    /// The link on which the token had expired has brought its last reply.
    Replace(LinkId),
    /// None was awaited.
    Nothing,
}

/// What a refused credential means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It was shown on the present link, which is given up.
    Credential(Refusal),
    /// No `auth` message was sent, and the server wants one.
    Guest,
    /// It was shown before: the server ends the link, if it minds.
    Earlier,
}

/// A credential that the server has refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was shown.
    pub shown: Shown,
    /// Why the client is not connected.
    pub message: String,
    /// It may be the server that was slow, and the credential right.
    pub is_server_busy: bool,
}

/// What to do after a refusal, or after an expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterRefusal {
    /// Show another credential, at once.
    NextCredential,
    /// Try again after this at the earliest: the same credentials were accepted before.
    RetryAfter(Duration),
    /// Ask for a token, and try again after this at the earliest; `None` for the time
    /// that a reply may take.
    AskForToken(Option<Duration>),
    /// There is nothing left to show.
    GiveUp,
}

/// What follows when a token expires on a link that is up.
#[derive(Debug)]
pub enum Expiry {
    /// Keep the link for the reply to this: only there comes the next refresh token.
    AwaitReply(LinkId, Renewal),
    /// Connect again at once.
    Reconnect,
    /// Connect again after a pause: the link did not live for long.
    RetryLater,
    /// Ask for a token.
    AskForToken,
    /// There is nothing left to show.
    GiveUp,
}

impl Connection {
    /// The server has confirmed an authentication. `last_serial` is that of the last
    /// message.
    pub fn confirmed(
        &mut self,
        now: Now,
        uid: Option<&str>,
        refresh_token: Option<Secret>,
        last_serial: u64,
    ) -> Confirmed {
        match self.link.confirmed(uid, last_serial) {
            ReplyFor::First(shown, _) => {
                self.keyring.accepted(now, shown, refresh_token);
                Confirmed::ComeUp
            }
            ReplyFor::Renewal(shown) => {
                self.keyring.accepted(now, shown, refresh_token);
                Confirmed::Renewed(self.keyring.renew_at(now))
            }
            // The reply to another one would bring no refresh token.
            ReplyFor::Expired(link, shown) => {
                self.keyring.accepted(now, shown, refresh_token);
                Confirmed::Replace(link)
            }
            ReplyFor::Earlier => {
                self.keyring.keep_refresh_token(refresh_token);
                let show_token = self.keyring.choose() == Some(CredentialKind::Token);
                Confirmed::Earlier { show_token }
            }
            ReplyFor::Nothing => Confirmed::Nothing,
        }
    }

    /// Shows a credential on the live link: the `auth` message. Nothing else may be sent
    /// until the reply: the server may lose it, or judge it by the old identity.
    pub fn renew(&mut self, now: Now, kind: CredentialKind, uid: String) -> Option<String> {
        let (text, shown) = self.keyring.frame(kind, Some(&uid))?;
        self.link.renew(uid, shown, now.mono);
        Some(text)
    }

    /// The renewal under way, if it passes, as it has to be shown again.
    pub fn take_renewal_if(&mut self, pass: impl Fn(&Renewal) -> bool) -> Option<CredentialKind> {
        let renewal = self.link.take_renewal_if(pass)?;
        Some(renewal.kind())
    }

    /// When the authentication is to be renewed; `None` where that is under way, or there
    /// is no link to do it on.
    pub fn renew_at(&self, now: Now) -> Option<Option<Duration>> {
        self.link.is_usable().then(|| self.keyring.renew_at(now))
    }

    /// The credential that renews the authentication without asking for one.
    pub fn renewal(&self) -> Option<CredentialKind> {
        self.keyring.renewal()
    }

    /// The server has refused a credential: which one, and how to word it; `after_refusal` records
    /// it. A refusal that took `SLOW_REFUSAL` or longer counts as that of a busy server, fewer than
    /// `SLOW_REFUSALS` times in a row, if the credential was never accepted.
    pub fn refused(&mut self, now: Now, uid: Option<&str>, error: &str) -> Refused {
        let (shown, slow) = match self.link.reply_for(uid) {
            ReplyFor::First(shown, since) => {
                (shown, now.mono.saturating_sub(since) >= SLOW_REFUSAL)
            }
            ReplyFor::Renewal(shown) | ReplyFor::Expired(_, shown) => (shown, false),
            ReplyFor::Earlier if self.link.is_usable() && self.link.is_guest() && uid.is_none() => {
                return Refused::Guest;
            }
            ReplyFor::Earlier | ReplyFor::Nothing => return Refused::Earlier,
        };
        let was_accepted = self.keyring.was_accepted(shown);
        if slow && !was_accepted && self.slow_refusals + 1 < SLOW_REFUSALS {
            self.slow_refusals += 1;
            return Refused::Credential(Refusal {
                shown,
                message: format!(
                    "the authentication failed slowly, perhaps a busy server: {error}"
                ),
                is_server_busy: true,
            });
        }
        let which = match shown.kind {
            CredentialKind::Token => "access token",
            CredentialKind::Refresh => "refresh token",
            CredentialKind::Password => "email and password",
        };
        let mut message = format!("the server refused the {which}: {error}");
        if shown.kind == CredentialKind::Password && !was_accepted {
            message.push_str(TWO_FACTOR);
        }
        Refused::Credential(Refusal {
            shown,
            message,
            is_server_busy: false,
        })
    }

    /// A credential was refused, and the link is gone: how to go on.
    pub fn after_refusal(&mut self, now: Now, shown: Shown) -> AfterRefusal {
        self.slow_refusals = 0;
        let keyring = &mut self.keyring;
        keyring.refused(now, shown);
        if keyring.choose().is_some() && keyring.wait(now).is_zero() {
            return AfterRefusal::NextCredential;
        }
        let is_usable = keyring.choose().is_some() || keyring.forgive_what_was_accepted(now);
        let wait = keyring.wait(now);
        match (is_usable, keyring.can_ask()) {
            (true, true) => AfterRefusal::AskForToken(Some(wait)),
            (true, false) => AfterRefusal::RetryAfter(wait),
            (false, true) => AfterRefusal::AskForToken(None),
            (false, false) => AfterRefusal::GiveUp,
        }
    }

    /// The server does not take a client without credentials.
    pub fn after_guest_refusal(&mut self) -> AfterRefusal {
        self.keyring.refuse_guests();
        if self.keyring.can_ask() {
            AfterRefusal::AskForToken(None)
        } else {
            AfterRefusal::GiveUp
        }
    }

    /// Whether the token is shown in the URL.
    pub fn is_strict(&self) -> bool {
        self.keyring.mode() == AuthMode::Strict
    }

    /// The token that was in the URL.
    pub fn shown_token(&self) -> Shown {
        self.keyring.shown_token()
    }

    /// The token has expired on a link that is up, which is given up: nothing that comes
    /// on it from now on is delivered. It stays open only for the reply to a refresh token.
    pub fn expired(&mut self, now: Now) -> Option<Expiry> {
        let link = self.link.up_id()?;
        let renewal = self.link.take_renewal_if(|_| true);
        let was_healthy = self.link.is_healthy(now.mono);
        self.keyring.expired(now);
        Some(match renewal.filter(Renewal::is_refresh) {
            // It is good for one use: only this link brings the next one.
            Some(renewal) => Expiry::AwaitReply(link, renewal),
            None => match self.keyring.choose() {
                Some(_) if was_healthy => Expiry::Reconnect,
                Some(_) => Expiry::RetryLater,
                None if self.keyring.can_ask() => Expiry::AskForToken,
                None => Expiry::GiveUp,
            },
        })
    }

    /// The expired link is kept for the reply to a refresh token.
    pub fn keep_expired(&mut self, link: LinkId, renewal: Renewal) {
        self.link.expire(link, renewal);
    }

    /// Whether there is a token callback.
    pub fn can_ask(&self) -> bool {
        self.keyring.can_ask()
    }

    /// There is a token callback, or none any more.
    pub fn set_can_ask(&mut self, can_ask: bool) {
        self.keyring.set_can_ask(can_ask);
    }

    /// Whether the token callback is to be called now.
    pub fn ask_for_token(&mut self) -> bool {
        self.keyring.ask()
    }

    /// The attempt that needed a token is over.
    pub fn token_is_overdue(&mut self) {
        self.keyring.question_is_overdue();
    }

    /// The token callback has returned; its answer may still come.
    pub fn token_callback_returned(&mut self) {
        self.keyring.callback_returned();
    }

    /// A token was asked for after a refusal, and the backoff wants this pause. The token
    /// comes when it comes. It is tried at once the first time, and after a pause when
    /// that was refused, too; some tokens do not live for a long one.
    pub fn pace_next_token(&mut self, now: Now, pause: Option<Duration>) {
        let pause_ends = pause.map(|pause| now.mono + pause.min(LONGEST_TOKEN_PAUSE));
        self.token_not_before = pause_ends.filter(|_| self.backoff.failures() > 1);
    }
}
