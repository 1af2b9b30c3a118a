//! How many of the rows that were reported are remembered.

use std::collections::HashMap;
use std::time::Duration;

use super::{CLOSE, LONGEST, MOST, Rechecks};

/// Old rows are forgotten when there are twice as many as were left the last time, or so many.
const FEW: usize = 16;

impl Rechecks {
    pub(super) fn make_room(&mut self, now: Duration) {
        if self.rows.len() > self.room.max(FEW) {
            self.forget_old(now);
        }
        if self.rows.len() > MOST {
            self.forget(now);
        }
    }

    /// Forgets the rows that no transaction is expected to concern any more.
    pub fn forget_old(&mut self, now: Duration) {
        let lost = &mut self.lost;
        self.rows.retain(|_, reported| {
            let is_young = now < reported.at + LONGEST;
            let stays = reported.wanted || is_young || lost.needs(&reported.key);
            if !stays {
                lost.forget(&reported.key);
            }
            stays
        });
        self.room = 2 * self.rows.len();
        self.rows.shrink_to(self.room);
    }

    /// Makes room where there are too many.
    fn forget(&mut self, now: Duration) {
        let lost = &mut self.lost;
        self.rows.retain(|_, reported| {
            let stays = reported.wanted || now < reported.at + CLOSE;
            if !stays {
                lost.forget(&reported.key);
            }
            stays
        });
        if self.rows.len() <= MOST {
            return;
        }
        if self.wanted > 0 {
            return self.overflow();
        }
        for (_, reported) in std::mem::take(&mut self.rows) {
            self.lost.forget(&reported.key);
        }
    }

    /// Everything may be wrong.
    #[cold]
    pub(super) fn overflow(&mut self) {
        self.overflowed = true;
        self.rows = HashMap::new();
        self.checked = Vec::new();
        self.wanted = 0;
    }
}
