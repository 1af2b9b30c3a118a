//! What is sent: commands to text, and the application's own queries and
//! messages checked before they are.

use super::incoming::Change;
use super::json::{
    ObjectWriter, compact, explain, kind, members, string, syntax_error, with_member,
};
use crate::error::{Error, Status};
use crate::secret::Secret;

pub use super::message::{CustomMessage, restore_uid};

/// Authenticates with a static token or a JWT.
pub fn auth_token(token: &Secret, uid: Option<&str>) -> String {
    auth(&[("access_token", token.expose())], uid)
}

/// Authenticates with an email address and a password.
pub fn auth_password(email: &str, password: &Secret, uid: Option<&str>) -> String {
    auth(&[("email", email), ("password", password.expose())], uid)
}

/// Authenticates with a refresh token, which is used up by that.
pub fn auth_refresh(refresh_token: &Secret, uid: Option<&str>) -> String {
    auth(&[("refresh_token", refresh_token.expose())], uid)
}

fn auth(credentials: &[(&str, &str)], uid: Option<&str>) -> String {
    // Room enough that the text does not move, and leave a copy, while it grows.
    let length = credentials
        .iter()
        .map(|(name, value)| name.len() + 6 * value.len() + 8);
    let mut message = command("auth", length.sum());
    for (name, value) in credentials {
        message.string(name, value);
    }
    with_uid(message, uid)
}

/// Asks whether the server is there.
pub fn ping(uid: Option<&str>) -> String {
    with_uid(command("ping", 0), uid)
}

/// Answers the server's ping.
pub fn pong() -> String {
    command("pong", 0).end()
}

/// Subscribes to a collection; `query` is JSON that [`check_query`] returned.
pub fn subscribe(
    wire: &str,
    collection: &str,
    event: Option<Change>,
    query: Option<&str>,
) -> String {
    let mut message = command("subscribe", collection.len() + query.map_or(0, str::len));
    message.string("collection", collection);
    if let Some(event) = event {
        message.string("event", event.as_str());
    }
    if let Some(query) = query {
        message.raw("query", query);
    }
    with_uid(message, Some(wire))
}

/// Ends a subscription.
pub fn unsubscribe(wire: &str) -> String {
    with_uid(command("unsubscribe", 0), Some(wire))
}

/// Reads a collection's items; `query` is JSON that [`check_query`] returned.
pub fn read(wire: &str, collection: &str, query: Option<&str>) -> String {
    let mut message = command("items", collection.len() + query.map_or(0, str::len));
    message
        .string("action", "read")
        .string("collection", collection);
    if let Some(query) = query {
        message.raw("query", query);
    }
    with_uid(message, Some(wire))
}

