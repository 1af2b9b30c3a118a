//! Batches of `drt_client_drain`.

use std::sync::Arc;

use serde_json::json;

use super::polled::*;
use super::test_client::*;
use directus_realtime::ffi::*;

#[test]
fn a_drained_batch_ends_before_the_next_callback_that_is_no_event() {
    let mut polled = polled();
    let (sub, wire) = follow(&mut polled);
    let key = Arc::as_ptr(&sub.log) as u64;
    let (client, link) = (&polled.client, &mut polled.link);
    while drain(client, 0, 0).2 > 0 {}
    let sequence = client.stats().events;
    link.event(&wire, "create", &json!([{"id": 1}, {"id": 2}]));
    let (status, reply) = client.request(&json!({"type": "ping"}), 60_000);
    assert_eq!(status, DRT_OK);
    let ping = link.next();
    link.answer(&ping);
    link.event(
        &wire,
        "update",
        &json!([{"id": 1, "title": "a \"quoted\" \u{1F600}"}]),
    );
    link.event(&wire, "delete", &json!(["2"]));
    eventually("all of it", || client.stats().queued_events == 3);
    assert_eq!(reply.len(), 0);

    let (_, first, drained) = drain(client, 0, 0);
    assert_eq!((first.len(), drained), (2, 2), "the reply has not run yet");
    assert_eq!(reply.len(), 0, "a batch ends before it");
    assert_eq!(first[0], json!([key, 1, 0, sequence + 1, 0, 2, {"id": 1}]));
    assert_eq!(first[1], json!([key, 1, 0, sequence + 2, 1, 2, {"id": 2}]));
    let (_, second, drained) = drain(client, 0, 0);
    assert_eq!(
        (reply.len(), reply.released()),
        (1, 1),
        "in its place: before what follows"
    );
    assert_eq!((second.len(), drained), (2, 3));
    let title = "a \"quoted\" \u{1F600}";
    assert_eq!(
        second[0],
        json!([key, 2, 0, sequence + 3, 0, 1, {"id": 1, "title": title}])
    );
    assert_eq!(second[1], json!([key, 3, 0, sequence + 4, 0, 1, {"id": 2}]));
    assert_eq!(sub.log.len(), 0, "no event callback ran");

    // A release ends a batch, too: the batch's entries carry its user data.
    link.event(&wire, "update", &json!([{"id": 1}]));
    eventually("the event", || client.stats().queued_events == 1);
    let (_, third, _) = drain(client, 0, 1);
    assert_eq!(third.len(), 1);
    assert_eq!(sub.unsubscribe(), DRT_OK);
    assert_eq!(sub.log.released(), 0);
    assert_eq!(drain(client, 0, 0).1.len(), 0);
    assert_eq!(sub.log.released(), 1);
}

#[test]
fn a_state_change_ends_a_drained_batch() {
    let mut polled = polled();
    let (_sub, wire) = follow(&mut polled);
    let client = &polled.client;
    while drain(client, 0, 0).2 > 0 {}
    let states = client.states.len();
    polled.link.event(&wire, "update", &json!([{"id": 1}]));
    eventually("the event", || client.stats().queued_events == 1);
    polled.link.hang_up();
    let mut link = polled.server.ready();
    link.confirm_subscribe();
    eventually("the resync", || client.stats().queued_events == 2);
    let (_, first, _) = drain(client, 0, 0);
    assert_eq!((first.len(), client.states.len()), (1, states));
    let (_, second, _) = drain(client, 0, 0);
    assert!(client.states.len() >= states + 3, "{:?}", client.path());
    assert_eq!((second.len(), &second[0][2]), (1, &json!(DRT_FLAG_RESYNC)));
}

#[test]
fn max_events_limits_a_drained_batch() {
    let mut polled = polled();
    let (_sub, wire) = follow(&mut polled);
    let (client, link) = (&polled.client, &mut polled.link);
    while drain(client, 0, 0).2 > 0 {}
    let items: Vec<_> = (0..10).map(|id| json!({"id": id})).collect();
    link.event(&wire, "update", &json!(items));
    let mut ids = Vec::new();
    for expected in [4, 4, 2] {
        let (status, batch, drained) = drain(client, 60_000, 4);
        assert_eq!((status, batch.len(), drained), (DRT_OK, expected, expected));
        ids.extend(batch.iter().map(|event| event[6]["id"].as_u64().unwrap()));
    }
    assert_eq!(ids, (0..10).collect::<Vec<_>>());
}
