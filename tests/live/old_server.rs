//! What 11.x does otherwise: errors without a uid, rules on fields and rows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use super::server::{READER, Server};
use super::sut::*;
use directus_realtime::ffi::*;

#[test]
fn a_refused_subscription_among_good_ones_ends_alone_on_either_server() {
    for server in [Server::shared(), Server::shared_v11()] {
        let client = Options::new(&server.url).token(READER).open();
        // Other tests write posts, too.
        let none = json!({"filter": {"status": {"_eq": "alone"}}});
        let good: Vec<_> = (0..6)
            .map(|n| client.subscribe(wish("posts").uid(&format!("good{n}")).query(none.clone())))
            .collect();
        let bad = client.subscribe(wish("secrets").uid("bad"));
        let more = client.subscribe(wish("things").uid("more").events(DRT_ON_UPDATE));
        assert_eq!(bad.wait(), DRT_ERR_SERVER, "{}", last_error());
        assert!(last_error().contains("FORBIDDEN"), "{}", last_error());
        let seen = bad.log.until_len(1);
        assert_eq!(seen.len(), 1, "{seen:?}");
        assert!(seen[0].is_error() && seen[0].is_end());
        assert_eq!(seen[0].data["code"], "FORBIDDEN");
        bad.log.until("its release", |_| bad.log.released() == 1);
        assert!(!client.has("bad"));
        assert_eq!(
            bad.unsubscribe(),
            DRT_ERR_INVALID_HANDLE,
            "the handle is stale"
        );
        for sub in good.iter().chain([&more]) {
            assert_eq!(sub.wait(), DRT_OK, "{}", last_error());
            let seen = sub.log.until_len(1);
            assert!(seen.iter().all(Seen::is_init), "{seen:?}");
        }
        // A second one, while others are live.
        let query = json!({"filter": {"no_such_field": {"_eq": 1}}});
        let bad = client.subscribe(wish("posts").query(query));
        assert_eq!(bad.wait(), DRT_ERR_SERVER);
        assert!(good.iter().all(|sub| sub.wait() == DRT_OK));
    }
}

#[test]
fn rules_on_rows_and_fields_shape_what_a_user_sees_on_11_x() {
    let server = Server::shared_v11();
    let client = Options::new(&server.url).token("limited-token").open();
    let posts = client.follow(wish("posts").query(json!({"sort": ["-id"], "limit": 1})));
    let hidden = server.create("posts", json!({"title": "hidden", "status": "draft"}));
    let shown = server.create(
        "posts",
        json!({"title": "shown", "status": "published", "n": 5}),
    );
    let seen = posts.log.until("the published one", |all| {
        all.iter().any(|e| e.data["id"] == shown["id"])
    });
    assert!(
        seen.iter().all(|e| e.data["id"] != hidden["id"]),
        "{seen:?}"
    );
    let create = seen.iter().find(|e| e.data["id"] == shown["id"]).unwrap();
    assert!(
        create.data.get("n").is_none(),
        "a field that is not ours: {create:?}"
    );
}

#[test]
fn an_event_that_is_withheld_is_reported_and_the_subscription_lives_on() {
    for server in [Server::shared(), Server::shared_v11()] {
        // With a kind of event named, the server checks no permission at first.
        let client = Options::new(&server.url).token(READER).open();
        let secrets = client.follow(wish("secrets").events(DRT_ON_CREATE));
        server.create("secrets", json!({"hidden": "h"}));
        let seen = secrets.log.until_len(1);
        assert!(seen[0].is_error() && !seen[0].is_end(), "{seen:?}");
        assert_eq!(seen[0].data["code"], "FORBIDDEN");
        assert_eq!(secrets.wait(), DRT_OK, "it lives on");
    }
}

#[test]
fn i1_beside_events_that_are_withheld_only_what_is_refused_ends() {
    let server = Server::shared_v11();
    let impatient = |o: &mut drt_client_options| o.ack_timeout_ms = 3_000;
    let client = Options::new(&server.url).token(READER).with(impatient);
    let client = client.open();
    // What this one is not shown is said without a word of whom it is about.
    let withheld = client.follow(wish("secrets").events(DRT_ON_CREATE));
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::SeqCst) {
                server.create("secrets", json!({"hidden": "h"}));
            }
        });
        withheld.log.until_len(2);
        let unknown = json!({"filter": {"no_such_field": {"_eq": 1}}});
        let nonsense = json!({"filter": "nonsense"});
        let bad = [
            wish("secrets"),
            wish("secrets").server_snapshot(),
            wish("posts").query(unknown.clone()),
            wish("posts").query(nonsense.clone()).events(DRT_ON_UPDATE),
            wish("directus_users"),
        ];
        let good = [
            wish("posts"),
            wish("things").server_snapshot(),
            wish("secrets").events(DRT_ON_UPDATE),
            wish("posts").query(unknown).events(DRT_ON_UPDATE),
        ];
        let bad = bad.map(|wish| client.subscribe(wish));
        let good = good.map(|wish| client.subscribe(wish));
        for sub in &bad {
            assert_eq!(sub.wait(), DRT_ERR_SERVER, "{}", last_error());
        }
        for sub in &good {
            assert_eq!(sub.wait(), DRT_OK, "{}", last_error());
        }
        is_over.store(true, Ordering::SeqCst);
    });
}
