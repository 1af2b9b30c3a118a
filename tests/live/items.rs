//! Subscriptions to one item, with every type of key and every way to write it.

use serde_json::{Value, json};

use super::server::Server;
use super::test_client::*;
use directus_realtime::ffi::*;

fn names(seen: &[Seen]) -> Vec<&'static str> {
    seen.iter().map(Seen::name).collect()
}

#[test]
fn an_item_with_an_integer_key_gets_single_and_batch_writes() {
    watch_posts(Server::shared());
}

#[test]
fn an_item_with_an_integer_key_gets_single_and_batch_writes_on_11_x() {
    watch_posts(Server::shared_v11());
}

fn watch_posts(server: &Server) {
    let post = server.create("posts", json!({"title": "watched"}));
    let other = server.create("posts", json!({"title": "other"}));
    let id = &post["id"];
    let client = TestClient::admin(server);
    let sub = client.subscribe(subscription("posts").item(&id.to_string()));
    let init = &sub.log.until_len(1)[0];
    assert_eq!(
        init.data["title"], "watched",
        "an object, not an array: {init:?}"
    );

    server.update("posts", id, json!({"title": "single"}));
    let both = json!({"keys": [id, other["id"]], "data": {"title": "batch"}});
    server.rest("PATCH", "/items/posts", Some(both));
    server.update("posts", &other["id"], json!({"title": "not ours"}));
    server.delete("posts", &other["id"]);
    server.rest("DELETE", "/items/posts", Some(json!([id])));
    let seen = sub
        .log
        .until("the delete", |all| all.iter().any(|e| e.name() == "delete"));
    assert_eq!(
        names(&seen),
        ["init", "update", "update", "delete"],
        "{seen:?}"
    );
    assert_eq!(seen[1].data["title"], "single");
    assert_eq!(seen[2].data["title"], "batch");
    assert_eq!(&seen[3].data, &json!({"id": id}));
}

#[test]
fn items_with_uuid_and_string_keys_get_their_events() {
    let server = Server::shared();
    let thing = server.create("things", json!({"title": "t"}));
    server.create("codes", json!({"code": "it's \"odd\"", "label": "l"}));
    let client = TestClient::admin(server);
    let uuid = thing["id"].as_str().unwrap();
    let by_uuid = client.subscribe(subscription("things").item(uuid));
    let odd = subscription("codes")
        .primary_key("code")
        .item("it's \"odd\"");
    let by_text = client.subscribe(odd);
    assert_eq!(by_uuid.log.until_len(1)[0].data["title"], "t");
    assert_eq!(by_text.log.until_len(1)[0].data["label"], "l");

    server.update("things", &thing["id"], json!({"title": "t2"}));
    server.delete("things", &thing["id"]);
    let batch = json!({"keys": ["it's \"odd\""], "data": {"label": "l2"}});
    server.rest("PATCH", "/items/codes", Some(batch));
    server.rest("DELETE", "/items/codes", Some(json!(["it's \"odd\""])));
    let seen = by_uuid.log.until_len(3);
    assert_eq!(names(&seen), ["init", "update", "delete"]);
    assert_eq!(seen[2].data, json!({"id": uuid}));
    let seen = by_text.log.until_len(3);
    assert_eq!(names(&seen), ["init", "update", "delete"]);
    assert_eq!(seen[2].data, json!({"code": "it's \"odd\""}));
}

#[test]
fn an_item_that_does_not_exist_is_null_until_it_is_created() {
    let server = Server::shared();
    let client = TestClient::admin(server);
    let sub = client.subscribe(subscription("codes").primary_key("code").item("not-yet"));
    let init = &sub.log.until_len(1)[0];
    assert!(init.is_init() && init.data == Value::Null, "{init:?}");
    server.create("codes", json!({"code": "not-yet", "label": "now"}));
    let seen = sub.log.until_len(2);
    assert_eq!(names(&seen), ["init", "create"]);
    server.delete("codes", &json!("not-yet"));
}

#[test]
fn item_and_query_apply_together() {
    let server = Server::shared();
    let post = server.create("posts", json!({"title": "both", "status": "draft"}));
    let client = TestClient::admin(server);
    let query = json!({"fields": ["id", "status"], "filter": {"status": {"_eq": "published"}}});
    let sub = client.subscribe(
        subscription("posts")
            .item(&post["id"].to_string())
            .query(query),
    );
    assert_eq!(
        sub.log.until_len(1)[0].data,
        Value::Null,
        "the filter hides it"
    );
    server.update("posts", &post["id"], json!({"status": "published"}));
    let seen = sub.log.until_len(2);
    assert_eq!(
        seen[1].data,
        json!({"id": post["id"], "status": "published"})
    );
    assert_eq!(sub.unsubscribe(), DRT_OK);
    server.delete("posts", &post["id"]);
}
