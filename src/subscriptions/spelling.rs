//! How the rows of a subscription spell their keys, where these are text.
//!
//! PostgreSQL and MariaDB show decimals as text with all their places, PostgreSQL shows
//! big integers as text and UUIDs in lower case, and MariaDB finds UUIDs in either case.
//! A text key of another kind is itself and nothing else.

use std::collections::BTreeSet;

use crate::protocol::{items, key};

/// UUIDs in another case than the first one's that are remembered. Where there are more,
/// keys of deletes stay as they are.
const MOST_ODD: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub enum Spelling {
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
        /// In upper case; not known as long as none had a letter.
        upper: Option<bool>,
        /// Those that are not in that case.
        odd: BTreeSet<Box<str>>,
    },
}

impl Spelling {
    /// Whether a key that is seen in this kind of event may change anything. Of UUIDs,
    /// updates are not looked at: their keys have been in a snapshot or a create.
    #[inline]
    pub fn is_open(&self, is_create: bool) -> bool {
        match self {
            Spelling::Plain => false,
            Spelling::Uuids { .. } => is_create,
            Spelling::Unknown | Spelling::Integers | Spelling::Decimals(_) => true,
        }
    }

    /// A row has this key, as JSON.
    pub fn see(&mut self, json: &str) {
        if matches!(self, Spelling::Plain) {
            return;
        }
        match (json.as_bytes().first(), items::key_text(json)) {
            (Some(b'"'), Some(text)) => self.see_text(&text),
            (_, Some(_)) => *self = Spelling::Plain,
            // An empty singleton.
            _ => {}
        }
    }

    fn see_text(&mut self, text: &str) {
        if matches!(self, Spelling::Unknown) {
            *self = if key::is_uuid(text) {
                let (upper, odd) = (None, BTreeSet::new());
                Spelling::Uuids { upper, odd }
            } else if key::is_integer(text) {
                Spelling::Integers
            } else {
                key::places(text).map_or(Spelling::Plain, Spelling::Decimals)
            };
        }
        let fits = match self {
            Spelling::Integers => key::is_integer(text),
            Spelling::Decimals(places) => key::places(text) == Some(*places),
            Spelling::Uuids { upper, odd } => key::is_uuid(text) && see_uuid(text, upper, odd),
            Spelling::Unknown | Spelling::Plain => true,
        };
        if !fits {
            *self = Spelling::Plain;
        }
    }

    /// The key that rows would have for one that is spelled in a way that no row has, as
    /// far as is known; `None` where it is as good as any. Only the database can say
    /// whether the two are the same to it.
    pub fn row_key(&self, text: &str) -> Option<String> {
        let key = match self {
            Spelling::Unknown | Spelling::Plain => None,
            Spelling::Integers if key::is_integer(text) => None,
            Spelling::Integers => key::integer(text),
            Spelling::Decimals(places) => key::with_places(text, *places),
            Spelling::Uuids { upper, odd } => {
                if !key::is_uuid(text) || odd.contains(text) {
                    return None;
                }
                let mut others = odd.iter().filter(|odd| odd.eq_ignore_ascii_case(text));
                match (others.next(), upper) {
                    (Some(other), _) => Some(other.to_string()),
                    (None, Some(true)) => Some(text.to_ascii_uppercase()),
                    (None, _) => Some(text.to_ascii_lowercase()),
                }
            }
        };
        key.filter(|key| key != text)
    }

    /// A row does not show its key.
    pub fn hide(&mut self) {
        if matches!(self, Spelling::Unknown) {
            *self = Spelling::Plain;
        }
    }

    /// The row of that key is gone.
    pub fn forget(&mut self, text: &str) {
        if let Spelling::Uuids { odd, .. } = self {
            odd.remove(text);
        }
    }
}

/// False where too many are in another case than the first.
fn see_uuid(text: &str, upper: &mut Option<bool>, odd: &mut BTreeSet<Box<str>>) -> bool {
    let has_upper = text.bytes().any(|byte| byte.is_ascii_uppercase());
    let has_lower = text.bytes().any(|byte| byte.is_ascii_lowercase());
    if !has_upper && !has_lower {
        return true;
    }
    let is_upper = *upper.get_or_insert(has_upper && !has_lower);
    let is_odd = if is_upper { has_lower } else { has_upper };
    if is_odd {
        odd.insert(text.into());
    }
    odd.len() <= MOST_ODD
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(keys: &[&str]) -> Spelling {
        let mut spelling = Spelling::default();
        keys.iter().for_each(|key| spelling.see(key));
        spelling
    }

    #[test]
    fn keys_are_respelled_as_the_rows_spell_theirs() {
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
            let spelling = seen(rows);
            assert_eq!(
                spelling.row_key(given).as_deref(),
                expected,
                "{rows:?} {given}"
            );
        }
    }

    #[test]
    fn i6_no_more_than_so_many_uuids_are_remembered() {
        let mut spelling = seen(&[r#""abcdef01-2345-4678-8abc-def012345678""#]);
        for n in 0..2 * MOST_ODD {
            spelling.see(&format!(r#""ABCDEF01-2345-4678-8ABC-{n:012}""#));
        }
        assert!(matches!(spelling, Spelling::Plain));
    }
}
