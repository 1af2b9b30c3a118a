//! Chooses settings and steps at random from a seed.

use std::time::Duration;

use directus_realtime::subscriptions::spec::ON_ALL;
use fastrand::Rng;

use crate::schedule::{
    Action, Answer, Fate, LiveWanted, Login, MessageOptions, Reaction, Setting, Step,
    SubscribeOptions,
};

fn one_in(rng: &mut Rng, n: u32) -> bool {
    rng.u32(0..n) == 0
}

fn choose<T: Clone>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.usize(0..from.len())].clone()
}

fn millis(rng: &mut Rng, range: std::ops::Range<u64>) -> Duration {
    Duration::from_millis(rng.u64(range))
}

pub fn setting(rng: &mut Rng) -> Setting {
    let old_server = one_in(rng, 5);
    let login = login(rng);
    let asked = matches!(login, Login::Jwt(_)) || one_in(rng, 4);
    let answers = if asked { rng.usize(1..4) } else { 0 };
    let slowness: &[u64] = &[2, 20, 200, 2_000];
    Setting {
        old_server,
        withholds: old_server && rng.bool(),
        overtakes: one_in(rng, 3).then(|| millis(rng, 0..1_500)),
        stale: one_in(rng, 3),
        loses_creates: one_in(rng, 3),
        rate_limit: one_in(rng, 4).then(|| (rng.u32(3..12), millis(rng, 500..3_000))),
        login,
        answers: (0..answers).map(|_| answer(rng)).collect(),
        skew: if one_in(rng, 4) {
            rng.i64(-20_000..20_000)
        } else {
            0
        },
        silent_one_in: if one_in(rng, 5) { rng.u32(5..40) } else { 0 },
        slowness: Duration::from_millis(choose(rng, slowness)),
        queue_bytes: choose(rng, &[1_500, 6_000, 1 << 20]),
        send_queue_bytes: choose(rng, &[0, 300, 1 << 20]),
        replicas: rng.usize(1..3),
        pace: choose(rng, &[0, 0, 0, 1, 5]),
        reactive: one_in(rng, 4),
    }
}

fn login(rng: &mut Rng) -> Login {
    let lifetime = Duration::from_secs(rng.u64(8..60));
    match rng.u32(0..16) {
        0..=1 => Login::Strict,
        2 => Login::Public,
        3..=5 => Login::Jwt(lifetime),
        6..=7 => Login::Password(lifetime),
        8..=9 => Login::Refresh(lifetime),
        _ => Login::Token,
    }
}

fn answer(rng: &mut Rng) -> Answer {
    match rng.u32(0..8) {
        0..=3 => Answer::AtOnce,
        4..=5 => Answer::Late(millis(rng, 10..15_000)),
        6 => Answer::Stale,
        _ => Answer::Never,
    }
}

pub fn step(rng: &mut Rng) -> Step {
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
    match rng.u32(0..114) {
        0 => Action::Connect,
        1..=2 => Action::Disconnect,
        3..=5 => Action::Reconnect,
        6..=7 => Action::SetToken {
            good: rng.u32(0..4) > 0,
        },
        8..=23 => Action::Subscribe(wanted(rng)),
        24..=30 => Action::Unsubscribe(rng.usize(0..100)),
        31 => Action::UnsubscribeUid(rng.u8(0..6)),
        32 => Action::UnsubscribeAll,
        33..=34 => Action::OpenScope,
        35..=36 => Action::CloseScope,
        37..=39 => Action::Stall,
        40..=43 => Action::Wake,
        44..=46 => Action::Request(asked(rng)),
        47..=49 => Action::Send(asked(rng)),
        50..=62 => Action::Create(rng.usize(1..4)),
        63..=73 => Action::Update {
            nth: rng.usize(0..100),
            count: rng.usize(1..4),
        },
        74..=80 => Action::Delete {
            nth: rng.usize(0..100),
            count: rng.usize(1..3),
            by_url: rng.bool(),
        },
        81..=83 => Action::Cut,
        84..=85 => Action::Reset,
        86 => Action::Freeze,
        87..=88 => Action::HalfOpen { up: rng.bool() },
        89..=92 => Action::Thaw,
        93..=95 => Action::Restart {
            away: millis(rng, 0..5_000),
        },
        96..=97 => Action::RefuseUpgrades {
            status: choose(rng, &[401, 403]),
            time: millis(rng, 100..20_000),
        },
        98 => Action::Revoke,
        99..=100 => Action::Grant,
        101 => Action::SubscribeMany(rng.usize(9..16)),
        102 => Action::Resync(rng.usize(0..100)),
        103..=105 => Action::Import(rng.usize(2..8)),
        107..=112 => Action::OpenLive(live(rng)),
        113 => Action::CloseLive(rng.usize(0..100)),
        _ => Action::Nothing,
    }
}

/// A live collection.
fn live(rng: &mut Rng) -> LiveWanted {
    let orders: [&[&str]; 6] = [
        &["id"],
        &["-id"],
        &["n", "id"],
        &["-n", "-id"],
        &["t"],
        &["-v"],
    ];
    let is_window = one_in(rng, 3);
    LiveWanted {
        below: rng.bool().then(|| rng.u64(1..5)),
        sort: choose(rng, &orders).to_vec(),
        limit: is_window.then(|| rng.u64(1..6)),
        offset: if is_window {
            choose(rng, &[0, 0, 1, 3])
        } else {
            0
        },
        persistent: one_in(rng, 4),
        in_pages: !is_window && one_in(rng, 4),
    }
}

/// A subscription.
pub fn wanted(rng: &mut Rng) -> SubscribeOptions {
    SubscribeOptions {
        uid: rng.bool().then(|| rng.u8(0..6)),
        exact: rng.u32(0..4) > 0,
        persistent: one_in(rng, 4),
        scoped: one_in(rng, 3),
        events: if one_in(rng, 5) {
            rng.u32(1..ON_ALL)
        } else {
            ON_ALL
        },
        item: one_in(rng, 6).then(|| rng.u32(1..8)),
        per_message: one_in(rng, 6),
        settles: rng.u32(0..4) > 0,
        reaction: one_in(rng, 6).then(|| (rng.u32(1..8), reaction(rng))),
    }
}

fn reaction(rng: &mut Rng) -> Reaction {
    match rng.u32(0..9) {
        0..=1 => Reaction::EndItself,
        2 => Reaction::EndAnother(rng.usize(0..100)),
        3 => Reaction::EndAll,
        4 => Reaction::CloseScope,
        5 => Reaction::Subscribe,
        6 => Reaction::Request,
        7 => Reaction::Reconnect,
        _ => Reaction::SubscribeAgain,
    }
}

fn asked(rng: &mut Rng) -> MessageOptions {
    MessageOptions {
        own_uid: rng.bool(),
        fate: match rng.u32(0..8) {
            0..=1 => Fate::Refused,
            2 => Fate::Unanswered,
            _ => Fate::Done,
        },
    }
}
