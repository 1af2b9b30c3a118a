//! Credentials: which one is shown next, and when a token has to be renewed.

use std::time::Duration;

use super::token_life::{Life, margin};
use super::token_question::TokenQuestion;
use crate::protocol::outgoing;
use crate::secret::Secret;
use crate::session::Now;

/// A password that was accepted before is shown so often after its first refusal, and
/// no sooner than this after each: Directus suspends a user after 25 failed logins.
const PASSWORD_RETRIES: u32 = 5;
const PASSWORD_PAUSE: Duration = Duration::from_secs(10);

/// A login that is over sooner is not renewed ahead: it would be all that is done.
const SHORTEST: Duration = Duration::from_secs(2);

/// How credentials are shown to the server (`DRT_AUTH_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AuthMode {
    /// The first frame is `auth`.
    #[default]
    Handshake,
    /// None are needed; `auth` is sent where there are some.
    Public,
    /// The token is in the URL.
    Strict,
}

/// What the application gave to authenticate with.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// How they are shown.
    pub mode: AuthMode,
    /// A static token or a JWT.
    pub access_token: Option<Secret>,
    /// For a login with the password.
    pub email: Option<String>,
    /// For a login with the email.
    pub password: Option<Secret>,
    /// Good for one use; each reply brings the next one.
    pub refresh_token: Option<Secret>,
}

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// [`Credentials::access_token`].
    Token,
    /// [`Credentials::refresh_token`].
    Refresh,
    /// [`Credentials::email`] and [`Credentials::password`].
    Password,
}

/// A credential that was shown. Its reply may come when there is another one by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it was.
    pub kind: CredentialKind,
    /// Which of its kind.
    number: u64,
}

/// A confirmed authentication.
#[derive(Clone, Copy, Debug)]
struct Since {
    at: Duration,
    shown: Shown,
}

/// The credentials of one client: what was given, what the server has accepted and
/// refused, and what follows from that.
#[derive(Debug)]
pub struct Keyring {
    credentials: Credentials,
    /// The number of the present access token: each that is set gets the next one, so
    /// that a late reply is not taken for a newer token's.
    token_number: u64,
    /// The same of the refresh token.
    refresh_number: u64,
    /// The number of the access token that was shown last.
    token_shown: u64,
    /// The present access token is not to be shown: the server refused it.
    token_refused: bool,
    /// The same of the refresh token.
    refresh_refused: bool,
    /// The same of the password.
    password_refused: bool,
    /// The server has accepted the present access token before.
    token_accepted: bool,
    /// The server has said that the present access token has expired.
    token_expired: bool,
    /// The present refresh token is one that the server has made.
    refresh_issued: bool,
    /// The server has accepted the password before.
    password_accepted: bool,
    /// How often it has refused the password since.
    password_refusals: u32,
    /// When it last did.
    password_refused_at: Option<Duration>,
    /// A client without credentials was refused: this server wants some.
    guest_refused: bool,
    /// How long the server's tokens live, once one has expired on a link.
    lifetime: Option<Duration>,
    /// The last authentication that was confirmed.
    since: Option<Since>,
    /// What the token callback was asked.
    question: TokenQuestion,
    /// Whether there is a token callback.
    can_ask: bool,
}

impl Keyring {
    /// Nothing was shown yet of what the application gave.
    pub fn new(credentials: Credentials) -> Self {
        Keyring {
            credentials,
            token_number: 1,
            refresh_number: 1,
            token_shown: 0,
            token_refused: false,
            refresh_refused: false,
            password_refused: false,
            token_accepted: false,
            token_expired: false,
            refresh_issued: false,
            password_accepted: false,
            password_refusals: 0,
            password_refused_at: None,
            guest_refused: false,
            lifetime: None,
            since: None,
            question: TokenQuestion::default(),
            can_ask: false,
        }
    }

    /// There is a token callback, or none any more.
    pub fn set_can_ask(&mut self, can_ask: bool) {
        self.can_ask = can_ask;
    }

    /// Whether there is a token callback.
    pub fn can_ask(&self) -> bool {
        self.can_ask
    }

    /// A token is needed. Whether the callback is to be called for it now.
    pub fn ask(&mut self) -> bool {
        self.can_ask && self.question.ask()
    }

