//! Credentials: which one is shown next, and when a token has to be renewed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::Now;
use crate::protocol::outgoing;
use crate::secret::Secret;

/// How the server wants to be shown credentials (`DRT_AUTH_*`).
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

/// What the application gave us to show.
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
    /// Good for one use; each answer brings the next one.
    pub refresh_token: Option<Secret>,
}

/// A kind of credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Credentials::access_token`].
    Token,
    /// [`Credentials::refresh_token`].
    Refresh,
    /// [`Credentials::email`] and [`Credentials::password`].
    Password,
}

/// A credential that was shown: answers may come when there is another one by now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shown {
    /// What it was.
    pub kind: Kind,
    /// Which of its kind.
    number: u64,
}

/// A confirmed authentication.
#[derive(Clone, Copy, Debug)]
struct Since {
    at: Duration,
    shown: Shown,
}

/// The keyring: what was given, what the server refused, what it taught us.
#[derive(Debug)]
pub struct Auth {
    credentials: Credentials,
    /// The access tokens and the refresh tokens that there were are numbered: these are
    /// the present ones, and the access token that was shown last.
    token_number: u64,
    refresh_number: u64,
    token_shown: u64,
    token_refused: bool,
    refresh_refused: bool,
    password_refused: bool,
    /// How long the server's tokens live, once one has expired on us.
    lifetime: Option<Duration>,
    /// The last authentication that was confirmed.
    since: Option<Since>,
    /// The application has been asked for a token and has not answered.
    pub asked: bool,
    /// Whether there is somebody to ask.
    pub can_ask: bool,
}

impl Auth {
    /// A keyring with what the application gave.
    pub fn new(credentials: Credentials) -> Self {
        Auth {
            credentials,
            token_number: 1,
            refresh_number: 1,
            token_shown: 0,
            token_refused: false,
            refresh_refused: false,
            password_refused: false,
            lifetime: None,
            since: None,
            asked: false,
            can_ask: false,
        }
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
            kind: Kind::Token,
            number: self.token_shown,
        }
    }

    /// The credential to show next, if one is left that was not refused.
    pub fn choose(&self) -> Option<Kind> {
        let c = &self.credentials;
        if c.access_token.is_some() && !self.token_refused {
            Some(Kind::Token)
        } else if c.refresh_token.is_some() && !self.refresh_refused {
            Some(Kind::Refresh)
        } else if c.email.is_some() && c.password.is_some() && !self.password_refused {
            Some(Kind::Password)
        } else {
            None
        }
    }

    /// The `auth` frame for a credential.
    pub fn frame(&mut self, kind: Kind, uid: Option<&str>) -> Option<(String, Shown)> {
        let c = &self.credentials;
        let text = match kind {
            Kind::Token => outgoing::auth_token(c.access_token.as_ref()?, uid),
            Kind::Refresh => outgoing::auth_refresh(c.refresh_token.as_ref()?, uid),
            Kind::Password => {
                let (email, password) = (c.email.as_deref()?, c.password.as_ref()?);
                outgoing::auth_password(email, password, uid)
            }
        };
        if kind == Kind::Token {
            self.token_shown = self.token_number;
        }
        let number = self.number(kind);
        Some((text, Shown { kind, number }))
    }

    fn number(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Token => self.token_number,
            Kind::Refresh => self.refresh_number,
            Kind::Password => 0,
        }
    }

    /// The application has a fresh token.
    pub fn set_token(&mut self, token: Secret) {
        self.credentials.access_token = Some(token);
        self.token_number += 1;
        self.token_refused = false;
        self.asked = false;
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
        self.asked = false;
        let is_used_up = shown.kind == Kind::Refresh && refresh_token.is_none();
        self.refresh_refused |= is_used_up;
        self.keep_refresh_token(refresh_token);
    }

    /// The server has given the next refresh token.
    pub fn keep_refresh_token(&mut self, refresh_token: Option<Secret>) {
        if let Some(token) = refresh_token {
            self.credentials.refresh_token = Some(token);
            self.refresh_number += 1;
            self.refresh_refused = false;
        }
    }

    /// The server has refused a credential: it is not shown again.
    pub fn refused(&mut self, shown: Shown) {
        if shown.number != self.number(shown.kind) {
            // There is a newer one by now.
            return;
        }
        match shown.kind {
            Kind::Token => self.token_refused = true,
            // A used refresh token is refused; the password may still be good.
            Kind::Refresh => self.refresh_refused = true,
            Kind::Password => self.password_refused = true,
        }
    }

    /// Everything may be shown again: the application has asked for it.
    pub fn forgive(&mut self) {
        self.token_refused = false;
        self.password_refused = false;
        self.asked = false;
    }

    /// The server says that the token has expired.
    pub fn expired(&mut self, now: Now) {
        if let Some(since) = self.since.take() {
            // What is left of a token's life says nothing of a login's.
            if since.shown.kind != Kind::Token {
                let lifetime = now.mono.saturating_sub(since.at);
                self.lifetime = Some(lifetime).filter(|life| *life >= SHORTEST);
            }
            if since.shown.kind == Kind::Token {
                self.refused(since.shown);
            }
        }
    }

    /// When the present authentication has to be renewed, in monotonic time.
    pub fn renew_at(&self, now: Now) -> Option<Duration> {
        let since = self.since?;
        if since.shown.kind == Kind::Token {
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
    pub fn renewal(&self) -> Option<Kind> {
        match self.since.map(|since| since.shown.kind) {
            Some(Kind::Token) => None,
            _ => self.choose().filter(|kind| *kind != Kind::Token),
        }
    }
}

/// A login that is over sooner is not renewed ahead: it would be all that is done.
const SHORTEST: Duration = Duration::from_secs(2);

/// How long before its expiry a token is renewed.
fn margin(lifetime: Duration) -> Duration {
    (lifetime / 5)
        .clamp(Duration::from_millis(500), Duration::from_secs(60))
        .min(lifetime / 2)
}

/// The times in a JWT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    expires: Duration,
    length: Duration,
}

