//! The highest integer key that a subscription has seen: rows that are created get higher ones.

use crate::protocol::key;

/// See the module. What is compared here has at most 53 bits, so both ends of the range are free.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HighestKey(i64);

impl Default for HighestKey {
    fn default() -> HighestKey {
        HighestKey::UNKNOWN
    }
}

impl HighestKey {
    /// There may be rows that were not seen.
    pub const UNKNOWN: HighestKey = HighestKey(i64::MIN);
    /// There is no row.
    pub const NO_ROW: HighestKey = HighestKey(i64::MIN + 1);
    /// Keys say nothing about the order of creation.
    pub const UNUSABLE: HighestKey = HighestKey(i64::MAX);

    /// That key.
    pub fn of(key: i64) -> HighestKey {
        HighestKey(key)
    }

    /// Whether rows that were created can be found by their keys.
    #[inline]
    pub fn is_usable(self) -> bool {
        self != HighestKey::UNUSABLE
    }

    /// The key; `None` where there is no row.
    pub fn key(self) -> Option<i64> {
        let is_key = self > HighestKey::NO_ROW && self.is_usable();
        is_key.then_some(self.0)
    }

    /// A row with this key, as JSON, is in a snapshot, or is reported by an event. Returns the key.
    #[inline]
    pub fn see(&mut self, json: &str, is_new: bool) -> Option<i64> {
        if !self.is_usable() {
            return None;
        }
        let key = key::exact_integer(json);
        match key {
            // An update may be of any row.
            Some(key) if is_new || *self != HighestKey::UNKNOWN => self.0 = self.0.max(key),
            Some(_) => {}
            None => *self = HighestKey::UNUSABLE,
        }
        key
    }
}
