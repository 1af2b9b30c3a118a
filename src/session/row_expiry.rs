//! When the rows of old snapshots, and of what was reported, are to be forgotten.

use std::collections::VecDeque;
use std::time::Duration;

use crate::subscriptions::SubId;

/// Subscriptions that remember rows, in the order in which they were added. Of snapshots, times are
/// those during which the server was heard.
#[derive(Debug, Default)]
pub struct RowExpiry {
    due: VecDeque<(Duration, SubId)>,
}

impl RowExpiry {
    /// The rows of a subscription's snapshot are remembered until then.
    pub fn add(&mut self, until: Duration, id: SubId) {
        self.due.push_back((until, id));
    }

    /// Takes out the subscriptions whose rows may be forgotten by now.
    pub fn take_due(&mut self, now: Duration) -> Vec<SubId> {
        let count = self.due.iter().take_while(|(at, _)| *at <= now).count();
        self.due.drain(..count).map(|(_, id)| id).collect()
    }

    /// The rows of some that were due are remembered for longer.
    pub fn postpone(&mut self, mut until: Vec<(Duration, SubId)>) {
        // Several snapshots of one subscription end in the same one, the last.
        until.sort_unstable();
        until.dedup();
        self.due.extend(until);
    }

    /// How many snapshots are waited for.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.due.len()
    }
}