impl Life {
    /// Reads `exp` and `iat` without looking at the signature: it is the
    /// server's business. A static token is no JWT and has none.
    fn of(token: &Secret) -> Option<Life> {
        #[derive(serde::Deserialize)]
        struct Claims {
            exp: f64,
            iat: Option<f64>,
        }
        let mut parts = token.expose().split('.');
        let (_, payload, _, None) = (parts.next()?, parts.next()?, parts.next()?, parts.next())
        else {
            return None;
        };
        let json = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
        let claims: Claims = serde_json::from_slice(&json).ok()?;
        let expires = Duration::try_from_secs_f64(claims.exp).ok()?;
        let issued = claims
            .iat
            .and_then(|iat| Duration::try_from_secs_f64(iat).ok());
        let length = issued.map_or(Duration::from_secs(900), |iat| expires.saturating_sub(iat));
        Some(Life { expires, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwt(claims: &str) -> Secret {
        Secret::new(&format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims)))
    }

    fn at(seconds: u64) -> Now {
        Now {
            mono: Duration::from_secs(seconds),
            wall: Duration::from_secs(1_000_000 + seconds),
        }
    }

    fn keyring(credentials: Credentials) -> Auth {
        Auth {
            can_ask: true,
            ..Auth::new(credentials)
        }
    }

    #[test]
    fn a_jwt_is_renewed_ahead_of_its_expiry_and_a_static_token_never() {
        let token = Some(jwt(r#"{"iat":1000000,"exp":1000100}"#));
        let mut auth = keyring(Credentials {
            access_token: token,
            ..Credentials::default()
        });
        let (_, shown) = auth.frame(Kind::Token, None).unwrap();
        auth.accepted(at(10), shown, None);
        assert_eq!(auth.renew_at(at(10)), Some(Duration::from_secs(80)));

        auth.set_token(Secret::new("static-token"));
        assert_eq!(auth.renew_at(at(10)), None);
        auth.set_token(Secret::new("not.a.jwt"));
        assert_eq!(auth.renew_at(at(10)), None);
    }

    #[test]
    fn the_lifetime_of_a_login_is_learnt_from_its_first_expiry() {
        let mut auth = keyring(Credentials {
            email: Some("a@example.com".into()),
            password: Some(Secret::new("p")),
            ..Credentials::default()
        });
        assert_eq!(auth.choose(), Some(Kind::Password));
        let (_, shown) = auth.frame(Kind::Password, None).unwrap();
        auth.accepted(at(0), shown, Some(Secret::new("r1")));
        assert_eq!(auth.renew_at(at(0)), None);
        auth.expired(at(100));
        assert_eq!(auth.renewal(), Some(Kind::Refresh));
        let (_, shown) = auth.frame(Kind::Refresh, None).unwrap();
        auth.accepted(at(101), shown, Some(Secret::new("r2")));
        assert_eq!(auth.renew_at(at(101)), Some(Duration::from_secs(181)));
    }

    #[test]
    fn a_refused_credential_gives_way_to_the_next_one() {
        let mut auth = keyring(Credentials {
            access_token: Some(Secret::new("t")),
            refresh_token: Some(Secret::new("r")),
            email: Some("a@example.com".into()),
            password: Some(Secret::new("p")),
            ..Credentials::default()
        });
        for kind in [Kind::Token, Kind::Refresh, Kind::Password] {
            assert_eq!(auth.choose(), Some(kind));
            let (_, shown) = auth.frame(kind, None).unwrap();
            auth.refused(shown);
        }
        assert_eq!(auth.choose(), None);
        auth.set_token(Secret::new("t2"));
        assert_eq!(auth.choose(), Some(Kind::Token));
    }
}
