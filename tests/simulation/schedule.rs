//! What happens in one run: made from a seed, and shrunk by leaving steps out.

use std::time::Duration;

use fastrand::Rng;

/// What holds for a whole run.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Errors of subscribes and reads carry no uid (11.x).
    pub old_server: bool,
    /// Messages a window takes, and its length.
    pub rate_limit: Option<(u32, Duration)>,
    /// A login instead of a static token, whose authentication lives so long.
    pub login_lifetime: Option<Duration>,
    /// One message in so many is never answered; 0 = none.
    pub silent_one_in: u32,
    /// The longest time that a request takes.
    pub slowness: Duration,
    pub queue_bytes: u64,
    pub replicas: usize,
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
    Unsubscribe(usize),
    UnsubscribeAll,
    OpenScope,
    CloseScope,
    /// Callbacks do not run until the next `Wake`.
    Stall,
    Wake,
    /// Creates an item over the socket.
    Request,
    // Other users of the server.
    Create,
    Update(usize),
    Delete {
        nth: usize,
        by_url: bool,
    },
    // The network.
    Cut,
    Freeze,
    Thaw,
    // The server.
    Restart {
        away: Duration,
    },
    Revoke,
    Grant,
    /// Nobody does anything.
    Nothing,
}

/// A subscription as the application wishes for it.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub uid: Option<u8>,
    pub exact: bool,
    pub persistent: bool,
    pub scoped: bool,
    pub changes_only: bool,
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
        let mut rng = Rng::with_seed(seed);
        let setting = setting(&mut rng);
        let steps = (0..rng.usize(6..40)).map(|_| step(&mut rng)).collect();
        Schedule {
            seed,
            setting,
            steps,
        }
    }
}

fn setting(rng: &mut Rng) -> Setting {
    let one_in = |rng: &mut Rng, n: u32| rng.u32(0..n) == 0;
    let old_server = one_in(rng, 5);
    let slowness: &[u64] = &[2, 20, 200, 2_000];
    // An answer that comes later than any patience looks like a refusal there.
    let slowness = &slowness[..slowness.len() - usize::from(old_server)];
    Setting {
        old_server,
        rate_limit: one_in(rng, 4)
            .then(|| (rng.u32(3..12), Duration::from_millis(rng.u64(500..3_000)))),
        login_lifetime: one_in(rng, 4).then(|| Duration::from_secs(rng.u64(8..60))),
        // With both, nobody could tell whose an error without a uid is: a subscribe that
        // is never answered looks refused when an event of another is withheld.
        silent_one_in: if !old_server && one_in(rng, 5) {
            rng.u32(5..40)
        } else {
            0
        },
        slowness: Duration::from_millis(*choose(rng, slowness)),
        queue_bytes: *choose(rng, &[1_500, 6_000, 1 << 20]),
        replicas: rng.usize(1..3),
    }
}

fn step(rng: &mut Rng) -> Step {
    let then = match rng.u32(0..10) {
        0..=4 => rng.u64(0..20),
        5..=8 => rng.u64(0..1_000),
        _ => rng.u64(0..40_000),
    };
    Step {
        action: action(rng),
        then: Duration::from_millis(then),
    }
}

fn action(rng: &mut Rng) -> Action {
    match rng.u32(0..100) {
        0..=1 => Action::Connect,
        2..=3 => Action::Disconnect,
        4..=6 => Action::Reconnect,
        7..=8 => Action::SetToken {
            good: rng.u32(0..4) > 0,
        },
        9..=23 => Action::Subscribe(Wanted {
            uid: (rng.u32(0..2) == 0).then(|| rng.u8(0..6)),
            exact: rng.u32(0..4) > 0,
            persistent: rng.u32(0..4) == 0,
            scoped: rng.u32(0..3) == 0,
            changes_only: rng.u32(0..8) == 0,
        }),
        24..=31 => Action::Unsubscribe(rng.usize(0..100)),
        32 => Action::UnsubscribeAll,
        33..=34 => Action::OpenScope,
        35..=36 => Action::CloseScope,
        37..=39 => Action::Stall,
        40..=43 => Action::Wake,
        44..=47 => Action::Request,
        48..=61 => Action::Create,
        62..=73 => Action::Update(rng.usize(0..100)),
        74..=80 => Action::Delete {
            nth: rng.usize(0..100),
            by_url: rng.bool(),
        },
        81..=84 => Action::Cut,
        85..=86 => Action::Freeze,
        87..=89 => Action::Thaw,
        90..=92 => Action::Restart {
            away: Duration::from_millis(rng.u64(0..5_000)),
        },
        93 => Action::Revoke,
        94..=95 => Action::Grant,
        _ => Action::Nothing,
    }
}

fn choose<'a, T>(rng: &mut Rng, from: &'a [T]) -> &'a T {
    &from[rng.usize(0..from.len())]
}
