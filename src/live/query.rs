//! The query of a live collection: whether it can be held, and what is asked of the server for it.

use std::collections::BTreeMap;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::order::Order;
use crate::error::{Error, Result};
use crate::protocol::outgoing;

/// What is left out where only rows of known keys are asked for, or events.
const NOT_FOR_EVENTS: [&str; 5] = ["sort", "limit", "offset", "page", "meta"];
/// What does not matter where only keys are asked for.
const NOT_FOR_KEYS: [&str; 4] = ["fields", "deep", "alias", "meta"];

/// See the module.
#[derive(Clone, Debug)]
pub struct LiveQuery {
    /// The collection.
    pub collection: Box<str>,
    /// The name of the primary key.
    pub primary_key: Box<str>,
    /// Finds all rows, in order.
    pub rows: Box<str>,
    /// Finds their keys, in order.
    pub keys: Box<str>,
    /// What the subscription asks for that tells of rows that match. The limit of 0 spares the server
    /// a snapshot, and holds for no event.
    pub events: Box<str>,
    /// What the subscription asks for that tells of rows that match no more, where there may be any.
    pub touches: Option<Box<str>>,
    /// Whether it asks for a part of the rows that match.
    pub window: Option<Window>,
    /// How the rows are ordered.
    pub order: Order,
}

/// A part of the rows that match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// It begins with the first one, and has at most so many; `None` where it begins later.
    pub first: Option<usize>,
}

/// The subscription to a collection of which only has to be known that something has changed.
pub const ANY_CHANGE: &str = r#"{"fields":["*"],"limit":0}"#;

impl LiveQuery {
    /// Checks the query of the application.
    pub fn new(collection: &str, primary_key: &str, query: Option<&str>) -> Result<LiveQuery> {
        let text = outgoing::check_query(query.unwrap_or("{}"))?;
        // The values stay as they are written: a number may have more digits than a machine word holds.
        let Ok(mut query) = serde_json::from_str::<Query>(&text) else {
            return Err(refused("it must be a JSON object".to_owned()));
        };
        query.retain(|_, value| value.get() != "null");
        let is_set = |name: &str| value(&query, name).is_some_and(|value| !is_empty(&value));
        let grouped = ["aggregate", "group", "groupBy", "export"];
        if let Some(name) = grouped.into_iter().find(|name| is_set(name)) {
            return Err(refused(format!(
                "it has \"{name}\", so that its answer is no list of rows with keys"
            )));
        }
        check_fields(&query, primary_key)?;
        query.remove("meta");
        if !query.contains_key("limit") {
            set(&mut query, "limit", &Value::from(-1));
        }
        let window = window_of(&query);
        let order = Order::new(value(&query, "sort").as_ref(), primary_key);
        let mut keys = query.clone();
        keys.retain(|name, _| !NOT_FOR_KEYS.contains(&&**name));
        set(&mut keys, "fields", &Value::from(vec![primary_key]));
        let mut events = query.clone();
        events.retain(|name, _| !NOT_FOR_EVENTS.contains(&&**name));
        set(&mut events, "limit", &Value::from(0));
        let is_filtered = ["filter", "search"].iter().any(|name| {
            let value = value(&query, name);
            value.is_some_and(|value| !is_empty(&value))
        });
        let touches = is_filtered.then(|| {
            let touches = serde_json::json!({"fields": [primary_key], "limit": 0});
            touches.to_string().into_boxed_str()
        });
        Ok(LiveQuery {
            collection: collection.into(),
            primary_key: primary_key.into(),
            rows: text_of(&query),
            keys: text_of(&keys),
            events: text_of(&events),
            touches,
            window,
            order,
        })
    }

    /// Whether it is a system collection, of which the server gives no rows but a subscription's own.
    pub fn is_system(&self) -> bool {
        self.collection.starts_with("directus_")
    }
}

