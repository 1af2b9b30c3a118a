//! A long-lived client does not grow (I8): after many rounds of random steps it uses no
//! more memory than after a few.

use std::time::Duration;

use directus_realtime::delivery::Mode;
use directus_realtime::subscriptions::spec::ON_ALL;

use crate::memory;
use crate::schedule::{Action, Fate, MessageOptions, Schedule, Setting};
use crate::world::World;
use crate::{generate, runner, schedule};

const ROUNDS: usize = 4_000;
const WARM_UP: usize = 300;
/// More refusals than the client remembers.
const REFUSALS: usize = 300;
/// Recently sent messages are remembered, too, up to so many bytes.
const SLACK: isize = 90_000;

pub fn run() {
    for seed in 0..4 {
        let outcome = grow(seed);
        if let Some(violation) = outcome.err().filter(|text| runner::counts(text)) {
            panic!("{violation}\n\nseed {seed} of the growth");
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
        // The maximum of the early rounds is the baseline.
        if round < 2 * WARM_UP {
            before = before.max(live);
        } else if live > before + SLACK {
            let grown = live - before;
            return Err(format!("I8: {grown} bytes more in round {round}"));
        }
    }
    world.end()
}

/// Fills the memory of refusals, so that it cannot grow later.
fn fill_memories(world: &mut World, rng: &mut fastrand::Rng) -> Result<(), String> {
    world.end_faults();
    world.act(&Action::Revoke);
    for _ in 0..REFUSALS {
        world.act(&Action::Subscribe(schedule::SubscribeOptions {
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

/// Runs one round, and ends all its subscriptions. Returns the memory that is in use.
fn one(world: &mut World, rng: &mut fastrand::Rng) -> Result<isize, String> {
    for _ in 0..4 {
        let wanted = schedule::SubscribeOptions {
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
    world.act(&Action::Request(MessageOptions {
        own_uid: true,
        fate: Fate::Unanswered,
    }));
    world.end_faults();
    world.check_convergence()?;
    while !world.app.state().scopes.is_empty() {
        world.app.close_scope();
    }
    world.check_emptiness()?;
    world.app.state().is_finished = false;
    world.advance(Duration::from_secs(60))?;
    world.forget();
    Ok(memory::live())
}

impl World {
    /// Drops the records that only the checks use.
    fn forget(&mut self) {
        self.server.forget();
        let mut state = self.app.state();
        state.mirrors = Vec::new();
        state.requests = Vec::new();
        state.live_copies = Vec::new();
        *self
            .app
            .shared
            .finished_requests
            .lock()
            .expect("no panic before") = Vec::new();
        state.late = Vec::new();
        self.was_revoked = false;
        self.ticks = 0;
    }
}
