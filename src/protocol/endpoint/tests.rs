use super::*;
use crate::error::Status;

fn one(url: &str) -> Endpoint {
    let mut list = parse_list(url).unwrap();
    assert_eq!(list.len(), 1);
    list.remove(0)
}

fn refusal(url: &str) -> String {
    let error = parse_list(url).unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
    assert_eq!(error.argument, Some("url"));
    error.message
}

#[test]
fn every_form_of_url_leads_to_the_servers_websocket() {
    for (url, expected) in [
        ("ws://host:8055/custom/ws", "ws://host:8055/custom/ws"),
        ("ws://host/", "ws://host/"),
        ("ws://host", "ws://host/websocket"),
        ("wss://host:443/x/", "wss://host/x/"),
        ("WSS://HOST?a=1", "wss://host/websocket?a=1"),
        ("http://host", "ws://host/websocket"),
        ("http://host:8055/", "ws://host:8055/websocket"),
        ("https://host/base//", "wss://host/base/websocket"),
        ("https://host:80/a/b", "wss://host:80/a/b/websocket"),
        ("http://[::1]:8055", "ws://[::1]:8055/websocket"),
        ("http://127.1", "ws://127.0.0.1/websocket"),
        (
            "https://bücher.example",
            "wss://xn--bcher-kva.example/websocket",
        ),
        (" http://host\t", "ws://host/websocket"),
    ] {
        assert_eq!(*one(url).request_uri(None), expected, "{url}");
    }
}

#[test]
fn an_ipv6_host_has_brackets_only_in_text() {
    let endpoint = one("wss://[2001:DB8::1]/ws");
    assert_eq!((&*endpoint.host, endpoint.port), ("2001:db8::1", 443));
    assert_eq!(endpoint.host_header(), "[2001:db8::1]");
    assert_eq!(one("ws://[::1]:8055").host_header(), "[::1]:8055");
}

#[test]
fn a_list_of_urls_keeps_its_order() {
    let list = parse_list("http://a, ws://b/ws ,https://c:1").unwrap();
    let urls: Vec<_> = list.iter().map(Endpoint::url).collect();
    assert_eq!(
        urls,
        ["ws://a/websocket", "ws://b/ws", "wss://c:1/websocket"]
    );
}

#[test]
fn a_bad_url_is_refused_with_the_reason() {
    for (url, expected) in [
        ("", "`url` is empty"),
        ("  ", "`url` is empty"),
        ("localhost:8055", "`url` has no scheme; start it with ws://"),
        ("//host", "`url` has no scheme"),
        ("ftp://host", "`url` has a scheme other than"),
        ("ws://", "`url` has no host"),
        ("ws:///websocket", "`url` has no host"),
        ("ws://:8055/", "`url` has no host"),
        ("ws://host:port", "`url` has a bad port"),
        ("ws://host:65536", "`url` has a bad port"),
        ("ws://host:0", "`url` has a bad port"),
        ("ws://host:-1", "`url` has a bad port"),
        ("ws://a b", "`url` has a host with characters"),
        (
            "ws://1.2.3.400",
            "`url` has a host that looks like an IPv4 address",
        ),
        ("ws://[::1", "`url` has a bad IPv6 address"),
        ("ws://::1/", "`url` has a bad IPv6 address"),
        ("ws://host#top", "`url` has a fragment"),
        ("http://host?x=1", "`url` has a query"),
        ("http://a,", "`url` (number 2 of 2) is empty"),
        ("http://a,b,http://c", "`url` (number 2 of 3) has no scheme"),
    ] {
        let message = refusal(url);
        assert!(message.starts_with(expected), "{url}: {message}");
    }
}

#[test]
fn a_url_with_a_password_is_refused_and_not_quoted() {
    for url in [
        "https://user:hush@host/",
        "ws://hush@host",
        "ws://user:hush@host:x?#",
    ] {
        let message = refusal(url);
        assert!(message.contains("`email` and `password`"), "{message}");
        assert!(!message.contains("hush"));
    }
    assert!(!refusal("http://host?access_token=hush").contains("hush"));
}

#[test]
fn a_token_in_a_urls_query_is_sent_and_not_shown() {
    let endpoint = one("ws://host/ws?access_token=hush&a=1");
    assert_eq!(
        *endpoint.request_uri(None),
        "ws://host/ws?access_token=hush&a=1"
    );
    assert_eq!(endpoint.to_string(), "ws://host/ws?…");
    assert_eq!(format!("{endpoint:?}"), "Endpoint(ws://host/ws?…)");
}

#[test]
fn a_token_option_is_encoded_and_replaces_the_one_in_the_url() {
    let token = Secret::new("a b&c=/é");
    for (url, expected) in [
        (
            "ws://host/ws",
            "ws://host/ws?access_token=a+b%26c%3D%2F%C3%A9",
        ),
        (
            "ws://host/ws?",
            "ws://host/ws?access_token=a+b%26c%3D%2F%C3%A9",
        ),
        (
            "ws://host/ws?x=1&access_token=old&access%5Ftoken=older&y",
            "ws://host/ws?x=1&y&access_token=a+b%26c%3D%2F%C3%A9",
        ),
    ] {
        assert_eq!(*one(url).request_uri(Some(&token)), expected);
    }
}

#[test]
fn a_loopback_host_is_recognised_in_every_form() {
    for url in [
        "ws://localhost",
        "ws://LOCALHOST.",
        "ws://a.localhost",
        "ws://127.3.2.1",
        "ws://[::1]",
        "ws://[::ffff:127.0.0.1]",
    ] {
        assert!(one(url).is_loopback(), "{url}");
    }
    for url in [
        "ws://localhost.example",
        "ws://128.0.0.1",
        "ws://[::2]",
        "ws://nolocalhost",
    ] {
        assert!(!one(url).is_loopback(), "{url}");
    }
}
