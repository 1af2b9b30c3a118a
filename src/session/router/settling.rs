//! Events that only a read can judge. A delete overtakes what was written before it, so an
//! update or a create that follows one may be of a row that no longer exists; and whether a
//! key that no row writes in this way has reached a row, only the database knows. Such an
//! event is held back, with all that come behind it, until the rows concerned were read.

use super::Session;
use super::errors::{Refusal, read_refusal};
use super::rechecking::note_reported;
use super::snapshot::LATEST_CREATE;
use crate::handover::{DeliveryItem, Event};
use crate::log::Level;
use crate::protocol::outgoing;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::in_flight::Purpose;
use crate::subscriptions::SubId;
use crate::subscriptions::deleted_keys::Arrival;
use crate::subscriptions::held::HeldEvents;
use crate::subscriptions::subscription::{ExistingRows, Verdict};

/// So many rows are asked for at a time. Where more are in question, all are read.
const MOST_KEYS: usize = 100;

/// What is known from a read.
pub(super) enum Answer {
    /// Nothing: there was none yet.
    None,
    /// The rows that exist.
    Rows(ExistingRows),
    /// The server has refused it with this error.
    Refused(String),
}

impl Session {
    /// Something changed for a subscription that is up to date.
    pub(super) fn take_change(&mut self, now: Now, id: SubId, event: Event) {
        let at = self.arrival();
        if let Some(event) = self.deliver_if_true(now, id, at, event, &Answer::None) {
            let mut held = HeldEvents::new(&self.held);
            held.push(at, event);
            self.settle(now, id, held);
        }
    }

    /// Delivers an event, or leaves it out; gives it back where a read has to decide.
    fn deliver_if_true(
        &mut self,
        now: Now,
        id: SubId,
        at: Arrival,
        event: Event,
        answer: &Answer,
    ) -> Option<Event> {
        let subscription = self.registry.get_mut(id)?;
        let rows = match answer {
            Answer::Rows(rows) => Some(rows),
            Answer::None | Answer::Refused(_) => None,
        };
        let event = match subscription.judge(event, at, rows, &mut self.places) {
            Verdict::Deliver(event) => event,
            Verdict::Drop => return None,
            Verdict::NeedsRead(event) => match answer {
                Answer::Refused(json) => subscription.error_event(json, 0),
                _ => return Some(event),
            },
        };
        let until = self.heartbeat.heard_time() + LATEST_CREATE;
        if let Some(event) = subscription.without_repetition(event, until) {
            let (timers, places) = (&mut self.timers, &mut self.places);
            let rows = &mut self.reported_rows;
            note_reported(subscription, rows, timers, places, now, &event);
            self.outputs.deliver(DeliveryItem::Event(event));
        }
        None
    }

    /// Delivers what was held for an active subscription, up to the first event that a read
    /// has to decide about. `answer` is about the first `answered` ones.
    pub(super) fn release_held(
        &mut self,
        now: Now,
        id: SubId,
        mut held: HeldEvents,
        mut answered: usize,
        answer: &Answer,
    ) {
        let Some(epoch) = self.registry.get(id).map(|s| s.meta().epoch()) else {
            return;
        };
        while let Some((at, event)) = held.pop() {
            let event = Event { epoch, ..event };
            let answer = if answered > 0 { answer } else { &Answer::None };
            answered = answered.saturating_sub(1);
            if let Some(event) = self.deliver_if_true(now, id, at, event, answer) {
                held.put_back(at, event);
                return self.settle(now, id, held);
            }
        }
    }

    /// A read has to decide about the first of these events.
    fn settle(&mut self, now: Now, id: SubId, held: HeldEvents) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let query = subscription.row_query(held.iter().take(1), MOST_KEYS, &mut self.places);
        let is_too_much = query.keys().is_some_and(|keys| keys.len() > MOST_KEYS);
        let is_full = self.held.get() > self.config.queue_bytes as usize;
        let can_read = !subscription.is_system() && !is_too_much && !is_full;
        subscription.begin_settling(held);
        if can_read {
            self.scheduler.read(id);
            self.flush(now);
        } else {
            self.lose_held(now, id);
        }
    }

    /// Reads the rows that the held events of a subscription are about. False where
    /// nothing was sent.
    pub(super) fn send_settle(&mut self, now: Now, id: SubId) -> bool {
        let serial = self.last_serial + 1;
        let Some(subscription) = self.registry.get_mut(id) else {
            return false;
        };
        let query = subscription.begin_settling_read(serial, MOST_KEYS, &mut self.places);
        let Some(query) = query else {
            return false;
        };
        let slot = id.slot();
        let wire = WireUid { slot, serial }.to_string();
        let (meta, spec) = (subscription.meta(), subscription.spec());
        let text = outgoing::read_keys(
            &wire,
            meta.collection_str(),
            spec.query.as_deref(),
            &meta.delivery.primary_key,
            query.keys(),
        );
        self.send_tracked(now, Purpose::Settle(id), text);
        true
    }

    /// The read is answered with the rows that exist.
    pub(super) fn on_settled(&mut self, now: Now, id: SubId, read: u64, data: Option<&str>) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let rows = ExistingRows::of(data, &subscription.meta().delivery.primary_key);
        self.attribution.on_rows_read(id);
        self.settled(now, id, read, &Answer::Rows(rows));
    }

    fn settled(&mut self, now: Now, id: SubId, read: u64, answer: &Answer) {
        let subscription = self.registry.get_mut(id);
        if let Some((held, asked)) = subscription.and_then(|s| s.finish_settling(read)) {
            self.release_held(now, id, held, asked, answer);
        }
    }

    /// The read is to be sent once more.
    pub(super) fn settle_again(&mut self, id: SubId) {
        let subscription = self.registry.get_mut(id);
        if subscription.is_some_and(|s| s.repeat_settling_read()) {
            self.scheduler.read(id);
        }
    }

    /// The read brings no answer: a snapshot has to show what is true.
    pub(super) fn settle_failed(&mut self, now: Now, id: SubId, read: u64) {
        let subscription = self.registry.get(id);
        let Some(subscription) = subscription.filter(|s| s.is_settled_by(read)) else {
            return;
        };
        let uid = subscription.meta().uid_str();
        let text = format!(
            "{uid:?} is brought up to date: items that an event was about could not be read"
        );
        self.log(Level::Info, text);
        self.lose_held(now, id);
    }

    /// The server refuses the read.
    pub(super) fn settle_refused(
        &mut self,
        now: Now,
        id: SubId,
        read: u64,
        json: &str,
        code: &str,
    ) {
        if self.is_judged_by_another(read) {
            return self.settle_again(id);
        }
        match read_refusal(code) {
            // As with events that may not be seen, the subscription lives on.
            Refusal::Final if code == "FORBIDDEN" => {
                self.settled(now, id, read, &Answer::Refused(json.to_owned()));
            }
            _ => self.settle_failed(now, id, read),
        }
    }
}
