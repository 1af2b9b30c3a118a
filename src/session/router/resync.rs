//! Gaps: what makes a subscription fall behind, and how it is brought up to date.

use std::time::Duration;

use super::Session;
use super::resubscribe::{RETRY_MAX, RETRY_MIN};
use super::snapshot::Snapshot;
use crate::error::Status;
use crate::handover::Event;
use crate::log::Level;
use crate::protocol::Frame;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::backoff::jitter;
use crate::session::timers::Timer;
use crate::subscriptions::subscription::Behind;
use crate::subscriptions::{Phase, SubId};

/// A gap so soon after the last one has the same cause.
const SOON: Duration = Duration::from_secs(5);

fn pause_bound(gaps: u32) -> Duration {
    RETRY_MIN.saturating_mul(1 << gaps.min(16)).min(RETRY_MAX)
}

impl Session {
    /// Keeps an event back until the snapshot has come. When too much is held,
    /// the snapshot is asked for anew: it will show what the events said.
    pub(super) fn hold(&mut self, now: Now, slot: u32, event: Event) {
        let (most, at) = (self.config.queue_bytes as usize, self.arrival());
        let Some(subscription) = self.registry.at_mut(slot) else {
            return;
        };
        let (Phase::Reading { held, .. } | Phase::Settling { held, .. }) = &mut subscription.phase
        else {
            return;
        };
        held.push(at, event);
        if self.held.get() > most {
            let id = subscription.id;
            self.lose_held(now, id);
        }
    }

    /// What is held is given up: the subscription is brought up to date anew.
    pub(super) fn lose_held(&mut self, now: Now, id: SubId) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let Some(serial) = subscription.serial() else {
            return;
        };
        if let Some(read) = subscription.read_under_way() {
            self.in_flight.abandon(read);
        }
        let until = Behind::Rested;
        subscription.leave_held(Phase::Behind { serial, until }, &mut self.places);
        self.rest(now, id);
    }

    /// Brings a subscription that is behind up to date, at once the first time. Where
    /// gap follows gap, the snapshots themselves may be what there is no room for.
    fn rest(&mut self, now: Now, id: SubId) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let (gaps, last) = subscription.gaps;
        let soon = gaps > 0 && now.mono.saturating_sub(last) < SOON + pause_bound(gaps);
        let gaps = if soon { gaps + 1 } else { 1 };
        subscription.gaps = (gaps, now.mono);
        if gaps == 1 {
            return self.resync(now, id);
        }
        if let Phase::Behind { until, .. } = &mut subscription.phase {
            *until = Behind::Rested;
        }
        let uid = subscription.meta.uid_str().to_owned();
        let pause = jitter(RETRY_MIN, RETRY_MAX, gaps - 2, &mut self.rng);
        self.timers.set(Timer::Resync(id), now.mono + pause);
        if gaps.is_power_of_two() {
            let text = format!(
                "{uid:?} has overflowed {gaps} times in a row; raise queue_bytes, ask for less, or be \
                 faster: its next snapshot is read in {:.1} s",
                pause.as_secs_f32()
            );
            self.log(Level::Warn, text);
        }
    }

    /// The pause before a subscription is brought up to date is over.
    pub(super) fn on_resync_due(&mut self, now: Now, id: SubId) {
        let rested = |phase: &Phase| {
            let until = Behind::Rested;
            matches!(phase, Phase::Behind { until: u, .. } if *u == until)
        };
        if self.registry.get(id).is_some_and(|s| rested(&s.phase)) {
            self.resync(now, id);
        }
    }

    /// The queue had no room for a subscription's events.
    pub fn on_overflow(&mut self, slot: u32, epoch: u32) {
        if let Some(subscription) = self.registry.at_mut(slot) {
            if let Phase::Active { serial } = subscription.phase {
                let until = Behind::CaughtUp(epoch);
                subscription.phase = Phase::Behind { serial, until };
            }
            if let Phase::Settling { serial, read, .. } = subscription.phase {
                if let Some(read) = read {
                    self.in_flight.abandon(read);
                }
                let until = Behind::CaughtUp(epoch);
                subscription.leave_held(Phase::Behind { serial, until }, &mut self.places);
            }
            // Its INIT may have been among the events.
            subscription.had_init = true;
        }
    }

    /// The application has worked off what was queued before an overflow.
    pub fn on_caught_up(&mut self, now: Now, slot: u32, epoch: u32) {
        let Some(subscription) = self.registry.at_mut(slot) else {
            return;
        };
        let id = subscription.id;
        let waits = Behind::CaughtUp(epoch);
        if matches!(&subscription.phase, Phase::Behind { until, .. } if *until == waits) {
            self.rest(now, id);
        }
    }

    /// A frame turned out to be broken after it was queued.
    pub fn on_malformed(&mut self, now: Now, slot: u32, epoch: u32) {
        let Some(subscription) = self.registry.at_mut(slot) else {
            return;
        };
        let current = subscription.meta.epoch() == epoch;
        let is_active = matches!(
            subscription.phase,
            Phase::Active { .. } | Phase::Settling { .. }
        );
        if current && is_active {
            let message = "the server sent a frame that is not well-formed JSON".into();
            self.break_link(now, Status::Io, message);
        }
    }

    /// Brings a registered subscription up to date.
    pub(super) fn resync(&mut self, now: Now, id: SubId) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let Phase::Behind { serial, .. } = subscription.phase else {
            return;
        };
        if !subscription.spec.wants_snapshot() {
            let frame = Frame::from_static("");
            self.activate(
                now,
                id,
                &Snapshot {
                    frame: &frame,
                    data: None,
                    meta: None,
                },
            );
        } else if subscription.spec.exact && !subscription.is_system() {
            self.start_read(now, id, serial);
        } else {
            let wire = WireUid {
                slot: id.slot(),
                serial,
            };
            subscription.phase = Phase::Wanted;
            self.unsubscribes.push(wire, 0);
            self.subscribes.push_back(id);
            self.pump(now);
        }
    }
}
