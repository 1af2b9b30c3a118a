//! The values in a message: finds the elements of an array, an item's members and its key.

use std::borrow::Cow;

use super::incoming::Malformed;
use super::json;
use super::scan::{MAX_DEPTH, Scan, Scanner};

/// What [`elements`] found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// An array; the ranges are its elements.
    Array,
    /// Any other value; the one range is the value.
    Single,
}

/// Checks that a text is one JSON value, and finds the elements of an array:
/// their byte ranges (start, end) in the text, without surrounding white space. `out` is cleared
/// first; after an error its content is meaningless.
pub fn elements(json: &str, out: &mut Vec<(u32, u32)>) -> Result<Kind, Malformed> {
    out.clear();
    if u32::try_from(json.len()).is_err() {
        return Err(Malformed::new("the value is larger than 4 GiB"));
    }
    let mut scanner = Scanner::new(json);
    // The length fits, so every offset does.
    let scan = scan(&mut scanner, |start, end| {
        out.push((start as u32, end as u32))
    });
    scan.map_err(|reason| {
        Malformed::new(format!(
            "the value is not valid JSON: {reason} at byte {}",
            scanner.at()
        ))
    })
}

/// Whether a text is one JSON value, in exactly the sense of [`elements`].
pub fn check(json: &str) -> bool {
    scan(&mut Scanner::new(json), |_, _| {}).is_ok()
}

#[inline(always)]
fn scan(
    scanner: &mut Scanner<'_>,
    mut element: impl FnMut(usize, usize),
) -> Result<Kind, &'static str> {
    let first = scanner.skip_space();
    let kind = if first == b'[' {
        Kind::Array
    } else {
        Kind::Single
    };
    match kind {
        Kind::Array => array(scanner, element)?,
        Kind::Single => {
            let start = scanner.at();
            scanner.value(MAX_DEPTH)?;
            element(start, scanner.at());
        }
    }
    scanner.end().map(|()| kind)
}

#[inline(always)]
fn array(scanner: &mut Scanner<'_>, mut element: impl FnMut(usize, usize)) -> Scan {
    scanner.take(b'[');
    if scanner.skip_space() == b']' {
        scanner.take(b']');
        return Ok(());
    }
    loop {
        scanner.skip_space();
        let start = scanner.at();
        scanner.value(MAX_DEPTH - 1)?;
        element(start, scanner.at());
        scanner.skip_space();
        if !scanner.take(b',') {
            return if scanner.take(b']') {
                Ok(())
            } else {
                Err("expected `,` or `]`")
            };
        }
    }
}

/// Where a row is in a text, and its key in the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowPlace {
    /// The row.
    pub row: (u32, u32),
    /// Its key; empty where it has none.
    pub key: (u32, u32),
}

/// Checks that a text is one JSON value, and finds the objects in an array and their keys, in one
/// pass. A value that is no array is the only row. `out` is cleared first; after an error its content
/// is meaningless.
pub fn rows(json: &str, primary_key: &str, out: &mut Vec<RowPlace>) -> Result<(), Malformed> {
    out.clear();
    if u32::try_from(json.len()).is_err() {
        return Err(Malformed::new("the value is larger than 4 GiB"));
    }
    let mut scanner = Scanner::new(json);
    let scan = scan_rows(&mut scanner, json, primary_key, out);
    scan.map_err(|reason| {
        let at = scanner.at();
        Malformed::new(format!(
            "the value is not valid JSON: {reason} at byte {at}"
        ))
    })
}

fn scan_rows(
    scanner: &mut Scanner<'_>,
    json: &str,
    primary_key: &str,
    out: &mut Vec<RowPlace>,
) -> Scan {
    let is_array = scanner.skip_space() == b'[';
    if is_array {
        scanner.take(b'[');
        if scanner.skip_space() == b']' {
            scanner.take(b']');
            return scanner.end();
        }
    }
    loop {
        scanner.skip_space();
        let start = scanner.at();
        let key = scan_row(scanner, json, primary_key)?;
        // The length fits, so every offset does.
        out.push(RowPlace {
            row: (start as u32, scanner.at() as u32),
            key: (key.0 as u32, key.1 as u32),
        });
        if !is_array {
            return scanner.end();
        }
        scanner.skip_space();
        if !scanner.take(b',') {
            return if scanner.take(b']') {
                scanner.end()
            } else {
                Err("expected `,` or `]`")
            };
        }
    }
}

