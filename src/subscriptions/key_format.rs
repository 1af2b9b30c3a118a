//! How the rows of a subscription write their keys, where these are text.
//!
//! PostgreSQL and MariaDB show decimals as text with all their places, PostgreSQL shows
//! big integers as text and UUIDs in lower case, and MariaDB finds UUIDs in either case.
//! A text key of another kind is itself and nothing else.

use std::collections::BTreeSet;

use crate::protocol::{items, key};

/// So many UUIDs in another case than the first one's are remembered. Where there are
/// more, keys of deletes are delivered as the server sends them.
const MOST_OTHER_CASE: usize = 1024;

/// UUIDs, as they were seen.
type OtherCase = BTreeSet<Box<str>>;

/// See the module.
#[derive(Debug, Default)]
pub enum KeyFormat {
    /// No key was seen yet.
    #[default]
    Unknown,
    /// Numbers, or texts that are spelled in one way only.
    Plain,
    /// Integers as text.
    Integers,
    /// Numbers with so many decimal places.
    Decimals(usize),
    /// UUIDs.
    Uuids {
        /// Whether the first one is in upper case; `None` until one has a letter.
        upper: Option<bool>,
        /// Those in the other case, if there is one.
        other_case: Option<Box<OtherCase>>,
    },
}

impl KeyFormat {
    /// Whether a key in an event of this kind may say something new about the format. Of
    /// UUIDs, updates do not: their keys have been in a snapshot or a create before.
    #[inline]
    pub fn may_learn_from(&self, is_create: bool) -> bool {
        match self {
            KeyFormat::Plain => false,
            KeyFormat::Uuids { .. } => is_create,
            KeyFormat::Unknown | KeyFormat::Integers | KeyFormat::Decimals(_) => true,
        }
    }

    /// A row has this key, as JSON.
    pub fn observe(&mut self, json: &str) {
        if matches!(self, KeyFormat::Plain) {
            return;
        }
        match (json.as_bytes().first(), items::key_text(json)) {
            (Some(b'"'), Some(text)) => self.observe_text(&text),
            (_, Some(_)) => *self = KeyFormat::Plain,
            // An empty singleton.
            _ => {}
        }
    }

    fn observe_text(&mut self, text: &str) {
        if matches!(self, KeyFormat::Unknown) {
            *self = if key::is_uuid(text) {
                let (upper, other_case) = (None, None);
                KeyFormat::Uuids { upper, other_case }
            } else if key::is_integer(text) {
                KeyFormat::Integers
            } else {
                key::places(text).map_or(KeyFormat::Plain, KeyFormat::Decimals)
            };
        }
        let fits = match self {
            KeyFormat::Integers => key::is_integer(text),
            KeyFormat::Decimals(places) => key::places(text) == Some(*places),
            KeyFormat::Uuids { upper, other_case } => {
                key::is_uuid(text) && observe_uuid(text, upper, other_case)
            }
            KeyFormat::Unknown | KeyFormat::Plain => true,
        };
        if !fits {
            *self = KeyFormat::Plain;
        }
    }

    /// The way in which a row would write this key, if that is known to differ. Only the
    /// database can say whether it takes the two for the same key.
    pub fn row_key(&self, text: &str) -> Option<String> {
        let key = match self {
            KeyFormat::Unknown | KeyFormat::Plain => None,
            KeyFormat::Integers if key::is_integer(text) => None,
            KeyFormat::Integers => key::integer(text),
            KeyFormat::Decimals(places) => key::with_places(text, *places),
            KeyFormat::Uuids { upper, other_case } => {
                let is_other = |of: &OtherCase| of.contains(text);
                if !key::is_uuid(text) || other_case.as_deref().is_some_and(is_other) {
                    return None;
                }
                let mut others = other_case
                    .iter()
                    .flat_map(|uuids| uuids.iter())
                    .filter(|other| other.eq_ignore_ascii_case(text));
                match (others.next(), upper) {
                    (Some(other), _) => Some(other.to_string()),
                    (None, Some(true)) => Some(text.to_ascii_uppercase()),
                    (None, _) => Some(text.to_ascii_lowercase()),
                }
            }
        };
        key.filter(|key| key != text)
    }

    /// A row has come without its key: nothing is learnt from rows.
    pub fn row_without_key(&mut self) {
        if matches!(self, KeyFormat::Unknown) {
            *self = KeyFormat::Plain;
        }
    }

    /// The row of that key was deleted.
    pub fn forget(&mut self, text: &str) {
        if let KeyFormat::Uuids {
            other_case: Some(other_case),
            ..
        } = self
        {
            other_case.remove(text);
        }
    }
}

/// Returns false where too many are in another case than the first.
fn observe_uuid(
    text: &str,
    upper: &mut Option<bool>,
    other_case: &mut Option<Box<OtherCase>>,
) -> bool {
    let has_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    let has_lower = text.bytes().any(|byte| byte.is_ascii_lowercase());
    if !has_upper && !has_lower {
        return true;
    }
    let is_upper = *upper.get_or_insert(has_upper && !has_lower);
    let is_other = if is_upper { has_lower } else { has_upper };
    if is_other {
        let other_case = other_case.get_or_insert_default();
        other_case.insert(text.into());
        return other_case.len() <= MOST_OTHER_CASE;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(keys: &[&str]) -> KeyFormat {
        let mut format = KeyFormat::default();
        keys.iter().for_each(|key| format.observe(key));
        format
    }

    #[test]
    fn the_key_of_a_delete_is_written_as_the_rows_write_theirs() {
        let lower = r#""abcdef01-2345-4678-8abc-def012345678""#;
        let upper = r#""ABCDEF01-2345-4678-8ABC-DEF012345678""#;
        let other = r#""bbcdef01-2345-4678-8abc-def012345678""#;
        let bare = |key: &'static str| key.trim_matches('"');
        for (rows, given, expected) in [
            (&[r#""42""#][..], "042", Some("42")),
            (&[r#""42""#], "42", None),
            (&[r#""42""#], "9007199254740993", None),
            (&[r#""42""#, r#""a""#], "042", None),
            (&[r#""42""#, r#""007""#], "042", None),
            (&["42"], "042", None),
            (&["null", r#""1.50000""#], "2.5", Some("2.50000")),
            (&[r#""1.50000""#], "1.50000", None),
            (&[r#""1.50000""#, r#""1.5""#], "2.5", None),
            (&[lower], bare(upper), Some(bare(lower))),
            (&[lower], bare(lower), None),
            (&[lower], "no uuid", None),
            (&[lower, r#""x""#], bare(upper), None),
            (&[other, upper], bare(lower), Some(bare(upper))),
            (&[other, upper], bare(upper), None),
            (&[upper], bare(lower), Some(bare(upper))),
            (&[], bare(upper), None),
            (&[r#""7.5x""#], "7.5", None),
        ] {
            let format = seen(rows);
            assert_eq!(
                format.row_key(given).as_deref(),
                expected,
                "{rows:?} {given}"
            );
        }
    }

    #[test]
    fn i6_a_bounded_number_of_uuids_is_remembered() {
        let mut format = seen(&[r#""abcdef01-2345-4678-8abc-def012345678""#]);
        for n in 0..2 * MOST_OTHER_CASE {
            format.observe(&format!(r#""ABCDEF01-2345-4678-8ABC-{n:012}""#));
        }
        assert!(matches!(format, KeyFormat::Plain));
    }
}
