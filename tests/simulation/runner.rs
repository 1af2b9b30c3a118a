//! Runs schedules on all processors, and prints how to replay one that fails.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use crate::schedule::Schedule;
use crate::shrink::shrink;
use crate::watch::Watched;
use crate::{secrets, world};

const SCHEDULES: u64 = 100_000;
const PRINTED_EVERY: u64 = 100_000;

/// Runs a schedule. A panic is a violation, too.
pub fn verdict(schedule: &Schedule, trace: bool) -> Result<(), String> {
    let _watched = Watched::run(schedule.seed);
    match catch_unwind(AssertUnwindSafe(|| world::run(schedule, trace))) {
        Ok(verdict) => verdict,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
            Err(format!("I8: panicked: {}", text.unwrap_or("?")))
        }
    }
}

/// Whether violations of this invariant are looked for.
pub fn counts(violation: &str) -> bool {
    env::var("DRT_SIM_INVARIANT").map_or(true, |only| violation.starts_with(&only))
}

pub fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} wants a number, not {text:?}")),
    )
}

pub fn run() {
    secrets::listen();
    // Run one first: what is allocated once per process is no leak of a run.
    let _ = verdict(&Schedule::generate(0), false);
    if let Some(seed) = number("DRT_SIM_SEED") {
        return report(seed);
    }
    let schedules = number("DRT_SIM_SCHEDULES").unwrap_or(SCHEDULES);
    let base = number("DRT_SIM_BASE").unwrap_or_else(|| fastrand::u64(..) >> 16);
    let until_stopped = schedules == 0;
    println!("base seed {base} (DRT_SIM_BASE)");
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let failure = AtomicU64::new(0);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                let _ = verdict(&Schedule::generate(0), false);
                while !failed.load(Ordering::Relaxed) {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    if !until_stopped && n >= schedules {
                        return;
                    }
                    let seed = base.wrapping_add(n);
                    let verdict = verdict(&Schedule::generate(seed), false);
                    if verdict.is_err_and(|violation| counts(&violation)) {
                        failure.store(seed, Ordering::Relaxed);
                        failed.store(true, Ordering::Relaxed);
                    }
                    if (n + 1) % PRINTED_EVERY == 0 {
                        println!("{} schedules in {:?}", n + 1, began.elapsed());
                    }
                }
            });
        }
    });
    if failed.into_inner() {
        report(failure.into_inner());
    }
}

/// Replays one seed. If it fails, shrinks it and panics with the smallest schedule.
fn report(seed: u64) {
    let schedule = Schedule::generate(seed);
    let Err(violation) = verdict(&schedule, false) else {
        println!("seed {seed} holds");
        return;
    };
    let (small, violation) = shrink(schedule, violation);
    if env::var_os("DRT_SIM_TRACE").is_some() {
        let _ = verdict(&small, true);
    }
    let mut text = format!("{violation}\n\nreplay with DRT_SIM_SEED={seed}; shrunk to\n");
    text += &format!("{:#?}\n", small.setting);
    for step in &small.steps {
        text += &format!("  {:?}, then {:?}\n", step.action, step.then);
    }
    panic!("{text}");
}