/// A read of nothing: whether the collection may be read with that query.
pub fn check(wire: &str, collection: &str, query: Option<&str>) -> String {
    let nothing = query.and_then(|query| with_member(query, "limit", "0"));
    let nothing = nothing.as_deref().unwrap_or(r#"{"limit":0}"#);
    read(wire, collection, Some(nothing))
}

fn command(kind: &str, extra: usize) -> ObjectWriter {
    let mut message = ObjectWriter::new(96 + extra);
    message.string("type", kind);
    message
}

fn with_uid(mut message: ObjectWriter, uid: Option<&str>) -> String {
    if let Some(uid) = uid {
        message.string("uid", uid);
    }
    message.end()
}

/// Checks a subscription's query, and returns it without white space. What is
/// refused here the server would refuse without saying whose query it was.
pub fn check_query(json: &str) -> Result<String, Error> {
    check_object(json, "query")?;
    Ok(compact(json))
}

/// Checks that a text is a JSON object; `what` names it in the error.
pub(super) fn check_object(json: &str, what: &str) -> Result<(), Error> {
    if json.trim().is_empty() {
        return Err(invalid_json(format!(
            "the {what} is empty; it must be a JSON object"
        )));
    }
    if let Some(reason) = syntax_error(json) {
        return Err(invalid_json(format!(
            "the {what} is not valid JSON: {reason}"
        )));
    }
    if !json.trim_start().starts_with('{') {
        return Err(invalid_json(format!(
            "the {what} must be a JSON object, not {}",
            kind(json)
        )));
    }
    // Names are decoded here, where a lone surrogate cannot be.
    members(json, |_, _| {})
        .map_err(|error| invalid_json(format!("the {what} cannot be read: {}", explain(&error))))
}

/// The query of a subscription that watches one item: the same query, narrowed
/// to that primary key.
///
/// The server's own `item` is not used, because it compares keys as strings and
/// misses what is written to an integer key by most routes.
pub fn query_for_item(query: Option<&str>, primary_key: &str, item: &str) -> Result<String, Error> {
    let query = check_query(query.unwrap_or("{}"))?;
    let mut equals = ObjectWriter::new(item.len() + 10);
    equals.string("_eq", item);
    let mut key = ObjectWriter::new(primary_key.len() + item.len() + 16);
    key.raw(primary_key, &equals.end());
    let key = key.end();

    let filter = match super::items::member(&query, "filter") {
        Some(filter) => read_filter(filter)?,
        None => None,
    };
    let filter = match filter {
        Some(filter) => {
            let mut both = ObjectWriter::new(filter.len() + key.len() + 16);
            both.raw("_and", &format!("[{filter},{key}]"));
            both.end()
        }
        None => key,
    };
    with_member(&query, "filter", &filter)
        .ok_or_else(|| invalid_json("the query must be a JSON object"))
}

/// A query's filter as a JSON object; `None` where it filters nothing. The
/// server takes a string that holds an object as well as the object itself.
fn read_filter(filter: &str) -> Result<Option<String>, Error> {
    let text;
    let object = if filter.starts_with('"') {
        text = string(filter).ok_or_else(|| {
            invalid_json("the query's filter is a string that is not valid Unicode")
        })?;
        if text.is_empty() {
            return Ok(None);
        }
        &*text
    } else {
        filter
    };
    if object == "null" {
        return Ok(None);
    }
    check_object(object, "query's filter")?;
    let object = compact(object);
    Ok((object != "{}").then_some(object))
}

pub(super) fn invalid_json(message: impl Into<String>) -> Error {
    Error::new(Status::InvalidJson, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(result: Result<String, Error>) -> String {
        let error = result.unwrap_err();
        assert_eq!(error.status, Status::InvalidJson);
        error.message
    }

    #[test]
    fn commands_have_the_servers_form() {
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
    fn a_query_is_sent_as_it_was_given_but_for_white_space() {
        let query = " {\"sort\" : [ \"-a b\" ],\n \"limit\": 12345678901234567890123 } ";
        let expected = r#"{"sort":["-a b"],"limit":12345678901234567890123}"#;
        assert_eq!(check_query(query).as_deref(), Ok(expected));
    }

    #[test]
    fn a_query_that_is_not_an_object_is_refused() {
        for (query, expected) in [
            ("", "the query is empty; it must be a JSON object"),
            (
                "{\"a\" 1}",
                "the query is not valid JSON: expected `:` at column 6",
            ),
            (
                "{\n\"a\" 1}",
                "the query is not valid JSON: expected `:` at line 2 column 5",
            ),
            (
                "{} {}",
                "the query is not valid JSON: trailing characters at column 4",
            ),
            ("[]", "the query must be a JSON object, not an array"),
            ("\"{}\"", "the query must be a JSON object, not a string"),
            (" null", "the query must be a JSON object, not null"),
            ("7", "the query must be a JSON object, not a number"),
            ("true", "the query must be a JSON object, not a boolean"),
        ] {
            assert_eq!(refusal(check_query(query)), expected);
        }
        assert!(check_query("{\"\\ud800\":1}").is_err());
    }

    #[test]
    fn watching_an_item_narrows_the_filter() {
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
                "the query's filter must be a JSON object, not an array",
            ),
            (
                "true",
                "the query's filter must be a JSON object, not a boolean",
            ),
            (
                "\"[1]\"",
                "the query's filter must be a JSON object, not an array",
            ),
            (
                "\"{\"",
                "the query's filter is not valid JSON: EOF while parsing an object at column 1",
            ),
            (
                "\"\\ud800\"",
                "the query's filter is a string that is not valid Unicode",
            ),
        ] {
            let query = format!("{{\"filter\":{filter}}}");
            assert_eq!(refusal(query_for_item(Some(&query), "id", "7")), expected);
        }
    }
}