    /// The attempt that needed a token is over: the next one may ask again.
    pub fn question_is_overdue(&mut self) {
        self.question.is_overdue();
    }

    /// The callback has returned. Its answer may still come.
    pub fn callback_returned(&mut self) {
        self.question.callback_returned();
    }

    /// How credentials are shown.
    pub fn mode(&self) -> AuthMode {
        self.credentials.mode
    }

    /// The token that goes into the URL.
    pub fn token(&mut self) -> Option<Secret> {
        self.token_shown = self.token_number;
        self.credentials.access_token.clone()
    }

    /// The access token that was shown last.
    pub fn shown_token(&self) -> Shown {
        Shown {
            kind: CredentialKind::Token,
            number: self.token_shown,
        }
    }

    /// The credential to show next, if one is left that was not refused.
    pub fn choose(&self) -> Option<CredentialKind> {
        let c = &self.credentials;
        if c.access_token.is_some() && !self.token_refused {
            Some(CredentialKind::Token)
        } else if c.refresh_token.is_some() && !self.refresh_refused {
            Some(CredentialKind::Refresh)
        } else if c.email.is_some() && c.password.is_some() && !self.password_refused {
            Some(CredentialKind::Password)
        } else {
            None
        }
    }

    /// The `auth` frame for a credential.
    pub fn frame(&mut self, kind: CredentialKind, uid: Option<&str>) -> Option<(String, Shown)> {
        let c = &self.credentials;
        let text = match kind {
            CredentialKind::Token => outgoing::auth_token(c.access_token.as_ref()?, uid),
            CredentialKind::Refresh => outgoing::auth_refresh(c.refresh_token.as_ref()?, uid),
            CredentialKind::Password => {
                let (email, password) = (c.email.as_deref()?, c.password.as_ref()?);
                outgoing::auth_password(email, password, uid)
            }
        };
        if kind == CredentialKind::Token {
            self.token_shown = self.token_number;
        }
        let number = self.number(kind);
        Some((text, Shown { kind, number }))
    }

    fn number(&self, kind: CredentialKind) -> u64 {
        match kind {
            CredentialKind::Token => self.token_number,
            CredentialKind::Refresh => self.refresh_number,
            CredentialKind::Password => 0,
        }
    }

    /// The application has a fresh token. Whether it had been asked for one.
    pub fn set_token(&mut self, token: Secret) -> bool {
        let is_same = |t: &Secret| t.expose() == token.expose();
        if !self.credentials.access_token.as_ref().is_some_and(is_same) {
            self.token_accepted = false;
            self.token_expired = false;
        }
        self.credentials.access_token = Some(token);
        self.token_number += 1;
        self.token_refused = false;
        self.question.answered()
    }

    /// Whether a link needs a credential.
    pub fn needs_credential(&self) -> bool {
        let c = &self.credentials;
        let was_given = c.access_token.is_some() || c.refresh_token.is_some() || c.email.is_some();
        c.mode != AuthMode::Public || was_given || self.guest_refused
    }

    /// The server does not take a client without credentials.
    pub fn refuse_guests(&mut self) {
        self.guest_refused = true;
    }

    /// Whether the application has given a token that the server has not seen.
    pub fn has_fresh_token(&self) -> bool {
        self.credentials.access_token.is_some()
            && !self.token_refused
            && self.token_number != self.token_shown
    }

    /// The server has accepted a credential.
    pub fn accepted(&mut self, now: Now, shown: Shown, refresh_token: Option<Secret>) {
        self.since = Some(Since {
            at: now.mono,
            shown,
        });
        self.question.answered();
        match shown.kind {
            CredentialKind::Token => self.token_accepted |= shown.number == self.token_number,
            CredentialKind::Refresh => {
                if refresh_token.is_none() {
                    // It is used up.
                    self.credentials.refresh_token = None;
                }
            }
            CredentialKind::Password => {
                self.password_accepted = true;
                self.password_refusals = 0;
                self.password_refused_at = None;
            }
        }
        self.forgive_what_was_accepted(now);
        self.keep_refresh_token(refresh_token);
    }

    /// The server has given the next refresh token.
    pub fn keep_refresh_token(&mut self, refresh_token: Option<Secret>) {
        if let Some(token) = refresh_token {
            self.credentials.refresh_token = Some(token);
            self.refresh_number += 1;
            self.refresh_refused = false;
            self.refresh_issued = true;
        }
    }

