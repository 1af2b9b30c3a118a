//! Several threads of an application subscribe, unsubscribe and send, beside the thread
//! that runs the callbacks and the one that runs the model. Their calls are chosen by the
//! seed; their timing is the machine's.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use directus_realtime::delivery::Mode;

use crate::app::App;
use crate::runner;
use crate::schedule::{
    Action, Fate, Login, MessageOptions, Reaction, Schedule, Setting, SubscribeOptions,
};
use crate::world::World;
use crate::{generate, secrets};

const RUNS: u64 = 60;
const THREADS: usize = 4;
const ACTIONS: usize = 40;
/// Below a rate limit, more live collections would take longer than the checks wait, and so would pages.
const LIVES: usize = 6;

pub fn run() {
    secrets::listen();
    let base = runner::number("DRT_SIM_BASE").unwrap_or_else(|| fastrand::u64(..) >> 16);
    for seed in base..base + RUNS {
        let outcome = try_out(seed);
        if let Some(violation) = outcome.err().filter(|text| runner::counts(text)) {
            panic!("{violation}\n\nperhaps again with DRT_SIM_BASE={seed}");
        }
    }
}

fn try_out(seed: u64) -> Result<(), String> {
    let setting = Setting {
        // Virtual time would not wait for a token callback on another thread.
        login: Login::Token,
        answers: Vec::new(),
        ..Schedule::generate(seed).setting
    };
    let mut world = World::new(&setting, seed, Mode::Thread);
    let mut rng = fastrand::Rng::with_seed(seed);
    let busy = AtomicUsize::new(THREADS);
    let app = Arc::clone(&world.app);
    thread::scope(|scope| {
        for n in 0..THREADS {
            let (app, busy) = (&app, &busy);
            let mut rng = rng.fork();
            scope.spawn(move || {
                for _ in 0..ACTIONS {
                    act(app, &mut rng, n);
                    if rng.u32(0..4) == 0 {
                        thread::yield_now();
                    }
                }
                busy.fetch_sub(1, Ordering::SeqCst);
            });
        }
        while busy.load(Ordering::SeqCst) > 0 {
            let step = generate::step(&mut rng);
            let is_full = app.state().open_lives.len() >= LIVES;
            let is_too_long = match &step.action {
                Action::OpenLive(wanted) => is_full || wanted.in_pages,
                _ => false,
            };
            if is_allowed(&step.action) && !is_too_long {
                world.act(&step.action);
            }
            world.advance(step.then.min(Duration::from_millis(100)))?;
        }
        Ok::<(), String>(())
    })?;
    world.end_faults();
    come_to_rest(&mut world)?;
    world.check_convergence()?;
    world.end()
}

/// Makes the next call of the thread with that number.
fn act(app: &App, rng: &mut fastrand::Rng, thread: usize) {
    match rng.u32(0..10) {
        0..=3 => app.subscribe(&wanted(rng, thread)),
        4..=6 => app.unsubscribe(rng.usize(0..100)),
        7 => app.request(MessageOptions {
            own_uid: rng.bool(),
            fate: Fate::Done,
        }),
        8 => app.send(MessageOptions {
            own_uid: false,
            fate: Fate::Refused,
        }),
        // Only one thread uses scopes.
        _ if thread > 0 => {}
        _ if rng.bool() => app.open_scope(),
        _ => app.close_scope(),
    }
}

/// A subscription that no other thread can end before the application has its id.
fn wanted(rng: &mut fastrand::Rng, thread: usize) -> SubscribeOptions {
    let wanted = generate::wanted(rng);
    let ends = |reaction| matches!(reaction, Reaction::EndAll | Reaction::CloseScope);
    SubscribeOptions {
        scoped: wanted.scoped && thread == 0,
        reaction: wanted.reaction.filter(|(_, reaction)| !ends(*reaction)),
        ..wanted
    }
}

fn is_allowed(action: &Action) -> bool {
    !matches!(
        action,
        Action::Subscribe(_)
            | Action::SubscribeMany(_)
            | Action::Stall
            | Action::UnsubscribeAll
            | Action::UnsubscribeUid(_)
            | Action::CloseScope
    )
}

/// Waits until the thread that runs the callbacks has nothing to do, and lets the model
/// answer the calls of those callbacks.
fn come_to_rest(world: &mut World) -> Result<(), String> {
    let late = Instant::now() + Duration::from_secs(60);
    for _ in 0..10 {
        while world.client.delivery().stats().queued_events > 0 {
            if Instant::now() > late {
                return Err("I8: the dispatcher does not come to rest".into());
            }
            thread::sleep(Duration::from_micros(200));
        }
        thread::sleep(Duration::from_millis(1));
        world.advance(Duration::from_secs(20))?;
    }
    Ok(())
}
