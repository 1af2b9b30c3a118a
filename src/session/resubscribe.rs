//! Getting every wish to the server, one by one, and keeping it there.

use std::time::Duration;

use super::Now;
use super::backoff::jitter;
use super::errors::Refusal;
use super::ledger::{Kind, What};
use super::machine::{Link, Session};
use super::snapshot::Snapshot;
use crate::error::Status;
use crate::handover::Event;
use crate::log::Level;
use crate::protocol::Frame;
use crate::protocol::outgoing;
use crate::protocol::wire::WireUid;
use crate::subscriptions::subscription::{Behind, Held};
use crate::subscriptions::{Phase, SubId};

/// Subscribes and reads that may be under way at a time. Those that are when a
/// socket drops stay with the server for ever.
const IN_FLIGHT: usize = 8;
/// An unsubscribe that nobody confirms is repeated after twice the time, so often,
/// and at that pace from then on.
const UNSUBSCRIBE_DOUBLINGS: u32 = 3;
/// Refused or unanswered subscriptions are tried again after at most this.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(30);
/// Where errors do not say whom they mean, a message waits for the answer to the one
/// before, but not for ever: some are never answered.
const TURN: Duration = Duration::from_secs(2);
/// Refusals remembered for those who ask after the fact.
const REFUSALS_REMEMBERED: usize = 256;

impl Session {
    /// Whether frames may go out: not before the authentication, nor while it
    /// is being renewed.
    fn may_send(&self) -> bool {
        match &self.link {
            Link::Up(up) => up.reauth.is_none() && up.deaf_until.is_none(),
            _ => false,
        }
    }

    pub(super) fn has_something_to_send(&self) -> bool {
        self.may_send()
            && !(self.outbox.is_empty()
                && self.unsubscribes.is_empty()
                && self.reads.is_empty()
                && self.checks.is_empty()
                && self.subscribes.is_empty())
    }

    /// Until when nothing of that kind is sent, so that an error without a uid is
    /// known to be for the message before.
    fn turn(&self, kind: Kind, now: Now) -> Option<Duration> {
        if !self.one_at_a_time {
            return None;
        }
        let over = self.ledger.last_sent(kind)? + TURN;
        (over > now.mono).then_some(over)
    }

    /// When something may be sent that has to wait for its turn.
    pub(super) fn next_turn(&self, now: Now) -> Option<Duration> {
        let turns = [Kind::Items, Kind::Subscribe].map(|kind| self.turn(kind, now));
        turns.into_iter().flatten().min()
    }

    /// Sends what may be sent: the application's own messages first, then what
    /// frees the server, then snapshots that somebody waits for, then the rest.
    pub(super) fn pump(&mut self, now: Now) {
        while self.has_something_to_send() && self.pacer.wait_until(now.mono).is_none() {
            let items_free = self.turn(Kind::Items, now).is_none();
            let under_way = self.ledger.count(Kind::Subscribe) + self.sent_items();
            let room = under_way < IN_FLIGHT;
            let subscribe_free = self.turn(Kind::Subscribe, now).is_none();
            let sent = (items_free && self.send_outgoing(now))
                || self.send_unsubscribe(now)
                || (room && items_free && (self.send_read(now) || self.send_check(now)))
                || (room && subscribe_free && self.send_subscribe(now));
            if !sent {
                break;
            }
        }
    }

    fn sent_items(&self) -> usize {
        // Requests wait in the ledger before they are sent.
        self.ledger.count(Kind::Items) - self.outbox_requests()
    }

    fn send_unsubscribe(&mut self, now: Now) -> bool {
        let Some((wire, tries)) = self.unsubscribes.pop() else {
            return false;
        };
        let patience = self.config.ack_timeout * (1 << tries.min(UNSUBSCRIBE_DOUBLINGS));
        let deadline = now.mono + patience;
        let what = What::Unsubscribe {
            wire,
            tries: tries + 1,
        };
        self.ledger.enter(wire.serial, what, now.mono, deadline);
        self.transmit(now, outgoing::unsubscribe(&wire.to_string()));
        true
    }

    pub(super) fn unsubscribe_unanswered(&mut self, wire: WireUid, tries: u32) {
        self.unsubscribes.push(wire, tries);
        if tries > UNSUBSCRIBE_DOUBLINGS {
            let text = format!("the server did not confirm an unsubscribe in {tries} attempts");
            self.log(Level::Warn, text);
        }
    }

    fn send_subscribe(&mut self, now: Now) -> bool {
        while let Some(id) = self.subscribes.pop_front() {
            let serial = self.last_serial + 1;
            let Some(subscription) = self.registry.get_mut(id) else {
                continue;
            };
            if !matches!(subscription.phase, Phase::Wanted) {
                continue;
            }
            subscription.phase = Phase::Sent { serial };
            let wire = WireUid {
                slot: id.slot(),
                serial,
            }
            .to_string();
            let wish = &subscription.wish;
            let collection = subscription.target.collection_str();
            let event = wish.server_event();
            let text = outgoing::subscribe(&wire, collection, event, wish.query.as_deref());
            self.last_serial = serial;
            let deadline = now.mono + self.config.ack_timeout;
            self.ledger
                .enter(serial, What::Subscribe(id), now.mono, deadline);
            self.transmit(now, text);
            return true;
        }
        false
    }

