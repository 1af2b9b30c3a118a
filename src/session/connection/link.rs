//! The present link: one attempt to open a socket, and that socket's life.
//!
//! ```text
//!   Down ──────▶ Opening ──────▶ Authenticating ──────▶ Up ──────▶ Expired
//!    │            ▲    └── nothing has to be shown ──────▲
//!    └▶ AwaitingToken
//! ```
//!
//! Every state leads back to `Down` when the link is lost or given up; a next attempt
//! begins there, and where a token has come or the reply on an expired link has.

use std::time::Duration;

use super::credentials::{CredentialKind, Shown};
use crate::session::LinkId;

/// A link must have lived this long to count as healthy: one that opens and fails at
/// once does not reset the backoff.
const HEALTHY_AFTER: Duration = Duration::from_secs(5);

/// See the module.
#[derive(Debug, Default)]
pub struct Link {
    state: LinkState,
    last_id: LinkId,
}

#[derive(Debug, Default)]
enum LinkState {
    /// There is none.
    #[default]
    Down,
    /// None yet: the application was asked for a token first.
    AwaitingToken,
    /// The driver is opening it.
    Opening { id: LinkId },
    /// Open, and a credential was shown to the server.
    Authenticating {
        id: LinkId,
        shown: Shown,
        since: Duration,
    },
    /// Open and authenticated, at least once.
    Up(Up),
    /// The token has expired on it. It is kept only for the reply to a refresh token.
    Expired { id: LinkId, renewal: Renewal },
}

#[derive(Debug)]
struct Up {
    id: LinkId,
    since: Duration,
    /// Messages up to this serial were judged by an earlier identity.
    judged_before: u64,
    /// An authentication that renews the present one.
    renewal: Option<Renewal>,
    /// No `auth` message was sent on it.
    is_guest: bool,
}

/// A credential that was shown on a link which is up, until the server's reply.
#[derive(Debug)]
pub struct Renewal {
    /// The reply has this uid.
    uid: String,
    shown: Shown,
    sent: Duration,
}

impl Renewal {
    /// A reply without a uid is taken for the one that is awaited.
    fn is_answered_by(&self, uid: Option<&str>) -> bool {
        uid.is_none_or(|uid| uid == self.uid)
    }

    /// Whether a refresh token was shown, which is good for one use only.
    pub fn is_refresh(&self) -> bool {
        self.shown.kind == CredentialKind::Refresh
    }

    /// When it was shown.
    pub fn sent(&self) -> Duration {
        self.sent
    }

    /// What was shown.
    pub fn kind(&self) -> CredentialKind {
        self.shown.kind
    }
}

/// Which credential a reply is for.
#[derive(Debug, PartialEq, Eq)]
pub enum ReplyFor {
    /// The first one on this link, shown at that time.
    First(Shown, Duration),
    /// One that renews the authentication of a link that is up.
    Renewal(Shown),
    /// The refresh token for whose reply the link is kept.
    Expired(LinkId, Shown),
    /// One that was shown on this link before, or none.
    Earlier,
    /// None is awaited.
    Nothing,
}

/// What frames of a link are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception {
    /// They come over the present link.
    Present,
    /// So they do, but the token has expired on it.
    Expired,
    /// They come over a link that was left.
    Past,
}

/// How far the present link has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no socket.
    None,
    /// There is one that no request may be sent on: not yet, or no longer.
    Unusable(LinkId),
    /// It is up.
    Up(LinkId),
}

/// Transitions.
impl Link {
    /// The application is asked for a token before a socket is opened.
    pub fn await_token(&mut self) {
        self.state = LinkState::AwaitingToken;
    }

    /// A socket is opened; the link's name, which is never used again.
    pub fn open(&mut self) -> LinkId {
        self.last_id += 1;
        self.state = LinkState::Opening { id: self.last_id };
        self.last_id
    }

    /// A credential is shown on the link that was just opened.
    pub fn authenticate(&mut self, shown: Shown, now: Duration) {
        if let LinkState::Opening { id } = self.state {
            let since = now;
            self.state = LinkState::Authenticating { id, shown, since };
        }
    }

    /// The link is usable.
    pub fn come_up(&mut self, now: Duration, is_guest: bool) {
        if let LinkState::Opening { id } | LinkState::Authenticating { id, .. } = self.state {
            self.state = LinkState::Up(Up {
                id,
                since: now,
                judged_before: 0,
                renewal: None,
                is_guest,
            });
        }
    }

    /// A credential is shown on a link that is up.
    pub fn renew(&mut self, uid: String, shown: Shown, now: Duration) {
        if let LinkState::Up(up) = &mut self.state {
            let sent = now;
            up.renewal = Some(Renewal { uid, shown, sent });
            up.is_guest = false;
        }
    }

