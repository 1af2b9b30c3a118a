//! Uids, collections and keys of every kind.

use serde_json::json;

use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

fn connected() -> (ScriptedServer, TestClient, super::scripted_server::Link) {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).token("t").with(fast).open();
    client.start();
    let link = server.ready();
    (server, client, link)
}

#[test]
fn any_text_is_a_valid_uid_and_is_never_sent_to_the_server() {
    let (_server, client, mut link) = connected();
    let long = "ab\u{1F600}".repeat(5_000 / 3);
    assert!(long.chars().count() >= 4_998);
    for uid in [
        "Grüße, \u{4E16}\u{754C} \u{1F600}",
        "\"quoted\" \\ and\n\tcontrolled \u{1}\u{7F}",
        "auth",
        " ",
        "e\u{301}",
        &long,
    ] {
        let sub = client.subscribe(subscription("posts").uid(uid).server_snapshot());
        let subscribe = link.expect("subscribe");
        let wire = subscribe["uid"].as_str().unwrap();
        let ours = wire.chars().all(|c| c == '.' || c.is_ascii_hexdigit());
        assert!(ours && wire.len() <= 25 && wire != uid, "{subscribe}");
        link.answer(&subscribe);
        let seen = sub.log.until_len(1);
        assert_eq!(seen[0].uid, uid);
        assert!(client.has(uid));
        let second = client.try_subscribe(std::ptr::null_mut(), subscription("posts").uid(uid));
        assert_eq!((second.status, second.raw), (DRT_DUPLICATE, sub.raw));
        assert_eq!(client.unsubscribe(uid), DRT_OK);
        assert!(!client.has(uid));
        let unsubscribe = link.expect("unsubscribe");
        assert_eq!(unsubscribe["uid"], subscribe["uid"]);
        link.answer(&unsubscribe);
    }
    // Alike to the eye, and not the same text.
    client.subscribe(subscription("posts").uid("\u{e9}"));
    assert!(!client.has("e\u{301}") && client.has("\u{e9}"));
}

#[test]
fn unsubscribing_an_unknown_uid_names_it_in_the_error() {
    let (_server, client, _link) = connected();
    assert_eq!(client.unsubscribe("Grüße"), DRT_ERR_NOT_FOUND);
    assert!(last_error().contains("Grüße"), "{}", last_error());
}

#[test]
fn generated_uids_avoid_the_applications_uids() {
    let (_server, client, _link) = connected();
    let mut taken: Vec<String> = (0..40).map(|n| format!("drt-{n}")).collect();
    for uid in &taken {
        client.subscribe(subscription("posts").uid(uid));
    }
    for _ in 0..20 {
        client.subscribe(subscription("posts"));
    }
    assert_eq!(client.stats().subscriptions, 60);
    taken.dedup();
    assert!(taken.iter().all(|uid| client.has(uid)));
}

#[test]
fn collections_and_queries_reach_the_server_unchanged() {
    let (_server, client, mut link) = connected();
    for collection in [
        "Straße",
        "quoted \"name\" \\",
        "\u{65E5}\u{672C}",
        "a",
        "tab\tand\u{1}",
    ] {
        let query = json!({"filter": {"title": {"_eq": "\"\\\u{1F600}\u{0}\n"}}, "limit": -1});
        let sub = client.subscribe(subscription(collection).query(query.clone()));
        let subscribe = link.expect("subscribe");
        assert_eq!(subscribe["collection"], collection);
        assert_eq!(subscribe["query"]["filter"], query["filter"]);
        link.answer(&subscribe);
        let read = link.expect("items");
        assert_eq!(read["collection"], collection);
        assert_eq!(read["query"]["filter"], query["filter"]);
        link.answer(&read);
        assert_eq!(sub.log.until_len(1)[0].collection, collection);
        let mut ended = 0;
        // SAFETY: live handle, NUL-terminated text, valid out pointer.
        let status =
            unsafe { drt_unsubscribe_collection(client.raw, c(collection).as_ptr(), &mut ended) };
        assert_eq!((status, ended), (DRT_OK, 1));
        let unsubscribe = link.expect("unsubscribe");
        link.answer(&unsubscribe);
    }
}

#[test]
fn unsubscribe_collection_matches_the_whole_name() {
    let (_server, client, _link) = connected();
    for collection in ["post", "posts", "Posts", "posts "] {
        client.subscribe(subscription(collection));
    }
    let mut ended = 0;
    // SAFETY: as above.
    let status = unsafe { drt_unsubscribe_collection(client.raw, c"posts".as_ptr(), &mut ended) };
    assert_eq!((status, ended), (DRT_OK, 1));
    assert_eq!(client.stats().subscriptions, 3);
}

#[test]
fn deletes_use_the_primary_key_name_of_the_options() {
    let (_server, client, mut link) = connected();
    let key = "Schlüssel \"1\"";
    let one = subscription("posts").primary_key(key).server_snapshot();
    let sub = client.subscribe(one);
    let wire = link.confirm_subscribe();
    link.event(&wire, "delete", &json!(["a\"b"]));
    let seen = sub.log.until_len(2);
    assert_eq!(seen[1].data, json!({key: "a\"b"}));
}
