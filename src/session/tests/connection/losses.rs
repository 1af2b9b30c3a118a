//! Why a link was lost, as far as the session knows more than the driver.

use std::time::Duration;

use serde_json::json;

use crate::error::Status;
use crate::handover::State;
use crate::session::tests::world::{World, config};
use crate::session::{Config, Loss};

const CUT: &str = "the server closed the connection without a close frame";

fn cut() -> Loss {
    Loss {
        dropped: true,
        ..Loss::new(Status::Io, CUT)
    }
}

/// Connected again; the reason of the loss before.
fn come_back(world: &mut World) -> String {
    let message = world.engine.session.reason().1.to_owned();
    world.advance(Duration::from_secs(31));
    world.sent.clear();
    world.open();
    world.say(json!({"type": "auth", "status": "ok"}));
    message
}

#[test]
fn links_cut_after_the_same_silence_name_a_proxy_as_the_cause() {
    let mut world = World::connected();
    for n in 0..4 {
        world.advance(Duration::from_secs(3));
        world.say(json!({"type": "ping"}));
        // It waits for so long after the last message.
        world.advance(Duration::from_millis(15_000 + 50 * n));
        world.lose_by(cut());
        let message = come_back(&mut world);
        let is_named = ["proxy", "`heartbeat_ms`"];
        let is_named = is_named.iter().all(|part| message.contains(part));
        assert_eq!(is_named, n > 0, "{message}");
        assert_eq!(message.contains(CUT), n == 0, "{message}");
    }
}

#[test]
fn links_cut_after_different_silences_do_not_name_a_proxy() {
    let mut world = World::connected();
    for silence in [9_000, 4_000, 0, 100, 100, 20_000, 8_000] {
        world.advance(Duration::from_millis(silence));
        world.lose_by(cut());
        let message = come_back(&mut world);
        assert!(message.contains(CUT), "{message}");
    }
    // Nor is one that says why.
    for _ in 0..3 {
        world.advance(Duration::from_secs(9));
        world.lose();
        let message = come_back(&mut world);
        assert!(message.contains("the link was lost"), "{message}");
    }
}

#[test]
fn the_url_is_not_blamed_once_it_has_worked() {
    let silent = || Loss {
        if_worked: Some("it is overloaded".into()),
        ..Loss::new(Status::Timeout, "check the URL")
    };
    let mut world = World::new(config());
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    world.lose_by(silent());
    assert!(world.engine.session.reason().1.starts_with("check the URL"));
    come_back(&mut world);
    world.lose();
    world.advance(Duration::from_secs(31));
    world.lose_by(silent());
    let message = world.engine.session.reason().1;
    assert!(message.starts_with("it is overloaded"), "{message}");
}

fn refusal(retry_after: u64) -> Loss {
    Loss {
        retry_after: Some(Duration::from_secs(retry_after)),
        ..Loss::new(Status::Server, "HTTP 503")
    }
}

#[test]
fn retry_after_is_honoured_within_bounds() {
    for (asked, least, most) in [(0, 0, 30), (40, 40, 70), (86_400, 300, 330)] {
        let mut world = World::connected();
        world.lose();
        world.advance(Duration::from_secs(31));
        let begin = world.now.mono;
        world.lose_by(refusal(asked));
        assert_eq!(world.engine.session.state(), State::Backoff);
        while world.opened.len() < 3 {
            world.advance(Duration::from_millis(100));
        }
        let waited = world.now.mono - begin;
        let range = Duration::from_secs(least)..=Duration::from_secs(most);
        assert!(range.contains(&waited), "{asked}: {waited:?}");
    }
}

#[test]
fn retry_after_delays_one_replica_and_no_explicit_reconnect() {
    let mut world = World::new(Config {
        endpoints: vec!["ws://a/websocket".into(), "ws://b/websocket".into()],
        ..config()
    });
    world.engine.session.connect(world.now).unwrap();
    world.settle();
    world.lose_by(refusal(60));
    world.advance(Duration::from_secs(1));
    assert_eq!(world.opened.len(), 2, "the other one");
    world.lose_by(refusal(60));
    world.advance(Duration::from_secs(50));
    assert_eq!(world.opened.len(), 2, "both want to be left alone");
    world.engine.session.reconnect(world.now).unwrap();
    world.settle();
    assert_eq!(world.opened.len(), 3);
}
