//! Events that only a read can decide about. A delete overtakes what was written before
//! it, so an update or a create that follows one may be of a row that is gone; and whether
//! a key that is spelled as no row has it has reached a row, only the database knows. Such
//! an event waits, and all that come behind it, until the rows concerned were read.

use super::Session;
use super::errors::{Refusal, read_refusal};
use super::snapshot::{LATEST_CREATE, error_event};
use crate::handover::{DeliveryItem, Event};
use crate::log::Level;
use crate::protocol::outgoing;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::deletes::{Present, Question, Verdict};
use crate::session::in_flight::Purpose;
use crate::subscriptions::gone::Arrival;
use crate::subscriptions::subscription::Held;
use crate::subscriptions::{Phase, SubId};

/// So many rows are asked for at a time. Where more are in question, all are read.
const MOST_KEYS: usize = 100;

/// What a read has said.
pub(super) enum Answer {
    /// It was not asked yet.
    None,
    /// These rows are there.
    Present(Present),
    /// It was refused with this error.
    Refused(String),
}

impl Session {
    /// Something changed for a subscription that is up to date.
    pub(super) fn take_change(&mut self, now: Now, slot: u32, event: Event) {
        let at = self.arrival();
        if let Some((id, event)) = self.pass_on(slot, at, event, &Answer::None) {
            let mut held = Held::of(&self.held);
            held.push(at, event);
            self.settle(now, id, held);
        }
    }

    /// Hands an event over, or leaves it out; gives it back where that is not clear.
    fn pass_on(
        &mut self,
        slot: u32,
        at: Arrival,
        event: Event,
        answer: &Answer,
    ) -> Option<(SubId, Event)> {
        let subscription = self.registry.at_mut(slot)?;
        let present = match answer {
            Answer::Present(present) => Some(present),
            Answer::None | Answer::Refused(_) => None,
        };
        let event = match subscription.judge(event, at, present, &mut self.places) {
            Verdict::Pass(event) => event,
            Verdict::Drop => return None,
            Verdict::Ask(event) => match answer {
                Answer::Refused(json) => error_event(subscription, json, false),
                _ => return Some((subscription.id, event)),
            },
        };
        let primary_key = &subscription.meta.delivery.primary_key;
        let until = self.heard_time + LATEST_CREATE;
        let mut recent = subscription.recent.as_mut();
        if !recent
            .as_mut()
            .is_some_and(|recent| recent.has_told(&event, primary_key, until))
        {
            self.outputs.deliver(DeliveryItem::Event(event));
        }
        None
    }

    /// Hands over what was held for an active subscription, up to the first event that is
    /// not clear. The answer is to the first so many.
    pub(super) fn release_held(
        &mut self,
        now: Now,
        id: SubId,
        mut held: Held,
        mut answered: usize,
        answer: &Answer,
    ) {
        let Some(epoch) = self.registry.get(id).map(|s| s.meta.epoch()) else {
            return;
        };
        while let Some((at, event)) = held.pop() {
            let event = Event { epoch, ..event };
            let answer = if answered > 0 { answer } else { &Answer::None };
            answered = answered.saturating_sub(1);
            if let Some((id, event)) = self.pass_on(id.slot(), at, event, answer) {
                held.put_back(at, event);
                return self.settle(now, id, held);
            }
        }
    }

    /// The first of these events is not clear: the rows concerned are to be read.
    fn settle(&mut self, now: Now, id: SubId, held: Held) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let Some(serial) = subscription.serial() else {
            return;
        };
        // The items service does not serve system collections.
        let question = subscription.question(held.iter().take(1), MOST_KEYS, &mut self.places);
        let is_too_much = matches!(&question, Question::Keys(keys, _) if keys.len() > MOST_KEYS);
        let is_full = self.held.get() > self.config.queue_bytes as usize;
        let can_read = !subscription.is_system() && !is_too_much && !is_full;
        subscription.phase = Phase::Settling {
            serial,
            read: None,
            asked: 0,
            held,
        };
        if can_read {
            self.reads.push_back(id);
            self.pump(now);
        } else {
            self.lose_held(now, id);
        }
    }

    /// Asks for the rows that a subscription's events are in question of. False where
    /// nothing was sent.
    pub(super) fn send_settle(&mut self, now: Now, id: SubId) -> bool {
        let serial = self.last_serial + 1;
        let Some(subscription) = self.registry.get_mut(id) else {
            return false;
        };
        let question = match &subscription.phase {
            Phase::Settling {
                read: None, held, ..
            } => subscription.question(held.iter(), MOST_KEYS, &mut self.places),
            _ => return false,
        };
        let (keys, count) = match &question {
            Question::Item => (None, usize::MAX),
            Question::Keys(keys, count) => (Some(keys.as_slice()), *count),
        };
        if let Phase::Settling {
            read, asked, held, ..
        } = &mut subscription.phase
        {
            *read = Some(serial);
            *asked = held.len().min(count);
        }
        let slot = id.slot();
        let wire = WireUid { slot, serial }.to_string();
        let meta = &subscription.meta;
        let query = subscription.spec.query.as_deref();
        let (collection, primary_key) = (meta.collection_str(), &meta.delivery.primary_key);
        let text = outgoing::read_keys(&wire, collection, query, primary_key, keys);
        self.last_serial = serial;
        let deadline = now.mono + self.config.ack_timeout;
        self.in_flight
            .track(serial, Purpose::Settle(id), now.mono, deadline);
        self.transmit(now, text);
        true
    }

    /// The rows that are there.
    pub(super) fn on_settled(&mut self, now: Now, id: SubId, read: u64, data: Option<&str>) {
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        subscription.doubted = 0;
        let present = Present::of(data, &subscription.meta.delivery.primary_key);
        self.settled(now, id, read, &Answer::Present(present));
    }

    fn settled(&mut self, now: Now, id: SubId, read: u64, answer: &Answer) {
        if !self.is_settled_by(id, read) {
            return;
        }
        let Some(subscription) = self.registry.get_mut(id) else {
            return;
        };
        let Some(serial) = subscription.serial() else {
            return;
        };
        let active = Phase::Active { serial };
        let before = std::mem::replace(&mut subscription.phase, active);
        if let Phase::Settling { asked, held, .. } = before {
            self.release_held(now, id, held, asked, answer);
        }
    }

    fn is_settled_by(&self, id: SubId, serial: u64) -> bool {
        let phase = self.registry.get(id).map(|s| &s.phase);
        matches!(phase, Some(Phase::Settling { read: Some(read), .. }) if *read == serial)
    }

    /// The read is to be sent anew.
    pub(super) fn settle_again(&mut self, id: SubId) {
        let phase = self.registry.get_mut(id).map(|s| &mut s.phase);
        if let Some(Phase::Settling { read, .. }) = phase {
            *read = None;
            self.reads.push_back(id);
        }
    }

    /// There is no answer: a snapshot has to show what is true.
    pub(super) fn settle_failed(&mut self, now: Now, id: SubId, read: u64) {
        if !self.is_settled_by(id, read) {
            return;
        }
        if let Some(subscription) = self.registry.get(id) {
            let uid = subscription.meta.uid_str();
            let text = format!(
                "{uid:?} is brought up to date: items that an event was about could not be read"
            );
            self.log(Level::Info, text);
        }
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
