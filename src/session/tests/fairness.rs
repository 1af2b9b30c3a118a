//! No kind of message may keep another one waiting for ever.

use std::time::Duration;

use serde_json::{Value, json};

use super::world::{NoReply, World, forbidden, init, limited, server_snapshot, spec, unsubscribed};
use crate::protocol::outgoing::CustomMessage;
use crate::secret::Secret;
use crate::session::SubStatus;

const READ: &str = r#"{"type":"items","action":"read","collection":"a"}"#;

#[test]
fn i1_requests_in_flight_do_not_delay_a_subscribe() {
    let mut world = World::connected();
    for _ in 0..8 {
        world.request(READ);
    }
    let mut under_way: Vec<Value> = world.sent.drain(..).collect();
    world.subscribe(spec());
    // For a minute there are always eight: each answer makes place for another one.
    for _ in 0..600 {
        world.request(READ);
        let first = under_way.remove(0);
        world.say(json!({"type": "items", "data": [], "uid": first["uid"]}));
        under_way.extend(world.sent.drain(..));
        world.advance(Duration::from_millis(100));
        under_way.extend(world.sent.drain(..));
        if under_way.iter().any(|m| m["type"] == "subscribe") {
            return;
        }
    }
    panic!("never subscribed in a minute");
}

#[test]
fn i1_an_application_above_the_rate_limit_does_not_starve_its_subscriptions() {
    let mut world = World::connected();
    // The limit is learnt: five a second.
    for _ in 0..6 {
        world.message(r#"{"type":"shout"}"#);
    }
    world.settle();
    world.say(limited(999));
    world.advance(Duration::from_secs(2));
    world.sent.clear();
    for _ in 0..20 {
        world.message(r#"{"type":"shout"}"#);
    }
    world.settle();
    world.subscribe(server_snapshot());
    for n in 0..6_000 {
        // Ten a second.
        if n % 10 == 0 {
            let message = CustomMessage::parse(r#"{"type":"shout"}"#).unwrap();
            let _ = world.engine.session.send_message(world.now, message, 0);
        }
        world.settle();
        if world.sent.iter().any(|m| m["type"] == "subscribe") {
            assert!(n < 500, "only after {} ms", n * 10);
            return;
        }
        world.advance(Duration::from_millis(10));
        if world.sent.len() > 10 {
            world.sent.clear();
            world.say(json!({"type": "ping"}));
        }
    }
    panic!("never subscribed in a minute");
}

#[test]
fn messages_that_waited_for_a_renewal_are_sent_in_order() {
    let mut world = World::connected();
    let token = Secret::new("fresh");
    world.engine.session.set_token(world.now, token).unwrap();
    world.settle();
    world.sent.clear();
    for n in 0..100 {
        world.message(&format!(r#"{{"type":"shout","n":{n}}}"#));
    }
    assert!(world.sent.is_empty());
    world.say(json!({"type": "auth", "status": "ok"}));
    let sent: Vec<_> = world.sent.iter().map(|m| m["n"].as_u64()).collect();
    assert_eq!(sent, (0..100).map(Some).collect::<Vec<_>>());
}

#[test]
fn i1_a_request_that_is_never_answered_does_not_delay_snapshots_for_long() {
    let mut world = World::connected();
    // 11.x shows itself.
    world.say(forbidden());
    let message = CustomMessage::parse(READ).unwrap();
    let sent = world.engine.session.request(
        world.now,
        message,
        Duration::from_secs(3600),
        Box::new(NoReply),
        0,
    );
    assert!(sent.is_ok());
    world.settle();
    world.next();
    let id = world.subscribe(spec());
    for _ in 0..600 {
        while let Some(m) = world.sent.pop_front() {
            match m["type"].as_str() {
                Some("subscribe") => world.say(init(&m["uid"])),
                Some("items") => world.say(json!({"type": "items", "data": [], "uid": m["uid"]})),
                Some("ping") => world.say(json!({"type": "pong"})),
                Some("unsubscribe") => world.say(unsubscribed(&m["uid"])),
                _ => {}
            }
        }
        world.advance(Duration::from_secs(1));
    }
    assert_eq!(
        world.engine.session.sub_status(id),
        SubStatus::Active,
        "after ten minutes"
    );
}
