//! One table of deadlines. The router sets and stops them, and works off those that are
//! due in the order in which [`Timer`] declares them.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use super::LinkId;
use crate::subscriptions::SubId;

/// What there is to do at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// Close a draining link, though not all of its subscribes are answered.
    CloseDraining(LinkId),
    /// Make the next attempt to connect.
    Reconnect,
    /// The application has not given a token: stop waiting for it.
    TokenReply,
    /// The server has not answered an authentication: give the link up.
    AuthReply,
    /// Renew the authentication ahead of its end.
    Renew,
    /// The server has been silent: ask it, or give the link up.
    Heartbeat,
    /// The pause that the rate limiter asked for is over.
    LimitPause,
    /// The first reply that is awaited has not come in time.
    Reply,
    /// Try a subscription again that was refused or not answered.
    Resubscribe(SubId),
    /// Bring a subscription up to date after a pause.
    Resync(SubId),
    /// Read rows again whose last event may be wrong, if it is quiet.
    Recheck(SubId),
    /// Something that waits to be sent may be sent.
    Send,
}

/// How many kinds of timers there is only one of.
const SINGLE: usize = 8;

/// See the module.
#[derive(Debug, Default)]
pub struct Timers {
    single: [Option<Duration>; SINGLE],
    draining: Deadlines<LinkId>,
    resubscribes: Deadlines<SubId>,
    resyncs: Deadlines<SubId>,
    rechecks: Deadlines<SubId>,
}

impl Timers {
    /// Sets a deadline in place of the timer's earlier one, if it had one.
    pub fn set(&mut self, timer: Timer, at: Duration) {
        match timer {
            Timer::CloseDraining(link) => self.draining.set(link, at),
            Timer::Resubscribe(id) => self.resubscribes.set(id, at),
            Timer::Resync(id) => self.resyncs.set(id, at),
            Timer::Recheck(id) => self.rechecks.set(id, at),
            timer => self.set_or_stop(timer, Some(at)),
        }
    }

    /// Sets the deadline of a timer that there is one of, or stops it.
    pub fn set_or_stop(&mut self, timer: Timer, at: Option<Duration>) {
        if let Some(place) = timer.place() {
            self.single[place] = at;
        }
    }

    /// The deadline of a timer that there is one of.
    pub fn at(&self, timer: Timer) -> Option<Duration> {
        timer.place().and_then(|place| self.single[place])
    }

    /// Nothing is due at that timer's deadline any more.
    pub fn stop(&mut self, timer: Timer) {
        match timer {
            Timer::CloseDraining(link) => self.draining.stop(&link),
            Timer::Resubscribe(id) => self.resubscribes.stop(&id),
            Timer::Resync(id) => self.resyncs.stop(&id),
            Timer::Recheck(id) => self.rechecks.stop(&id),
            timer => self.set_or_stop(timer, None),
        }
    }

    /// The link is gone: stops what would have been done on it.
    pub fn stop_link(&mut self) {
        for timer in [
            Timer::Reconnect,
            Timer::TokenReply,
            Timer::AuthReply,
            Timer::Renew,
            Timer::Heartbeat,
        ] {
            self.stop(timer);
        }
        self.resubscribes = Deadlines::default();
        self.resyncs = Deadlines::default();
        self.rechecks = Deadlines::default();
    }

    /// The earliest deadline.
    pub fn next(&self) -> Option<Duration> {
        let keyed = [
            self.draining.next(),
            self.resubscribes.next(),
            self.resyncs.next(),
            self.rechecks.next(),
        ];
        self.single.into_iter().chain(keyed).flatten().min()
    }

