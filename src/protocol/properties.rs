//! Compares the fast path and the scanner with serde_json, on generated and on damaged texts.

use std::borrow::Cow;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::fast_path::recognise;
use super::incoming::{Incoming, parse};
use super::items::{Kind, check, elements};
use super::json::push_string;
use super::wire_uid::WireUid;

/// White space between tokens: mostly none.
fn space() -> impl Strategy<Value = &'static str> {
    prop_oneof![6 => Just(""), 1 => select(vec![" ", "\n", "\t \r\n", "          "])]
}

fn json_string() -> impl Strategy<Value = String> {
    let quoted = |text: String| {
        let mut json = String::new();
        push_string(&mut json, &text);
        json
    };
    prop_oneof![
        ".{0,20}".prop_map(quoted),
        "[a-z]{0,40}".prop_map(quoted),
        Just(r#""],\"uid\":\"0.1\"}""#.to_owned()),
        r#""(\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}|é|[^"\\\x00-\x1f]{1,9}){0,6}""#,
    ]
}

/// A JSON text of any kind.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        select(vec![
            "null", "true", "false", "0", "-0", "[]", "{}", "[ ]", "{ }"
        ])
        .prop_map(str::to_owned),
        "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,5})?([eE][+-]?[0-9]{1,3})?",
        json_string(),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        let member = (json_string(), space(), space(), inner.clone())
            .prop_map(|(name, before, behind, value)| format!("{name}{before}:{behind}{value}"));
        prop_oneof![list('[', inner, ']'), list('{', member, '}')]
    })
}

/// Up to six of something in brackets.
fn list(
    open: char,
    element: impl Strategy<Value = String>,
    close: char,
) -> impl Strategy<Value = String> {
    prop::collection::vec((space(), element, space()), 0..6).prop_map(move |elements| {
        let elements: Vec<_> = elements
            .iter()
            .map(|(a, text, b)| format!("{a}{text}{b}"))
            .collect();
        format!("{open}{}{close}", elements.join(","))
    })
}

