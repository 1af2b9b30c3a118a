//! A client that lives long does not grow (I8): after many rounds of everything it
//! needs no more memory than after a few.

use std::time::Duration;

use directus_realtime::delivery::Mode;
use directus_realtime::subscriptions::subscription::ON_ALL;

use crate::memory;
use crate::schedule::{Action, Asked, Fate, Schedule, Setting};
use crate::world::World;
use crate::{generate, runner, schedule};

const ROUNDS: usize = 4_000;
const WARM_UP: usize = 300;
/// The client remembers fewer than that.
const REFUSALS: usize = 300;
/// What was sent lately is remembered, too, up to so many bytes.
const SLACK: isize = 90_000;

pub fn run() {
    for seed in 0..4 {
        let outcome = grow(seed);
        if let Some(complaint) = outcome.err().filter(|text| runner::counts(text)) {
            panic!("{complaint}\n\nseed {seed} of the growth");
        }
    }
}

fn grow(seed: u64) -> Result<(), String> {
    let setting = Setting {
        queue_bytes: [1_500, 6_000, 1 << 20][seed as usize % 3],
        reactive: false,
        overtakes: None,
        pace: 0,
        ..Schedule::generate(seed).setting
    };
    let mut world = World::new(&setting, seed, Mode::Poll);
    let mut rng = fastrand::Rng::with_seed(seed);
    fill_memories(&mut world, &mut rng)?;
    let mut before = 0;
    for round in 0..ROUNDS {
        let live = one(&mut world, &mut rng)?;
        if round == WARM_UP {
            before = live;
        }
        // The most of what is seen early is the measure.
        if round < 2 * WARM_UP {
            before = before.max(live);
        } else if live > before + SLACK {
            let grown = live - before;
            return Err(format!("I8: {grown} bytes more in round {round}"));
        }
    }
    world.end()
}

/// Some refusals are remembered: as many as there may be.
fn fill_memories(world: &mut World, rng: &mut fastrand::Rng) -> Result<(), String> {
    world.heal();
    world.act(&Action::Revoke);
    for _ in 0..REFUSALS {
        world.act(&Action::Subscribe(schedule::Wanted {
            uid: None,
            events: ON_ALL,
            reaction: None,
            ..generate::wanted(rng)
        }));
        world.advance(Duration::from_secs(10))?;
    }
    world.act(&Action::Grant);
    Ok(())
}

/// One round, after which nothing is left: the memory that is used all the same.
fn one(world: &mut World, rng: &mut fastrand::Rng) -> Result<isize, String> {
    for _ in 0..4 {
        let wanted = schedule::Wanted {
            reaction: None,
            ..generate::wanted(rng)
        };
        world.act(&Action::Subscribe(wanted));
    }
    world.act(&Action::OpenScope);
    for _ in 0..12 {
        let step = generate::step(rng);
        world.act(&step.action);
        world.advance(step.then.min(Duration::from_secs(2)))?;
    }
    world.act(&Action::Request(Asked {
        own_uid: true,
        fate: Fate::Mute,
    }));
    world.heal();
    world.check_convergence()?;
    while !world.app.book().scopes.is_empty() {
        world.app.close_scope();
    }
    world.check_emptiness()?;
    world.app.book().content = false;
    world.advance(Duration::from_secs(60))?;
    world.forget();
    Ok(memory::live())
}

impl World {
    /// Forgets what only the checks want to know.
    fn forget(&mut self) {
        self.server.forget();
        let mut book = self.app.book();
        book.mirrors = Vec::new();
        book.requests = Vec::new();
        *self.app.shared.over.lock().expect("no panic before") = Vec::new();
        book.late = Vec::new();
        self.was_revoked = false;
        self.ticks = 0;
    }
}
