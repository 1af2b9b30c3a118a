//! What is to be sent to the server, whose turn it is, and how fast it may go.
//!
//! There are four classes of messages: the application's own, unsubscribes, reads, and
//! subscribes. They take turns: where the server limits the rate, no class may keep
//! another one waiting for ever.

mod rate_limit;
mod send_queue;
#[cfg(test)]
mod tests;
mod unsubscribes;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

pub use self::rate_limit::Dropped;
use self::rate_limit::RateLimit;
pub use self::send_queue::Outgoing;
use self::send_queue::SendQueue;
use self::unsubscribes::Unsubscribes;
use crate::protocol::wire_uid::WireUid;
use crate::subscriptions::SubId;

/// Number of classes.
const CLASSES: usize = 4;
/// So many subscriptions that ended before they were sent may stay in their queue.
const MOST_ENDED: usize = 64;
/// An empty queue of subscriptions keeps memory for so many.
const SPARE: usize = 64;

/// A message that may go. The queues may name subscriptions that have ended, or do not need
/// it any more: these are left out without using up the turn of their class.
#[derive(Debug)]
pub enum Next {
    /// One of the application's.
    Outgoing(Outgoing),
    /// An unsubscribe, after so many attempts.
    Unsubscribe(WireUid, u32),
    /// The read of a snapshot, or of rows that events are about.
    Read(SubId),
    /// The read that shows whether a subscription can be read with its query.
    Check(SubId),
    /// A subscribe.
    Subscribe(SubId),
}

/// What else than the rate limit decides what may go: what is in flight.
#[derive(Clone, Copy, Debug)]
pub struct Permits {
    /// There is room for one more subscribe or read.
    pub has_room: bool,
    /// The items service may be asked something.
    pub items: bool,
    /// A subscribe may be sent.
    pub subscribe: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub struct Scheduler {
    outgoing: SendQueue,
    unsubscribes: Unsubscribes,
    reads: VecDeque<SubId>,
    checks: VecDeque<SubId>,
    subscribes: VecDeque<SubId>,
    /// The class whose turn it is.
    turn: usize,
    rate_limit: RateLimit,
}

impl Scheduler {
    /// Whether nothing waits to be sent.
    pub fn is_empty(&self) -> bool {
        self.outgoing.is_empty()
            && self.unsubscribes.is_empty()
            && self.reads.is_empty()
            && self.checks.is_empty()
            && self.subscribes.is_empty()
    }

    /// Takes out the next message that may go now. If it is sent, [`Scheduler::end_turn`]
    /// is called with it.
    pub fn next(&mut self, now: Duration, permits: Permits) -> Option<Next> {
        if self.wait_until(now).is_some() {
            return None;
        }
        (0..CLASSES).find_map(|n| self.next_of((self.turn + n) % CLASSES, permits))
    }

    fn next_of(&mut self, class: usize, permits: Permits) -> Option<Next> {
        match class {
            0 if permits.items => self.outgoing.pop().map(Next::Outgoing),
            1 => {
                let next = self.unsubscribes.pop();
                next.map(|(wire, tries)| Next::Unsubscribe(wire, tries))
            }
            2 if permits.items => {
                let read = if permits.has_room {
                    self.reads.pop_front()
                } else {
                    None
                };
                // A check needs no room: it may be what the subscribes that take the room
                // are waiting for.
                read.map(Next::Read)
                    .or_else(|| self.checks.pop_front().map(Next::Check))
            }
            3 if permits.subscribe && permits.has_room => {
                let next = self.subscribes.pop_front();
                if self.subscribes.is_empty() {
                    self.subscribes.shrink_to(SPARE);
                }
                next.map(Next::Subscribe)
            }
            _ => None,
        }
    }

    /// A message of this class was sent: it is the next one's turn.
    pub fn end_turn(&mut self, class: usize) {
        self.turn = (class + 1) % CLASSES;
    }

