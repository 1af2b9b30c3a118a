//! What can happen in one run.

use std::time::Duration;

use crate::generate;

/// What holds for a whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Errors of subscribes and reads carry no uid (11.x).
    pub old_server: bool,
    /// Besides, sockets are told that events were withheld (11.x: not whose).
    pub withholds: bool,
    /// Deletes overtake updates and creates of the same items, by up to so much.
    pub overtakes: Option<Duration>,
    /// Messages a window takes, and its length.
    pub rate_limit: Option<(u32, Duration)>,
    pub login: Login,
    /// How the application answers when it is asked for a token, time after time;
    /// nobody is asked if there is none.
    pub answers: Vec<Answer>,
    /// How far the client's clock is ahead of the server's, in milliseconds.
    pub skew: i64,
    /// One message in so many is never answered; 0 = none.
    pub silent_one_in: u32,
    /// The longest time that a request takes.
    pub slowness: Duration,
    pub queue_bytes: u64,
    /// What may wait for a usable link.
    pub send_queue_bytes: u64,
    pub replicas: usize,
    /// Callbacks that the application runs at a time; 0 = all.
    pub pace: usize,
    /// State callbacks ask for something themselves.
    pub reactive: bool,
}

/// How the client shows who it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Login {
    /// A static token, in the first frame
    Token,
    /// or in the URL.
    Strict,
    /// Not at all.
    Public,
    /// A token that says when it expires.
    Jwt(Duration),
    /// A password, and the refresh tokens that it brings.
    Password(Duration),
    /// A refresh token, which is good for one use.
    Refresh(Duration),
}

impl Login {
    /// How long an authentication lives that the login brings.
    pub fn lifetime(self) -> Option<Duration> {
        match self {
            Login::Jwt(time) | Login::Password(time) | Login::Refresh(time) => Some(time),
            Login::Token | Login::Strict | Login::Public => None,
        }
    }
}

impl Setting {
    /// How long an authentication lives that begins when everybody means well or not.
    /// Below a limit, a client need not keep up with tokens that expire all the time.
    pub fn lifetime(&self, well: bool) -> Option<Duration> {
        let lifetime = self.login.lifetime()?;
        Some(match self.login {
            _ if well && self.rate_limit.is_some() => Duration::from_secs(3_600),
            _ => lifetime,
        })
    }
}

/// What a token callback does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Answer {
    /// It sets a fresh token before it returns.
    AtOnce,
    /// The fresh token comes later.
    Late(Duration),
    /// The same token once more.
    Stale,
    Never,
}

/// Something that somebody does, and how long the world then goes on.
#[derive(Clone, Debug)]
pub struct Step {
    pub action: Action,
    pub then: Duration,
}

#[derive(Clone, Debug)]
pub enum Action {
    // The application, on whichever thread.
    Connect,
    Disconnect,
    Reconnect,
    SetToken {
        good: bool,
    },
    Subscribe(Wanted),
    /// So many at once.
    Crowd(usize),
    Unsubscribe(usize),
    UnsubscribeUid(u8),
    UnsubscribeAll,
    OpenScope,
    CloseScope,
    /// Callbacks do not run until the next `Wake`.
    Stall,
    Wake,
    /// Creates an item over the socket, and waits for the answer
    Request(Asked),
    /// or does not.
    Send(Asked),
    // Other users of the server.
    Create(usize),
    Update {
        nth: usize,
        count: usize,
    },
    Delete {
        nth: usize,
        count: usize,
        by_url: bool,
    },
    // The network.
    Cut,
    /// Breaks in the middle of what is on the way.
    Reset,
    Freeze,
    /// Only one direction goes dead.
    HalfOpen {
        up: bool,
    },
    Thaw,
    // The server.
    Restart {
        away: Duration,
    },
    /// Upgrades are refused with this status.
    TurnAway {
        status: u16,
        time: Duration,
    },
    Revoke,
    Grant,
    /// Nobody does anything.
    Nothing,
}

/// A message of the application's own.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    pub own_uid: bool,
    pub fate: Fate,
}

/// What the server makes of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Done,
    Refused,
    /// It is never answered: a field that does not validate.
    Mute,
}

/// A subscription as the application asks for it.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub uid: Option<u8>,
    pub exact: bool,
    pub persistent: bool,
    pub scoped: bool,
    /// Kinds of events, as bits.
    pub events: u32,
    /// The one item that is watched.
    pub item: Option<u32>,
    pub per_message: bool,
    /// What its callback does, at which event.
    pub reaction: Option<(u32, Reaction)>,
}

/// What a callback asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reaction {
    EndItself,
    EndAnother(usize),
    EndAll,
    CloseScope,
    Subscribe,
    Request,
    Reconnect,
    /// When it is released, not at an event.
    SubscribeAgain,
}

/// A run.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub seed: u64,
    pub setting: Setting,
    pub steps: Vec<Step>,
}

impl Schedule {
    pub fn generate(seed: u64) -> Schedule {
        let mut rng = fastrand::Rng::with_seed(seed);
        let setting = generate::setting(&mut rng);
        let count = rng.usize(6..36);
        let steps = (0..count).map(|_| generate::step(&mut rng)).collect();
        Schedule {
            seed,
            setting,
            steps,
        }
    }
}
