//! Writes the messages that are sent, and checks the application's queries before they are sent.

use super::incoming::Change;
use super::json::{
    ObjectWriter, compact, explain, kind, members, push_string, string, syntax_error, with_member,
};
use crate::error::{Error, Status};
use crate::secret::Secret;

pub use super::custom_message::{CustomMessage, restore_uid};

/// Authenticates with a static token or a JWT.
pub fn auth_token(token: &Secret, uid: Option<&str>) -> String {
    auth(&[("access_token", token.expose())], uid)
}

/// Authenticates with an email address and a password.
pub fn auth_password(email: &str, password: &Secret, uid: Option<&str>) -> String {
    auth(&[("email", email), ("password", password.expose())], uid)
}

/// Authenticates with a refresh token, which is valid once.
pub fn auth_refresh(refresh_token: &Secret, uid: Option<&str>) -> String {
    auth(&[("refresh_token", refresh_token.expose())], uid)
}

fn auth(credentials: &[(&str, &str)], uid: Option<&str>) -> String {
    // Enough capacity that the text never moves and leaves a copy of a secret behind.
    let length = credentials
        .iter()
        .map(|(name, value)| name.len() + 6 * value.len() + 8);
    let mut message = command("auth", length.sum());
    for (name, value) in credentials {
        message.string(name, value);
    }
    with_uid(message, uid)
}

/// Asks the server for a pong.
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
    read_ids(wire, collection, None, query)
}

/// Reads those items with these keys (JSON) that the query finds. In a filter, the server would
/// take the keys "null", "true" and "$NOW" for something else.
fn read_ids(wire: &str, collection: &str, keys: Option<&[String]>, query: Option<&str>) -> String {
    let keys = keys.map(|keys| format!("[{}]", keys.join(",")));
    let extra = query.map_or(0, str::len) + keys.as_ref().map_or(0, String::len);
    let mut message = command("items", collection.len() + extra);
    message
        .string("action", "read")
        .string("collection", collection);
    if let Some(keys) = keys {
        message.raw("ids", &keys);
    }
    if let Some(query) = query {
        message.raw("query", query);
    }
    with_uid(message, Some(wire))
}

/// Reads which of these keys (JSON) a query finds; without keys, whether it finds any item.
pub fn read_keys(
    wire: &str,
    collection: &str,
    query: Option<&str>,
    primary_key: &str,
    keys: Option<&[String]>,
) -> String {
    let member = |name| query.and_then(|query| super::items::member(query, name));
    // The filter was checked when the subscription was made.
    let filter = member("filter").and_then(|filter| read_filter(filter).ok().flatten());
    let mut fields = String::from("[");
    push_string(&mut fields, primary_key);
    fields.push(']');
    let mut read = ObjectWriter::new(96);
    read.raw("fields", &fields);
    for (name, value) in [("filter", filter.as_deref()), ("search", member("search"))] {
        if let Some(value) = value {
            read.raw(name, value);
        }
    }
    read.raw("limit", &keys.map_or(1, <[String]>::len).to_string());
    read_ids(wire, collection, keys, Some(&read.end()))
}

/// Reads the rows with these keys (JSON), as a query shows them.
pub fn read_rows(wire: &str, collection: &str, query: Option<&str>, keys: &[String]) -> String {
    let query = query.unwrap_or("{}");
    let mut read = ObjectWriter::new(query.len() + 16);
    // Checked when the subscription was made.
    let _ = super::json::members(query, |name, value| {
        if !NOT_FOR_ROWS.contains(&&*name) {
            read.raw(&name, value);
        }
    });
    read.raw("limit", &keys.len().to_string());
    read_ids(wire, collection, Some(keys), Some(&read.end()))
}

/// Reads the first rows that a query finds whose integer key is above that one, as the query shows
/// them, in the order of their keys.
pub fn read_above(
    wire: &str,
    collection: &str,
    query: Option<&str>,
    primary_key: &str,
    above: Option<i64>,
    limit: usize,
) -> String {
    let query = query.unwrap_or("{}");
    let mut read = ObjectWriter::new(query.len() + 2 * primary_key.len() + 96);
    let mut filter = None;
    // Checked when the subscription was made.
    let _ = super::json::members(query, |name, value| {
        if name == "filter" {
            filter = read_filter(value).ok().flatten();
        } else if !NOT_FOR_ROWS.contains(&&*name) {
            read.raw(&name, value);
        }
    });
    if let Some(above) = above {
        let mut key = ObjectWriter::new(primary_key.len() + 32);
        key.raw(primary_key, &format!("{{\"_gt\":{above}}}"));
        filter = Some(both(filter.as_deref(), &key.end()));
    }
    if let Some(filter) = filter {
        read.raw("filter", &filter);
    }
    let mut sort = String::from("[");
    push_string(&mut sort, primary_key);
    sort.push(']');
    read.raw("sort", &sort).raw("limit", &limit.to_string());
    read_ids(wire, collection, None, Some(&read.end()))
}

