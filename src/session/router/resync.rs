//! Gaps: what makes a subscription fall behind, and how it is brought up to date.

use std::time::Duration;

use super::Session;
use super::resubscribe::{RETRY_MAX, RETRY_MIN};
use crate::error::Status;
use crate::handover::Event;
use crate::log::Level;
use crate::session::Now;
use crate::session::jitter::jitter;
use crate::session::timers::Timer;
use crate::subscriptions::SubId;
use crate::subscriptions::subscription::Snapshot;

/// A gap that comes sooner than this after the end of the back-off for the last one has the
/// same cause.
const SAME_CAUSE: Duration = Duration::from_secs(5);

/// The longest back-off after so many gaps in a row.
fn backoff_bound(gaps: u32) -> Duration {
    RETRY_MIN.saturating_mul(1 << gaps.min(16)).min(RETRY_MAX)
}

impl Session {
    /// Holds an event back until the snapshot has come, or the events before it are judged.
    /// When too much is held, it is given up: a fresh snapshot will show what it said.
    pub(super) fn hold(&mut self, now: Now, id: SubId, event: Event) {
        let (most, at) = (self.config.queue_bytes as usize, self.arrival());
        if let Some(subscription) = self.registry.get_mut(id) {
            subscription.hold(at, event);
        }
        if self.held.get() > most {
            self.lose_held(now, id);
        }
    }

    /// Gives up what is held: the subscription is brought up to date anew.
    pub(super) fn lose_held(&mut self, now: Now, id: SubId) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        if let Some(read) = subscription.lose_held(&mut self.places) {
            self.in_flight.abandon(read);
        }
        self.on_gap(now, id);
    }

    /// Brings a subscription that is behind up to date, at once the first time. Where
    /// gap follows gap, the snapshots themselves may be what there is no room for.
    fn on_gap(&mut self, now: Now, id: SubId) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let gaps = subscription.count_gap(now.mono, |gaps| SAME_CAUSE + backoff_bound(gaps));
        if gaps == 1 {
            return self.resync(now, id);
        }
        let pause = jitter(RETRY_MIN, RETRY_MAX, gaps - 2, &mut self.rng);
        self.timers.set(Timer::Resync(id), now.mono + pause);
        if gaps.is_power_of_two() {
            let uid = subscription.meta().uid_str();
            let text = format!(
                "{uid:?} has overflowed {gaps} times in a row; raise `queue_bytes`, ask for less, or be \
                 faster: its next snapshot is read in {:.1} s",
                pause.as_secs_f32()
            );
            self.log(Level::Warn, text);
        }
    }

    /// The back-off before a subscription is brought up to date is over.
    pub(super) fn on_resync_due(&mut self, now: Now, id: SubId) {
        if self.registry.get(id).is_some_and(|s| s.waits_for_backoff()) {
            self.resync(now, id);
        }
    }

    /// The queue had no room for a subscription's events.
    pub fn on_overflow(&mut self, slot: u32, epoch: u32) {
        let subscription = self.registry.at_mut(slot);
        if let Some(read) = subscription.and_then(|s| s.overflow(epoch, &mut self.places)) {
            self.in_flight.abandon(read);
        }
    }

    /// The application has taken what was queued before an overflow.
    pub fn on_caught_up(&mut self, now: Now, slot: u32, epoch: u32) {
        let subscription = self.registry.at_mut(slot);
        if let Some(subscription) = subscription.filter(|s| s.waits_for_queue(epoch)) {
            let id = subscription.id();
            self.on_gap(now, id);
        }
    }

    /// A frame turned out to be broken after it was queued.
    pub fn on_malformed(&mut self, now: Now, slot: u32, epoch: u32) {
        let Some(subscription) = self.registry.at_mut(slot) else {
            return;
        };
        if subscription.meta().epoch() == epoch && subscription.is_up_to_date() {
            let message =
                "the server sent a frame that is not well-formed JSON, or nests too deep".into();
            self.break_link(now, Status::Io, message);
        }
    }

    /// The application asks for a fresh snapshot. Before this, what waited of the subscription was
    /// dropped.
    pub fn resync_subscription(&mut self, now: Now, id: SubId) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        if let Some(read) = subscription.fall_behind(&mut self.places) {
            self.in_flight.abandon(read);
        }
        self.resync(now, id);
    }

    /// Brings a subscription that is behind up to date.
    fn resync(&mut self, now: Now, id: SubId) {
        if let Some(subscription) = self.registry.get_mut(id) {
            let step = subscription.resync();
            self.advance(now, id, step, &Snapshot::none());
        }
    }
}
