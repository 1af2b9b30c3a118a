//! Messages that wait for a usable link (`send_queue_bytes`).

use std::time::Duration;

use serde_json::json;

use super::world::{CREATE, NoReply, World, auth_failed, config, limited, spec};
use crate::error::{Error, Status};
use crate::handover::State;
use crate::protocol::outgoing::CustomMessage;
use crate::session::{Config, Credentials};

const TYPING: &str = r#"{"type":"typing","n":1}"#;

fn holding(send_queue_bytes: u64) -> World {
    World::new(Config {
        send_queue_bytes,
        ..config()
    })
}

fn typing(n: u32) -> String {
    format!(r#"{{"type":"typing","n":{n}}}"#)
}

fn try_to_send(world: &mut World, json: &str) -> Result<(), Error> {
    let message = CustomMessage::parse(json).unwrap();
    let sent = world.engine.session.send_message(world.now, message, 0);
    world.settle();
    sent
}

/// What the server has received, but for the client's own messages.
fn received(world: &mut World) -> Vec<i64> {
    let all = world.sent.drain(..);
    all.filter_map(|message| message["n"].as_i64()).collect()
}

fn authenticate(world: &mut World) {
    assert_eq!(world.next()["type"], "auth");
    assert!(world.sent.is_empty(), "nothing before the authentication");
    world.say(json!({"type": "auth", "status": "ok"}));
}

#[test]
fn without_send_queue_bytes_a_message_needs_a_usable_link() {
    let mut world = World::new(config());
    let error = try_to_send(&mut world, TYPING).unwrap_err();
    assert_eq!(error.status, Status::NotConnected);
    assert!(world.opened.is_empty());
}

#[test]
fn the_first_message_connects_and_is_sent_after_the_authentication() {
    let mut world = holding(1_000);
    for n in 0..3 {
        world.message(&typing(n));
    }
    world.request(CREATE);
    assert_eq!(world.opened.len(), 1);
    world.open();
    world.message(&typing(3));
    authenticate(&mut world);
    world.message(&typing(4));
    let create = world.sent.iter().find(|m| m["action"] == "create");
    let create = create.expect("the request went out").clone();
    assert_eq!(received(&mut world), [0, 1, 2, 3, 4]);
    world.say(json!({"type": "items", "data": {}, "uid": create["uid"]}));
    assert_eq!(world.replies[0].0, Status::Ok);
}

#[test]
fn a_disconnected_client_stays_down_and_sends_when_it_is_connected_again() {
    let mut world = holding(1_000);
    world.connect();
    world.engine.session.disconnect(world.now).unwrap();
    world.settle();
    world.message(&typing(1));
    world.advance(Duration::from_secs(60));
    assert_eq!(
        (world.engine.session.state(), world.opened.len()),
        (State::Idle, 1)
    );
    world.dial();
    authenticate(&mut world);
    assert_eq!(received(&mut world), [1]);
}

#[test]
fn messages_beyond_send_queue_bytes_are_refused() {
    let mut world = holding(50);
    assert_eq!(TYPING.len(), 23);
    world.message(TYPING);
    world.message(TYPING);
    let error = try_to_send(&mut world, TYPING).unwrap_err();
    assert_eq!(error.status, Status::QueueFull);
    assert!(error.message.contains("send_queue_bytes"), "{error:?}");
    let message = CustomMessage::parse(CREATE).unwrap();
    let timeout = Duration::from_secs(5);
    let sent = world
        .engine
        .session
        .request(world.now, message, timeout, Box::new(NoReply), 0);
    let (error, _) = sent.expect_err("it does not fit");
    assert_eq!(error.status, Status::QueueFull);
    // Once they have gone, there is room.
    world.open();
    authenticate(&mut world);
    assert_eq!(received(&mut world), [1, 1]);
    world.lose();
    world.message(TYPING);
    world.message(TYPING);
}

#[test]
fn i4_a_request_that_times_out_in_the_send_queue_is_never_sent() {
    let mut world = holding(1_000);
    world.request(CREATE);
    world.message(TYPING);
    world.advance(Duration::from_secs(4));
    assert!(world.replies.is_empty());
    world.advance(Duration::from_secs(1));
    assert_eq!(world.replies, [(Status::Timeout, String::new())]);
    world.open();
    authenticate(&mut world);
    assert_eq!(world.creates(), 0);
    assert_eq!(received(&mut world), [1]);
}

#[test]
fn i2_a_message_that_was_sent_on_a_link_is_not_sent_on_the_next_one() {
    let mut world = holding(1_000);
    world.connect();
    world.request(CREATE);
    world.message(&typing(1));
    assert_eq!((world.creates(), received(&mut world)), (1, vec![1]));
    world.lose();
    assert_eq!(world.replies, [(Status::NotConnected, String::new())]);
    world.request(CREATE);
    world.message(&typing(2));
    world.advance(Duration::from_secs(1));
    world.open();
    authenticate(&mut world);
    assert_eq!((world.creates(), received(&mut world)), (1, vec![2]));
    assert_eq!(world.replies.len(), 1, "the second one is under way");
}

#[test]
fn messages_that_the_rate_limit_delays_wait_for_the_next_link_and_dropped_ones_do_not() {
    let mut world = holding(1_000);
    world.connect();
    world.request(CREATE);
    world.say(limited(2_000));
    world.message(&typing(1));
    assert_eq!((world.creates(), received(&mut world)), (1, vec![]));
    world.lose();
    assert_eq!(world.replies, [(Status::NotConnected, String::new())]);
    world.advance(Duration::from_secs(3));
    world.open();
    authenticate(&mut world);
    world.advance(Duration::from_secs(3));
    assert_eq!((world.creates(), received(&mut world)), (0, vec![1]));
}

#[test]
fn a_lost_link_keeps_the_oldest_messages_up_to_send_queue_bytes() {
    let mut world = holding(50);
    world.connect();
    world.say(limited(2_000));
    for n in 0..5 {
        world.message(&typing(n));
    }
    world.lose();
    let lost = |line: &&String| line.contains("messages could not be sent");
    let lost: Vec<_> = world.warnings.iter().filter(lost).collect();
    assert_eq!(lost.len(), 1, "{:?}", world.warnings);
    assert!(lost[0].starts_with("3 "));
    world.advance(Duration::from_secs(3));
    world.open();
    authenticate(&mut world);
    world.advance(Duration::from_secs(3));
    assert_eq!(received(&mut world), [0, 1]);
}

#[test]
fn a_failed_client_reports_its_queued_messages_as_lost() {
    let mut world = holding(1_000);
    world.message(TYPING);
    world.message(TYPING);
    world.request(CREATE);
    world.open();
    world.say(auth_failed());
    assert_eq!(world.engine.session.state(), State::Failed);
    assert_eq!(world.replies, [(Status::NotConnected, String::new())]);
    let lost = "2 messages could not be sent before the client failed";
    assert_eq!(world.warnings, [lost]);
    let error = try_to_send(&mut world, TYPING).unwrap_err();
    assert_eq!(error.status, Status::NotConnected);
    world.sent.clear();
    world.set_token("good");
    world.open();
    authenticate(&mut world);
    assert!(world.sent.is_empty());
}

#[test]
fn without_credentials_the_first_message_fails_the_client() {
    let mut world = World::new(Config {
        credentials: Credentials::default(),
        send_queue_bytes: 1_000,
        ..config()
    });
    world.request(CREATE);
    assert_eq!(world.engine.session.state(), State::Failed);
    assert_eq!(world.replies, [(Status::NotConnected, String::new())]);
}

#[test]
fn a_closed_client_reports_its_queued_messages_as_lost() {
    let mut world = holding(1_000);
    world.message(TYPING);
    world.request(CREATE);
    world.engine.session.close(world.now).unwrap();
    world.settle();
    assert_eq!(world.replies, [(Status::Closed, String::new())]);
    let lost = "1 message could not be sent before the client was closed";
    assert_eq!(world.warnings, [lost]);
}

#[test]
fn queued_messages_do_not_starve_subscriptions() {
    let mut world = holding(10_000);
    for n in 0..100 {
        world.message(&typing(n));
    }
    world.subscribe(spec());
    world.open();
    authenticate(&mut world);
    let place = world.sent.iter().position(|m| m["type"] == "subscribe");
    assert!(place.is_some_and(|place| place < 4), "{place:?}");
}

#[test]
fn a_request_that_was_never_sent_says_why() {
    let mut world = holding(1_000);
    world.request(CREATE);
    world.advance(Duration::from_secs(5));
    world.request(CREATE);
    world.engine.session.close(world.now).unwrap();
    world.settle();
    assert_eq!(world.reply_messages.len(), 2);
    let overdue = "the request could not be sent within 5000 ms: the client is connecting: ";
    assert!(
        world.reply_messages[0].starts_with(overdue),
        "{:?}",
        world.reply_messages
    );
    assert_eq!(
        world.reply_messages[1],
        "the client was closed before the request was sent"
    );
}
