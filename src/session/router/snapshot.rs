//! INIT events, and the join between a snapshot and the events that follow it.

use std::time::Duration;

use super::Session;
use super::settling::Answer;
use crate::handover::{DeliveryItem, EventKind, FLAG_ENDED};
use crate::session::Now;
use crate::subscriptions::SubId;
use crate::subscriptions::subscription::{Activated, NextStep, Route, Snapshot};

/// How late a create may be behind the snapshot that shows its effect, or behind the
/// last one that was as late.
pub(super) const LATEST_CREATE: Duration = Duration::from_secs(120);

impl Session {
    /// Does what brings a subscription up to date. The snapshot is delivered if that is to
    /// activate it.
    pub(super) fn advance(&mut self, now: Now, id: SubId, step: NextStep, snapshot: &Snapshot<'_>) {
        match step {
            NextStep::Nothing => {}
            NextStep::Activate => self.activate(now, id, snapshot),
            NextStep::Read => {
                self.scheduler.read(id);
                self.flush(now);
            }
            NextStep::Resubscribe(wire) => {
                self.scheduler.unsubscribe(wire, 0);
                self.scheduler.subscribe(id);
                self.flush(now);
            }
        }
    }

    /// Delivers the snapshot, and what was held back for it: the subscription is up to
    /// date then.
    pub(super) fn activate(&mut self, now: Now, id: SubId, snapshot: &Snapshot<'_>) {
        let until = self.heartbeat.heard_time() + LATEST_CREATE;
        let activated = self
            .registry
            .get_mut(id)
            .and_then(|s| s.activate(now.mono, snapshot, until));
        let Some(Activated {
            init,
            is_resync,
            remembers_rows,
            held,
        }) = activated
        else {
            return;
        };
        self.attribution.on_up_to_date(id);
        self.resyncs += u64::from(is_resync);
        self.outputs.notify();
        self.outputs.deliver(DeliveryItem::Event(init));
        if remembers_rows {
            self.row_expiry.add(until, id);
        }
        if let Some(held) = held {
            self.release_held(now, id, held, 0, &Answer::None);
        }
    }

    /// Number of snapshots whose rows are remembered. Tests hold that it is bounded.
    #[cfg(test)]
    pub fn remembered_snapshots(&self) -> usize {
        self.row_expiry.len()
    }

    /// Forgets the rows of old snapshots: no create is as late as that.
    pub(super) fn forget_old_snapshots(&mut self) {
        let now = self.heartbeat.heard_time();
        let mut postponed = Vec::new();
        for id in self.row_expiry.take_due(now) {
            let subscription = self.registry.get_mut(id);
            // There was a newer snapshot, or a create as late as this.
            if let Some(until) = subscription.and_then(|s| s.forget_rows(now)) {
                postponed.push((until, id));
            }
        }
        self.row_expiry.postpone(postponed);
    }

    /// Delivers an error that the subscription survives.
    pub(super) fn deliver_error(&mut self, id: SubId, json: &str) {
        if let Some(subscription) = self.registry.get(id) {
            let event = subscription.error_event(json, 0);
            self.outputs.deliver(DeliveryItem::Event(event));
        }
    }

    /// Delivers the error that ends a subscription, its last event.
    pub(super) fn deliver_end(&mut self, id: SubId, json: &str) {
        if let Some(subscription) = self.registry.get(id) {
            let event = subscription.error_event(json, FLAG_ENDED);
            self.outputs.deliver(DeliveryItem::Event(event));
        }
    }

    /// The server has withheld an event of a live subscription.
    pub(super) fn withheld(&mut self, now: Now, id: SubId, json: &str) {
        let Some(subscription) = self.registry.get(id) else {
            return;
        };
        let event = subscription.error_event(json, 0);
        match subscription.route(EventKind::Error) {
            Route::Deliver | Route::Judge => self.outputs.deliver(DeliveryItem::Event(event)),
            // The snapshot may be of the time before.
            Route::Hold => self.hold(now, id, event),
            // The snapshot that is still to be read repairs it.
            Route::Superseded | Route::Ignore => {}
        }
    }
}
