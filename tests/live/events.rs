//! Snapshots and events: order, queries, kinds of events, granularity.

use serde_json::json;

use super::server::{ADMIN, Server, text};
use super::test_client::*;
use directus_realtime::ffi::*;

/// Tests share a server, so each works on posts of its own status.
fn of(status: &str) -> serde_json::Value {
    json!({"filter": {"status": {"_eq": status}}})
}

#[test]
fn i2_the_snapshot_and_each_change_reach_the_callback_once_in_order() {
    let server = Server::shared();
    let first = server.create("posts", json!({"title": "before", "status": "order"}));
    let client = TestClient::admin(server);
    let posts = client.subscribe(subscription("posts").query(of("order")).uid("my-posts"));
    assert_eq!(posts.wait(), DRT_OK);
    let init = &posts.log.until_len(1)[0];
    assert!(init.is_init() && init.flags == 0, "{init:?}");
    assert_eq!(init.data.as_array().unwrap().len(), 1);
    assert_eq!(
        (init.uid.as_str(), init.collection.as_str()),
        ("my-posts", "posts")
    );

    let second = server.create("posts", json!({"title": "two", "status": "order"}));
    server.update("posts", &second["id"], json!({"title": "changed"}));
    server.delete("posts", &second["id"]);
    server.delete("posts", &first["id"]);
    let id = second["id"].clone();
    // A delete by URL has the key as a string.
    let ours = |seen: &Seen| text(&seen.data["id"]) == text(&id);
    let seen = posts.log.until("create, update and delete", |all| {
        all.iter().filter(|e| ours(e)).count() >= 3
    });
    let names: Vec<_> = seen.iter().filter(|e| ours(e)).map(Seen::name).collect();
    assert_eq!(names, ["create", "update", "delete"]);
    for (i, event) in seen.iter().enumerate() {
        assert_eq!(event.sequence, i as u64 + 1, "no holes in the sequence");
    }
}

#[test]
fn batch_writes_arrive_per_item_or_per_message() {
    let server = Server::shared();
    let client = TestClient::admin(server);
    let per_item = client.follow(subscription("posts").query(of("batch")));
    let per_message = client.follow(subscription("posts").query(of("batch")).per_message());

    let batch = json!([{"title": "a", "status": "batch"}, {"title": "b", "status": "batch"},
                       {"title": "c", "status": "batch"}]);
    let made = server.rest("POST", "/items/posts", Some(batch));
    let keys: Vec<_> = made
        .as_array()
        .unwrap()
        .iter()
        .map(|post| post["id"].clone())
        .collect();
    server.rest(
        "PATCH",
        "/items/posts",
        Some(json!({"keys": keys, "data": {"n": 7}})),
    );
    server.rest("DELETE", "/items/posts", Some(json!(keys)));

    let is_ours = |e: &Seen, name: &str| {
        e.name() == name && (name != "delete" || keys.contains(&e.data["id"]))
    };
    let seen = per_item.log.until("three deletes", |all| {
        all.iter().filter(|e| is_ours(e, "delete")).count() == 3
    });
    for name in ["create", "update", "delete"] {
        assert_eq!(
            seen.iter().filter(|e| is_ours(e, name)).count(),
            3,
            "{name}"
        );
    }
    let updates: Vec<_> = seen.iter().filter(|e| e.name() == "update").collect();
    let places: Vec<_> = updates.iter().map(|e| (e.index, e.count)).collect();
    assert_eq!(places, [(0, 3), (1, 3), (2, 3)]);
    assert!(updates.iter().all(|e| e.data["n"] == 7));

    let ours = |e: &Seen| e.name() == "delete" && e.data == json!(keys);
    let seen = per_message
        .log
        .until("the delete", |all| all.iter().any(ours));
    assert_eq!(
        seen.iter().filter(|e| e.name() == "create").count(),
        3,
        "one message an item"
    );
    let update = seen.iter().find(|e| e.name() == "update").unwrap();
    assert_eq!(update.data.as_array().unwrap().len(), 3);
    assert_eq!((update.index, update.count), (0, 1));
}