fn refused(why: String) -> Error {
    let message = format!("`query` cannot be held as a live collection: {why}");
    Error::invalid("query", message)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The members of a query, as they are written.
type Query = BTreeMap<String, Box<RawValue>>;

fn value(query: &Query, name: &str) -> Option<Value> {
    serde_json::from_str(query.get(name)?.get()).ok()
}

fn set(query: &mut Query, name: &str, value: &Value) {
    if let Ok(value) = to_raw_value(value) {
        query.insert(name.to_owned(), value);
    }
}

fn text_of(query: &Query) -> Box<str> {
    // Texts of JSON: this cannot fail.
    serde_json::to_string(query).unwrap_or_default().into()
}

/// The names in an array of texts, or in a text with commas.
pub(super) fn names(value: &Value) -> Vec<String> {
    let split = |text: &str| {
        let parts = text.split(',').map(|part| part.trim().to_owned());
        parts.filter(|part| !part.is_empty()).collect::<Vec<_>>()
    };
    match value {
        Value::String(text) => split(text),
        Value::Array(list) => list
            .iter()
            .filter_map(Value::as_str)
            .flat_map(split)
            .collect(),
        _ => Vec::new(),
    }
}

/// Rows without their keys cannot be told apart.
fn check_fields(query: &Query, key: &str) -> Result<()> {
    let fields = value(query, "fields");
    let fields = fields.as_ref().map(names).unwrap_or_default();
    let is_shown = |field: &String| field == key || field == "*" || field.starts_with("*.");
    if query.contains_key("fields") && !fields.iter().any(is_shown) {
        return Err(refused(format!(
            "its \"fields\" lack the primary key \"{key}\": add it, or set `primary_key` if it has \
             another name"
        )));
    }
    let alias = value(query, "alias");
    let alias = alias.as_ref().and_then(Value::as_object);
    if alias.is_some_and(|alias| alias.contains_key(key)) {
        return Err(refused(format!(
            "its \"alias\" gives the name of the primary key \"{key}\" to another field"
        )));
    }
    Ok(())
}

fn number_of(query: &Query, name: &str) -> Option<i64> {
    match value(query, name)? {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn window_of(query: &Query) -> Option<Window> {
    let limit = number_of(query, "limit").unwrap_or(0);
    let later = |name, first| number_of(query, name).is_some_and(|at| at > first);
    if later("offset", 0) || later("page", 1) {
        return Some(Window { first: None });
    }
    let first = usize::try_from(limit).ok()?;
    Some(Window { first: Some(first) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> LiveQuery {
        LiveQuery::new("posts", "id", Some(text)).expect("a query")
    }

    #[test]
    fn a_query_without_a_limit_asks_for_all_rows() {
        let all = LiveQuery::new("posts", "id", None).expect("a query");
        assert_eq!(&*all.rows, r#"{"limit":-1}"#);
        assert_eq!(&*all.keys, r#"{"fields":["id"],"limit":-1}"#);
        assert_eq!(&*all.events, r#"{"limit":0}"#);
        assert_eq!((all.window, all.touches), (None, None));
    }

    #[test]
    fn a_filter_needs_a_second_subscription() {
        let query = query(r#"{"filter":{"a":{"_eq":1}},"fields":"id, a","sort":["-a"],"limit":5}"#);
        assert_eq!(
            query.touches.as_deref(),
            Some(r#"{"fields":["id"],"limit":0}"#)
        );
        let events: Value = serde_json::from_str(&query.events).expect("JSON");
        let expected = serde_json::json!({"filter":{"a":{"_eq":1}},"fields":"id, a","limit":0});
        assert_eq!(events, expected);
        assert_eq!(query.window, Some(Window { first: Some(5) }));
    }

    #[test]
    fn windows_are_recognised() {
        for (text, expected) in [
            (r#"{"limit":-1}"#, None),
            (r#"{"limit":null,"offset":0}"#, None),
            (r#"{"limit":3,"page":1}"#, Some(Window { first: Some(3) })),
            (r#"{"limit":3,"page":2}"#, Some(Window { first: None })),
            (
                r#"{"limit":"3","offset":"1"}"#,
                Some(Window { first: None }),
            ),
            (r#"{"offset":1}"#, Some(Window { first: None })),
        ] {
            assert_eq!(query(text).window, expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_held_is_refused() {
        for (text, reason) in [
            (r#"{"aggregate":{"count":"*"}}"#, "\"aggregate\""),
            (r#"{"groupBy":["a"]}"#, "\"groupBy\""),
            (r#"{"group":["a"]}"#, "\"group\""),
            (r#"{"export":"csv"}"#, "\"export\""),
            (r#"{"fields":["a","b.id"]}"#, "lack the primary key \"id\""),
            (r#"{"fields":"a,b"}"#, "lack the primary key \"id\""),
            (r#"{"fields":[]}"#, "lack the primary key \"id\""),
            (r#"{"fields":""}"#, "lack the primary key \"id\""),
            (r#"{"alias":{"id":"a"}}"#, "\"alias\""),
            ("[]", "must be a JSON object"),
        ] {
            let error = LiveQuery::new("posts", "id", Some(text)).expect_err(text);
            assert!(error.message.contains(reason), "{text}: {error}");
            assert_eq!(error.argument, Some("query"), "{text}");
        }
        for text in [
            r#"{"fields":["*.*"]}"#,
            r#"{"fields":null}"#,
            r#"{"fields":["a","id"],"aggregate":{}}"#,
        ] {
            query(text);
        }
    }
}