    fn send_read(&mut self, now: Now) -> bool {
        while let Some(id) = self.reads.pop_front() {
            let read = self.last_serial + 1;
            let Some(subscription) = self.registry.get_mut(id) else {
                continue;
            };
            let Phase::ToRead { serial } = subscription.phase else {
                continue;
            };
            subscription.phase = Phase::Reading {
                serial,
                read,
                held: Held::default(),
            };
            let wire = WireUid {
                slot: id.slot(),
                serial: read,
            }
            .to_string();
            let collection = subscription.target.collection_str();
            let text = outgoing::read(&wire, collection, subscription.wish.query.as_deref());
            self.last_serial = read;
            let deadline = now.mono + self.config.ack_timeout;
            self.ledger.enter(read, What::Read(id), now.mono, deadline);
            self.transmit(now, text);
            return true;
        }
        false
    }

    /// Asks for nothing of a collection: only whether there is one. A server of 11.x
    /// answers no subscribe to a collection that does not exist.
    fn send_check(&mut self, now: Now) -> bool {
        while let Some(id) = self.checks.pop_front() {
            let serial = self.last_serial + 1;
            let Some(subscription) = self.registry.get(id).filter(|s| !s.is_registered()) else {
                continue;
            };
            let slot = id.slot();
            let wire = WireUid { slot, serial }.to_string();
            let collection = subscription.target.collection_str();
            let text = outgoing::read(&wire, collection, Some(r#"{"limit":0}"#));
            self.last_serial = serial;
            let deadline = now.mono + self.config.ack_timeout;
            self.ledger
                .enter(serial, What::Check(id), now.mono, deadline);
            self.transmit(now, text);
            return true;
        }
        false
    }

    /// The collection of a subscription cannot be read.
    pub(super) fn check_refused(&mut self, now: Now, id: SubId, json: &str, code: &str) {
        let waits = self.registry.get(id).is_some_and(|s| !s.is_registered());
        if waits && code == "INVALID_COLLECTION" {
            self.give_up(now, id, json);
        }
    }

    /// The server has registered a subscription. Its own snapshot was read
    /// before that, so an exact one is read now.
    pub(super) fn on_init(&mut self, now: Now, wire: WireUid, snapshot: &Snapshot<'_>) {
        self.ledger.settle(wire.serial);
        let known = self.registry.at_mut(wire.slot);
        let Some(subscription) = known.filter(|s| s.serial() == Some(wire.serial)) else {
            // Nobody wants it any more, or under another wire uid.
            self.exonerate(wire);
            self.unsubscribes.push(wire, 0);
            return;
        };
        if subscription.is_registered() {
            return;
        }
        let id = subscription.id;
        let wish = &subscription.wish;
        if wish.exact && wish.wants_snapshot() && !subscription.is_system() {
            self.start_read(now, id, wire.serial);
        } else {
            self.activate(id, snapshot);
        }
    }

    fn start_read(&mut self, now: Now, id: SubId, serial: u64) {
        if let Some(subscription) = self.registry.get_mut(id) {
            subscription.phase = Phase::ToRead { serial };
            self.reads.push_back(id);
            self.pump(now);
        }
    }

    /// The answer to a read.
    pub(super) fn on_read(&mut self, id: SubId, serial: u64, snapshot: &Snapshot<'_>) {
        let reading = self
            .registry
            .get(id)
            .is_some_and(|s| matches!(s.phase, Phase::Reading { read, .. } if read == serial));
        if reading {
            self.activate(id, snapshot);
        }
    }

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
        suspect: Option<String>,
    ) {
        let current = self.registry.get(id).and_then(|s| s.serial());
        if current != Some(serial) {
            return;
        }
        match suspect {
            Some(error) => self.suspect_confirmed(now, id, serial, &error),
            None => {
                self.resubscribe(now, id, serial, "the server did not answer a subscribe");
                let checkable = self.registry.get(id).is_some_and(|s| !s.is_system());
                if checkable {
                    self.checks.push_back(id);
                }
            }
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
        if let Phase::Reading { read, .. } = subscription.phase {
            self.ledger.abandon(read);
        }
        subscription.phase = Phase::Wanted;
        let uid = subscription.target.uid_str().to_owned();
        let pause = jitter(RETRY_MIN, RETRY_MAX, failures, &mut self.rng);
        self.unsubscribes.push(WireUid { slot, serial: old }, 0);
        self.sleeping.insert((now.mono + pause, id));
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
                subscription.wish.exact = false;
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
                let uid = subscription.target.uid_str();
                let text = format!("{uid:?} is not up to date yet: {json}");
                self.log(Level::Warn, text);
            }
            _ => self.emit_error(id, json, false),
        }
    }

    fn give_up(&mut self, now: Now, id: SubId, json: &str) {
        self.emit_error(id, json, true);
        let Some(subscription) = self.registry.remove(id) else {
            return;
        };
        self.forget_at_server(&subscription);
        self.items
            .push(crate::handover::Item::Release { slot: id.slot() });
        if self.refused.len() == REFUSALS_REMEMBERED {
            self.refused.pop_front();
        }
        self.refused.push_back((id, json.to_owned()));
        self.leaving.push(*subscription);
        self.changed = true;
        self.pump(now);
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

/// An error object as the server writes them.
pub(super) fn error_json(code: &str, message: &str) -> String {
    serde_json::json!({ "code": code, "message": message }).to_string()
}
