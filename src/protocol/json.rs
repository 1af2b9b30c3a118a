//! JSON functions that several files of this module use. Values stay text throughout, because the
//! library must not change a number that a machine word cannot hold, or the order of members.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Calls `each` with the name and the raw value of each member of a JSON object, in order. Names may
/// repeat; as in JavaScript, the last one counts.
pub(super) fn members<'a>(
    object: &'a str,
    each: impl FnMut(Cow<'a, str>, &'a str),
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(object);
    deserializer.deserialize_map(Members(each))?;
    deserializer.end()
}

struct Members<F>(F);

impl<'de, F: FnMut(Cow<'de, str>, &'de str)> Visitor<'de> for Members<F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
            (self.0)(name, value.get());
        }
        Ok(())
    }
}

/// A string that is borrowed if it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The text of a JSON string; `None` for any other value.
pub(super) fn string(json: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str(json).ok().map(|Text(text)| text)
}

/// The kind of a JSON value by its first byte, for error sentences.
pub(super) fn kind(json: &str) -> &'static str {
    match json.trim_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        Some(_) => "a number",
        None => "nothing",
    }
}

/// Why a text is not JSON and where, without any of the text; `None` if it is.
pub(super) fn syntax_error(json: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(json)
        .err()
        .map(|error| explain(&error))
}

/// Why and where, without any of the text.
pub(super) fn explain(error: &serde_json::Error) -> String {
    // Syntax errors never quote their input; errors about types do.
    if error.is_data() {
        return "it does not have the expected form".to_owned();
    }
    let sentence = error.to_string();
    match sentence.split_once(" at line 1 column ") {
        Some((reason, column)) => format!("{reason} at column {column}"),
        None => sentence,
    }
}

/// The same JSON without the white space between its tokens. The text must be
/// valid JSON.
pub(super) fn compact(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut kept = 0;
    let (mut in_string, mut escaped) = (false, false);
    for (at, byte) in json.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b' ' | b'\t' | b'\r' | b'\n' if !in_string => {
                out.push_str(&json[kept..at]);
                kept = at + 1;
            }
            _ => {}
        }
    }
    out.push_str(&json[kept..]);
    out
}

/// Appends a text as a JSON string.
pub(super) fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut kept = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[kept..at]);
        kept = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            _ => {
                out.push_str("\\u00");
                out.push(if byte < 0x10 { '0' } else { '1' });
                out.push(char::from_digit(u32::from(byte & 0xf), 16).unwrap_or('0'));
            }
        }
    }
    out.push_str(&text[kept..]);
    out.push('"');
}

/// Writes a JSON object member by member.
pub(super) struct ObjectWriter(String);

impl ObjectWriter {
    /// An object that will be about that long.
    pub fn new(capacity: usize) -> Self {
        let mut text = String::with_capacity(capacity);
        text.push('{');
        ObjectWriter(text)
    }

    /// A member with a JSON value.
    pub fn raw(&mut self, name: &str, json: &str) -> &mut Self {
        self.name(name);
        self.0.push_str(json);
        self
    }

    /// A member with a string.
    pub fn string(&mut self, name: &str, text: &str) -> &mut Self {
        self.name(name);
        push_string(&mut self.0, text);
        self
    }

    /// The finished object.
    pub fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_string(&mut self.0, name);
        self.0.push(':');
    }
}

/// The object with one member replaced where it stands, or added at the end;
/// everything else is as it was, in its order. `None` if it is not an object.
pub(super) fn with_member(object: &str, name: &str, json: &str) -> Option<String> {
    let mut writer = ObjectWriter::new(object.len() + name.len() + json.len() + 4);
    let mut written = false;
    members(object, |member, value| {
        if member != name {
            writer.raw(&member, value);
        } else if !written {
            writer.raw(name, json);
            written = true;
        }
    })
    .ok()?;
    if !written {
        writer.raw(name, json);
    }
    Some(writer.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    #[test]
    fn compact_removes_white_space_only_between_tokens() {
        assert_eq!(
            compact(" { \"a b\" : [ 1 ,\t\"x \\\" y\\\\\" ] ,\r\n\"c\": {} } "),
            r#"{"a b":[1,"x \" y\\"],"c":{}}"#
        );
    }

    #[test]
    fn a_replaced_member_keeps_its_place_and_repetitions_are_removed() {
        let object = r#"{"z":1,"uid":2,"a":12345678901234567890123,"u\u0069d":3}"#;
        assert_eq!(
            with_member(object, "uid", "\"n\"").as_deref(),
            Some(r#"{"z":1,"uid":"n","a":12345678901234567890123}"#)
        );
        assert_eq!(
            with_member("{}", "uid", "1").as_deref(),
            Some(r#"{"uid":1}"#)
        );
        assert_eq!(with_member("[]", "uid", "1"), None);
    }

    #[test]
    fn a_json_error_quotes_nothing_of_the_text() {
        let error = members("\"a password\"", |_, _| {}).unwrap_err();
        assert!(!explain(&error).contains("password"));
        assert_eq!(
            syntax_error("{\"a\":}").as_deref(),
            Some("expected value at column 6")
        );
        assert_eq!(syntax_error("{}"), None);
    }

    proptest! {
        #[test]
        fn any_text_survives_as_a_json_string(text: String) {
            let mut json = String::new();
            push_string(&mut json, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text.clone());
            prop_assert_eq!(string(&json).unwrap(), text);
        }

        #[test]
        fn compact_changes_no_json_value(text: String) {
            let value = serde_json::json!({ "a": [text, 1.5], "b": { text.clone(): null } });
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(&pretty), value.to_string());
            prop_assert_eq!(serde_json::from_str::<Value>(&compact(&pretty)).unwrap(), value);
        }
    }
}