#[test]
fn only_subscribed_event_kinds_arrive_and_their_init_is_empty() {
    let server = Server::shared();
    let client = TestClient::admin(server);
    let masks = [
        (DRT_ON_CREATE, vec!["create"]),
        (DRT_ON_UPDATE, vec!["update"]),
        (DRT_ON_DELETE, vec!["delete"]),
        (DRT_ON_CREATE | DRT_ON_DELETE, vec!["create", "delete"]),
        (
            DRT_ON_CREATE | DRT_ON_UPDATE | DRT_ON_DELETE,
            vec!["create", "update", "delete"],
        ),
    ];
    let subs: Vec<_> = masks
        .iter()
        .map(|(mask, _)| client.subscribe(subscription("things").events(*mask)))
        .collect();
    for (sub, (mask, _)) in subs.iter().zip(&masks) {
        let init = &sub.log.until_len(1)[0];
        assert_eq!(init.data.is_null(), *mask != 7, "{mask}: {init:?}");
    }
    let thing = server.create("things", json!({"title": "kinds"}));
    server.update("things", &thing["id"], json!({"title": "kinds 2"}));
    server.delete("things", &thing["id"]);
    let key = thing["id"].clone();
    for (sub, (mask, names)) in subs.iter().zip(&masks) {
        let ours = |e: &&Seen| e.data["id"] == key;
        let seen = sub.log.until(&format!("{names:?}"), |all| {
            all.iter().filter(ours).count() >= names.len()
        });
        let seen: Vec<_> = seen.iter().filter(ours).map(Seen::name).collect();
        assert_eq!(&seen, names, "mask {mask}");
    }
}

#[test]
fn the_query_applies_to_snapshot_and_events_and_meta_is_delivered() {
    let server = Server::shared();
    let author = server.create("authors", json!({"name": "Ada"}));
    let client = TestClient::admin(server);
    let query = json!({
        "fields": ["id", "title", "author.name"], "filter": {"status": {"_eq": "query"}},
        "sort": ["-id"], "limit": 10, "meta": ["filter_count"],
    });
    let sub = client.subscribe(subscription("posts").query(query));
    let init = &sub.log.until_len(1)[0];
    assert_eq!(init.data, json!([]));
    assert_eq!(init.meta, json!({"filter_count": 0}));
    let post = server.create(
        "posts",
        json!({"title": "q", "status": "query", "author": author["id"]}),
    );
    let seen = sub
        .log
        .until("the create", |all| all.iter().any(|e| e.name() == "create"));
    let create = seen.iter().find(|e| e.name() == "create").unwrap();
    let expected = json!({"id": post["id"], "title": "q", "author": {"name": "Ada"}});
    assert_eq!(create.data, expected);
    assert_eq!(create.meta["filter_count"], 1);
    server.delete("posts", &post["id"]);
}

#[test]
fn exact_and_server_snapshots_agree_without_concurrent_writes() {
    let server = Server::shared();
    server.create("codes", json!({"code": "same", "label": "same"}));
    let client = TestClient::admin(server);
    let query = json!({"filter": {"code": {"_eq": "same"}}});
    let exact = client.subscribe(
        subscription("codes")
            .query(query.clone())
            .primary_key("code"),
    );
    let own = client.subscribe(
        subscription("codes")
            .query(query)
            .primary_key("code")
            .server_snapshot(),
    );
    let (exact, own) = (exact.log.until_len(1), own.log.until_len(1));
    assert_eq!(exact[0].data, json!([{"code": "same", "label": "same"}]));
    assert_eq!(exact[0].data, own[0].data);
    server.delete("codes", &json!("same"));
}

