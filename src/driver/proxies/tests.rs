use super::*;
use crate::error::Status;
use crate::protocol::endpoint::parse_list;

/// The proxy's address for the server at `url`, with these variables, and why.
fn chosen(url: &str, variables: &[(&str, &str)]) -> (Option<String>, String) {
    let endpoints = parse_list(url).unwrap();
    let environment = read(&endpoints, variables).unwrap();
    let proxies = Proxies::Environment(environment);
    let proxy = proxies.of(&endpoints[0]).map(Proxy::authority);
    (proxy, proxies.describe(&endpoints[0]).unwrap())
}

fn read(endpoints: &[Endpoint], variables: &[(&str, &str)]) -> Result<Environment> {
    let variable = |name: &str| {
        let found = variables.iter().find(|(given, _)| *given == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Environment::read(variable, endpoints)
}

#[test]
fn the_scheme_decides_which_variables_are_read_and_small_letters_come_first() {
    let (http, https, all) = (
        ("HTTP_PROXY", "http://http:1"),
        ("HTTPS_PROXY", "http://https:2"),
        ("ALL_PROXY", "socks5h://all:3"),
    );
    for (url, variables, proxy) in [
        (
            "wss://directus.example",
            &[http, https, all][..],
            Some("https:2"),
        ),
        (
            "https://directus.example",
            &[http, https, all],
            Some("https:2"),
        ),
        (
            "ws://directus.example/websocket",
            &[http, https, all],
            Some("http:1"),
        ),
        ("wss://directus.example", &[http, all], Some("all:3")),
        ("wss://directus.example", &[http], None),
        (
            "wss://directus.example",
            &[https, ("https_proxy", "http://small:4")],
            Some("small:4"),
        ),
        (
            "wss://directus.example",
            &[https, ("https_proxy", " ")],
            Some("https:2"),
        ),
        (
            "wss://directus.example",
            &[("all_proxy", "without.scheme:5")],
            Some("without.scheme:5"),
        ),
        (
            "ws://directus.example/",
            &[http, ("REQUEST_METHOD", "GET")],
            None,
        ),
        (
            "ws://directus.example/",
            &[("http_proxy", "p:1"), ("REQUEST_METHOD", "GET")],
            Some("p:1"),
        ),
        ("wss://directus.example", &[], None),
    ] {
        let (chosen, why) = chosen(url, variables);
        assert_eq!(chosen.as_deref(), proxy, "{url} {variables:?}: {why}");
    }
}

#[test]
fn no_proxy_names_hosts_domains_networks_and_ports() {
    for (host, exceptions, is_excepted) in [
        ("example.com", "example.com", true),
        ("api.example.com", "example.com", true),
        ("EXAMPLE.com", "other, Example.COM", true),
        ("notexample.com", "example.com", false),
        ("example.com", ".example.com", true),
        ("api.example.com", ".example.com", true),
        ("api.example.com", "*.example.com", true),
        ("api.example.com.", "example.com.", true),
        ("example.org", ".example.com", false),
        ("anything.at.all", "*", true),
        ("10.1.2.3", "*", true),
        ("[::1]", "example.com *", true),
        ("10.1.2.3", "10.1.2.3", true),
        ("10.1.2.3", "10.0.0.0/8", true),
        ("127.0.0.1", "localhost,127.0.0.0/8,::1", true),
        ("11.1.2.3", "10.0.0.0/8", false),
        ("[::1]", "localhost,127.0.0.0/8,::1", true),
        ("[fd00::7]", "fd00::/8", true),
        ("[::1]", "[::1]:8055", true),
        ("[::1]", "[::1]:8056", false),
        ("example.com", "example.com:8055", true),
        ("example.com", "example.com:443", false),
        ("127.0.0.1", "127.0.0.1:8055", true),
        ("127.0.0.1", "127.0.0.1:80", false),
        ("example.com", "a.example b.example  example.com", true),
        ("example.com", "", false),
        ("example.com", " , ,", false),
    ] {
        let variables = [("ALL_PROXY", "http://p:1"), ("NO_PROXY", exceptions)];
        let (proxy, why) = chosen(&format!("ws://{host}:8055/"), &variables);
        assert_eq!(proxy.is_none(), is_excepted, "{host} {exceptions:?}: {why}");
        assert_eq!(why.contains("(NO_PROXY)"), is_excepted, "{why}");
    }
}

#[test]
fn a_wrong_variable_is_named_and_not_quoted_where_it_is_used() {
    let endpoints = parse_list("wss://directus.example").unwrap();
    let wrong = ("HTTPS_PROXY", "https://me:s3cret@p:1");
    let error = read(&endpoints, &[wrong]).unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
    let names = ["HTTPS_PROXY", "`proxy`", "socks5h://"];
    assert!(
        names.iter().all(|name| error.message.contains(name)),
        "{}",
        error.message
    );
    assert!(!error.message.contains("s3cret"), "{}", error.message);
    read(&endpoints, &[wrong, ("no_proxy", "directus.example")]).unwrap();
    read(&endpoints, &[("HTTP_PROXY", wrong.1)]).unwrap();
}

#[test]
fn i9_the_log_line_does_not_show_the_password() {
    let variables = [("https_proxy", "http://me:s3cret@squid.example:3128")];
    let (_, line) = chosen("wss://directus.example", &variables);
    assert!(
        line.contains("squid.example:3128") && line.contains("https_proxy"),
        "{line}"
    );
    assert!(!line.contains("s3cret"), "{line}");
}
