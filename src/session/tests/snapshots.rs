//! Snapshots, and the events around them.

use std::time::Duration;

use serde_json::json;

use super::world::{World, spec};
use crate::handover::EventKind::{Create, Delete, Error, Init, Update};
use crate::subscriptions::SubscriptionSpec;

#[test]
fn i2_events_after_the_read_of_a_snapshot_follow_its_init() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    assert!(
        world.told.is_empty(),
        "the server's own snapshot is not passed on"
    );
    world.change(&wire, "create", json!([{"id": 1}]));
    world.change(&wire, "create", json!([{"id": 2}]));
    world.change(&wire, "delete", json!(["1"]));
    world.answer_read(json!([{"id": 2}]));
    world.change(&wire, "update", json!([{"id": 2}]));
    assert_eq!(
        world.kinds(),
        [Init, Create, Delete, Update],
        "2 is in the snapshot already"
    );
    assert_eq!(world.told[1].data, json!([{"id": 1}]));
}

#[test]
fn i2_a_late_create_of_a_row_in_the_snapshot_is_not_delivered_again() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    world.answer_read(json!([{"id": 1}, {"id": 2}, {"id": 4}, {"id": 5}]));
    world.change(&wire, "create", json!([{"id": 1}]));
    world.change(&wire, "create", json!([{"id": 3}]));
    world.change(&wire, "delete", json!(["2"]));
    world.change(&wire, "create", json!([{"id": 2}]));
    world.answer_read(json!([{"id": 2}]));
    assert_eq!(world.kinds(), [Init, Create, Delete, Create]);
    assert_eq!(world.told[1].data, json!([{"id": 3}]));
    // What comes behind a silence may have been on the way all the time,
    world.advance(Duration::from_secs(20));
    world.change(&wire, "create", json!([{"id": 4}]));
    assert_eq!(world.told.len(), 4);
    world.live(121);
    world.change(&wire, "create", json!([{"id": 5}]));
    assert_eq!(world.told.len(), 5, "but no create is as late as that");
}

#[test]
fn i2_snapshot_rows_are_remembered_while_late_creates_keep_coming() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    let rows: Vec<_> = (0..100).map(|id| json!({"id": id})).collect();
    world.answer_read(json!(rows));
    for id in 0..100 {
        world.advance(Duration::from_secs(4));
        world.change(&wire, "create", json!([{"id": id}]));
    }
    assert_eq!(world.kinds(), [Init]);
    world.live(130);
    let all_forgotten = world
        .engine
        .session
        .registry()
        .iter()
        .all(|s| !s.remembers_rows());
    assert!(all_forgotten && world.engine.session.remembered_snapshots() == 0);
}

#[test]
fn i2_only_the_first_create_of_a_row_in_the_snapshot_is_left_out() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    world.answer_read(json!([{"id": 1}]));
    for _ in 0..3 {
        world.change(&wire, "create", json!([{"id": 1}]));
    }
    assert_eq!(world.kinds(), [Init, Create, Create]);
}

#[test]
fn i7_a_create_with_a_key_of_the_snapshot_but_other_content_is_delivered() {
    let mut world = World::connected();
    let (_, wire) = world.follow(json!([{"id": "en", "name": "old"}, {"id": "de", "name": "old"}]));
    // The first one went without a word: a cascade, SQL, a flow.
    world.change(&wire, "create", json!([{"id": "en", "name": "new"}]));
    world.change(&wire, "create", json!([{"id": "de", "name": "old"}]));
    world.change(&wire, "create", json!([{"id": "en", "name": "old"}]));
    let told = world.changes();
    assert_eq!(
        told,
        [
            (Create, json!([{"id": "en", "name": "new"}])),
            (Create, json!([{"id": "en", "name": "old"}]))
        ]
    );
}

#[test]
fn i7_the_snapshot_of_an_empty_singleton_is_null() {
    let mut world = World::connected();
    for (read, told) in [
        (json!({"id": null, "name": "default"}), json!(null)),
        (json!({"id": 1, "name": "x"}), json!({"id": 1, "name": "x"})),
        (json!({"name": null}), json!({"name": null})),
        (json!([{"id": null}]), json!([{"id": null}])),
    ] {
        world.told.clear();
        world.subscribe(spec());
        world.confirm();
        world.answer_read(read);
        assert_eq!((world.told[0].kind, &world.told[0].data), (Init, &told));
    }
}

#[test]
fn the_server_snapshot_is_delivered_without_a_read_where_exact_is_off() {
    let mut world = World::connected();
    world.subscribe(SubscriptionSpec {
        exact: false,
        ..spec()
    });
    world.confirm();
    assert_eq!(world.kinds(), [Init]);
    assert!(world.sent.is_empty());
}

#[test]
fn the_error_for_an_event_withheld_during_a_snapshot_read_follows_the_init() {
    for names_it in [true, false] {
        let mut world = World::connected();
        world.subscribe(spec());
        let wire = world.confirm();
        let mut error = json!({"type": "subscribe", "status": "error",
                               "error": {"code": "FORBIDDEN", "message": "no"}});
        if names_it {
            error["uid"] = json!(wire);
        }
        world.say(error);
        world.change(&wire, "create", json!([{"id": 7}]));
        // The snapshot may be of the time before.
        world.answer_read(json!([]));
        assert_eq!(world.kinds(), [Init, Error, Create], "{names_it}");
        assert_eq!(world.told[1].flags, 0);
    }
}

#[test]
fn i6_a_snapshot_is_read_again_when_too_many_events_are_held_for_it() {
    let mut world = World::connected();
    world.subscribe(spec());
    let wire = world.confirm();
    let stale = world.next();
    for n in 0..200 {
        world.change(&wire, "create", json!([{"id": n, "text": "x".repeat(100)}]));
    }
    assert_eq!(world.sent[0]["type"], "items");
    world.say(json!({"type": "items", "data": [], "uid": stale["uid"]}));
    assert!(world.told.is_empty(), "the stale snapshot is not used");
}
