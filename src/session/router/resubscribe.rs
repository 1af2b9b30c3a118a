//! Sends every subscription to the server, one by one, and keeps it there.

use std::time::Duration;

use super::Session;
use super::errors::{Refusal, read_refusal};
use super::flush::UNSUBSCRIBE_DOUBLINGS;
use super::unattributed::facts_of;
use crate::log::Level;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::attribution::UnattributedError;
use crate::session::jitter::jitter;
use crate::session::timers::Timer;
use crate::subscriptions::SubId;
use crate::subscriptions::subscription::Snapshot;

/// The longest back-off of a subscription that was refused or not answered: at first, and
/// after many attempts.
pub(super) const RETRY_MIN: Duration = Duration::from_millis(500);
pub(super) const RETRY_MAX: Duration = Duration::from_secs(30);

impl Session {
    /// The server has not confirmed an unsubscribe: it is repeated until it does, or a
    /// subscription would go on there that the application has ended.
    pub(super) fn unsubscribe_unanswered(&mut self, wire: WireUid, tries: u32) {
        self.scheduler.unsubscribe(wire, tries);
        if tries > UNSUBSCRIBE_DOUBLINGS {
            let text = format!("the server did not confirm an unsubscribe in {tries} attempts");
            self.log(Level::Warn, text);
        }
    }

    /// The collection of a subscription cannot be read as it is asked for.
    pub(super) fn check_refused(
        &mut self,
        now: Now,
        id: SubId,
        check: u64,
        json: &str,
        code: &str,
    ) {
        if self.registry.get(id).is_none_or(|s| s.is_registered()) {
            return;
        }
        if self.is_judged_by_another(check) {
            return self.scheduler.check(id);
        }
        match read_refusal(code) {
            Refusal::Unreadable => self.give_up(now, id, json),
            Refusal::Final => self.probe_refused(now, id, json, code),
            Refusal::Temporary => {}
        }
    }

    fn probe_refused(&mut self, now: Now, id: SubId, json: &str, code: &str) {
        let Some(subscription) = self.registry.get(id) else {
            return;
        };
        let Some(serial) = subscription.serial() else {
            return;
        };
        let (code, json) = (code.to_owned(), json.to_owned());
        let verdict = self.attribution.on_probe_refused(
            facts_of(subscription),
            serial,
            UnattributedError { code, json },
        );
        self.carry_out(now, verdict);
    }

    /// The server has registered a subscription. Reads an exact snapshot if the specification
    /// wants one, because the server has read its own before that; else activates it.
    pub(super) fn on_init(&mut self, now: Now, wire: WireUid, snapshot: &Snapshot<'_>) {
        self.complete_subscribe(wire.serial);
        let is_past = self.is_past(wire.serial);
        let verdict = self.attribution.on_init(wire.slot, wire.serial);
        self.carry_out(now, verdict);
        let Some(subscription) = self.registry.by_wire_mut(wire) else {
            // It has ended, or goes by another wire uid now.
            self.scheduler.unsubscribe(wire, 0);
            return;
        };
        let (id, step) = (subscription.id(), subscription.confirm(is_past));
        if is_past {
            self.advance(now, id, step, &Snapshot::none());
        } else {
            self.advance(now, id, step, snapshot);
        }
    }

    /// The read of a snapshot is to be sent once more.
    pub(super) fn read_again(&mut self, id: SubId) {
        let subscription = self.registry.get_mut(id);
        if subscription.is_some_and(|s| s.repeat_reading(&mut self.places)) {
            self.scheduler.read(id);
        }
    }

    /// The answer to a read.
    pub(super) fn on_read(&mut self, now: Now, id: SubId, read: u64, snapshot: &Snapshot<'_>) {
        if self.registry.get(id).is_some_and(|s| s.is_reading(read)) {
            self.activate(now, id, snapshot);
        }
    }

