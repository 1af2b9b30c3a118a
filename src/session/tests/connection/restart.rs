//! How long clients are away after a server's restart: the figures in
//! `docs/reconnection-and-gaps.md`.
//!
//!     cargo test --lib session::tests::connection::restart -- --nocapture

use std::time::Duration;

use serde_json::json;

use crate::error::Status;
use crate::handover::State;
use crate::session::tests::world::{World, config};
use crate::session::{Config, Loss};

const CLIENTS: u64 = 1_000;

/// How long a client that had a healthy link is away after a server is back that was
/// down for so long, and refused connections at once meanwhile.
fn away(seed: u64, down: Duration) -> Duration {
    let mut world = World::new(Config {
        reconnect_max: Duration::from_secs(10),
        seed,
        ..config()
    });
    world.connect();
    world.advance(Duration::from_secs(10));
    let back = world.now.mono + down;
    world.lose();
    let mut links = world.opened.len();
    loop {
        if world.opened.len() == links {
            let at = world.engine.session.next_deadline(world.now);
            let at = at.expect("an attempt is due");
            world.advance(at.saturating_sub(world.now.mono));
            continue;
        }
        if world.now.mono >= back {
            break;
        }
        links = world.opened.len();
        world.lose_by(Loss::new(Status::Io, "refused the connection"));
    }
    world.open();
    world.say(json!({"type": "auth", "status": "ok"}));
    assert_eq!(world.engine.session.state(), State::Connected);
    world.now.mono - back
}

#[test]
fn most_clients_reconnect_within_seconds_of_a_restart() {
    println!("server down    median    95 %    all (seconds after it is back)");
    // What is measured, and what is promised for 95 % of the clients.
    for (down, promised) in [(3, 3), (10, 8), (60, 10)] {
        let mut times: Vec<Duration> = (0..CLIENTS)
            .map(|seed| away(seed, Duration::from_secs(down)))
            .collect();
        times.sort_unstable();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100];
        let [median, most, all] = [50, 95, 100].map(|percent| at(percent).as_secs_f32());
        println!("{down:>8} s {median:>9.1} {most:>7.1} {all:>6.1}");
        assert!(at(95) <= Duration::from_secs(promised), "{down} s down");
        assert!(at(100) <= Duration::from_secs(10), "{down} s down");
    }
}