#[test]
fn singletons_and_system_collections_can_be_subscribed_to() {
    let server = Server::shared();
    let client = TestClient::admin(server);
    let settings = client.subscribe(subscription("settings_one"));
    assert_eq!(settings.wait(), DRT_OK);
    settings.log.until_len(1);
    settings.log.clear();
    server.rest(
        "PATCH",
        "/items/settings_one",
        Some(json!({"title": "hello"})),
    );
    let seen = settings.log.until_len(1);
    assert!(["create", "update"].contains(&seen[0].name()), "{seen:?}");

    let folders = client.follow(subscription("directus_folders"));
    let folder = server.rest("POST", "/folders", Some(json!({"name": "f"})));
    let seen = folders.log.until_len(1);
    assert_eq!(
        (seen[0].name(), &seen[0].data["id"]),
        ("create", &folder["id"])
    );
}

#[test]
fn i7_folding_events_over_snapshots_gives_the_servers_items() {
    let server = Server::shared();
    let client = TestClient::admin(server);
    let filter = json!({"filter": {"label": {"_starts_with": "fold"}}, "limit": -1});
    let sub = client.subscribe(subscription("codes").query(filter).primary_key("code"));
    sub.log.until_len(1);
    let mut rng = fastrand::Rng::with_seed(7);
    let key = |n: u32| json!(format!("fold-{n}"));
    for _ in 0..120 {
        let n = rng.u32(0..20);
        let label = format!("fold {}", rng.u32(..));
        let body = json!({"code": key(n), "label": label});
        // Some of these are refused, and then change nothing.
        let _ = match rng.u32(0..4) {
            0 | 1 => server.rest_as(ADMIN, "POST", "/items/codes", Some(body)),
            2 => {
                let path = format!("/items/codes/fold-{n}");
                server.rest_as(ADMIN, "PATCH", &path, Some(json!({"label": label})))
            }
            _ => server.rest_as(ADMIN, "DELETE", &format!("/items/codes/fold-{n}"), None),
        };
    }
    server.create("codes", json!({"code": "fold-last", "label": "fold last"}));
    let seen = sub.log.until("the last", |all| {
        all.iter().any(|e| e.data["code"] == "fold-last")
    });
    let items = server.read("codes");
    let expected = items
        .iter()
        .filter(|item| {
            item["label"]
                .as_str()
                .is_some_and(|label| label.starts_with("fold"))
        })
        .map(|item| (item["code"].as_str().unwrap().to_owned(), item.clone()))
        .collect();
    assert_eq!(fold(&seen, "code"), expected);
}

#[test]
fn i7_exact_snapshots_and_events_miss_nothing_under_concurrent_creates() {
    let server = Server::start(super::server::V12, &[]);
    let client = TestClient::admin(&server);
    client.connect();
    std::thread::scope(|threads| {
        for writer in 0..4 {
            let server = &server;
            threads.spawn(move || {
                for n in 0..25 {
                    server.create("posts", json!({"title": format!("{writer}-{n}")}));
                }
            });
        }
        let query = json!({"fields": ["*", "author.*"], "limit": -1});
        let subs: Vec<_> = (0..12)
            .map(|_| {
                std::thread::sleep(std::time::Duration::from_millis(80));
                client.subscribe(subscription("posts").query(query.clone()))
            })
            .collect();
        for sub in subs {
            let seen = sub
                .log
                .until("all hundred posts", |all| fold(all, "id").len() >= 100);
            let mut created = std::collections::BTreeMap::new();
            for event in seen.iter().filter(|e| e.name() == "create") {
                *created.entry(event.data["id"].to_string()).or_insert(0) += 1;
            }
            let snapshot = seen[0].data.as_array().unwrap();
            for post in snapshot {
                let id = post["id"].to_string();
                assert!(!created.contains_key(&id), "post {id} was told twice");
            }
            assert!(created.values().all(|times| *times == 1), "{created:?}");
        }
    });
}
