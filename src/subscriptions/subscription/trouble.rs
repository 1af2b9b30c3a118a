//! What went wrong with a subscription, and lengthens its back-off.

use std::time::Duration;

use super::Subscription;
use super::phase::{Phase, ResyncAt};
use crate::protocol::wire_uid::WireUid;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Attempts without success since it was last active.
    failures: u32,
    /// Gaps in a row, each soon after the one before, and when the last one was.
    gaps: (u32, Duration),
}

/// What follows from an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The wire uid of the attempt, which the server is to forget.
    pub wire: WireUid,
    /// The read that was under way, if any.
    pub read: Option<u64>,
    /// Attempts that failed before this one.
    pub failures: u32,
}

impl Subscription {
    /// Any phase after Wanted ─▶ Wanted. The attempt failed; the next one is made after a
    /// back-off, under a fresh wire uid.
    pub fn begin_retry(&mut self) -> Option<Retry> {
        let (wire, read) = (self.wire()?, self.read_under_way());
        let failures = &mut self.trouble.get_or_insert_default().failures;
        let retry = Retry {
            wire,
            read,
            failures: *failures,
        };
        *failures += 1;
        self.phase = Phase::Wanted;
        Some(retry)
    }

    /// An attempt has succeeded, or another kind of attempt is made from now on.
    pub(super) fn forget_failures(&mut self) {
        if let Some(trouble) = &mut self.trouble {
            trouble.failures = 0;
        }
    }

    /// Counts a gap, in Behind: from here on it waits for its back-off only. Returns how many
    /// gaps there were in a row. After `n` gaps, the next one belongs to the row if it comes
    /// sooner than `soon(n)`.
    pub fn count_gap(&mut self, now: Duration, soon: impl Fn(u32) -> Duration) -> u32 {
        let (gaps, last) = &mut self.trouble.get_or_insert_default().gaps;
        let follows = *gaps > 0 && now.saturating_sub(*last) < soon(*gaps);
        *gaps = if follows { *gaps + 1 } else { 1 };
        *last = now;
        let gaps = *gaps;
        if let Phase::Behind { resync, .. } = &mut self.phase {
            *resync = ResyncAt::BackoffEnd;
        }
        gaps
    }
}
