//! How a collection writes its primary keys. The server's delete repeats the keys as the request
//! for the delete wrote them: as text if they came from a URL, though the items have numbers. The
//! application gets the keys as the items write them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::CString;

use super::{EventKind, SubscriptionMeta};
use crate::protocol::{items, key};

/// The key formats that the subscriptions of a client have seen. A subscription that wants only
/// deletes, or whose `fields` leaves the key out, sees no key of an item; it uses what others saw.
#[derive(Default)]
pub(super) struct KeyFormatCache(HashMap<CString, Vec<(Box<str>, KeyFormat)>>);

impl KeyFormatCache {
    /// After a message: stores what its subscription has learnt from it. For a delete of a
    /// subscription that does not know the format: looks it up.
    #[inline]
    pub fn share(
        &mut self,
        meta: &SubscriptionMeta,
        before: KeyFormat,
        now: &mut KeyFormat,
        is_delete: bool,
    ) {
        if now.are_known() {
            if before != *now {
                self.add(meta, *now);
            }
        } else if is_delete {
            *now = self.of(meta).unwrap_or(*now);
        }
    }

    #[cold]
    fn add(&mut self, meta: &SubscriptionMeta, keys: KeyFormat) {
        let known = self.0.entry(meta.collection.clone()).or_default();
        let name = &meta.delivery.primary_key;
        match known.iter_mut().find(|(of, _)| of == name) {
            Some((_, known)) => *known = keys,
            None => known.push((name.clone(), keys)),
        }
    }

    fn of(&self, meta: &SubscriptionMeta) -> Option<KeyFormat> {
        let known = self.0.get(&meta.collection)?;
        let of = |(name, _): &&(Box<str>, KeyFormat)| *name == meta.delivery.primary_key;
        known.iter().find(of).map(|(_, keys)| *keys)
    }
}

/// How the items of one subscription write their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum KeyFormat {
    /// No item was seen yet.
    #[default]
    Unknown,
    /// The items have no key: `fields` leaves it out.
    Hidden,
    Numbers,
    Texts,
}

impl KeyFormat {
    /// Reads the format from the first item of a message that has items.
    pub fn learn(&mut self, kind: EventKind, data: &str, primary_key: &str) {
        let has_items = matches!(
            kind,
            EventKind::Init | EventKind::Create | EventKind::Update
        );
        if *self != KeyFormat::Unknown || !has_items {
            return;
        }
        let Some(item) = items::first(data).filter(|item| item.starts_with('{')) else {
            return;
        };
        let key = items::member(item, primary_key);
        *self = match key.and_then(|key| key.bytes().next()) {
            Some(b'"') => KeyFormat::Texts,
            Some(b'-' | b'0'..=b'9') => KeyFormat::Numbers,
            // An empty singleton.
            Some(b'n') => return,
            _ => KeyFormat::Hidden,
        };
    }

    fn are_known(self) -> bool {
        matches!(self, KeyFormat::Numbers | KeyFormat::Texts)
    }

    /// A key of a delete, written as the items write it, where it can be.
    pub fn write<'a>(&self, key: &'a str) -> Cow<'a, str> {
        let bare = key.strip_prefix('"').and_then(|k| k.strip_suffix('"'));
        match self {
            KeyFormat::Numbers => bare.and_then(key::number).unwrap_or(Cow::Borrowed(key)),
            KeyFormat::Texts if key.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                Cow::Owned(format!("\"{key}\""))
            }
            _ => Cow::Borrowed(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(kind: EventKind, data: &str) -> KeyFormat {
        let mut keys = KeyFormat::default();
        keys.learn(kind, data, "id");
        keys
    }

    #[test]
    fn the_first_item_shows_the_key_format() {
        for (data, expected) in [
            (r#" [ {"a":"1","id":7}, 3]"#, KeyFormat::Numbers),
            (r#"{"id":-1}"#, KeyFormat::Numbers),
            (r#"[{"id":"7"}]"#, KeyFormat::Texts),
            ("[]", KeyFormat::Unknown),
            ("null", KeyFormat::Unknown),
            (r#"[{"name":1}]"#, KeyFormat::Hidden),
            (r#"[{"id":null}]"#, KeyFormat::Unknown),
        ] {
            for kind in [EventKind::Init, EventKind::Create, EventKind::Update] {
                assert_eq!(learnt(kind, data), expected, "{data}");
            }
            assert_eq!(learnt(EventKind::Error, data), KeyFormat::Unknown);
        }
    }

    #[test]
    fn a_delete_writes_keys_in_the_key_format_of_the_items() {
        for (keys, given, expected) in [
            (KeyFormat::Numbers, r#""4""#, "4"),
            (KeyFormat::Numbers, r#""-4""#, "-4"),
            (KeyFormat::Numbers, "4", "4"),
            (KeyFormat::Numbers, r#""04""#, "4"),
            (KeyFormat::Numbers, r#"" +7.0""#, "7"),
            (KeyFormat::Numbers, r#""1.50""#, "1.5"),
            (
                KeyFormat::Numbers,
                r#""9007199254740993""#,
                "9007199254740992",
            ),
            (KeyFormat::Numbers, r#""0x7""#, r#""0x7""#),
            (KeyFormat::Numbers, r#""""#, r#""""#),
            (KeyFormat::Numbers, r#""x""#, r#""x""#),
            (KeyFormat::Texts, "4", r#""4""#),
            (KeyFormat::Texts, r#""4""#, r#""4""#),
            (KeyFormat::Texts, "4.5", r#""4.5""#),
            (KeyFormat::Texts, "1e+21", r#""1e+21""#),
            (KeyFormat::Texts, "null", "null"),
            (KeyFormat::Unknown, r#""4""#, r#""4""#),
            (KeyFormat::Unknown, "4", "4"),
        ] {
            assert_eq!(keys.write(given), expected, "{keys:?} {given}");
        }
    }
}
