//! The keys of the items that were deleted within the last seconds.
//!
//! The server reads the rows of creates and updates before it reports them, and reports
//! deletes without reading: a delete overtakes what was written before it. An update that
//! comes so soon after a delete of its key may be of the row that no longer exists.

use std::collections::VecDeque;
use std::time::Duration;

use crate::protocol::key;

/// How far a delete may overtake an earlier write.
const OVERTAKEN_BY: Duration = Duration::from_secs(2);
/// So many deletes are remembered one by one. Where there are more, any key may be
/// among them.
const MOST: usize = 1024;

/// When an event arrived, in the time during which the server was heard. After a silence
/// only an interval is known: the event may have been on the way all the time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Not earlier,
    pub from: Duration,
    /// and not later.
    pub to: Duration,
}

/// See the module. Keys count as equal however they are spelled.
// Boxed: few subscriptions have had a delete lately.
#[derive(Debug, Default)]
pub struct DeletedKeys(Option<Box<Keys>>);

#[derive(Debug, Default)]
struct Keys {
    keys: VecDeque<(u64, Duration)>,
    /// Until then, more were deleted than are remembered.
    overflowed_until: Option<Duration>,
}

impl DeletedKeys {
    /// Whether nothing was deleted lately. Old keys count until [`DeletedKeys::expire`].
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Forgets the keys whose deletion can overtake nothing any more.
    pub fn expire(&mut self, now: Arrival) {
        let now = now.from;
        let is_over = |at: Duration| at + OVERTAKEN_BY <= now;
        self.keep(|keys| {
            while keys.keys.front().is_some_and(|(_, at)| is_over(*at)) {
                keys.keys.pop_front();
            }
            keys.overflowed_until = keys.overflowed_until.filter(|until| *until > now);
        });
    }

    /// Forgets some; gives the memory back with the last one.
    fn keep(&mut self, forget: impl FnOnce(&mut Keys)) {
        self.0.take_if(|keys| {
            forget(keys);
            keys.keys.is_empty() && keys.overflowed_until.is_none()
        });
    }

    /// An item was deleted.
    pub fn add(&mut self, key: &str, now: Arrival) {
        let (now, keys) = (now.to, self.0.get_or_insert_default());
        if keys.keys.len() == MOST {
            keys.keys.pop_front();
            keys.overflowed_until = Some(now + OVERTAKEN_BY);
        }
        keys.keys.push_back((key::folded(key), now));
    }

    /// Whether the item with that key may have been deleted.
    pub fn may_contain(&self, key: &str) -> bool {
        let key = key::folded(key);
        self.0.as_ref().is_some_and(|keys| {
            keys.overflowed_until.is_some() || keys.keys.iter().any(|(deleted, _)| *deleted == key)
        })
    }

    /// The item exists (again).
    pub fn remove(&mut self, key: &str) {
        let key = key::folded(key);
        self.keep(|keys| keys.keys.retain(|(deleted, _)| *deleted != key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Arrival {
        let time = Duration::from_secs(seconds);
        Arrival {
            from: time,
            to: time,
        }
    }

    #[test]
    fn a_deleted_key_is_remembered_for_two_seconds_in_any_spelling() {
        let mut deleted = DeletedKeys::default();
        deleted.add("007", at(1));
        deleted.add("abc", at(2));
        assert!(deleted.may_contain("7") && deleted.may_contain("ABC"));
        assert!(!deleted.may_contain("8"));
        deleted.expire(at(3));
        assert!(!deleted.may_contain("7") && deleted.may_contain("abc"));
        deleted.remove("ABC");
        assert!(deleted.is_empty());
    }

    #[test]
    fn i6_beyond_1024_deleted_keys_any_key_counts_as_deleted() {
        let mut deleted = DeletedKeys::default();
        for n in 0..10_000 {
            deleted.add(&n.to_string(), at(1));
        }
        assert!(
            deleted
                .0
                .as_ref()
                .is_some_and(|keys| keys.keys.len() == MOST)
        );
        assert!(deleted.may_contain("0") && deleted.may_contain("never"));
        deleted.expire(at(3));
        assert!(deleted.is_empty());
    }
}
