//! Errors that carry no uid: what [attribution](crate::session::attribution) has to know of
//! the session, and how the session carries out its verdicts.

use super::Session;
use crate::log::Level;
use crate::protocol::incoming::{ErrorSource, ServerError};
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::attribution::{GRACE, SubscribeInFlight, SubscriptionFacts, Verdict};
use crate::session::in_flight::{Entry, Kind, Purpose};
use crate::subscriptions::{SubId, Subscription};

/// What attribution has to know of a subscription.
pub(super) fn facts_of(subscription: &Subscription) -> SubscriptionFacts {
    SubscriptionFacts {
        id: subscription.id(),
        is_system: subscription.is_system(),
        is_read_at_once: subscription.spec().is_read_at_once(),
    }
}

impl Session {
    /// An error frame without a uid.
    pub(super) fn on_unattributed_error(&mut self, now: Now, error: &ServerError<'_>) {
        match error.source {
            ErrorSource::Subscribe => {
                let subscribes = self.subscribes_in_flight();
                let is_one_registered = self.registry.iter().any(Subscription::is_registered);
                let may_be_another = is_one_registered || self.may_be_of_an_ended_one();
                let verdicts =
                    self.attribution
                        .on_subscribe_error(error.into(), &subscribes, may_be_another);
                self.carry_out(now, verdicts);
            }
            ErrorSource::Items => {
                let probes = self.probes_in_flight();
                self.attribution.on_items_error(error.into(), &probes);
                self.match_items_errors(now);
            }
            ErrorSource::Auth => {}
            _ => {
                let is_request = |e: &Entry| e.purpose.kind() == Kind::Request && e.is_sent();
                let requests = self.in_flight.select(is_request);
                match self.attribution.on_other_error(error.into(), &requests) {
                    Some(verdict) => self.carry_out(now, [verdict]),
                    None => {
                        let words = format!("{}: {}", error.code, error.message);
                        let text = format!("the server refused some message: {words}");
                        self.log(Level::Warn, text);
                    }
                }
            }
        }
    }

    fn subscribes_in_flight(&self) -> Vec<SubscribeInFlight> {
        let is_subscribe = |e: &Entry| e.purpose.kind() == Kind::Subscribe;
        let serials = self.in_flight.select(is_subscribe);
        let view = |serial| SubscribeInFlight {
            serial,
            subscription: match self.in_flight.get(serial).map(|entry| &entry.purpose) {
                Some(Purpose::Subscribe(id)) => self.registry.get(*id).map(facts_of),
                _ => None,
            },
            by_another: self.is_judged_by_another(serial),
        };
        serials.into_iter().map(view).collect()
    }

    fn probes_in_flight(&self) -> Vec<(u64, SubId)> {
        let serials = self
            .in_flight
            .select(|e| matches!(e.purpose, Purpose::Check(_)));
        let view = |serial| match self.in_flight.get(serial)?.purpose {
            Purpose::Check(id) => Some((serial, id)),
            _ => None,
        };
        serials.into_iter().filter_map(view).collect()
    }

    /// Whether errors may come for what was abandoned or has ended: late refusals, and
    /// events that were under way.
    fn may_be_of_an_ended_one(&self) -> bool {
        let abandoned = self.in_flight.abandoned();
        self.scheduler.has_unsubscribes()
            || self.in_flight.count(Kind::Unsubscribe) > 0
            || abandoned.has_subscribe()
            || abandoned.has_ended_subscription()
    }

    /// Something was answered or has timed out: if no subscribe is in flight, errors that
    /// are left were events'.
    pub(super) fn attribute_what_is_left(&mut self, now: Now) {
        let subscribes = self.in_flight.count(Kind::Subscribe);
        let verdicts = self.attribution.on_progress(subscribes);
        self.carry_out(now, verdicts);
    }

    /// The message of that serial is answered.
    pub(super) fn complete(&mut self, serial: u64) -> Option<Entry> {
        self.attribution.on_message_over(serial);
        self.in_flight.complete(serial)
    }

    /// The subscribe of that serial is answered, if it is one.
    pub(super) fn complete_subscribe(&mut self, serial: u64) -> Option<Entry> {
        self.attribution.on_message_over(serial);
        self.in_flight.complete_subscribe(serial)
    }

    /// The reply to the message of that serial is not waited for any more.
    pub(super) fn abandon(&mut self, serial: u64) -> Option<Entry> {
        self.attribution.on_message_over(serial);
        self.in_flight.abandon(serial)
    }