/// The members of a query that do not say what a row looks like.
const NOT_FOR_ROWS: [&str; 5] = ["limit", "offset", "page", "sort", "meta"];

/// A read with limit 0: whether the collection may be read with that query.
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

/// Checks a subscription's query, and returns it without white space. The server would reject such
/// a query with an error that names no uid.
pub fn check_query(json: &str) -> Result<String, Error> {
    check_object(json, "`query`").map_err(|error| error.about("query"))?;
    Ok(compact(json))
}

/// The member of a query that makes it return figures about items instead of items, if it has one.
pub fn aggregation(query: &str) -> Option<&'static str> {
    let is_set = |name: &&str| {
        let value = super::items::member(query, name);
        value.is_some_and(|value| !matches!(value, "null" | "{}" | "[]" | "\"\""))
    };
    ["aggregate", "groupBy", "group"].into_iter().find(is_set)
}

/// How many of the rows that match it a query returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of them.
    All,
    /// As many as the server chooses: 100, unless it is set otherwise.
    ServersLimit,
    /// A part, as the query says.
    Part,
}

/// See [`Extent`].
pub fn extent(query: Option<&str>) -> Extent {
    let member = |name| {
        let value = query.and_then(|query| super::items::member(query, name));
        value.filter(|value| *value != "null")
    };
    if member("offset").is_some() || member("page").is_some() {
        return Extent::Part;
    }
    match member("limit") {
        None => Extent::ServersLimit,
        Some("-1" | "\"-1\"") => Extent::All,
        Some(_) => Extent::Part,
    }
}

/// Checks that a text is a JSON object; `what` names it in the error.
pub(super) fn check_object(json: &str, what: &str) -> Result<(), Error> {
    if json.trim().is_empty() {
        return Err(invalid_json(format!(
            "{what} is empty; it must be a JSON object"
        )));
    }
    if let Some(reason) = syntax_error(json) {
        return Err(invalid_json(format!("{what} is not valid JSON: {reason}")));
    }
    if !json.trim_start().starts_with('{') {
        return Err(invalid_json(format!(
            "{what} must be a JSON object, not {}",
            kind(json)
        )));
    }
    // Decodes the names, which fails for a lone surrogate.
    members(json, |_, _| {})
        .map_err(|error| invalid_json(format!("{what} cannot be read: {}", explain(&error))))
}

/// The query of a subscription that watches one item: the same query, narrowed
/// to that primary key.
///
/// The server's own `item` is not used, because it compares keys as strings and
/// misses most writes if the key is an integer.
pub fn query_for_item(query: Option<&str>, primary_key: &str, item: &str) -> Result<String, Error> {
    let query = check_query(query.unwrap_or("{}"))?;
    let mut equals = ObjectWriter::new(item.len() + 10);
    equals.string("_eq", item);
    let mut key = ObjectWriter::new(primary_key.len() + item.len() + 16);
    key.raw(primary_key, &equals.end());
    let key = key.end();

    let filter = match super::items::member(&query, "filter") {
        Some(filter) => read_filter(filter).map_err(|error| error.about("query"))?,
        None => None,
    };
    let filter = both(filter.as_deref(), &key);
    with_member(&query, "filter", &filter)
        .ok_or_else(|| invalid_json("`query` must be a JSON object").about("query"))
}

/// A filter, if there is one, and another.
fn both(filter: Option<&str>, key: &str) -> String {
    match filter {
        Some(filter) => {
            let mut both = ObjectWriter::new(filter.len() + key.len() + 16);
            both.raw("_and", &format!("[{filter},{key}]"));
            both.end()
        }
        None => key.to_owned(),
    }
}

/// A query's filter as a JSON object; `None` where it filters nothing. The
/// server takes a string that holds an object as well as the object itself.
fn read_filter(filter: &str) -> Result<Option<String>, Error> {
    let text;
    let object = if filter.starts_with('"') {
        text = string(filter).ok_or_else(|| {
            invalid_json("the filter of `query` is a string that is not valid Unicode")
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
    check_object(object, "the filter of `query`")?;
    let object = compact(object);
    Ok((object != "{}").then_some(object))
}

pub(super) fn invalid_json(message: impl Into<String>) -> Error {
    Error::new(Status::InvalidJson, message)
}

#[cfg(test)]
mod tests;
