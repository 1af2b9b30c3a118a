//! A token that has expired on a link ends the link: before 12.1.1, Directus does not
//! check as it should what it sends on it from then on.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;

use crate::error::Status;
use crate::handover::EventKind::Init;
use crate::handover::{FLAG_RESYNC, State};
use crate::secret::Secret;
use crate::session::tests::world::{
    World, auth_failed, auth_ok, expired, init, named, server_snapshot, spec, unsubscribed, with,
};
use crate::session::{Credentials, SubStatus};
use crate::subscriptions::SubscriptionSpec;
use crate::subscriptions::spec::ON_CREATE;

const SECRET: &str = "what the public must not see";

#[test]
fn i3_frames_after_the_expiry_are_not_delivered() {
    let mut world = World::logged_in();
    let (_, wire) = world.active(spec());
    world.live(20);
    world.request(r#"{"type":"items","action":"read","collection":"a"}"#);
    let request = world.next();
    let old = world.link();
    world.say(expired());
    assert_eq!(world.replies, [(Status::NotConnected, String::new())]);
    let (state, reason, message) = world.states.last().unwrap();
    assert_eq!((*state, *reason), (State::Connecting, Status::Auth));
    assert!(message.contains("TOKEN_EXPIRED"), "{message}");
    assert_eq!(world.closed, [old]);
    world.say_on(
        old,
        json!({"type": "subscription", "event": "create", "data": [{"id": 1, "t": SECRET}],
               "uid": wire}),
    );
    world.say_on(
        old,
        json!({"type": "items", "data": [{"t": SECRET}], "uid": request["uid"]}),
    );
    world.say_on(old, named(auth_failed(), &json!("auth.7")));
    assert!(world.told.is_empty(), "{:?}", world.told);
    assert_eq!(world.replies.len(), 1);
    world.open();
    assert_eq!(world.next()["refresh_token"], "r1");
    world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r2"}));
    assert_eq!(world.engine.session.state(), State::Connected);
    world.confirm();
    world.answer_read(json!([]));
    assert_eq!(world.kinds(), [Init]);
    assert_eq!(world.told[0].flags, FLAG_RESYNC);
    // The next renewal comes ahead of the expiry, on the live link, and without a gap.
    world.advance(Duration::from_secs(17));
    assert_eq!(world.next()["refresh_token"], "r2");
    world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r3"}));
    assert_eq!((world.told.len(), world.opened.len()), (1, 2));
}

#[test]
fn i3_frames_behind_the_expiry_in_one_batch_are_not_delivered() {
    let mut world = World::logged_in();
    let (_, wire) = world.active(spec());
    world.live(20);
    let create =
        json!({"type": "subscription", "event": "create", "data": [{"id": 1}], "uid": wire});
    let mut frames = [expired(), create].map(|m| m.to_string().into()).into();
    world
        .engine
        .session
        .on_frames(world.now, world.link(), &mut frames);
    world.settle();
    assert!(world.told.is_empty(), "{:?}", world.told);
}

/// A subscribe is under way when the token expires.
fn under_way(spec: SubscriptionSpec) {
    let mut world = World::logged_in();
    let id = world.subscribe(spec);
    let subscribe = world.next();
    world.live(6);
    world.sent.clear();
    let old = world.link();
    world.say(expired());
    assert!(world.closed.is_empty(), "the server would keep it for ever");
    world.say_on(old, init(&subscribe["uid"]));
    assert_eq!(world.closed, [old]);
    assert!(world.told.is_empty(), "{:?}", world.told);
    world.open();
    world.next();
    world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r2"}));
    assert_eq!(world.engine.session.sub_status(id), SubStatus::Pending);
    world.confirm();
}

#[test]
fn i3_an_init_after_the_expiry_is_followed_by_one_on_the_next_link() {
    under_way(server_snapshot());
}

#[test]
fn i3_an_init_without_a_snapshot_after_the_expiry_is_followed_by_another() {
    under_way(SubscriptionSpec {
        events: ON_CREATE,
        ..spec()
    });
}

#[test]
fn reconnects_are_paced_while_tokens_expire_at_once() {
    let mut world = World::logged_in();
    let mut tries = 0;
    for n in 0..600 {
        world.say(expired());
        if world.opened.len() > tries + 1 {
            tries += 1;
            world.open();
            world.sent.clear();
            let next = format!("r{}", n + 2);
            world.say(json!({"type": "auth", "status": "ok", "refresh_token": next}));
        }
        world.advance(Duration::from_millis(100));
    }
    assert!((5..60).contains(&tries), "{tries} links in a minute");
}

#[test]
fn with_a_token_callback_an_expiry_asks_and_reconnects_with_the_fresh_token() {
    let mut world = with(Credentials {
        access_token: Some(Secret::new("first")),
        ..Credentials::default()
    });
    world.set_token_callback();
    world.connect();
    let (_, _) = world.active(spec());
    world.live(60);
    world.say(expired());
    assert_eq!(world.tokens_wanted, [Status::Auth]);
    assert_eq!(world.engine.session.state(), State::Backoff);
    assert_eq!(world.engine.session.reason().0, Status::Auth);
    world.set_token("second");
    assert_eq!(world.opened.len(), 2, "at once");
    world.open();
    assert_eq!(world.next()["access_token"], "second");
    world.say(json!({"type": "auth", "status": "ok"}));
    world.confirm();
    world.answer_read(json!([]));
    assert_eq!(world.told[0].flags, FLAG_RESYNC);
}

#[test]
fn without_a_token_callback_an_expiry_fails_the_client_until_a_token_is_set() {
    let mut world = World::connected();
    world.active(spec());
    world.live(60);
    world.say(expired());
    assert_eq!(world.engine.session.state(), State::Failed);
    assert_eq!(world.closed.len(), 1);
    world.set_token("second");
    world.open();
    assert_eq!(world.next()["access_token"], "second");
}

#[test]
fn a_token_shown_when_the_old_one_expires_is_shown_again_on_the_next_link() {
    let mut world = World::connected();
    world.live(60);
    world.set_token("second");
    let auth = world.next();
    assert_eq!(auth["access_token"], "second");
    let old = world.link();
    world.say(expired());
    assert_eq!(world.closed, [old]);
    world.say_on(old, auth_ok(&auth["uid"]));
    world.open();
    assert_eq!(world.next()["access_token"], "second");
    world.say(json!({"type": "auth", "status": "ok"}));
    assert_eq!(world.engine.session.state(), State::Connected);
}

/// A refresh token is being shown when the token expires after all.
fn overtaken() -> (World, serde_json::Value, u64) {
    let mut world = World::logged_in();
    let (_, _) = world.active(spec());
    world.advance(Duration::from_secs(20));
    world.say(expired());
    world.open();
    world.next();
    world.say(json!({"type": "auth", "status": "ok", "refresh_token": "r2"}));
    world.confirm();
    world.answer_read(json!([]));
    world.told.clear();
    world.advance(Duration::from_secs(17));
    let auth = world.next();
    assert_eq!(auth["refresh_token"], "r2");
    let old = world.link();
    world.say(expired());
    assert_eq!(
        (world.opened.len(), world.closed.len()),
        (2, 1),
        "its answer is awaited"
    );
    (world, auth, old)
}

#[test]
fn a_refresh_token_in_use_at_the_expiry_is_awaited_and_its_successor_shown_next() {
    let (mut world, auth, old) = overtaken();
    world.say(unsubscribed("0.1"));
    world
        .say(json!({"type": "subscription", "event": "create", "data": [{"id": 1}], "uid": "0.3"}));
    assert!(world.told.is_empty(), "{:?}", world.told);
    let mut answer = auth_ok(&auth["uid"]);
    answer["refresh_token"] = "r3".into();
    world.say(answer);
    assert_eq!(world.closed.last(), Some(&old));
    world.open();
    assert_eq!(world.next()["refresh_token"], "r3");
}

#[test]
fn an_unanswered_refresh_token_is_shown_again_after_the_ack_timeout() {
    let (mut world, _, old) = overtaken();
    world.advance(Duration::from_secs(10));
    assert_eq!(world.closed.last(), Some(&old));
    world.open();
    assert_eq!(world.next()["refresh_token"], "r2");
}

#[test]
fn a_link_lost_while_a_refresh_token_is_in_use_is_replaced() {
    let (mut world, _, _) = overtaken();
    world.lose();
    assert_eq!(world.engine.session.state(), State::Backoff);
    world.advance(Duration::from_secs(1));
    world.open();
    assert_eq!(world.next()["refresh_token"], "r2");
}

#[test]
fn an_expired_jwt_is_not_retried_though_it_was_accepted() {
    let claims = URL_SAFE_NO_PAD.encode(r#"{"iat":1800000000,"exp":1800000100}"#);
    let mut world = with(Credentials {
        access_token: Some(Secret::new(&format!("e30.{claims}.c2ln"))),
        ..Credentials::default()
    });
    world.connect();
    world.live(99);
    world.lose();
    world.advance(Duration::from_secs(2));
    world.open();
    world.say(auth_failed());
    assert_eq!(world.engine.session.state(), State::Failed);
}
