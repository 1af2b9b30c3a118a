//! Sends what the scheduler lets go.

use std::time::Duration;

use super::Session;
use crate::protocol::outgoing;
use crate::protocol::wire_uid::WireUid;
use crate::session::Now;
use crate::session::in_flight::{Kind, Purpose};
use crate::session::scheduler::{Next, Outgoing, Permits};
use crate::subscriptions::SubId;

/// Subscribes and reads that may be under way at a time. The server never forgets those
/// that are under way when a link is lost.
const IN_FLIGHT: usize = 8;
/// An unsubscribe that is not confirmed is repeated after twice the time, so often, and at
/// that pace from then on.
pub(super) const UNSUBSCRIBE_DOUBLINGS: u32 = 3;
/// Where errors have no uid, a message waits for the answer to the one before, but not for
/// ever: some are never answered.
const TURN: Duration = Duration::from_secs(2);

impl Session {
    /// Whether frames may go out: not before the authentication, nor while it
    /// is being renewed.
    fn may_send(&self) -> bool {
        self.connection.link().is_usable()
    }

    /// Until when nothing of these kinds is sent, so that an error without a uid is
    /// known to be for the message before.
    fn turn(&self, of: impl Fn(Kind) -> bool, now: Now) -> Option<Duration> {
        if !self.attribution.is_active() {
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

    /// When the next message may go, where one waits that may not go yet.
    pub(super) fn next_flush(&mut self, now: Now) -> Option<Duration> {
        if self.scheduler.is_empty() || !self.may_send() {
            return None;
        }
        let turns = [self.items_turn(now), self.subscribe_turn(now)];
        let next_turn = turns.into_iter().flatten().min();
        self.scheduler.wait_until(now.mono).or(next_turn)
    }

    /// Sends everything that may go now.
    pub(super) fn flush(&mut self, now: Now) {
        self.end_pause(now);
        while self.may_send() {
            let under_way =
                self.in_flight.count(Kind::Subscribe) + self.in_flight.count(Kind::Read);
            let permits = Permits {
                has_room: under_way < IN_FLIGHT,
                items: self.items_turn(now).is_none(),
                subscribe: self.subscribe_turn(now).is_none(),
            };
            let Some(next) = self.scheduler.next(now.mono, permits) else {
                break;
            };
            let class = next.class();
            if self.send_next(now, next) {
                self.scheduler.end_turn(class);
            }
        }
    }

    /// False where there is nothing to send (any more).
    fn send_next(&mut self, now: Now, next: Next) -> bool {
        match next {
            Next::Outgoing(Outgoing::Message(text)) => self.transmit_untracked(now, text),
            Next::Outgoing(Outgoing::Request { serial, .. }) => self.send_request(now, serial),
            Next::Unsubscribe(wire, tries) => self.send_unsubscribe(now, wire, tries),
            Next::Read(id) => {
                return self.send_live_read(now, id)
                    || self.send_settle(now, id)
                    || self.send_read(now, id)
                    || self.send_recheck(now, id);
            }
            Next::Check(id) => return self.send_check(now, id),
            Next::Subscribe(id) => return self.send_subscribe(now, id),
        }
        true
    }

    fn send_unsubscribe(&mut self, now: Now, wire: WireUid, tries: u32) {
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
    }

    fn send_subscribe(&mut self, now: Now, id: SubId) -> bool {
        let (slot, serial) = (id.slot(), self.last_serial + 1);
        let Some(subscription) = self.registry.get_mut(id) else {
            return false;
        };
        if !subscription.mark_sent(serial) {
            return false;
        }
        let wire = WireUid { slot, serial }.to_string();
        let (collection, spec) = (subscription.meta().collection_str(), subscription.spec());
        let text = outgoing::subscribe(
            &wire,
            collection,
            spec.server_event(),
            spec.query.as_deref(),
        );
        self.send_tracked(now, Purpose::Subscribe(id), text);
        true
    }

    fn send_read(&mut self, now: Now, id: SubId) -> bool {
        let (slot, serial) = (id.slot(), self.last_serial + 1);
        let Some(subscription) = self.registry.get_mut(id) else {
            return false;
        };
        if !subscription.begin_reading(serial, &self.held) {
            return false;
        }
        let wire = WireUid { slot, serial }.to_string();
        let (collection, spec) = (subscription.meta().collection_str(), subscription.spec());
        let text = outgoing::read(&wire, collection, spec.query.as_deref());
        self.send_tracked(now, Purpose::Read(id), text);
        true
    }

    /// Reads nothing of a collection, to find out whether it exists and may be read with
    /// the subscription's query. A server of 11.x does not answer a subscribe to a
    /// collection that does not exist, and does not say which one it refuses.
    fn send_check(&mut self, now: Now, id: SubId) -> bool {
        let (slot, serial) = (id.slot(), self.last_serial + 1);
        let Some(subscription) = self.registry.get(id).filter(|s| !s.is_registered()) else {
            return false;
        };
        let wire = WireUid { slot, serial }.to_string();
        let (collection, spec) = (subscription.meta().collection_str(), subscription.spec());
        let text = outgoing::check(&wire, collection, spec.query.as_deref());
        self.send_tracked(now, Purpose::Check(id), text);
        true
    }

    /// Sends a frame under the next serial, and waits for its reply.
    pub(super) fn send_tracked(&mut self, now: Now, purpose: Purpose, text: String) {
        let serial = self.next_serial();
        let deadline = now.mono + self.config.ack_timeout;
        self.in_flight.track(serial, purpose, now.mono, deadline);
        self.transmit(now, text);
    }
}
