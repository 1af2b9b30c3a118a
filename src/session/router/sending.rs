//! What goes to the server, in which order, and how much at a time.

use std::time::Duration;

use super::{Link, Session};
use crate::protocol::outgoing;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::in_flight::{Kind, Purpose};
use crate::subscriptions::Phase;
use crate::subscriptions::subscription::Held;

/// Subscribes and reads that may be under way at a time. Those that are when a
/// socket drops stay with the server for ever.
const IN_FLIGHT: usize = 8;
/// An unsubscribe that nobody confirms is repeated after twice the time, so often,
/// and at that pace from then on.
pub(super) const UNSUBSCRIBE_DOUBLINGS: u32 = 3;
/// Where errors do not say whom they mean, a message waits for the answer to the one
/// before, but not for ever: some are never answered.
const TURN: Duration = Duration::from_secs(2);
/// See [`Session::send_one_of`].
const CLASSES: usize = 4;

impl Session {
    /// Whether frames may go out: not before the authentication, nor while it
    /// is being renewed.
    fn may_send(&self) -> bool {
        match &self.link {
            Link::Up(up) => up.reauth.is_none(),
            _ => false,
        }
    }

    pub(super) fn has_something_to_send(&self) -> bool {
        self.may_send()
            && !(self.send_queue.is_empty()
                && self.unsubscribes.is_empty()
                && self.reads.is_empty()
                && self.checks.is_empty()
                && self.subscribes.is_empty())
    }

    /// Until when nothing of these kinds is sent, so that an error without a uid is
    /// known to be for the message before.
    fn turn(&self, of: impl Fn(Kind) -> bool, now: Now) -> Option<Duration> {
        if !self.one_at_a_time {
            return None;
        }
        let over = self.in_flight.last_sent(of)? + TURN;
        (over > now.mono).then_some(over)
    }

    fn items_turn(&self, now: Now) -> Option<Duration> {
        self.turn(Kind::is_items, now)
    }

    fn subscribe_turn(&self, now: Now) -> Option<Duration> {
        self.turn(|kind| kind == Kind::Subscribe, now)
    }

    /// When something may be sent that has to wait for its turn.
    pub(super) fn next_turn(&self, now: Now) -> Option<Duration> {
        let turns = [self.items_turn(now), self.subscribe_turn(now)];
        turns.into_iter().flatten().min()
    }

    /// Sends what may be sent. The classes of messages take turns: where the server
    /// limits the rate, none of them may keep another one waiting for ever.
    pub(super) fn pump(&mut self, now: Now) {
        self.end_pause(now);
        while self.has_something_to_send() && self.pacer.wait_until(now.mono).is_none() {
            let first = self.next_class;
            let sent = (0..CLASSES)
                .map(|n| (first + n) % CLASSES)
                .find(|class| self.send_one_of(*class, now));
            match sent {
                Some(class) => self.next_class = (class + 1) % CLASSES,
                None => break,
            }
        }
    }

    /// Sends one message of a class, if there is one and it may go: the application's
    /// own, what frees the server, snapshots that somebody waits for, subscribes.
    fn send_one_of(&mut self, class: usize, now: Now) -> bool {
        let under_way = self.in_flight.count(Kind::Subscribe) + self.in_flight.count(Kind::Read);
        let room = under_way < IN_FLIGHT;
        match class {
            0 => self.items_turn(now).is_none() && self.send_outgoing(now),
            1 => self.send_unsubscribe(now),
            2 => {
                let may = self.items_turn(now).is_none();
                // A check may be what the subscribes that take the room wait for.
                may && (room && self.send_read(now) || self.send_check(now))
            }
            _ => room && self.subscribe_turn(now).is_none() && self.send_subscribe(now),
        }
    }

    fn send_unsubscribe(&mut self, now: Now) -> bool {
        let Some((wire, tries)) = self.unsubscribes.pop() else {
            return false;
        };
        let patience = self.config.ack_timeout * (1 << tries.min(UNSUBSCRIBE_DOUBLINGS));
        let deadline = now.mono + patience;
        let purpose = Purpose::Unsubscribe {
            wire,
            tries: tries + 1,
            unconfirmed: self.in_flight.unconfirmed(wire.serial) + 1,
        };
        self.in_flight
            .track(wire.serial, purpose, now.mono, deadline);
        self.transmit(now, outgoing::unsubscribe(&wire.to_string()));
        true
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
            let spec = &subscription.spec;
            let collection = subscription.meta.collection_str();
            let event = spec.server_event();
            let text = outgoing::subscribe(&wire, collection, event, spec.query.as_deref());
            self.last_serial = serial;
            let deadline = now.mono + self.config.ack_timeout;
            self.in_flight
                .track(serial, Purpose::Subscribe(id), now.mono, deadline);
            self.transmit(now, text);
            return true;
        }
        false
    }

    fn send_read(&mut self, now: Now) -> bool {
        while let Some(id) = self.reads.pop_front() {
            if self.send_settle(now, id) {
                return true;
            }
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
                held: Held::of(&self.held),
            };
            let wire = WireUid {
                slot: id.slot(),
                serial: read,
            }
            .to_string();
            let collection = subscription.meta.collection_str();
            let text = outgoing::read(&wire, collection, subscription.spec.query.as_deref());
            self.last_serial = read;
            let deadline = now.mono + self.config.ack_timeout;
            self.in_flight
                .track(read, Purpose::Read(id), now.mono, deadline);
            self.transmit(now, text);
            return true;
        }
        false
    }

    /// Asks for nothing of a collection: only whether there is one, and whether it may be
    /// read as it is asked for. A server of 11.x answers no subscribe to a collection that
    /// does not exist, and does not say which one it refuses.
    fn send_check(&mut self, now: Now) -> bool {
        while let Some(id) = self.checks.pop_front() {
            let serial = self.last_serial + 1;
            let Some(subscription) = self.registry.get(id).filter(|s| !s.is_registered()) else {
                continue;
            };
            let slot = id.slot();
            let wire = WireUid { slot, serial }.to_string();
            let collection = subscription.meta.collection_str();
            let text = outgoing::check(&wire, collection, subscription.spec.query.as_deref());
            self.last_serial = serial;
            let deadline = now.mono + self.config.ack_timeout;
            self.in_flight
                .track(serial, Purpose::Check(id), now.mono, deadline);
            self.transmit(now, text);
            return true;
        }
        false
    }
}
