//! How 11.x differs: errors without a uid, permissions on fields and rows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use super::server::{READER, Server};
use super::test_client::*;
use directus_realtime::ffi::*;

#[test]
fn i1_a_refused_subscription_ends_alone_among_accepted_ones() {
    for server in [Server::shared(), Server::shared_v11()] {
        let client = Options::new(&server.url).token(READER).open();
        // Other tests write posts, too.
        let none = json!({"filter": {"status": {"_eq": "alone"}}});
        let good: Vec<_> = (0..6)
            .map(|n| {
                client.subscribe(
                    subscription("posts")
                        .uid(&format!("good{n}"))
                        .query(none.clone()),
                )
            })
            .collect();
        let bad = client.subscribe(subscription("secrets").uid("bad"));
        let more = client.subscribe(subscription("things").uid("more").events(DRT_ON_UPDATE));
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
        // Another refused one, while others are active.
        let query = json!({"filter": {"no_such_field": {"_eq": 1}}});
        let bad = client.subscribe(subscription("posts").query(query));
        assert_eq!(bad.wait(), DRT_ERR_SERVER);
        assert!(good.iter().all(|sub| sub.wait() == DRT_OK));
    }
}

#[test]
fn row_and_field_permissions_apply_to_events_on_11_x() {
    let server = Server::shared_v11();
    let client = Options::new(&server.url).token("limited-token").open();
    let posts = client.follow(subscription("posts").query(json!({"sort": ["-id"], "limit": 1})));
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
        "a field that this user may not read: {create:?}"
    );
}

#[test]
fn a_withheld_event_is_reported_and_the_subscription_stays_active() {
    for server in [Server::shared(), Server::shared_v11()] {
        // With a kind of event named, the server checks the permission at the first event.
        let client = Options::new(&server.url).token(READER).open();
        let secrets = client.follow(subscription("secrets").events(DRT_ON_CREATE));
        server.create("secrets", json!({"hidden": "h"}));
        let seen = secrets.log.until_len(1);
        assert!(seen[0].is_error() && !seen[0].is_end(), "{seen:?}");
        assert_eq!(seen[0].data["code"], "FORBIDDEN");
        assert_eq!(secrets.wait(), DRT_OK, "it stays active");
    }
}

#[test]
fn i1_withheld_events_do_not_end_accepted_subscriptions() {
    let server = Server::shared_v11();
    let short_timeout = |o: &mut drt_client_options| o.ack_timeout_ms = 3_000;
    let client = Options::new(&server.url).token(READER).with(short_timeout);
    let client = client.open();
    // The server reports each withheld event without saying of which subscription.
    let withheld = client.follow(subscription("secrets").events(DRT_ON_CREATE));
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::SeqCst) {
                server.create("secrets", json!({"hidden": "h"}));
            }
        });
        withheld.log.until_len(2);
        let unknown = json!({"filter": {"no_such_field": {"_eq": 1}}});
        let nonsense = json!({"filter": "nonsense"});
        let bad = [
            subscription("secrets"),
            subscription("secrets").server_snapshot(),
            subscription("posts").query(unknown.clone()),
            subscription("posts")
                .query(nonsense.clone())
                .events(DRT_ON_UPDATE),
            subscription("directus_users"),
        ];
        let good = [
            subscription("posts"),
            subscription("things").server_snapshot(),
            subscription("secrets").events(DRT_ON_UPDATE),
            subscription("posts").query(unknown).events(DRT_ON_UPDATE),
        ];
        let bad = bad.map(|spec| client.subscribe(spec));
        let good = good.map(|spec| client.subscribe(spec));
        for sub in &bad {
            assert_eq!(sub.wait(), DRT_ERR_SERVER, "{}", last_error());
        }
        for sub in &good {
            assert_eq!(sub.wait(), DRT_OK, "{}", last_error());
        }
        stop.store(true, Ordering::SeqCst);
    });
}
