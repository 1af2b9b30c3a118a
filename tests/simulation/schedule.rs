//! A schedule: the settings and the steps of one run.

use std::time::Duration;

use crate::generate;

/// The settings of a whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Errors of subscribes and reads carry no uid (11.x).
    pub old_server: bool,
    /// In addition, sockets get errors for withheld events, without a uid (11.x).
    pub withholds: bool,
    /// Deletes overtake updates and creates of the same items by up to this time.
    pub overtakes: Option<Duration>,
    /// Updates that come together show rows as they were before, or in the wrong order.
    pub stale: bool,
    /// Imports report a part of the rows that they create, and some of them late.
    pub loses_creates: bool,
    /// How many messages a window allows, and its length.
    pub rate_limit: Option<(u32, Duration)>,
    pub login: Login,
    /// What the token callback does, call after call. Empty: there is no token callback.
    pub answers: Vec<Answer>,
    /// How far the client's clock is ahead of the server's, in milliseconds.
    pub skew: i64,
    /// One message in so many is never answered; 0 = none.
    pub silent_one_in: u32,
    /// The longest time in which the server answers a request.
    pub slowness: Duration,
    pub queue_bytes: u64,
    /// How many bytes of messages may wait for a usable link.
    pub send_queue_bytes: u64,
    pub replicas: usize,
    /// Callbacks that the application runs at a time; 0 = all.
    pub pace: usize,
    /// State callbacks make calls, too.
    pub reactive: bool,
}

/// How the client authenticates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Login {
    /// A static token in the first message.
    Token,
    /// A static token in the URL.
    Strict,
    /// No credentials.
    Public,
    /// A JWT with this lifetime.
    Jwt(Duration),
    /// A password; its sessions have this lifetime.
    Password(Duration),
    /// A refresh token, valid for one use; its sessions have this lifetime.
    Refresh(Duration),
}

impl Login {
    /// The lifetime of an authentication, if it expires.
    pub fn lifetime(self) -> Option<Duration> {
        match self {
            Login::Jwt(time) | Login::Password(time) | Login::Refresh(time) => Some(time),
            Login::Token | Login::Strict | Login::Public => None,
        }
    }
}

impl Setting {
    /// The lifetime of an authentication that begins now. Once the faults are over, it is long
    /// under a rate limit, which leaves no room for tokens that expire all the time.
    pub fn lifetime(&self, faults_are_over: bool) -> Option<Duration> {
        let lifetime = self.login.lifetime()?;
        Some(match self.login {
            _ if faults_are_over && self.rate_limit.is_some() => Duration::from_secs(3_600),
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
    /// It sets the same token again.
    Stale,
    Never,
}

/// An action, and how much time passes after it.
#[derive(Clone, Debug)]
pub struct Step {
    pub action: Action,
    pub then: Duration,
}

#[derive(Clone, Debug)]
pub enum Action {
    // The application, on any thread.
    Connect,
    Disconnect,
    Reconnect,
    SetToken {
        good: bool,
    },
    Subscribe(SubscribeOptions),
    /// Many at once.
    SubscribeMany(usize),
    Unsubscribe(usize),
    /// Asks for a fresh snapshot.
    Resync(usize),
    UnsubscribeUid(u8),
    UnsubscribeAll,
    OpenLive(LiveWanted),
    CloseLive(usize),
    OpenScope,
    CloseScope,
    /// Callbacks do not run until the next `Wake`.
    Stall,
    Wake,
    /// Creates an item over the socket, with a request.
    Request(MessageOptions),
    /// Creates an item over the socket, with a message that expects no reply.
    Send(MessageOptions),
    // Other users of the server.
    Create(usize),
    Import(usize),
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
    /// Links break, and a part of what is on the way arrives before that.
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
    RefuseUpgrades {
        status: u16,
        time: Duration,
    },
    Revoke,
    Grant,
    /// Only time passes.
    Nothing,
}

/// A custom message of the application.
#[derive(Clone, Copy, Debug)]
pub struct MessageOptions {
    pub own_uid: bool,
    pub fate: Fate,
}

/// What the server does with a custom message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Done,
    Refused,
    /// Never answered, as a message with a field that does not validate.
    Unanswered,
}

/// A subscription that the application makes.
#[derive(Clone, Debug)]
pub struct SubscribeOptions {
    pub uid: Option<u8>,
    pub exact: bool,
    pub persistent: bool,
    pub scoped: bool,
    /// The kinds of events, as bits.
    pub events: u32,
    /// The one item that is watched.
    pub item: Option<u32>,
    pub per_message: bool,
    /// Rows are read again whose last event may be wrong.
    pub settles: bool,
    /// The call that its callback makes, and at which event.
    pub reaction: Option<(u32, Reaction)>,
}

/// A live collection that the application opens.
#[derive(Clone, Debug)]
pub struct LiveWanted {
    /// Only rows whose `n` is below this.
    pub below: Option<u64>,
    pub sort: Vec<&'static str>,
    pub limit: Option<u64>,
    pub offset: u64,
    pub persistent: bool,
    /// The answer is larger than a message may be.
    pub in_pages: bool,
}

/// A call that a callback makes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reaction {
    EndItself,
    EndAnother(usize),
    EndAll,
    CloseScope,
    Subscribe,
    Request,
    Reconnect,
    /// In the release of its user data, not at an event.
    SubscribeAgain,
}

/// One run: settings and steps, made from a seed.
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