    /// The server has confirmed a credential: which one. Messages up to `last_serial` were
    /// sent before it takes us for another.
    pub fn confirmed(&mut self, uid: Option<&str>, last_serial: u64) -> ReplyFor {
        let reply = self.reply_for(uid);
        if let (LinkState::Up(up), ReplyFor::Renewal(_)) = (&mut self.state, &reply) {
            up.renewal = None;
            up.judged_before = last_serial;
        }
        reply
    }

    /// Takes the renewal back that is under way, if it passes: it is to be shown again.
    pub fn take_renewal_if(&mut self, pass: impl Fn(&Renewal) -> bool) -> Option<Renewal> {
        match &mut self.state {
            LinkState::Up(up) => up.renewal.take_if(|renewal| pass(renewal)),
            _ => None,
        }
    }

    /// The token has expired on this link, which is kept for the reply to `renewal`.
    pub fn expire(&mut self, id: LinkId, renewal: Renewal) {
        self.state = LinkState::Expired { id, renewal };
    }

    /// The link is gone.
    pub fn end(&mut self) {
        self.state = LinkState::Down;
    }
}

/// Questions.
impl Link {
    /// See [`Standing`].
    pub fn standing(&self) -> Standing {
        match &self.state {
            LinkState::Down | LinkState::AwaitingToken => Standing::None,
            LinkState::Opening { id }
            | LinkState::Authenticating { id, .. }
            | LinkState::Expired { id, .. } => Standing::Unusable(*id),
            LinkState::Up(up) => Standing::Up(up.id),
        }
    }

    /// The socket of the present link, if there is one.
    pub fn id(&self) -> Option<LinkId> {
        match self.standing() {
            Standing::None => None,
            Standing::Unusable(id) | Standing::Up(id) => Some(id),
        }
    }

    /// The link that frames may be sent on.
    pub fn up_id(&self) -> Option<LinkId> {
        self.up().map(|up| up.id)
    }

    /// Whether the application was asked for a token, and nothing is opened before.
    pub fn is_awaiting_token(&self) -> bool {
        matches!(self.state, LinkState::AwaitingToken)
    }

    /// Whether this link is being opened.
    pub fn is_opening(&self, link: LinkId) -> bool {
        matches!(self.state, LinkState::Opening { id } if id == link)
    }

    /// Whether the first credential on it was shown and not answered.
    pub fn is_authenticating(&self) -> bool {
        matches!(self.state, LinkState::Authenticating { .. })
    }

    /// Whether no `auth` message was sent on a link that is up.
    pub fn is_guest(&self) -> bool {
        self.up().is_some_and(|up| up.is_guest)
    }

    /// Whether requests and another credential may be sent: not before the link is
    /// authenticated, nor while that is being renewed.
    pub fn is_usable(&self) -> bool {
        self.up().is_some_and(|up| up.renewal.is_none())
    }

    /// Whether a link is up, and has been for long enough.
    pub fn is_healthy(&self, now: Duration) -> bool {
        self.up()
            .is_some_and(|up| now.saturating_sub(up.since) >= HEALTHY_AFTER)
    }

    /// How frames of that link are to be taken.
    pub fn reception(&self, link: LinkId) -> Reception {
        match &self.state {
            LinkState::Authenticating { id, .. } if *id == link => Reception::Present,
            LinkState::Up(up) if up.id == link => Reception::Present,
            LinkState::Expired { id, .. } if *id == link => Reception::Expired,
            _ => Reception::Past,
        }
    }

    /// Whether frames come over the present link at all.
    pub fn is_receiving(&self) -> bool {
        self.is_authenticating() || self.up().is_some()
    }

    /// Which credential a reply with that uid is for.
    pub fn reply_for(&self, uid: Option<&str>) -> ReplyFor {
        match &self.state {
            LinkState::Authenticating { shown, since, .. } => ReplyFor::First(*shown, *since),
            LinkState::Up(up) => match &up.renewal {
                Some(renewal) if renewal.is_answered_by(uid) => ReplyFor::Renewal(renewal.shown),
                _ => ReplyFor::Earlier,
            },
            LinkState::Expired { id, renewal } if renewal.is_answered_by(uid) => {
                ReplyFor::Expired(*id, renewal.shown)
            }
            _ => ReplyFor::Nothing,
        }
    }

    /// Whether the server judges a message, or has judged it, by an identity that is
    /// about to change or has changed. Its reply may come after the next identity's.
    pub fn is_judged_by_another(&self, serial: u64) -> bool {
        self.up()
            .is_some_and(|up| up.renewal.is_some() || serial <= up.judged_before)
    }

    /// Whether a message was sent before the present identity was shown.
    pub fn is_past(&self, serial: u64) -> bool {
        self.up().is_some_and(|up| serial <= up.judged_before)
    }

    fn up(&self) -> Option<&Up> {
        match &self.state {
            LinkState::Up(up) => Some(up),
            _ => None,
        }
    }
}
