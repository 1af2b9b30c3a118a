//! Sends every subscription to the server, one by one, and keeps it there.

use std::time::Duration;

use super::Session;
use super::anonymous::code_of;
use super::errors::{Refusal, read_refusal};
use super::sending::UNSUBSCRIBE_DOUBLINGS;
use super::snapshot::Snapshot;
use crate::log::Level;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::backoff::jitter;
use crate::session::in_flight::Suspect;
use crate::session::timers::Timer;
use crate::subscriptions::subscription::Behind;
use crate::subscriptions::{Phase, SubId};

/// Refused or unanswered subscriptions are tried again after at most this.
pub(super) const RETRY_MIN: Duration = Duration::from_millis(500);
pub(super) const RETRY_MAX: Duration = Duration::from_secs(30);
/// Refusals remembered for those who ask after the fact.
const REFUSALS_REMEMBERED: usize = 256;

impl Session {
    pub(super) fn unsubscribe_unanswered(&mut self, wire: WireUid, tries: u32) {
        self.unsubscribes.push(wire, tries);
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
            return self.checks.push_back(id);
        }
        match read_refusal(code) {
            Refusal::Unreadable => self.give_up(now, id, json),
            Refusal::Final => self.suspect_refused(now, id, json, code),
            Refusal::Temporary => {}
        }
    }

    /// The server has registered a subscription. Its own snapshot was read
    /// before that, so an exact one is read now.
    pub(super) fn on_init(&mut self, now: Now, wire: WireUid, snapshot: &Snapshot<'_>) {
        self.in_flight.complete_subscribe(wire.serial);
        let is_past = self.is_past(wire.serial);
        self.exonerate(wire);
        let known = self.registry.at_mut(wire.slot);
        let Some(subscription) = known.filter(|s| s.serial() == Some(wire.serial)) else {
            // Nobody wants it any more, or under another wire uid.
            self.unsubscribes.push(wire, 0);
            return;
        };
        if subscription.is_registered() {
            return;
        }
        let id = subscription.id;
        if is_past {
            // Judged by what another identity may see.
            let (serial, until) = (wire.serial, Behind::Rested);
            subscription.phase = Phase::Behind { serial, until };
            return self.resync(now, id);
        }
        let spec = &subscription.spec;
        if spec.exact && spec.wants_snapshot() && !subscription.is_system() {
            self.start_read(now, id, wire.serial);
        } else {
            self.activate(now, id, snapshot);
        }
    }

    pub(super) fn start_read(&mut self, now: Now, id: SubId, serial: u64) {
        if let Some(subscription) = self.registry.get_mut(id) {
            subscription.phase = Phase::ToRead { serial };
            self.reads.push_back(id);
            self.pump(now);
        }
    }

    pub(super) fn read_again(&mut self, id: SubId) {
        if let Some(subscription) = self.registry.get_mut(id) {
            if let Some(serial) = subscription.serial() {
                subscription.leave_held(Phase::ToRead { serial }, &mut self.places);
                self.reads.push_back(id);
            }
        }
    }

    /// The answer to a read.
    pub(super) fn on_read(&mut self, now: Now, id: SubId, serial: u64, snapshot: &Snapshot<'_>) {
        let reading = self
            .registry
            .get(id)
            .is_some_and(|s| matches!(s.phase, Phase::Reading { read, .. } if read == serial));
        if reading {
            self.activate(now, id, snapshot);
        }
    }

    pub(super) fn read_unanswered(&mut self, now: Now, id: SubId, read: u64) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        if let Phase::Reading {
            serial,
            read: awaited,
            ..
        } = subscription.phase
        {
            if awaited == read {
                self.resubscribe(now, id, serial, "the server did not answer a read");
            }
        }
    }

    pub(super) fn subscribe_unanswered(
        &mut self,
        now: Now,
        id: SubId,
        serial: u64,
        suspect: Option<Suspect>,
    ) {
        let by_another = self.is_judged_by_another(serial);
        let known = self.registry.get_mut(id);
        let Some(subscription) = known.filter(|s| s.serial() == Some(serial)) else {
            return;
        };
        let is_system = subscription.is_system();
        match suspect {
            Some(error) if is_system || by_another => {
                return self.suspect_confirmed(now, id, serial, &error);
            }
            Some(_) => {
                if let Some(json) = self.unanswered_refusal(id) {
                    return self.subscribe_refused(now, id, &json, &code_of(&json));
                }
            }
            // It was not refused, this time.
            None => subscription.strikes = 0,
        }
        self.resubscribe(now, id, serial, "the server did not answer a subscribe");
        if !is_system {
            self.checks.push_back(id);
        }
    }

    /// Subscribes again under a fresh wire uid, after a pause of its own.
    pub(super) fn resubscribe(&mut self, now: Now, id: SubId, old: u64, why: &str) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let slot = id.slot();
        let failures = subscription.failures;
        subscription.failures += 1;
        // The server is told to forget that one: its INIT, if it comes late, is of no use.
        subscription.blamed.clear();
        if let Some(read) = subscription.read_under_way() {
            self.in_flight.abandon(read);
        }
        subscription.phase = Phase::Wanted;
        let uid = subscription.meta.uid_str().to_owned();
        let pause = jitter(RETRY_MIN, RETRY_MAX, failures, &mut self.rng);
        self.unsubscribes.push(WireUid { slot, serial: old }, 0);
        self.timers.set(Timer::Resubscribe(id), now.mono + pause);
        let text = format!(
            "{why} for {uid:?}; trying again in {:.1} s",
            pause.as_secs_f32()
        );
        self.log(Level::Warn, text);
        if (failures + 1).is_power_of_two() && failures > 0 {
            let message = format!("{why} in {} attempts; trying on", failures + 1);
            self.tell_trouble(id, &error_json("ACK_TIMEOUT", &message));
        }
    }

    /// The server has refused a subscription or the read of its snapshot.
    pub(super) fn on_refused(&mut self, now: Now, id: SubId, json: &str, refusal: Refusal) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let serial = subscription.serial();
        match (refusal, serial) {
            (Refusal::Unreadable, Some(serial)) => {
                // The items service does not serve this collection: the
                // server's own snapshot has to do.
                subscription.spec.exact = false;
                subscription.failures = 0;
                self.resubscribe(now, id, serial, "the snapshot cannot be read separately");
            }
            (Refusal::Temporary, Some(serial)) => {
                self.tell_trouble(id, json);
                self.resubscribe(now, id, serial, "the server refused for the moment");
            }
            _ => self.give_up(now, id, json),
        }
    }

    /// Hands over an error that passes. After a gap it is for the log: the next event
    /// is to be the INIT.
    fn tell_trouble(&mut self, id: SubId, json: &str) {
        match self.registry.get(id) {
            Some(subscription) if subscription.had_init => {
                let uid = subscription.meta.uid_str();
                let text = format!("{uid:?} is not up to date yet: {json}");
                self.log(Level::Warn, text);
            }
            _ => self.emit_error(id, json, false),
        }
    }

    pub(super) fn give_up(&mut self, now: Now, id: SubId, json: &str) {
        self.emit_error(id, json, true);
        let Some(subscription) = self.registry.remove(id) else {
            return;
        };
        self.forget_at_server(now, &subscription);
        self.outputs
            .deliver(crate::handover::DeliveryItem::Release { slot: id.slot() });
        if self.refused.len() == REFUSALS_REMEMBERED {
            self.refused.pop_front();
        }
        self.refused.push_back((id, json.to_owned()));
        self.leaving.push(*subscription);
        self.outputs.notify();
        self.pump(now);
    }
}

/// An error object as the server writes them.
pub(super) fn error_json(code: &str, message: &str) -> String {
    serde_json::json!({ "code": code, "message": message }).to_string()
}
