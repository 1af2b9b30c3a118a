//! When something is to be done, and doing it.

use std::time::Duration;

use super::collection::{APART, Collection, LATEST, Need, Out, QUIET, STALE_AFTER};
use crate::rows::LiveStatus;

impl Collection {
    /// When the next read may go; `None` where nothing is to be read, or it cannot be.
    fn read_due(&self) -> Option<Duration> {
        let is_busy = self
            .reading
            .as_ref()
            .is_some_and(|reading| !reading.is_lost);
        if self.need == Need::Nothing || is_busy || self.is_over {
            return None;
        }
        if !self.parts.iter().all(|part| part.is_active) {
            return None;
        }
        let soon = if self.synced {
            (self.need_since + LATEST).min(self.flurry.last.max(self.need_since) + QUIET)
        } else {
            self.need_since
        };
        let apart = self.last_read.filter(|_| self.synced);
        let apart = apart.map_or(Duration::ZERO, |last| last + APART);
        Some(soon.max(apart).max(self.retry_at.unwrap_or_default()))
    }

    /// When what is to be read makes the rows stale.
    fn stale_at(&self) -> Option<Duration> {
        let is_current = self.status == LiveStatus::Current;
        (is_current && self.need != Need::Nothing).then(|| self.need_since + STALE_AFTER)
    }

    /// When something is to be done.
    pub fn next_deadline(&self) -> Option<Duration> {
        let verify = self
            .verify_at
            .filter(|_| self.synced && self.need != Need::Whole);
        let answers = self.verifies.iter().map(|verify| verify.deadline).min();
        let (pairs, resume) = (self.pairs_due(), self.resume_at);
        [
            self.read_due(),
            self.stale_at(),
            verify,
            answers,
            pairs,
            resume,
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due.
    pub fn on_timer(&mut self, now: Duration, out: &mut Out) {
        if self.pairs_due().is_some_and(|at| at <= now) {
            self.look_for_lost_rows(now);
        }
        if self.synced && self.verify_at.is_some_and(|at| at <= now) {
            self.verify_at = None;
            self.want(now, Need::Whole);
        }
        if self.resume_at.is_some_and(|at| at <= now) {
            self.resume_reading(now, out);
        }
        if self.read_due().is_some_and(|at| at <= now) {
            self.begin_reading(now, out);
        }
        self.time_out_verifies(now, out);
        self.report_status(now, out);
    }
}