    /// What is known of errors without a uid.
    #[cfg(test)]
    pub fn attribution(&self) -> &crate::session::attribution::Attribution {
        &self.attribution
    }

    /// Does what attribution has found out.
    pub(super) fn carry_out(&mut self, now: Now, verdicts: impl IntoIterator<Item = Verdict>) {
        for verdict in verdicts {
            match verdict {
                Verdict::Answered { serial, error } => {
                    if let Some(entry) = self.complete(serial) {
                        self.answered_by_error(now, entry, serial, &error.json, &error.code);
                    }
                }
                Verdict::Rejected { id, error } => {
                    self.subscribe_refused(now, id, &error.json, &error.code);
                }
                Verdict::Withheld(error) => {
                    for id in self.registry.select(Subscription::is_registered) {
                        self.withheld(now, id, &error.json);
                    }
                }
                Verdict::Probe(id) => self.scheduler.check(id),
                Verdict::Hasten(serial) => self.hasten(now, serial),
                Verdict::Retry { id, first } => self.subscribe_again(id, first),
                Verdict::Adopt { id, serial } => self.adopt(id, serial),
                Verdict::Unknown {
                    error,
                    abandoned_reads,
                } => {
                    self.in_flight.forget_abandoned_reads(abandoned_reads);
                    let json = &error.json;
                    let text = format!("the server refused some read or request: {json}");
                    self.log(Level::Warn, text);
                }
            }
        }
    }

    /// The reply to a message is waited for only a moment longer.
    fn hasten(&mut self, now: Now, serial: u64) {
        // What the limiter may have dropped is sent anew after its pause.
        let pause = self.scheduler.paused_until().unwrap_or_default();
        let deadline = pause.max(now.mono + GRACE);
        self.in_flight.shorten_deadline(serial, deadline);
    }

    fn subscribe_again(&mut self, id: SubId, first: bool) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let sent = subscription.serial();
        if !sent.is_some_and(|serial| subscription.send_again(serial)) {
            return;
        }
        if first {
            self.scheduler.subscribe_first(id);
        } else {
            self.scheduler.subscribe(id);
        }
    }

    /// The server has a subscription under an earlier serial than the one that is wanted or
    /// was sent last.
    fn adopt(&mut self, id: SubId, serial: u64) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        if let Some(later) = subscription.adopt(serial) {
            let (slot, serial) = (id.slot(), later);
            self.in_flight.orphan(later, WireUid { slot, serial });
        }
    }

    /// Matches errors of the items service with the messages in flight, if that can be done
    /// by now. To be called after each answer of the items service.
    pub(super) fn match_items_errors(&mut self, now: Now) {
        if !self.attribution.has_items_errors() {
            return;
        }
        let is_sent = |e: &Entry| e.purpose.kind().is_items() && e.is_sent();
        let sent = self.in_flight.select(is_sent);
        let abandoned = self.in_flight.abandoned();
        let (reads, requests) = (abandoned.reads(), abandoned.requests());
        let Some(mut matches) = self.attribution.match_items(&sent, reads, requests) else {
            return;
        };
        self.in_flight
            .forget_abandoned_reads(matches.abandoned_reads);
        for (serial, error) in std::mem::take(&mut matches.pairs) {
            self.attribution.on_message_over(serial);
            let entry = if matches.is_certain {
                self.in_flight.complete(serial)
            } else {
                self.in_flight.untrack(serial)
            };
            let Some(entry) = entry else { continue };
            let again = match entry.purpose {
                Purpose::Read(id)
                | Purpose::Settle(id)
                | Purpose::Recheck(id)
                | Purpose::Live(id)
                | Purpose::Check(id) => {
                    self.registry.get(id).is_some()
                        && self.attribution.is_to_be_read_again(id, &matches)
                }
                _ => false,
            };
            match entry.purpose {
                Purpose::Read(id) if again => self.read_again(id),
                Purpose::Settle(id) if again => self.settle_again(id),
                Purpose::Recheck(id) if again => self.recheck_again(id),
                Purpose::Live(id) if again => self.live_read_again(id),
                Purpose::Check(id) if again => self.scheduler.check(id),
                Purpose::Settle(id) => self.settle_failed(now, id, serial),
                _ => self.answered_by_error(now, entry, serial, &error.json, &error.code),
            }
        }
    }
}
