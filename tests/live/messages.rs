//! Custom messages and requests.

use serde_json::json;

use super::server::{Server, V12};
use super::test_client::*;
use directus_realtime::ffi::*;

#[test]
fn items_can_be_written_and_read_over_the_socket() {
    create_read_update_delete(Server::shared());
}

#[test]
fn items_can_be_written_and_read_over_the_socket_on_11_x() {
    create_read_update_delete(Server::shared_v11());
}

fn create_read_update_delete(server: &Server) {
    let client = TestClient::admin(server);
    client.connect();
    let items = |extra: serde_json::Value| {
        let mut message = json!({"type": "items", "collection": "posts"});
        message
            .as_object_mut()
            .unwrap()
            .extend(extra.as_object().unwrap().clone());
        let (status, answer) = client.ask(&message);
        assert_eq!(status, DRT_OK, "{answer}");
        answer
    };
    let made = items(json!({"action": "create", "data": {"title": "by socket"}}));
    let id = made["data"]["id"].clone();
    let read = items(json!({"action": "read", "id": id}));
    assert_eq!(read["data"]["title"], "by socket");
    items(json!({"action": "update", "id": id, "data": {"title": "changed"}}));
    let query = json!({"filter": {"id": {"_eq": id}}, "fields": ["title"]});
    let read = items(json!({"action": "read", "query": query}));
    assert_eq!(read["data"], json!([{"title": "changed"}]));
    items(json!({"action": "delete", "id": id}));
    assert_eq!(
        items(json!({"action": "read", "query": query}))["data"],
        json!([])
    );
}

#[test]
fn a_reply_has_the_uid_of_the_applications_request() {
    let client = TestClient::admin(Server::shared());
    client.connect();
    for uid in [json!("mine"), json!(7)] {
        let (status, answer) = client.ask(&json!({"type": "ping", "uid": uid}));
        assert_eq!(
            (status, &answer),
            (DRT_OK, &json!({"type": "pong", "uid": uid}))
        );
    }
    let (_, answer) = client.ask(&json!({"type": "ping"}));
    assert_eq!(answer["type"], "pong");
}

#[test]
fn an_error_reaches_the_request_that_caused_it() {
    for server in [Server::shared(), Server::shared_v11()] {
        let client = TestClient::admin(server);
        client.connect();
        let bad = json!({"type": "items", "action": "read", "collection": "nowhere"});
        let good = json!({"type": "items", "action": "read", "collection": "posts",
                          "query": {"limit": 1}});
        for _ in 0..3 {
            let (_, bad) = client.request(&bad, 15_000);
            let (_, good) = client.request(&good, 15_000);
            let (status, error) = bad.until_len(1)[0].clone();
            assert_eq!(status, DRT_ERR_SERVER);
            let code = error["code"].as_str().unwrap();
            assert!(
                ["FORBIDDEN", "INVALID_COLLECTION"].contains(&code),
                "{error}"
            );
            assert_eq!(good.until_len(1)[0].0, DRT_OK);
            assert_eq!((bad.len(), good.len()), (1, 1));
        }
    }
}

#[test]
fn i4_an_unanswered_request_times_out_once_and_is_released() {
    let client = TestClient::admin(Server::shared());
    client.connect();
    let (status, log) = client.request(&json!({"type": "no such type"}), 300);
    assert_eq!(status, DRT_OK);
    log.until("the release", |_| log.released() == 1);
    assert_eq!(log.all(), [(DRT_ERR_TIMEOUT, json!(null))]);
}

#[test]
fn a_request_in_flight_fails_when_the_link_is_lost() {
    let server = Server::start(V12, &[]);
    let client = TestClient::admin(&server);
    client.connect();
    let (_, log) = client.request(&json!({"type": "no such type"}), 60_000);
    server.control("kill");
    assert_eq!(log.until_len(1)[0].0, DRT_ERR_NOT_CONNECTED);
    let (status, log) = client.request(&json!({"type": "ping"}), 1_000);
    assert_eq!(
        status, DRT_ERR_NOT_CONNECTED,
        "nothing is sent into the void"
    );
    assert_eq!((log.len(), log.released()), (0, 1));
    assert_eq!(client.send(&json!({"type": "ping"})), DRT_ERR_NOT_CONNECTED);
}

#[test]
fn i4_a_request_in_flight_fails_once_when_the_client_is_closed() {
    let client = TestClient::admin(Server::shared());
    client.connect();
    let (_, log) = client.request(&json!({"type": "no such type"}), 60_000);
    assert_eq!(client.close(), DRT_OK);
    assert_eq!(log.all(), [(DRT_ERR_CLOSED, json!(null))]);
    assert_eq!(log.released(), 1);
}

#[test]
fn reserved_and_invalid_messages_are_refused_with_advice() {
    let client = TestClient::admin(Server::shared());
    client.connect();
    let cases = [
        (
            json!({"type": "subscribe", "collection": "posts"}),
            "make a subscription",
        ),
        (json!({"type": "unsubscribe"}), "end the subscription"),
        (
            json!({"type": "auth", "access_token": "x"}),
            "set the access token",
        ),
        (json!({"no": "type"}), "type"),
        (json!({"type": "ping", "uid": null}), "uid"),
    ];
    for (message, advice) in cases {
        assert_eq!(client.send(&message), DRT_ERR_INVALID_ARGUMENT, "{message}");
        assert!(last_error().contains(advice), "{message}: {}", last_error());
    }
    assert_eq!(client.send(&json!([1])), DRT_ERR_INVALID_JSON);
    assert_eq!(client.send(&json!({"type": "ping"})), DRT_OK);
}