fn frame() -> impl Strategy<Value = String> {
    let event = select(vec!["create", "update", "delete", "init", "unsubscribe"]);
    let data = prop_oneof![4 => list('[', json(), ']'), 1 => json()];
    let meta = prop::option::weighted(0.1, json());
    let uid = prop_oneof![
        8 => (any::<u32>(), any::<u64>())
            .prop_map(|(slot, serial)| format!("\"{}\"", WireUid { slot, serial })),
        1 => json(),
    ];
    (event, data, meta, uid).prop_map(|(event, data, meta, uid)| {
        let meta = meta.map_or(String::new(), |meta| format!(r#","meta":{meta}"#));
        format!(r#"{{"type":"subscription","event":"{event}","data":{data}{meta},"uid":{uid}}}"#)
    })
}

/// One damage of a text.
#[derive(Clone, Debug)]
enum Damage {
    Replace(Index, char),
    /// A bracket becomes one of the other kind.
    Mismatch(Index),
    Insert(Index, &'static str),
    Remove(Index, Index),
    Truncate(Index),
    Repeat(Index, Index, Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let token = select(vec![
        "\"",
        "\\",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "-",
        ".",
        "e",
        "0",
        "1",
        "null",
        " ",
        "\n",
        "\u{0}",
        "\u{1f}",
        "\u{7f}",
        "é",
        "\\u12",
        "\\ud800",
        "]]",
        "\"\"",
        "[1],",
        "],\"data\":[",
        "],\"uid\":\"0.1\"}",
        ",\"meta\":{}",
        ",\"type\":\"ping\"",
        "{\"a\":[",
        "]}",
    ]);
    let with = prop_oneof![
        (0u8..128).prop_map(char::from),
        select("\"\\[]{},:0-e.".chars().collect::<Vec<_>>()),
    ];
    prop_oneof![
        (any::<Index>(), with).prop_map(|(at, with)| Damage::Replace(at, with)),
        any::<Index>().prop_map(Damage::Mismatch),
        (any::<Index>(), token).prop_map(|(at, token)| Damage::Insert(at, token)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, length)| Damage::Remove(from, length)),
        any::<Index>().prop_map(Damage::Truncate),
        (any::<Index>(), any::<Index>(), any::<Index>())
            .prop_map(|(from, length, to)| Damage::Repeat(from, length, to)),
    ]
}

/// The text with at most three damages, none in half of the cases.
fn damaged(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let mishaps = prop_oneof![Just(vec![]), prop::collection::vec(damage(), 1..4)];
    (text, mishaps).prop_map(|(text, mishaps)| {
        let mut chars: Vec<char> = text.chars().collect();
        for mishap in mishaps {
            let length = chars.len();
            let place = |index: Index| index.index(length + 1);
            match mishap {
                Damage::Replace(at, with) if length > 0 => chars[at.index(length)] = with,
                Damage::Replace(..) => {}
                Damage::Mismatch(which) => {
                    let bracket = |at: &usize| "[]{}".contains(chars[*at]);
                    let brackets: Vec<_> = (0..length).filter(bracket).collect();
                    if !brackets.is_empty() {
                        let bracket = &mut chars[*which.get(&brackets)];
                        *bracket = match *bracket {
                            '[' => '{',
                            ']' => '}',
                            '{' => '[',
                            _ => ']',
                        };
                    }
                }
                Damage::Insert(at, token) => {
                    let at = place(at);
                    chars.splice(at..at, token.chars());
                }
                Damage::Remove(from, count) => {
                    let from = place(from);
                    chars.drain(from..(from + count.index(9)).min(length));
                }
                Damage::Truncate(at) => chars.truncate(place(at)),
                Damage::Repeat(from, count, to) => {
                    let (from, to) = (place(from), place(to));
                    let part = chars[from..(from + count.index(40)).min(length)].to_vec();
                    chars.splice(to..to, part);
                }
            }
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn the_fast_path_agrees_with_the_parser_on_every_text(frame in damaged(frame())) {
        let fast = recognise(&frame).filter(|fast| check(fast.data));
        match (fast, parse(&frame)) {
            (Some(fast), slow) => {
                let uid = Some(Cow::Owned(fast.uid.to_string()));
                let (change, data) = (fast.change, Some(fast.data));
                prop_assert_eq!(slow, Ok(Incoming::Change { change, uid, data, meta: None }));
            }
            (None, Ok(Incoming::Change { change, uid: Some(uid), data: Some(data), meta: None })) => {
                // Nothing that the server itself would write is left to the parser.
                let name = change.as_str();
                let own = format!(r#"{{"type":"subscription","event":"{name}","data":{data},"uid":"{uid}"}}"#);
                prop_assert!(own != frame || !data.starts_with('[') || WireUid::parse(&uid).is_none());
            }
            _ => {}
        }
    }

    #[test]
    fn the_scanner_accepts_exactly_what_serde_json_accepts(json in damaged(json())) {
        // Nothing generated here comes near the limit of nesting.
        let expected = serde_json::from_str::<&RawValue>(&json).is_ok();
        prop_assert_eq!(check(&json), expected);
        prop_assert_eq!(serde_json::from_str::<IgnoredAny>(&json).is_ok(), expected);
        prop_assert_eq!(elements(&json, &mut Vec::new()).is_ok(), expected);
    }

    #[test]
    fn the_scanner_finds_the_elements_that_serde_json_finds(json in damaged(list('[', json(), ']'))) {
        let mut ranges = Vec::new();
        let kind = elements(&json, &mut ranges);
        if let Ok(expected) = serde_json::from_str::<Vec<&RawValue>>(&json) {
            prop_assert_eq!(kind, Ok(Kind::Array));
            let parts = ranges.iter().map(|&(start, end)| &json[start as usize..end as usize]);
            prop_assert!(parts.eq(expected.iter().map(|raw| raw.get())));
        } else if kind.is_ok() {
            prop_assert_eq!(kind, Ok(Kind::Single));
            prop_assert_eq!(ranges.len(), 1);
            prop_assert_eq!(&json[ranges[0].0 as usize..ranges[0].1 as usize], json.trim_ascii());
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(text: String) {
        let _ = parse(&text);
        let _ = recognise(&text);
        let _ = check(&text);
    }
}
