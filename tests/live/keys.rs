//! I7: keys in every spelling, rows that are deleted without an event, and late events. A
//! copy that is kept as the documentation says agrees with the server.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use serde_json::{Value, json};

use super::server::{ADMIN, Server, V11, V12};
use super::test_client::*;
use directus_realtime::ffi::*;

const UPPER: &str = "ABCDEF01-2345-4678-8ABC-DEF012345678";

/// One test at a time: a server that changes its schema for several clients at once may
/// refuse valid requests, or crash.
fn exclusive_schema() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Servers of these tests only, as they create and drop collections.
fn servers() -> [&'static Server; 2] {
    static SERVERS: OnceLock<[Server; 2]> = OnceLock::new();
    let all = SERVERS.get_or_init(|| [V12, V11].map(|version| Server::start(version, &[])));
    [&all[0], &all[1]]
}

/// A collection with the key `id` and a field `name`. It is dropped with this value.
struct Collection<'a> {
    server: &'a Server,
    name: String,
}

impl<'a> Collection<'a> {
    fn new(server: &'a Server, name: &str, key: &str, schema: Value, singleton: bool) -> Self {
        let mut key = json!({"field": "id", "type": key, "meta": {}, "schema": schema});
        key["schema"]["is_primary_key"] = json!(true);
        let body = json!({"collection": name, "schema": {}, "meta": {"singleton": singleton}, "fields": [
            key, {"field": "name", "type": "string", "schema": {}, "meta": {}}]});
        server.rest("POST", "/collections", Some(body));
        let name = name.to_owned();
        Collection { server, name }
    }

    fn rest(&self, method: &str, path: &str, body: Option<Value>) {
        let path = format!("/items/{}{path}", self.name);
        // A request that reaches no row may be refused.
        let _ = self.server.rest_as(ADMIN, method, &path, body);
    }

    fn rows(&self) -> BTreeMap<String, Value> {
        let path = format!("/items/{}?limit=-1&fields=id,name", self.name);
        let rows = self.server.rest("GET", &path, None);
        rows.as_array().into_iter().flatten().map(by_key).collect()
    }
}

impl Drop for Collection<'_> {
    fn drop(&mut self) {
        let path = format!("/collections/{}", self.name);
        let _ = self.server.rest_as(ADMIN, "DELETE", &path, None);
    }
}

/// Keys keep their JSON type: 7 is not "7".
fn by_key(row: &Value) -> (String, Value) {
    (row["id"].to_string(), row.clone())
}

/// The copy that results from folding events as the documentation says.
fn copy(events: &[Seen]) -> BTreeMap<String, Value> {
    let mut rows = BTreeMap::new();
    for event in events {
        match event.name() {
            "init" => {
                rows = event
                    .data
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(by_key)
                    .collect()
            }
            "create" | "update" => rows.extend([by_key(&event.data)]),
            "delete" => drop(rows.remove(&event.data["id"].to_string())),
            _ => {}
        }
    }
    rows
}

fn plain() -> SubscriptionSpec {
    subscription("").query(json!({"fields": ["id", "name"], "limit": -1}))
}

/// Subscribes to a collection, and waits until it is active.
fn follow(client: &TestClient, of: &Collection<'_>, mut spec: SubscriptionSpec) -> Sub {
    spec.collection = of.name.clone();
    let sub = client.subscribe(spec);
    assert_eq!(sub.wait(), DRT_OK);
    sub
}

/// Creates a marker item and waits for its event: everything before it has arrived.
fn until_marker(sub: &Sub, of: &Collection<'_>, key: Value) -> Vec<Seen> {
    of.rest("POST", "", Some(json!({"id": key, "name": "marker"})));
    sub.log.until("the marker", |all| {
        all.iter().any(|e| e.data["name"] == "marker")
    })
}