/// Scans one element, and finds its key.
fn scan_row(
    scanner: &mut Scanner<'_>,
    json: &str,
    primary_key: &str,
) -> Result<(usize, usize), &'static str> {
    let mut key = (scanner.at(), scanner.at());
    if !scanner.take(b'{') {
        scanner.value(MAX_DEPTH - 1)?;
        return Ok(key);
    }
    scanner.skip_space();
    if scanner.take(b'}') {
        return Ok(key);
    }
    loop {
        let name = scanner.member_name()?;
        let start = scanner.at();
        scanner.value(MAX_DEPTH - 2)?;
        if is_name(&json[name.0..name.1], primary_key) {
            key = (start, scanner.at());
        }
        scanner.skip_space();
        if !scanner.take(b',') {
            return if scanner.take(b'}') {
                Ok(key)
            } else {
                Err("expected `,` or `}`")
            };
        }
        scanner.skip_space();
    }
}

/// Whether a quoted name is this one.
fn is_name(quoted: &str, name: &str) -> bool {
    if quoted.contains('\\') {
        return json::string(quoted).is_some_and(|text| text == name);
    }
    quoted.len() == name.len() + 2 && &quoted[1..quoted.len() - 1] == name
}

/// The first element of an array, or the value itself if it is no array. `None` for an empty array
/// and for a text that does not begin with a JSON value.
pub fn first(json: &str) -> Option<&str> {
    let mut scanner = Scanner::new(json);
    if scanner.skip_space() == b'[' {
        scanner.take(b'[');
    }
    scanner.skip_space();
    let start = scanner.at();
    scanner.value(MAX_DEPTH - 1).ok()?;
    json.get(start..scanner.at())
}

/// A primary key as text: `"4"` and `4` are both `4`. `None` for anything but a
/// string or a number.
pub fn key_text(json: &str) -> Option<Cow<'_, str>> {
    let json = json.trim_ascii();
    match json.as_bytes().first()? {
        b'"' => json::string(json),
        b'-' | b'0'..=b'9' if check(json) => Some(Cow::Borrowed(json)),
        _ => None,
    }
}

/// The raw value of a member of a JSON object. `None` if there is no such member, or the text is no
/// JSON object.
pub fn member<'a>(object: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    json::members(object, |member, value| {
        if member == name {
            found = Some(value);
        }
    })
    .ok()?;
    found
}