    /// Queues a message or request of the application's, behind the others. Returns its
    /// ticket for [`Scheduler::remove`].
    pub fn push(&mut self, message: Outgoing) -> u64 {
        self.outgoing.push(message)
    }

    /// Takes a message or request out, if it still waits.
    pub fn remove(&mut self, ticket: u64) {
        self.outgoing.remove(ticket);
    }

    /// Bytes of the application's messages that wait.
    pub fn waiting_bytes(&self) -> usize {
        self.outgoing.bytes()
    }

    /// Takes out the application's messages that may not wait for another link: all that
    /// were handed to one before, and what is beyond `limit` bytes.
    pub fn cut(&mut self, limit: u64) -> Vec<Outgoing> {
        self.outgoing.cut(limit)
    }

    /// The serials of the requests that wait.
    pub fn waiting_requests(&self) -> HashSet<u64> {
        self.outgoing.serials()
    }

    /// The server is to forget a wire uid; it was asked to so many times before.
    pub fn unsubscribe(&mut self, wire: WireUid, tries: u32) {
        self.unsubscribes.push(wire, tries);
    }

    /// Whether the server is still to be told to forget something.
    pub fn has_unsubscribes(&self) -> bool {
        !self.unsubscribes.is_empty()
    }

    /// The snapshot of a subscription is to be read, or the rows that its events are about.
    pub fn read(&mut self, id: SubId) {
        self.reads.push_back(id);
    }

    /// It is to be found out whether a subscription can be read with its query.
    pub fn check(&mut self, id: SubId) {
        self.checks.push_back(id);
    }

    /// A subscription is to be sent.
    pub fn subscribe(&mut self, id: SubId) {
        self.subscribes.push_back(id);
    }

    /// A subscription is to be sent before all others.
    pub fn subscribe_first(&mut self, id: SubId) {
        self.subscribes.push_front(id);
    }

    /// Drops ended subscriptions from the queue of those to be sent, if there may be many:
    /// `live` are not ended.
    pub fn drop_ended(&mut self, live: usize, is_live: impl Fn(SubId) -> bool) {
        if self.subscribes.len() > 2 * live + MOST_ENDED {
            self.subscribes.retain(|id| is_live(*id));
        }
    }

    /// There is a new link: these are to be sent on it.
    pub fn new_link(&mut self, subscriptions: Vec<SubId>) {
        self.rate_limit.new_link();
        self.subscribes = subscriptions.into();
    }

    /// The link is lost, and what the server knew with it. The application's messages wait.
    pub fn link_lost(&mut self) {
        self.unsubscribes.clear();
        self.reads.clear();
        self.checks.clear();
        self.subscribes.clear();
    }

    /// A message goes out, a scheduled one or another: the server counts them all.
    pub fn count_sent(&mut self, now: Duration) {
        self.rate_limit.sent(now);
    }

    /// When the next message may go: `None` for at once.
    pub fn wait_until(&mut self, now: Duration) -> Option<Duration> {
        self.rate_limit.wait_until(now)
    }

    /// The end of the pause after a dropped message, until [`Scheduler::resume`].
    pub fn paused_until(&self) -> Option<Duration> {
        self.rate_limit.paused_until()
    }

    /// See [`RateLimit::exceeded`].
    pub fn exceeded(
        &mut self,
        now: Duration,
        retry_after: Duration,
        answered_up_to: Duration,
        rng: &mut fastrand::Rng,
    ) {
        self.rate_limit
            .exceeded(now, retry_after, answered_up_to, rng);
    }

    /// The pause after dropped messages is over: what it has cost.
    pub fn resume(&mut self) -> Dropped {
        self.rate_limit.resume()
    }
}

impl Next {
    /// The class of the message, for [`Scheduler::end_turn`].
    pub fn class(&self) -> usize {
        match self {
            Next::Outgoing(_) => 0,
            Next::Unsubscribe(..) => 1,
            Next::Read(_) | Next::Check(_) => 2,
            Next::Subscribe(_) => 3,
        }
    }
}