#[test]
fn i7_a_delete_has_the_key_of_its_row_however_the_request_spelled_it() {
    let _schema = exclusive_schema();
    let lower = UPPER.to_lowercase();
    let decimal = json!({"numeric_precision": 10, "numeric_scale": 5});
    let mut n = 0;
    for server in servers() {
        let client = TestClient::admin(server);
        for (kind, schema, row, path, body, marker) in [
            ("integer", json!({}), json!(7), "/007", None, json!(99)),
            ("integer", json!({}), json!(7), "/%2B7", None, json!(99)),
            ("integer", json!({}), json!(7), "/%207", None, json!(99)),
            ("integer", json!({}), json!(7), "/7.0", None, json!(99)),
            (
                "integer",
                json!({}),
                json!(7),
                "",
                Some(json!(["007"])),
                json!(99),
            ),
            ("bigInteger", json!({}), json!(7), "/007", None, json!(99)),
            (
                "decimal",
                decimal.clone(),
                json!(1.5),
                "/1.50",
                None,
                json!(99),
            ),
            (
                "decimal",
                decimal.clone(),
                json!(2.5),
                "",
                Some(json!([2.5])),
                json!(99),
            ),
            ("float", json!({}), json!(1.5), "/1.5", None, json!(99)),
            (
                "string",
                json!({}),
                json!("7.5"),
                "",
                Some(json!([7.5])),
                json!("z"),
            ),
            ("string", json!({}), json!("7"), "/007", None, json!("z")),
            (
                "uuid",
                json!({}),
                json!(lower),
                &format!("/{UPPER}"),
                None,
                json!("00000000-0000-4000-8000-000000000000"),
            ),
            (
                "uuid",
                json!({}),
                json!(UPPER),
                &format!("/{lower}"),
                None,
                json!("00000000-0000-4000-8000-000000000000"),
            ),
        ] {
            n += 1;
            let keys = Collection::new(server, &format!("t_key_{n}"), kind, schema, false);
            keys.rest("POST", "", Some(json!({"id": row, "name": "n"})));
            let sub = follow(&client, &keys, plain());
            keys.rest("DELETE", path, body);
            let seen = until_marker(&sub, &keys, marker);
            assert_eq!(copy(&seen), keys.rows(), "{kind} {row} {path}: {seen:?}");
            assert!(!seen.iter().any(Seen::is_resync), "{seen:?}");
            sub.unsubscribe();
        }
    }
}

#[test]
fn i7_an_item_subscription_gets_its_delete_in_every_spelling_and_no_other_rows() {
    let _schema = exclusive_schema();
    let server = servers()[0];
    let client = TestClient::admin(server);
    let lower = UPPER.to_lowercase();
    for (n, (kind, row, item, deleted, is_delivered)) in [
        ("integer", json!(7), "007", "7", true),
        ("integer", json!(7), "7", "007", true),
        ("decimal", json!(1.5), "1.50", "1.5", true),
        ("string", json!("7"), "7", "007", false),
        ("string", json!("abc"), "abc", "ABC", false),
        ("uuid", json!(UPPER), UPPER, lower.as_str(), false),
        ("uuid", json!(UPPER), UPPER, UPPER, true),
    ]
    .into_iter()
    .enumerate()
    {
        let schema = json!({"numeric_precision": 10, "numeric_scale": 5});
        let items = Collection::new(server, &format!("t_item_{n}"), kind, schema, false);
        items.rest("POST", "", Some(json!({"id": row, "name": "n"})));
        let sub = follow(&client, &items, plain().item(item));
        let shown = sub.log.until_len(1)[0].data.clone();
        assert_eq!(shown["id"], row, "{kind} {item}");
        items.rest("DELETE", &format!("/{deleted}"), None);
        if is_delivered {
            let seen = sub.log.until_len(2);
            assert_eq!(
                (seen[1].name(), &seen[1].data),
                ("delete", &json!({"id": row}))
            );
            continue;
        }
        let key = super::server::text(&row);
        items.rest("PATCH", &format!("/{key}"), Some(json!({"name": "stands"})));
        let seen = sub.log.until_len(2);
        assert_eq!(
            (seen[1].name(), &seen[1].data["name"]),
            ("update", &json!("stands"))
        );
    }
}

#[test]
fn i7_a_create_is_delivered_where_its_key_was_deleted_without_an_event() {
    let _schema = exclusive_schema();
    for server in servers() {
        let client = TestClient::admin(server);
        let parents = Collection::new(server, "t_parent", "integer", json!({}), false);
        let children = Collection::new(server, "t_child", "string", json!({}), false);
        let field = json!({"field": "parent", "type": "integer", "schema": {}, "meta": {}});
        server.rest("POST", "/fields/t_child", Some(field));
        let relation = json!({"collection": "t_child", "field": "parent",
            "related_collection": "t_parent", "schema": {"on_delete": "CASCADE"}, "meta": {}});
        server.rest("POST", "/relations", Some(relation));
        parents.rest("POST", "", Some(json!({"id": 1})));
        children.rest(
            "POST",
            "",
            Some(json!({"id": "en", "name": "old", "parent": 1})),
        );
        let sub = follow(&client, &children, plain());
        parents.rest("DELETE", "/1", None);
        parents.rest("POST", "", Some(json!({"id": 1})));
        children.rest(
            "POST",
            "",
            Some(json!({"id": "en", "name": "new", "parent": 1})),
        );
        let seen = until_marker(&sub, &children, json!("z"));
        assert_eq!(copy(&seen), children.rows(), "{seen:?}");
        let path = "/relations/t_child/parent";
        let _ = server.rest_as(ADMIN, "DELETE", path, None);
    }
}