/// Appends the data of a delete to `out`: `{"<primary key>":<key>}`. The key is given as JSON.
pub fn delete_data(primary_key: &str, key_json: &str, out: &mut String) {
    out.push('{');
    json::push_string(out, primary_key);
    out.push(':');
    out.push_str(key_json);
    out.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(json: &str) -> Option<(Kind, Vec<&str>)> {
        let mut ranges = vec![(7, 7)];
        let kind = elements(json, &mut ranges).ok()?;
        let parts = ranges
            .iter()
            .map(|&(start, end)| &json[start as usize..end as usize]);
        Some((kind, parts.collect()))
    }

    #[test]
    fn the_elements_of_an_array_are_found() {
        for (json, expected) in [
            ("[]", vec![]),
            (" [ ] ", vec![]),
            ("[1]", vec!["1"]),
            (
                "[ {\"a\" : [1, 2]} ,\n\"x,]\" , null ]",
                vec!["{\"a\" : [1, 2]}", "\"x,]\"", "null"],
            ),
            ("[[],[[]],{}]", vec!["[]", "[[]]", "{}"]),
        ] {
            assert_eq!(split(json), Some((Kind::Array, expected)), "{json}");
        }
    }

    #[test]
    fn the_first_element_is_found_without_reading_the_rest() {
        for (json, expected) in [
            ("[{\"a\":1},", Some("{\"a\":1}")),
            (" [ [1] ]", Some("[1]")),
            (" {} ", Some("{}")),
            ("null", Some("null")),
            ("[]", None),
            ("", None),
            ("[{\"a\"", None),
        ] {
            assert_eq!(first(json), expected, "{json}");
        }
    }

    #[test]
    fn a_value_that_is_no_array_is_one_element() {
        for (json, expected) in [
            (" {\"a\":[]} ", "{\"a\":[]}"),
            ("\"3\"", "\"3\""),
            ("-0.5e+2\n", "-0.5e+2"),
            ("null", "null"),
        ] {
            assert_eq!(split(json), Some((Kind::Single, vec![expected])), "{json}");
        }
    }

    #[test]
    fn malformed_json_is_refused_with_the_position() {
        for (json, reason) in [
            ("", "expected a value at byte 0"),
            ("[1,]", "expected a value at byte 3"),
            ("[1", "expected `,` or `]` at byte 2"),
            ("[[1}]", "expected `,` or `]` at byte 3"),
            ("{\"a\":1]", "expected `,` or `}` at byte 6"),
            ("{\"a\":1,}", "expected a member's name at byte 7"),
            ("{a:1}", "expected a member's name at byte 1"),
            ("{\"a\"}", "expected `:` at byte 4"),
            ("[] []", "something follows the value at byte 3"),
            ("01", "something follows the value at byte 1"),
            ("-", "a number without its digits at byte 1"),
            ("1.e5", "a number without its digits at byte 2"),
            ("1e+", "a number without its digits at byte 3"),
            ("nul", "expected a value at byte 0"),
            ("\"a", "a string without its end at byte 2"),
            (
                "\"a\u{1}aaaaaaaaa\"",
                "a control character in a string at byte 2",
            ),
            ("\"\\x\"", "an unknown escape at byte 1"),
            ("\"\\u12g4\"", "an escape without its four digits at byte 1"),
            ("\u{feff}[]", "expected a value at byte 0"),
            ("\0", "expected a value at byte 0"),
        ] {
            let expected = format!("the value is not valid JSON: {reason}");
            let error = elements(json, &mut Vec::new()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{json:?}");
            assert!(!check(json));
        }
    }

    #[test]
    fn the_scanner_accepts_every_escape_and_lone_surrogates() {
        assert!(check(r#""\"\\\/\b\f\n\r\t\u00e9\uD83D\uDE00""#));
        assert!(check(r#"["\ud800", "\udc00x"]"#));
    }

    #[test]
    fn the_scanner_limits_nesting_as_serde_json_does() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |depth: usize| open.repeat(depth) + "1" + &close.repeat(depth);
            for depth in 120..140 {
                let json = nested(depth);
                let expected = serde_json::from_str::<serde_json::Value>(&json).is_ok();
                assert_eq!(check(&json), expected, "{depth}");
            }
            assert!(!check(&nested(1_000_000)));
        }
    }

    #[test]
    fn numeric_and_text_keys_have_the_same_text() {
        for (json, expected) in [
            ("4", Some("4")),
            (" \"4\" ", Some("4")),
            ("\"a\\u0062\\n\"", Some("ab\n")),
            ("\"\"", Some("")),
            ("-1.5e3", Some("-1.5e3")),
            ("4x", None),
            ("\"\\ud800\"", None),
            ("null", None),
            ("[4]", None),
            ("{}", None),
            ("", None),
        ] {
            assert_eq!(key_text(json).as_deref(), expected, "{json}");
        }
        assert!(matches!(key_text("\"plain\""), Some(Cow::Borrowed(_))));
    }

    #[test]
    fn rows_are_found_with_their_keys() {
        let mut places = Vec::new();
        for (json, expected) in [
            ("[]", vec![]),
            (
                r#"[{"id":1,"a":{"id":9}} , {"a":[{}],"id": "x"}]"#,
                vec!["1", "\"x\""],
            ),
            (r#"{"i\u0064":7}"#, vec!["7"]),
            (r#"[{},5,{"id":1,"id":2}]"#, vec!["", "", "2"]),
        ] {
            rows(json, "id", &mut places).expect("valid");
            let keys: Vec<_> = places
                .iter()
                .map(|place| &json[place.key.0 as usize..place.key.1 as usize])
                .collect();
            assert_eq!(keys, expected, "{json}");
            let mut elements_of = Vec::new();
            elements(json, &mut elements_of).expect("valid");
            let found: Vec<_> = places.iter().map(|place| place.row).collect();
            assert_eq!(found, elements_of, "{json}");
        }
        for json in [
            "",
            "[",
            "[{]",
            "[{\"id\"}]",
            "[{\"id\":1,}]",
            "{} {}",
            "[{}",
            "[{} {}]",
        ] {
            assert!(rows(json, "id", &mut places).is_err(), "{json}");
        }
    }

    #[test]
    fn a_member_is_returned_as_raw_json() {
        let object = r#"{"a":{"id":1},"id": "x\n" ,"b\u0031":[ 2 ]}"#;
        assert_eq!(member(object, "id"), Some(r#""x\n""#));
        assert_eq!(member(object, "b1"), Some("[ 2 ]"));
        assert_eq!(member(object, "c"), None);
        assert_eq!(member("[1]", "id"), None);
        assert_eq!(member("{\"id\":1", "id"), None);
    }

    #[test]
    fn the_data_of_a_delete_is_an_object_with_the_key() {
        let mut out = String::new();
        delete_data("id", "\"4\"", &mut out);
        delete_data("a\"\\\u{1}b", "4", &mut out);
        assert_eq!(out, r#"{"id":"4"}{"a\"\\\u0001b":4}"#);
    }
}