    /// The server has not answered the read of a snapshot. Reads that are lost are rare: the
    /// subscription begins from the start.
    pub(super) fn read_unanswered(&mut self, now: Now, id: SubId, read: u64) {
        if self.registry.get(id).is_some_and(|s| s.is_reading(read)) {
            self.resubscribe(now, id, "the server did not answer a read");
        }
    }

    pub(super) fn subscribe_unanswered(&mut self, now: Now, id: SubId, serial: u64) {
        let by_another = self.is_judged_by_another(serial);
        let known = self.registry.get(id);
        let current = known.filter(|s| s.serial() == Some(serial)).map(facts_of);
        let verdict = self
            .attribution
            .on_subscribe_timeout(serial, current, by_another);
        let Some(current) = current else {
            return;
        };
        if verdict.is_some() {
            return self.carry_out(now, verdict);
        }
        self.resubscribe(now, id, "the server did not answer a subscribe");
        if !current.is_system {
            self.scheduler.check(id);
        }
    }

    /// Subscribes again under a fresh wire uid, after a back-off of its own. The server is told
    /// to forget the one before: its INIT, if it comes late, is of no use.
    pub(super) fn resubscribe(&mut self, now: Now, id: SubId, why: &str) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let Some(retry) = subscription.begin_retry() else {
            return;
        };
        let uid = subscription.meta().uid_str().to_owned();
        self.attribution.on_paused(id);
        if let Some(read) = retry.read {
            self.in_flight.abandon(read);
        }
        let pause = jitter(RETRY_MIN, RETRY_MAX, retry.failures, &mut self.rng);
        self.scheduler.unsubscribe(retry.wire, 0);
        self.timers.set(Timer::Resubscribe(id), now.mono + pause);
        let text = format!(
            "{why} for {uid:?}; trying again in {:.1} s",
            pause.as_secs_f32()
        );
        self.log(Level::Warn, text);
        let attempts = retry.failures + 1;
        if attempts.is_power_of_two() && attempts > 1 {
            let message = format!("{why} in {attempts} attempts; still trying");
            self.report_trouble(id, &error_json("ACK_TIMEOUT", &message));
        }
    }

    /// The server has refused a subscription or the read of its snapshot.
    pub(super) fn on_refused(&mut self, now: Now, id: SubId, json: &str, refusal: Refusal) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let was_sent = subscription.serial().is_some();
        match refusal {
            Refusal::Unreadable if was_sent => {
                // The items service does not serve this collection: the
                // server's own snapshot has to do.
                subscription.take_server_snapshot();
                self.resubscribe(now, id, "the snapshot cannot be read separately");
            }
            Refusal::Temporary if was_sent => {
                self.report_trouble(id, json);
                self.resubscribe(now, id, "the server refused for the moment");
            }
            _ => self.give_up(now, id, json),
        }
    }

    /// Reports an error that passes. After a gap it is logged only: the next event that is
    /// delivered has to be the INIT.
    fn report_trouble(&mut self, id: SubId, json: &str) {
        match self.registry.get(id) {
            Some(subscription) if subscription.had_init() => {
                let uid = subscription.meta().uid_str();
                let text = format!("{uid:?} is not up to date yet: the server answered {json}");
                self.log(Level::Warn, text);
            }
            _ => self.deliver_error(id, json),
        }
    }

    /// Ends a subscription that the server has refused for good.
    pub(super) fn give_up(&mut self, now: Now, id: SubId, json: &str) {
        self.deliver_end(id, json);
        let Some(subscription) = self.registry.remove(id) else {
            return;
        };
        self.forget_at_server(now, &subscription);
        if subscription.is_hidden() {
            self.registry.released(id.slot());
        } else {
            self.outputs
                .deliver(crate::handover::DeliveryItem::Release { slot: id.slot() });
            self.refusals.add(*subscription, json);
        }
        self.outputs.notify();
        self.flush(now);
    }
}

/// An error object as the server writes them.
pub(super) fn error_json(code: &str, message: &str) -> String {
    serde_json::json!({ "code": code, "message": message }).to_string()
}
