//! How a collection writes its primary keys. A delete names them as whoever
//! deleted did: as text where they stood in a URL, though the items have numbers.
//! The application gets the keys that it knows from the items.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::CString;

use super::{EventKind, SubscriptionMeta};
use crate::protocol::{items, key};

/// What all subscriptions of a client have seen. Where only deletes are wanted, or
/// `fields` leaves the key out, another one's items are all there is to go by.
#[derive(Default)]
pub(super) struct Learnt(HashMap<CString, Vec<(Box<str>, Keys)>>);

impl Learnt {
    /// After a message: keeps what its subscription has learnt from it, or tells
    /// one that has to write keys what others have.
    #[inline]
    pub fn share(
        &mut self,
        meta: &SubscriptionMeta,
        before: Keys,
        now: &mut Keys,
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
    fn add(&mut self, meta: &SubscriptionMeta, keys: Keys) {
        let known = self.0.entry(meta.collection.clone()).or_default();
        let name = &meta.delivery.primary_key;
        match known.iter_mut().find(|(of, _)| of == name) {
            Some((_, known)) => *known = keys,
            None => known.push((name.clone(), keys)),
        }
    }

    fn of(&self, meta: &SubscriptionMeta) -> Option<Keys> {
        let known = self.0.get(&meta.collection)?;
        let of = |(name, _): &&(Box<str>, Keys)| *name == meta.delivery.primary_key;
        known.iter().find(of).map(|(_, keys)| *keys)
    }
}

/// What the items of one subscription showed of their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Keys {
    /// There was no item yet.
    #[default]
    Unknown,
    /// They come without: `fields` leaves the key out.
    Hidden,
    Numbers,
    Texts,
}

impl Keys {
    /// Looks at the first item that there is.
    pub fn learn(&mut self, kind: EventKind, data: &str, primary_key: &str) {
        let has_items = matches!(
            kind,
            EventKind::Init | EventKind::Create | EventKind::Update
        );
        if *self != Keys::Unknown || !has_items {
            return;
        }
        let Some(item) = items::first(data).filter(|item| item.starts_with('{')) else {
            return;
        };
        let key = items::member(item, primary_key);
        *self = match key.and_then(|key| key.bytes().next()) {
            Some(b'"') => Keys::Texts,
            Some(b'-' | b'0'..=b'9') => Keys::Numbers,
            // An empty singleton.
            Some(b'n') => return,
            _ => Keys::Hidden,
        };
    }

    fn are_known(self) -> bool {
        matches!(self, Keys::Numbers | Keys::Texts)
    }

    /// A key of a delete, written as the items write it, where it can be.
    pub fn write<'a>(&self, key: &'a str) -> Cow<'a, str> {
        let bare = key.strip_prefix('"').and_then(|k| k.strip_suffix('"'));
        match self {
            Keys::Numbers => bare.and_then(key::number).unwrap_or(Cow::Borrowed(key)),
            Keys::Texts if key.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                Cow::Owned(format!("\"{key}\""))
            }
            _ => Cow::Borrowed(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(kind: EventKind, data: &str) -> Keys {
        let mut keys = Keys::default();
        keys.learn(kind, data, "id");
        keys
    }

    #[test]
    fn the_first_item_shows_how_keys_are_written() {
        for (data, expected) in [
            (r#" [ {"a":"1","id":7}, 3]"#, Keys::Numbers),
            (r#"{"id":-1}"#, Keys::Numbers),
            (r#"[{"id":"7"}]"#, Keys::Texts),
            ("[]", Keys::Unknown),
            ("null", Keys::Unknown),
            (r#"[{"name":1}]"#, Keys::Hidden),
            (r#"[{"id":null}]"#, Keys::Unknown),
        ] {
            for kind in [EventKind::Init, EventKind::Create, EventKind::Update] {
                assert_eq!(learnt(kind, data), expected, "{data}");
            }
            assert_eq!(learnt(EventKind::Error, data), Keys::Unknown);
        }
    }

    #[test]
    fn keys_of_deletes_are_written_as_the_items_write_them() {
        for (keys, given, expected) in [
            (Keys::Numbers, r#""4""#, "4"),
            (Keys::Numbers, r#""-4""#, "-4"),
            (Keys::Numbers, "4", "4"),
            (Keys::Numbers, r#""04""#, "4"),
            (Keys::Numbers, r#"" +7.0""#, "7"),
            (Keys::Numbers, r#""1.50""#, "1.5"),
            (Keys::Numbers, r#""9007199254740993""#, "9007199254740992"),
            (Keys::Numbers, r#""0x7""#, r#""0x7""#),
            (Keys::Numbers, r#""""#, r#""""#),
            (Keys::Numbers, r#""x""#, r#""x""#),
            (Keys::Texts, "4", r#""4""#),
            (Keys::Texts, r#""4""#, r#""4""#),
            (Keys::Texts, "4.5", r#""4.5""#),
            (Keys::Texts, "1e+21", r#""1e+21""#),
            (Keys::Texts, "null", "null"),
            (Keys::Unknown, r#""4""#, r#""4""#),
            (Keys::Unknown, "4", "4"),
        ] {
            assert_eq!(keys.write(given), expected, "{keys:?} {given}");
        }
    }
}
