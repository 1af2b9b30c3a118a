//! Which items were deleted a moment ago.

use std::collections::VecDeque;
use std::time::Duration;

use crate::protocol::key;

/// The server reads the rows of creates and updates, and not those of deletes: a delete
/// overtakes what was written before it. An update that comes so soon after a delete of
/// its key may be of the row that is gone.
const OVERTAKEN_BY: Duration = Duration::from_secs(2);
/// So many deletes are remembered one by one. Where there are more, any key may be
/// among them.
const MOST: usize = 1024;

/// When an event came, in the time as far as the server was heard: within a silence, if
/// one came before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// Not earlier,
    pub from: Duration,
    /// and not later.
    pub to: Duration,
}

/// The keys of late deletes, in no spelling.
#[derive(Debug, Default)]
pub struct Gone {
    keys: VecDeque<(u64, Duration)>,
    /// Until then, more were deleted than are remembered.
    many_until: Option<Duration>,
}

impl Gone {
    /// Whether nothing was deleted of late, as far as was looked.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.many_until.is_none()
    }

    /// Forgets what has been gone for long.
    pub fn expire(&mut self, now: Arrival) {
        let now = now.from;
        let over = |at: Duration| at + OVERTAKEN_BY <= now;
        while self.keys.front().is_some_and(|(_, at)| over(*at)) {
            self.keys.pop_front();
        }
        self.many_until = self.many_until.filter(|until| *until > now);
        if self.keys.is_empty() {
            self.keys = VecDeque::new();
        }
    }

    /// An item is deleted.
    pub fn add(&mut self, key: &str, now: Arrival) {
        let now = now.to;
        if self.keys.len() == MOST {
            self.keys.pop_front();
            self.many_until = Some(now + OVERTAKEN_BY);
        }
        self.keys.push_back((key::folded(key), now));
    }

    /// Whether that item may be gone.
    pub fn has(&self, key: &str) -> bool {
        let key = key::folded(key);
        self.many_until.is_some() || self.keys.iter().any(|(gone, _)| *gone == key)
    }

    /// It is there.
    pub fn remove(&mut self, key: &str) {
        let key = key::folded(key);
        self.keys.retain(|(gone, _)| *gone != key);
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
    fn a_key_is_remembered_for_two_seconds_in_any_spelling() {
        let mut gone = Gone::default();
        gone.add("007", at(1));
        gone.add("abc", at(2));
        assert!(gone.has("7") && gone.has("ABC") && !gone.has("8"));
        gone.expire(at(3));
        assert!(!gone.has("7") && gone.has("abc"));
        gone.remove("ABC");
        assert!(gone.is_empty());
    }

    #[test]
    fn i6_of_many_deletes_only_that_there_were_many_is_remembered() {
        let mut gone = Gone::default();
        for n in 0..10_000 {
            gone.add(&n.to_string(), at(1));
        }
        assert!(gone.keys.len() == MOST && gone.has("0") && gone.has("never"));
        gone.expire(at(3));
        assert!(gone.is_empty() && gone.keys.capacity() == 0);
    }
}
