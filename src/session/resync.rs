//! Gaps: what makes a subscription fall behind, and how it is brought up to date.

use super::Now;
use super::machine::{Link, Session};
use super::snapshot::Snapshot;
use crate::error::Status;
use crate::handover::Event;
use crate::protocol::Frame;
use crate::protocol::wire::WireUid;
use crate::subscriptions::subscription::Behind;
use crate::subscriptions::{Phase, SubId};

impl Session {
    /// Keeps an event back until the snapshot has come. When too much is held,
    /// the snapshot is asked for anew: it will show what the events said.
    pub(super) fn hold(&mut self, slot: u32, event: Event) {
        let most = self.config.queue_bytes as usize;
        let Some(subscription) = self.registry.at_mut(slot) else {
            return;
        };
        let Phase::Reading { serial, read, held } = &mut subscription.phase else {
            return;
        };
        held.bytes += event.frame.len();
        held.events.push(event);
        if held.bytes > most {
            let (serial, read, id) = (*serial, *read, subscription.id);
            subscription.phase = Phase::ToRead { serial };
            self.ledger.abandon(read);
            self.reads.push_back(id);
        }
    }

    /// The queue had no room for a subscription's events.
    pub fn on_overflow(&mut self, slot: u32, epoch: u32) {
        if let Some(subscription) = self.registry.at_mut(slot) {
            if let Phase::Active { serial } = subscription.phase {
                let until = Behind::CaughtUp(epoch);
                subscription.phase = Phase::Behind { serial, until };
            }
            // Its INIT may have been among the events.
            subscription.had_init = true;
        }
    }

    /// The application has worked off what was queued before an overflow.
    pub fn on_caught_up(&mut self, now: Now, slot: u32, epoch: u32) {
        let deaf = matches!(&self.link, Link::Up(up) if up.deaf_until.is_some());
        let Some(subscription) = self.registry.at_mut(slot) else {
            return;
        };
        let id = subscription.id;
        if let Phase::Behind { until, .. } = &mut subscription.phase {
            if *until == Behind::CaughtUp(epoch) {
                *until = Behind::Authenticated;
                if !deaf {
                    self.resync(now, id);
                }
            }
        }
    }

    /// A frame turned out to be broken after it was queued.
    pub fn on_malformed(&mut self, now: Now, slot: u32, epoch: u32) {
        let Some(subscription) = self.registry.at_mut(slot) else {
            return;
        };
        let current = subscription.target.epoch() == epoch;
        if current && matches!(subscription.phase, Phase::Active { .. }) {
            let message = "the server sent a frame that is not well-formed JSON".into();
            self.break_link(now, Status::Io, message);
        }
    }

    /// The token has expired: nothing is up to date from here on.
    pub(super) fn go_deaf(&mut self) {
        let (ledger, until) = (&mut self.ledger, Behind::Authenticated);
        for subscription in self.registry.iter_mut() {
            match subscription.phase {
                Phase::Active { serial } | Phase::ToRead { serial } => {
                    subscription.phase = Phase::Behind { serial, until };
                }
                Phase::Reading { serial, read, .. } => {
                    ledger.abandon(read);
                    subscription.phase = Phase::Behind { serial, until };
                }
                Phase::Wanted | Phase::Sent { .. } | Phase::Behind { .. } => {}
            }
        }
        self.reads.clear();
    }

    /// The server knows us again.
    pub(super) fn resync_deaf(&mut self, now: Now) {
        let waits = |phase: &Phase| {
            matches!(
                phase,
                Phase::Behind {
                    until: Behind::Authenticated,
                    ..
                }
            )
        };
        for id in self.registry.select(|s| waits(&s.phase)) {
            self.resync(now, id);
        }
    }

    /// Brings a registered subscription up to date.
    fn resync(&mut self, now: Now, id: SubId) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let Phase::Behind { serial, .. } = subscription.phase else {
            return;
        };
        if !subscription.wish.wants_snapshot() {
            let frame = Frame::from_static("");
            self.activate(
                id,
                &Snapshot {
                    frame: &frame,
                    data: None,
                    meta: None,
                },
            );
        } else if subscription.wish.exact && !subscription.is_system() {
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
