//! Tests with the frames that were recorded from a real server (`tests/fixtures/frames`).

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::fast_path::{Recognised, recognise};
use super::incoming::{Incoming, parse};
use super::items::{Kind, check, elements};
use super::wire_uid::WireUid;

/// The received frames of every recording, with the recording's name.
fn received() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/frames");
    let mut frames = Vec::new();
    for folder in [root.clone(), root.join("v11")] {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path
                .extension()
                .is_none_or(|extension| extension != "jsonl")
            {
                continue;
            }
            for line in std::fs::read_to_string(&path).unwrap().lines() {
                let line: Value = serde_json::from_str(line).unwrap();
                if line["dir"] == "recv" {
                    frames.push((
                        path.display().to_string(),
                        line["text"].as_str().unwrap().to_owned(),
                    ));
                }
            }
        }
    }
    frames
}

/// Whether the recording holds only the beginning of the frame.
fn is_cut(frame: &str) -> bool {
    frame.ends_with(" chars]")
}

#[test]
fn every_recorded_frame_is_parsed() {
    let mut kinds = BTreeMap::new();
    for (file, frame) in received() {
        let incoming = match parse(&frame) {
            Ok(incoming) => incoming,
            Err(_) if is_cut(&frame) => continue,
            Err(error) => panic!("{file}: {error}: {frame}"),
        };
        let value: Value = serde_json::from_str(&frame).unwrap();
        let kind = match &incoming {
            Incoming::Change {
                change, data, meta, ..
            } => {
                assert_eq!(value["event"], change.as_str());
                assert_eq!(data.is_some(), value.get("data").is_some());
                assert_eq!(meta.is_some(), value.get("meta").is_some());
                change.as_str()
            }
            Incoming::Init { data, .. } => {
                assert_eq!(value["event"], "init");
                assert_eq!(data.is_some(), value.get("data").is_some());
                "init"
            }
            Incoming::Unsubscribed { .. } => "unsubscribe",
            Incoming::AuthOk { refresh_token, .. } => {
                let token = refresh_token.as_ref().map(|token| token.expose());
                assert_eq!(token, value["refresh_token"].as_str());
                "auth"
            }
            Incoming::Items { data, .. } => {
                assert!(data.is_some(), "{frame}");
                "items"
            }
            Incoming::Ping => "ping",
            Incoming::Pong { .. } => "pong",
            Incoming::Error(error) => {
                assert_eq!(value["error"]["code"], *error.code);
                assert_eq!(value["error"]["message"], *error.message);
                let limited = error.code == "REQUESTS_EXCEEDED";
                assert_eq!(error.retry_after().is_some(), limited, "{frame}");
                "error"
            }
            // The sockets of the logs and of GraphQL.
            Incoming::Other { kind, .. } => {
                assert!(
                    matches!(&**kind, "logs" | "next" | "connection_ack"),
                    "{frame}"
                );
                "other"
            }
        };
        *kinds.entry(kind).or_insert(0) += 1;
    }
    let seen: Vec<_> = kinds.into_keys().collect();
    let expected = [
        "auth",
        "create",
        "delete",
        "error",
        "init",
        "items",
        "other",
        "ping",
        "pong",
        "unsubscribe",
        "update",
    ];
    assert_eq!(seen, expected);
}

/// The same frame with a uid as the library gives them, as text.
fn with_wire_uid(frame: &str, uid: WireUid) -> Option<String> {
    let value: Value = serde_json::from_str(frame).ok()?;
    let tail = format!(r#","uid":{}}}"#, value.get("uid")?);
    Some(format!(r#"{},"uid":"{uid}"}}"#, frame.strip_suffix(&tail)?))
}

#[test]
fn the_fast_path_agrees_with_the_parser_on_every_recorded_frame() {
    let uid = WireUid {
        slot: 0x1f,
        serial: 0xabc,
    };
    let mut recognised = 0;
    for (file, frame) in received() {
        if is_cut(&frame) {
            continue;
        }
        // No uid in the recordings looks like a wire uid.
        assert_eq!(recognise(&frame), None, "{file}");
        let Some(frame) = with_wire_uid(&frame, uid) else {
            continue;
        };
        let slow = parse(&frame).unwrap();
        let fast = recognise(&frame).filter(|fast| check(fast.data));
        match (&slow, fast) {
            (
                Incoming::Change {
                    change,
                    uid: Some(text),
                    data: Some(data),
                    meta: None,
                },
                fast,
            ) if data.starts_with('[') => {
                assert_eq!(**text, uid.to_string());
                assert_eq!(
                    fast,
                    Some(Recognised {
                        change: *change,
                        uid,
                        data
                    }),
                    "{frame}"
                );
                let mut ranges = Vec::new();
                assert_eq!(elements(data, &mut ranges), Ok(Kind::Array));
                let items: Vec<Value> = serde_json::from_str(data).unwrap();
                assert_eq!(ranges.len(), items.len());
                recognised += 1;
            }
            (_, fast) => assert_eq!(fast, None, "{frame}"),
        }
    }
    assert!(recognised > 200, "{recognised}");
}
