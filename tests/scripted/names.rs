//! Uids, collections and keys of every kind.

use serde_json::json;

use super::peer::Peer;
use super::sut::*;
use directus_realtime::ffi::*;

fn connected() -> (Peer, Sut, super::peer::Link) {
    let peer = Peer::new();
    let client = Options::new(&peer.url()).token("t").with(fast).open();
    client.start();
    let link = peer.ready();
    (peer, client, link)
}

#[test]
fn a_uid_is_any_text_and_stays_with_the_application() {
    let (_peer, client, mut link) = connected();
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
        let sub = client.subscribe(wish("posts").uid(uid).server_snapshot());
        let subscribe = link.expect("subscribe");
        let wire = subscribe["uid"].as_str().unwrap();
        let ours = wire.chars().all(|c| c == '.' || c.is_ascii_hexdigit());
        assert!(ours && wire.len() <= 25 && wire != uid, "{subscribe}");
        link.answer(&subscribe);
        let seen = sub.log.until_len(1);
        assert_eq!(seen[0].uid, uid);
        assert!(client.has(uid));
        let second = client.try_subscribe(std::ptr::null_mut(), wish("posts").uid(uid));
        assert_eq!((second.status, second.raw), (DRT_DUPLICATE, sub.raw));
        assert_eq!(client.unsubscribe(uid), DRT_OK);
        assert!(!client.has(uid));
        let unsubscribe = link.expect("unsubscribe");
        assert_eq!(unsubscribe["uid"], subscribe["uid"]);
        link.answer(&unsubscribe);
    }
    // Alike to the eye, and not the same text.
    client.subscribe(wish("posts").uid("\u{e9}"));
    assert!(!client.has("e\u{301}") && client.has("\u{e9}"));
}

#[test]
fn a_uid_that_is_not_there_is_named_by_the_error() {
    let (_peer, client, _link) = connected();
    assert_eq!(client.unsubscribe("Grüße"), DRT_ERR_NOT_FOUND);
    assert!(last_error().contains("Grüße"), "{}", last_error());
}

#[test]
fn generated_uids_avoid_those_that_the_application_chose() {
    let (_peer, client, _link) = connected();
    let mut taken: Vec<String> = (0..40).map(|n| format!("drt-{n}")).collect();
    for uid in &taken {
        client.subscribe(wish("posts").uid(uid));
    }
    for _ in 0..20 {
        client.subscribe(wish("posts"));
    }
    assert_eq!(client.stats().subscriptions, 60);
    taken.dedup();
    assert!(taken.iter().all(|uid| client.has(uid)));
}

#[test]
fn collections_and_queries_reach_the_server_letter_by_letter() {
    let (_peer, client, mut link) = connected();
    for collection in [
        "Straße",
        "quoted \"name\" \\",
        "\u{65E5}\u{672C}",
        "a",
        "tab\tand\u{1}",
    ] {
        let query = json!({"filter": {"title": {"_eq": "\"\\\u{1F600}\u{0}\n"}}, "limit": -1});
        let sub = client.subscribe(wish(collection).query(query.clone()));
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
fn a_collection_is_matched_as_a_whole() {
    let (_peer, client, _link) = connected();
    for collection in ["post", "posts", "Posts", "posts "] {
        client.subscribe(wish(collection));
    }
    let mut ended = 0;
    // SAFETY: as above.
    let status = unsafe { drt_unsubscribe_collection(client.raw, c"posts".as_ptr(), &mut ended) };
    assert_eq!((status, ended), (DRT_OK, 1));
    assert_eq!(client.stats().subscriptions, 3);
}

#[test]
fn the_primary_key_has_the_name_that_the_application_gives() {
    let (_peer, client, mut link) = connected();
    let key = "Schlüssel \"1\"";
    let one = wish("posts").primary_key(key).server_snapshot();
    let sub = client.subscribe(one);
    let wire = link.registered();
    link.event(&wire, "delete", &json!(["a\"b"]));
    let seen = sub.log.until_len(2);
    assert_eq!(seen[1].data, json!({key: "a\"b"}));
}
