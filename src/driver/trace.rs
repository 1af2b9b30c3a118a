//! Describes a frame for the log: its type and length, never its content.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::failure::printable;

/// Longer names are neither of Directus nor of this library.
const LONGEST_NAME: usize = 40;

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    event: Value,
    #[serde(default)]
    status: Value,
    #[serde(default)]
    uid: Value,
}

/// For instance `subscription update 1f.2a, 312 bytes`.
pub(super) fn describe(text: &str) -> String {
    let bytes = text.len();
    let Ok(head) = serde_json::from_str::<Head<'_>>(text) else {
        return format!("something that is no message, {bytes} bytes");
    };
    let mut words = printable(&head.kind);
    for name in [&head.event, &head.status, &head.uid] {
        if let Some(name) = name.as_str().filter(|name| name.len() <= LONGEST_NAME) {
            words.push(' ');
            words.push_str(&printable(name));
        }
    }
    format!("{words}, {bytes} bytes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traced_frame_shows_its_names_and_not_its_content() {
        for (text, shown) in [
            (
                r#"{"type":"subscription","event":"update","data":[{"id":7}],"uid":"1f.2a"}"#,
                "subscription update 1f.2a",
            ),
            (r#"{"type":"auth","access_token":"s3cret"}"#, "auth"),
            (
                r#"{"type":"auth","status":"ok","refresh_token":"s3cret","uid":7}"#,
                "auth ok",
            ),
            (r#"{"type":"a\nb"}"#, "a\u{fffd}b"),
            ("s3cret", "something that is no message"),
            (r#"{"type":["s3cret"]}"#, "something that is no message"),
        ] {
            assert_eq!(describe(text), format!("{shown}, {} bytes", text.len()));
        }
    }

    #[test]
    fn a_traced_frame_shows_no_overlong_name() {
        let uid = "s3cret".repeat(10);
        let text = format!(r#"{{"type":"ping","uid":"{uid}"}}"#);
        assert!(!describe(&text).contains("s3cret"), "{}", describe(&text));
    }
}
