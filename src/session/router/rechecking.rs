//! Reads rows once more whose last event may be wrong, and reports what they are.

use super::Session;
use super::errors::{Refusal, read_refusal};
use super::snapshot::LATEST_CREATE;
use crate::handover::{DeliveryItem, Event, EventKind};
use crate::log::Level;
use crate::protocol::outgoing;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::in_flight::Purpose;
use crate::session::row_expiry::RowExpiry;
use crate::session::timers::{Timer, Timers};
use crate::subscriptions::rechecks::{Allowance, LONGEST, Recheck};
use crate::subscriptions::{SubId, Subscription};

/// What is reported, by all subscriptions.
#[derive(Default)]
pub(super) struct ReportedRows {
    /// How many messages are looked at.
    allowance: Allowance,
    /// When it is to be forgotten.
    expiry: RowExpiry,
}

/// An event of a subscription is delivered: notes what it reports, where that may be read again.
#[inline]
pub(super) fn note_reported(
    subscription: &mut Subscription,
    reported: &mut ReportedRows,
    timers: &mut Timers,
    places: &mut Vec<(u32, u32)>,
    now: Now,
    event: &Event,
) {
    if subscription.rechecks_rows() {
        let allowance = &mut reported.allowance;
        if let Some(due) = subscription.note_reported(now.mono, event, places, allowance) {
            timers.set(Timer::Recheck(subscription.id()), due);
        }
        if subscription.begins_to_remember() {
            reported.expiry.add(now.mono + LONGEST, subscription.id());
        }
    }
}

impl Session {
    /// Forgets what was reported long ago.
    pub(super) fn forget_old_reports(&mut self, now: Now) {
        let mut postponed = Vec::new();
        for id in self.reported_rows.expiry.take_due(now.mono) {
            let subscription = self.registry.get_mut(id);
            if subscription.is_some_and(|s| s.forget_reported(now.mono)) {
                postponed.push((now.mono + LONGEST, id));
            }
        }
        self.reported_rows.expiry.postpone(postponed);
    }

    /// Whether a subscription remembers what was reported. Tests hold that it is forgotten.
    #[cfg(test)]
    pub fn remembers_reported(&self, id: SubId) -> bool {
        self.registry
            .get(id)
            .is_some_and(|s| s.remembers_reported())
    }

    /// It may be quiet by now.
    pub(super) fn on_recheck_due(&mut self, now: Now, id: SubId) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        match subscription.recheck_due_at(now.mono) {
            Some(at) if at > now.mono => self.timers.set(Timer::Recheck(id), at),
            Some(_) => self.scheduler.read(id),
            None => {}
        }
    }

    /// Rows may be due later.
    fn set_recheck_timer(&mut self, now: Now, id: SubId) {
        let subscription = self.registry.get_mut(id);
        if let Some(due) = subscription.and_then(|s| s.recheck_due_at(now.mono)) {
            self.timers.set(Timer::Recheck(id), due);
        }
    }

    /// Reads the rows, if some are due. False where nothing was sent.
    pub(super) fn send_recheck(&mut self, now: Now, id: SubId) -> bool {
        let serial = self.last_serial + 1;
        let Some(subscription) = self.registry.get_mut(id) else {
            return false;
        };
        let Some(recheck) = subscription.begin_recheck(now.mono, serial) else {
            // Something was reported while it waited for its turn.
            self.set_recheck_timer(now, id);
            return false;
        };
        let slot = id.slot();
        let wire = WireUid { slot, serial }.to_string();
        let (meta, spec) = (subscription.meta(), subscription.spec());
        let (collection, query) = (meta.collection_str(), spec.query.as_deref());
        let text = match recheck {
            Recheck::Rows(keys) => outgoing::read_rows(&wire, collection, query, &keys),
            Recheck::Created(page) => {
                let (primary_key, above) = (&meta.delivery.primary_key, page.above.key());
                outgoing::read_above(&wire, collection, query, primary_key, above, page.limit)
            }
            Recheck::Everything => {
                let uid = subscription.meta().uid_str();
                let text = format!(
                    "{uid:?} is brought up to date: too many rows have changed at once to read \
                     them one by one"
                );
                self.log(Level::Info, text);
                self.resync_subscription(now, id);
                return false;
            }
        };
        self.send_tracked(now, Purpose::Recheck(id), text);
        true
    }

    /// The read is answered.
    pub(super) fn on_rechecked(&mut self, now: Now, id: SubId, read: u64, data: Option<&str>) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        if !subscription.is_rechecked_by(read) {
            return;
        }
        let at = self.heartbeat.arrival();
        let until = self.heartbeat.heard_time() + LATEST_CREATE;
        let events = subscription.finish_recheck(now.mono, at, until, data, &mut self.places);
        if events.iter().any(|event| event.kind == EventKind::Create) {
            self.row_expiry.add(until, id);
        }
        self.attribution.on_rows_read(id);
        self.set_recheck_timer(now, id);
        for event in events {
            self.outputs.deliver(DeliveryItem::Event(event));
        }
    }

    /// The read is to be sent once more.
    pub(super) fn recheck_again(&mut self, id: SubId) {
        if let Some(subscription) = self.registry.get_mut(id) {
            subscription.repeat_recheck();
            self.scheduler.read(id);
        }
    }

    /// The read brings no answer: a snapshot has to show what is true.
    pub(super) fn recheck_failed(&mut self, now: Now, id: SubId, read: u64) {
        let subscription = self.registry.get(id);
        let Some(subscription) = subscription.filter(|s| s.is_rechecked_by(read)) else {
            return;
        };
        let uid = subscription.meta().uid_str();
        let text = format!("{uid:?} is brought up to date: changed rows could not be read again");
        self.log(Level::Info, text);
        self.resync_subscription(now, id);
    }

    /// The server refuses the read.
    pub(super) fn recheck_refused(
        &mut self,
        now: Now,
        id: SubId,
        read: u64,
        json: &str,
        code: &str,
    ) {
        if self.is_judged_by_another(read) {
            return self.recheck_again(id);
        }
        let subscription = self.registry.get(id);
        let is_further =
            subscription.is_some_and(|s| s.is_rechecked_by(read) && s.looks_for_lost_creates());
        match read_refusal(code) {
            Refusal::Final | Refusal::Unreadable if is_further => {
                self.give_up_lost_creates(now, id, code)
            }
            // As with events that may not be seen, the subscription lives on.
            Refusal::Final => {
                let subscription = self.registry.get_mut(id);
                if let Some(subscription) = subscription.filter(|s| s.is_rechecked_by(read)) {
                    subscription.give_up_rechecks();
                    self.deliver_error(id, json);
                }
            }
            _ => self.recheck_failed(now, id, read),
        }
    }

    /// Rows that were created without being reported cannot be looked for, as where their key may
    /// not be filtered by. The events alone have to do.
    fn give_up_lost_creates(&mut self, now: Now, id: SubId, code: &str) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        subscription.give_up_lost_creates();
        let uid = subscription.meta().uid_str();
        let text =
            format!("{uid:?}: creates that the server does not report cannot be found: {code}");
        self.log(Level::Info, text);
        self.set_recheck_timer(now, id);
    }
}