    /// Whether the server has accepted a credential before, or made it itself.
    pub fn was_accepted(&self, shown: Shown) -> bool {
        shown.number == self.number(shown.kind)
            && match shown.kind {
                CredentialKind::Token => self.token_accepted,
                CredentialKind::Refresh => self.refresh_issued,
                CredentialKind::Password => self.password_accepted,
            }
    }

    /// The server has refused a credential: it is not shown again, unless that is
    /// forgiven.
    pub fn refused(&mut self, now: Now, shown: Shown) {
        if shown.number != self.number(shown.kind) {
            // There is a newer one by now.
            return;
        }
        match shown.kind {
            CredentialKind::Token => self.token_refused = true,
            // A used refresh token is refused; the password may still be good.
            CredentialKind::Refresh => self.refresh_refused = true,
            CredentialKind::Password => {
                self.password_refused = true;
                self.password_refusals += 1;
                self.password_refused_at = Some(now.mono);
            }
        }
    }

    /// The server refuses whatever it fails to check, also when its database is away. So
    /// what it has accepted before may be shown again: tokens unless they have expired, a
    /// password [`PASSWORD_RETRIES`] times. Whether something can be shown.
    pub fn forgive_what_was_accepted(&mut self, now: Now) -> bool {
        if self.password_refusals > PASSWORD_RETRIES {
            return false;
        }
        self.token_refused &= !self.token_accepted || self.token_is_over(now);
        self.refresh_refused &= !self.refresh_issued;
        self.password_refused &= !self.password_accepted;
        self.choose().is_some()
    }

    fn token_is_over(&self, now: Now) -> bool {
        let life = self.credentials.access_token.as_ref().and_then(Life::of);
        self.token_expired || life.is_some_and(|life| life.expires <= now.wall)
    }

    /// How long the credential to show next has to wait.
    pub fn wait(&self, now: Now) -> Duration {
        match (self.choose(), self.password_refused_at) {
            (Some(CredentialKind::Password), Some(at)) => {
                (at + PASSWORD_PAUSE).saturating_sub(now.mono)
            }
            _ => Duration::ZERO,
        }
    }

    /// Everything may be shown again: the application has asked for it.
    pub fn forgive(&mut self) {
        self.token_refused = false;
        self.refresh_refused = false;
        self.password_refused = false;
        self.password_refusals = 0;
        self.password_refused_at = None;
        self.guest_refused = false;
        self.question.is_overdue();
    }

    /// The server says that the token has expired.
    pub fn expired(&mut self, now: Now) {
        if let Some(since) = self.since.take() {
            // What is left of a token's life says nothing of a login's.
            if since.shown.kind != CredentialKind::Token {
                let lifetime = now.mono.saturating_sub(since.at);
                self.lifetime = Some(lifetime).filter(|life| *life >= SHORTEST);
            }
            if since.shown.kind == CredentialKind::Token && since.shown.number == self.token_number
            {
                self.token_refused = true;
                self.token_expired = true;
            }
        }
    }

    /// When the present authentication has to be renewed, in monotonic time.
    pub fn renew_at(&self, now: Now) -> Option<Duration> {
        let since = self.since?;
        if since.shown.kind == CredentialKind::Token {
            if !self.can_ask {
                return None;
            }
            let life = Life::of(self.credentials.access_token.as_ref()?)?;
            let renew_wall = life.expires.saturating_sub(margin(life.length));
            let ahead = renew_wall.saturating_sub(now.wall);
            // Never at once: a token whose expiry lies behind by our clock was
            // taken by the server's, and will be reported when it expires there.
            return (!ahead.is_zero()).then_some(now.mono + ahead);
        }
        let lifetime = self.lifetime?;
        Some(since.at + lifetime.saturating_sub(margin(lifetime)))
    }

    /// The credential that renews the present authentication without asking.
    pub fn renewal(&self) -> Option<CredentialKind> {
        match self.since.map(|since| since.shown.kind) {
            Some(CredentialKind::Token) => None,
            _ => self.choose().filter(|kind| *kind != CredentialKind::Token),
        }
    }
}