    /// Takes out one timer that is due: the first in the order of [`Timer`], and of
    /// those that are alike, the one whose deadline came first.
    pub fn pop_due(&mut self, now: Duration) -> Option<Timer> {
        if let Some(link) = self.draining.pop_due(now) {
            return Some(Timer::CloseDraining(link));
        }
        for timer in [
            Timer::Reconnect,
            Timer::TokenReply,
            Timer::AuthReply,
            Timer::Renew,
            Timer::Heartbeat,
            Timer::LimitPause,
            Timer::Reply,
        ] {
            if self.take_due(timer, now) {
                return Some(timer);
            }
        }
        if let Some(id) = self.resubscribes.pop_due(now) {
            return Some(Timer::Resubscribe(id));
        }
        if let Some(id) = self.resyncs.pop_due(now) {
            return Some(Timer::Resync(id));
        }
        if let Some(id) = self.rechecks.pop_due(now) {
            return Some(Timer::Recheck(id));
        }
        self.take_due(Timer::Send, now).then_some(Timer::Send)
    }

    fn take_due(&mut self, timer: Timer, now: Duration) -> bool {
        let place = timer.place().map(|place| &mut self.single[place]);
        place.is_some_and(|at| at.take_if(|at| *at <= now).is_some())
    }
}

impl Timer {
    /// Its place among those of which there is one.
    fn place(self) -> Option<usize> {
        match self {
            Timer::Reconnect => Some(0),
            Timer::TokenReply => Some(1),
            Timer::AuthReply => Some(2),
            Timer::Renew => Some(3),
            Timer::Heartbeat => Some(4),
            Timer::LimitPause => Some(5),
            Timer::Reply => Some(6),
            Timer::Send => Some(7),
            Timer::CloseDraining(_)
            | Timer::Resubscribe(_)
            | Timer::Resync(_)
            | Timer::Recheck(_) => None,
        }
    }
}

/// Deadlines of timers that are alike, one for each key.
#[derive(Debug)]
struct Deadlines<K> {
    at: HashMap<K, Duration>,
    order: BTreeSet<(Duration, K)>,
}

impl<K: Copy + Eq + Hash + Ord> Deadlines<K> {
    fn set(&mut self, key: K, at: Duration) {
        self.stop(&key);
        self.at.insert(key, at);
        self.order.insert((at, key));
    }

    fn stop(&mut self, key: &K) {
        if let Some(at) = self.at.remove(key) {
            self.order.remove(&(at, *key));
        }
    }

    fn next(&self) -> Option<Duration> {
        self.order.first().map(|(at, _)| *at)
    }

    fn pop_due(&mut self, now: Duration) -> Option<K> {
        let (_, key) = self.order.first().copied().filter(|(at, _)| *at <= now)?;
        self.stop(&key);
        Some(key)
    }
}

impl<K> Default for Deadlines<K> {
    fn default() -> Self {
        Deadlines {
            at: HashMap::new(),
            order: BTreeSet::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn due_timers_come_in_the_declared_order_and_not_by_deadline() {
        let mut timers = Timers::default();
        timers.set(Timer::Heartbeat, at(1));
        timers.set(Timer::CloseDraining(8), at(3));
        timers.set(Timer::CloseDraining(9), at(2));
        timers.set(Timer::Reconnect, at(4));
        timers.set(Timer::Renew, at(6));
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(at(5))).collect();
        let expected = [
            Timer::CloseDraining(9),
            Timer::CloseDraining(8),
            Timer::Reconnect,
            Timer::Heartbeat,
        ];
        assert_eq!(due, expected);
        assert_eq!(timers.next(), Some(at(6)));
    }

    #[test]
    fn a_timer_has_one_deadline_and_none_once_it_is_stopped() {
        let mut timers = Timers::default();
        for timer in [Timer::Heartbeat, Timer::CloseDraining(1)] {
            timers.set(timer, at(1));
            timers.set(timer, at(2));
            assert_eq!(timers.next(), Some(at(2)), "{timer:?}");
            assert_eq!(timers.pop_due(at(1)), None, "{timer:?}");
            timers.stop(timer);
            assert_eq!(timers.next(), None, "{timer:?}");
        }
    }
}
