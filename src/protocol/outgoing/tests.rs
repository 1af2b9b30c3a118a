use super::*;

fn refusal(result: Result<String, Error>) -> String {
    let error = result.unwrap_err();
    assert_eq!(error.status, Status::InvalidJson);
    error.message
}

#[test]
fn commands_have_the_form_that_the_server_expects() {
    let secret = Secret::new("s\"1");
    for (text, expected) in [
        (
            auth_token(&secret, None),
            r#"{"type":"auth","access_token":"s\"1"}"#,
        ),
        (
            auth_password("a@b.c", &secret, Some("0.1")),
            r#"{"type":"auth","email":"a@b.c","password":"s\"1","uid":"0.1"}"#,
        ),
        (
            auth_refresh(&secret, Some("0.2")),
            r#"{"type":"auth","refresh_token":"s\"1","uid":"0.2"}"#,
        ),
        (ping(None), r#"{"type":"ping"}"#),
        (ping(Some("0.3")), r#"{"type":"ping","uid":"0.3"}"#),
        (pong(), r#"{"type":"pong"}"#),
        (
            subscribe("0.4", "posts", None, None),
            r#"{"type":"subscribe","collection":"posts","uid":"0.4"}"#,
        ),
        (
            subscribe(
                "0.5",
                "a\\b\"\n",
                Some(Change::Delete),
                Some(r#"{"limit":-1}"#),
            ),
            r#"{"type":"subscribe","collection":"a\\b\"\u000a","event":"delete","query":{"limit":-1},"uid":"0.5"}"#,
        ),
        (unsubscribe("0.6"), r#"{"type":"unsubscribe","uid":"0.6"}"#),
        (
            read("0.7", "posts", Some(r#"{"fields":["id"]}"#)),
            r#"{"type":"items","action":"read","collection":"posts","query":{"fields":["id"]},"uid":"0.7"}"#,
        ),
        (
            read("0.8", "posts", None),
            r#"{"type":"items","action":"read","collection":"posts","uid":"0.8"}"#,
        ),
    ] {
        assert_eq!(text, expected);
    }
}

#[test]
fn a_query_is_sent_unchanged_except_for_white_space() {
    let query = " {\"sort\" : [ \"-a b\" ],\n \"limit\": 12345678901234567890123 } ";
    let expected = r#"{"sort":["-a b"],"limit":12345678901234567890123}"#;
    assert_eq!(check_query(query).as_deref(), Ok(expected));
}

#[test]
fn a_query_that_is_not_an_object_is_refused() {
    for (query, expected) in [
        ("", "`query` is empty; it must be a JSON object"),
        (
            "{\"a\" 1}",
            "`query` is not valid JSON: expected `:` at column 6",
        ),
        (
            "{\n\"a\" 1}",
            "`query` is not valid JSON: expected `:` at line 2 column 5",
        ),
        (
            "{} {}",
            "`query` is not valid JSON: trailing characters at column 4",
        ),
        ("[]", "`query` must be a JSON object, not an array"),
        ("\"{}\"", "`query` must be a JSON object, not a string"),
        (" null", "`query` must be a JSON object, not null"),
        ("7", "`query` must be a JSON object, not a number"),
        ("true", "`query` must be a JSON object, not a boolean"),
    ] {
        assert_eq!(refusal(check_query(query)), expected);
    }
    assert!(check_query("{\"\\ud800\":1}").is_err());
}

#[test]
fn an_aggregating_query_is_recognised() {
    for (query, expected) in [
        (r#"{"aggregate":{"count":"*"}}"#, Some("aggregate")),
        (r#"{"groupBy":["a"],"fields":["a"]}"#, Some("groupBy")),
        (r#"{"aggregate":{},"group":null,"groupBy":[]}"#, None),
        (r#"{"fields":["aggregate"]}"#, None),
    ] {
        assert_eq!(aggregation(query), expected, "{query}");
    }
}

#[test]
fn a_read_of_keys_is_limited_to_the_querys_items() {
    let query = r#"{"fields":["a"],"filter":{"b":{"_eq":1}},"search":"s","page":2,"sort":["a"]}"#;
    for (query, keys, expected) in [
        (
            Some(query),
            Some(&["7".to_owned(), "\"null\"".to_owned()][..]),
            r#""ids":[7,"null"],"query":{"fields":["id"],"filter":{"b":{"_eq":1}},"search":"s","limit":2}"#,
        ),
        (
            Some(query),
            None,
            r#""query":{"fields":["id"],"filter":{"b":{"_eq":1}},"search":"s","limit":1}"#,
        ),
        (
            None,
            Some(&["7".to_owned()]),
            r#""ids":[7],"query":{"fields":["id"],"limit":1}"#,
        ),
    ] {
        let text = read_keys("0.9", "posts", query, "id", keys);
        let expected = format!(
            r#"{{"type":"items","action":"read","collection":"posts",{expected},"uid":"0.9"}}"#
        );
        assert_eq!(text, expected);
    }
}

#[test]
fn a_read_above_a_key_keeps_what_a_row_looks_like_and_which_rows_match() {
    let query = r#"{"fields":["id"],"filter":{"a":1},"sort":["-a"],"limit":-1,"search":"x"}"#;
    for (query, above, expected) in [
        (
            Some(query),
            Some(7),
            r#"{"fields":["id"],"search":"x","filter":{"_and":[{"a":1},{"k":{"_gt":7}}]},"sort":["k"],"limit":9}"#,
        ),
        (
            Some(query),
            None,
            r#"{"fields":["id"],"search":"x","filter":{"a":1},"sort":["k"],"limit":9}"#,
        ),
        (
            Some(r#"{"filter":"{}"}"#),
            Some(-1),
            r#"{"filter":{"k":{"_gt":-1}},"sort":["k"],"limit":9}"#,
        ),
        (None, None, r#"{"sort":["k"],"limit":9}"#),
    ] {
        let head = r#"{"type":"items","action":"read","collection":"c","query":"#;
        assert_eq!(
            read_above("1.2", "c", query, "k", above, 9),
            format!(r#"{head}{expected},"uid":"1.2"}}"#)
        );
    }
}

#[test]
fn a_query_with_a_limit_returns_a_part() {
    for (query, expected) in [
        (None, Extent::ServersLimit),
        (Some(r#"{"sort":["a"],"page":null}"#), Extent::ServersLimit),
        (Some(r#"{"limit":-1}"#), Extent::All),
        (Some(r#"{"limit":"-1"}"#), Extent::All),
        (Some(r#"{"limit":-1,"offset":1}"#), Extent::Part),
        (Some(r#"{"page":2}"#), Extent::Part),
        (Some(r#"{"limit":5}"#), Extent::Part),
    ] {
        assert_eq!(extent(query), expected, "{query:?}");
    }
}

#[test]
fn watching_one_item_adds_its_key_to_the_filter() {
    for (query, expected) in [
        (None, r#"{"filter":{"id":{"_eq":"7"}}}"#),
        (
            Some(r#"{"fields":"*"}"#),
            r#"{"fields":"*","filter":{"id":{"_eq":"7"}}}"#,
        ),
        (
            Some(r#"{"filter":{"a":{"_gt": 1}},"limit":1}"#),
            r#"{"filter":{"_and":[{"a":{"_gt":1}},{"id":{"_eq":"7"}}]},"limit":1}"#,
        ),
        (
            Some(r#"{"filter":"{\"a\": {\"_eq\":\"x y\"}}"}"#),
            r#"{"filter":{"_and":[{"a":{"_eq":"x y"}},{"id":{"_eq":"7"}}]}}"#,
        ),
        (
            Some(r#"{"filter":{ }}"#),
            r#"{"filter":{"id":{"_eq":"7"}}}"#,
        ),
        (
            Some(r#"{"filter":null}"#),
            r#"{"filter":{"id":{"_eq":"7"}}}"#,
        ),
        (Some(r#"{"filter":""}"#), r#"{"filter":{"id":{"_eq":"7"}}}"#),
    ] {
        assert_eq!(query_for_item(query, "id", "7").as_deref(), Ok(expected));
    }
    assert_eq!(
        query_for_item(None, "a\"b", "x\"y").as_deref(),
        Ok(r#"{"filter":{"a\"b":{"_eq":"x\"y"}}}"#)
    );
}

#[test]
fn a_filter_that_cannot_be_narrowed_is_refused() {
    for (filter, expected) in [
        (
            "[]",
            "the filter of `query` must be a JSON object, not an array",
        ),
        (
            "true",
            "the filter of `query` must be a JSON object, not a boolean",
        ),
        (
            "\"[1]\"",
            "the filter of `query` must be a JSON object, not an array",
        ),
        (
            "\"{\"",
            "the filter of `query` is not valid JSON: EOF while parsing an object at column 1",
        ),
        (
            "\"\\ud800\"",
            "the filter of `query` is a string that is not valid Unicode",
        ),
    ] {
        let query = format!("{{\"filter\":{filter}}}");
        assert_eq!(refusal(query_for_item(Some(&query), "id", "7")), expected);
    }
}