#[test]
fn i7_an_empty_singleton_is_null_and_its_delete_has_the_key_of_its_create() {
    let _schema = exclusive_schema();
    for server in servers() {
        let client = TestClient::admin(server);
        let schema = json!({"has_auto_increment": true});
        let one = Collection::new(server, "t_single", "integer", schema, true);
        let sub = follow(&client, &one, subscription(""));
        assert_eq!(sub.log.until_len(1)[0].data, Value::Null);
        one.rest("PATCH", "", Some(json!({"name": "x"})));
        let created = sub.log.until_len(2)[1].clone();
        assert_eq!(
            (created.name(), &created.data["name"]),
            ("create", &json!("x"))
        );
        let key = created.data["id"].clone();
        assert!(key.is_number(), "{created:?}");
        one.rest("DELETE", &format!("/{key}"), None);
        let deleted = sub.log.until_len(3)[2].clone();
        assert_eq!(
            (deleted.name(), &deleted.data),
            ("delete", &json!({"id": key}))
        );
    }
}

#[test]
fn i7_an_update_overtaken_by_its_delete_does_not_bring_the_item_back() {
    let _schema = exclusive_schema();
    for server in servers() {
        let client = TestClient::admin(server);
        let parents = Collection::new(server, "t_par", "integer", json!({}), false);
        let kids = Collection::new(
            server,
            "t_kid",
            "integer",
            json!({"has_auto_increment": true}),
            false,
        );
        let field = json!({"field": "par", "type": "integer", "schema": {}, "meta": {}});
        server.rest("POST", "/fields/t_kid", Some(field));
        let alias = json!({"field": "kids", "type": "alias", "meta": {"special": ["o2m"]}});
        server.rest("POST", "/fields/t_par", Some(alias));
        let relation = json!({"collection": "t_kid", "field": "par", "related_collection": "t_par",
            "schema": {"on_delete": "CASCADE"}, "meta": {"one_field": "kids"}});
        server.rest("POST", "/relations", Some(relation));
        for id in 1..=10 {
            let kids = json!([{"name": "a"}, {"name": "b"}]);
            parents.rest(
                "POST",
                "",
                Some(json!({"id": id, "name": "p", "kids": kids})),
            );
        }
        let fields = [
            "*",
            "kids.*",
            "kids.par.*",
            "kids.par.kids.*",
            "kids.par.kids.par.kids.*",
        ];
        let sub = follow(
            &client,
            &parents,
            subscription("").query(json!({"fields": fields})),
        );
        for id in 1..=10 {
            let path = format!("/{id}?fields=id");
            parents.rest("PATCH", &path, Some(json!({"name": "q"})));
            parents.rest("DELETE", &format!("/{id}"), None);
        }
        let seen = sub.log.until("ten deletes", |all| {
            all.iter().filter(|e| e.name() == "delete").count() >= 10
        });
        drop(seen);
        // Late events arrive within two seconds, and the client reads their rows again.
        std::thread::sleep(std::time::Duration::from_secs(3));
        let seen = until_marker(&sub, &parents, json!(99));
        let names: Vec<_> = copy(&seen)
            .values()
            .map(|row| row["name"].clone())
            .collect();
        assert_eq!(names, ["marker"], "{seen:?}");
        assert!(!seen.iter().any(Seen::is_resync), "{seen:?}");
        drop(kids);
    }
}

#[test]
fn deleting_a_field_is_reported_like_other_deletes() {
    let _schema = exclusive_schema();
    for server in servers() {
        let client = TestClient::admin(server);
        let some = Collection::new(server, "t_fields", "integer", json!({}), false);
        let fields = client.follow(subscription("directus_fields"));
        server.rest("DELETE", "/fields/t_fields/name", None);
        // Other tests drop collections, with the rows of their fields.
        let is_nameless = |e: &Seen| e.name() == "delete" && e.data == json!({"id": null});
        fields
            .log
            .until("the delete of a field", |all| all.iter().any(is_nameless));
        drop(some);
        let is_row = |e: &Seen| e.name() == "delete" && e.data["id"].is_number();
        fields
            .log
            .until("the deletes of its rows", |all| all.iter().any(is_row));
    }
}

#[test]
fn an_aggregating_query_is_refused_with_advice() {
    let client = Options::new("http://127.0.0.1:9").token("t").open();
    for query in [
        json!({"aggregate": {"count": "*"}}),
        json!({"groupBy": ["a"]}),
    ] {
        let sub = client.try_subscribe(std::ptr::null_mut(), subscription("posts").query(query));
        assert_eq!(sub.status, DRT_ERR_INVALID_ARGUMENT);
        assert!(
            last_error().contains("aggregate the changed items alone"),
            "{}",
            last_error()
        );
    }
}
