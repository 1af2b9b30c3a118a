//! What was sent on the present link and has not been answered yet.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::late::Late;
use super::router::requests::Request;
use crate::protocol::wire_uid::WireUid;
use crate::subscriptions::SubId;

/// Messages without an awaited answer are remembered, up to so many.
const MOST_CASUAL: usize = 1024;

/// What an answer is awaited for.
#[derive(Debug)]
pub enum What {
    /// A subscription's INIT.
    Subscribe(SubId),
    /// The INIT of a subscription that nobody wants any more: only after it can
    /// the server be told to forget it.
    Orphan(WireUid),
    /// A snapshot.
    Read(SubId),
    /// Whether items are there that events tell of.
    Settle(SubId),
    /// Whether the collection of a subscription that is not answered exists.
    Check(SubId),
    /// The confirmation that a wire uid is forgotten.
    Unsubscribe {
        /// Which.
        wire: WireUid,
        /// How often it was asked for.
        tries: u32,
        /// How many confirmations are under way, if none of the messages was dropped.
        unconfirmed: u32,
    },
    /// An application's request.
    Request(Box<Request>),
}

/// The kinds of answers that errors without a uid can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Subscribes and orphans.
    Subscribe,
    /// Reads of the session's own.
    Read,
    /// The application's requests and messages.
    Request,
    /// Unsubscribes.
    Unsubscribe,
}

impl Kind {
    /// Whether the items service answers it.
    pub fn is_items(self) -> bool {
        matches!(self, Kind::Read | Kind::Request)
    }
}

impl What {
    /// See [`Kind`].
    pub fn kind(&self) -> Kind {
        match self {
            What::Subscribe(_) | What::Orphan(_) => Kind::Subscribe,
            What::Read(_) | What::Settle(_) | What::Check(_) => Kind::Read,
            What::Request(_) => Kind::Request,
            What::Unsubscribe { .. } => Kind::Unsubscribe,
        }
    }
}

/// An error that may have been meant for a message.
#[derive(Debug)]
pub struct Suspect {
    /// The error, as JSON.
    pub json: String,
    /// Nothing else that it could be the answer to was under way.
    pub alone: bool,
}

/// One unanswered message.
#[derive(Debug)]
pub struct Entry {
    /// What it was.
    pub what: What,
    /// When it went out.
    pub sent: Duration,
    /// How often the server had been heard by then.
    heard: u64,
    /// When its answer is given up.
    pub deadline: Duration,
    /// An error without a uid that may have been meant for it.
    pub suspect: Option<Suspect>,
}

impl Entry {
    /// Whether it is for us to say how long the answer is waited for, not for the
    /// application.
    pub fn is_of_ours(&self) -> bool {
        !matches!(&self.what, What::Request(request) if request.is_awaited())
    }

    /// Whether it has gone out at all.
    pub fn is_sent(&self) -> bool {
        self.sent != Duration::MAX
    }
}

/// All unanswered messages by their serials.
#[derive(Debug, Default)]
pub struct Ledger {
    entries: HashMap<u64, Entry>,
    deadlines: BTreeSet<(Duration, u64)>,
    counts: [usize; 4],
    /// How often the server was heard.
    heard: u64,
    /// When the youngest message went out of those that were answered. What went out
    /// before has reached the server, too, and been counted or dropped.
    reached: Duration,
    /// What was given up, and may yet be answered.
    pub late: Late,
    /// When messages went out whose answers nobody awaits, or no longer.
    casual: VecDeque<Duration>,
    /// When the last of those went out that are not remembered any more.
    forgotten: Option<Duration>,
}

impl Ledger {
    /// Enters a message that goes out now, in place of an earlier one of the same
    /// serial (an unsubscribe that is asked for twice).
    pub fn enter(&mut self, serial: u64, what: What, sent: Duration, deadline: Duration) {
        self.settle_doubtfully(serial);
        self.counts[what.kind() as usize] += 1;
        self.deadlines.insert((deadline, serial));
        self.entries.insert(
            serial,
            Entry {
                what,
                sent,
                heard: self.heard,
                deadline,
                suspect: None,
            },
        );
    }

    /// The message is answered, or given up.
    pub fn settle(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.entries.remove(&serial)?;
        self.deadlines.remove(&(entry.deadline, serial));
        self.counts[entry.what.kind() as usize] -= 1;
        Some(entry)
    }

    /// The message's answer is not awaited any more, though it may come.
    pub fn abandon(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.settle_doubtfully(serial)?;
        if entry.is_sent() {
            self.late.give_up(entry.what.kind(), serial);
        }
        Some(entry)
    }

    /// Not to be awaited any more, though what was heard, if anything, may be for another.
    pub fn settle_doubtfully(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.settle(serial)?;
        if entry.is_sent() {
            self.sent_casually(entry.sent);
        }
        Some(entry)
    }

    /// A message went out whose answer nobody awaits.
    pub fn sent_casually(&mut self, sent: Duration) {
        if self.casual.len() == MOST_CASUAL {
            self.forgotten = self.forgotten.max(self.casual.pop_front());
        }
        self.casual.push_back(sent);
    }

    /// Number of messages since then whose answers nobody awaits; `None` where some
    /// are not remembered.
    pub fn casual_since(&self, begin: Duration) -> Option<usize> {
        if self.forgotten.is_some_and(|sent| sent >= begin) {
            return None;
        }
        Some(self.casual.iter().filter(|sent| **sent >= begin).count())
    }

    /// The server is heard, whatever it says.
    pub fn hear_anything(&mut self) {
        self.heard += 1;
    }

    /// Whether nothing at all was heard since a message went out.
    pub fn is_silent_since(&self, serial: u64) -> bool {
        let entry = self.entries.get(&serial);
        entry.is_some_and(|entry| entry.heard == self.heard)
    }

    /// A message that has waited goes out.
    pub fn send(&mut self, serial: u64, now: Duration) -> Option<&Entry> {
        let heard = self.heard;
        let entry = self.entries.get_mut(&serial)?;
        (entry.sent, entry.heard) = (now, heard);
        Some(entry)
    }

    /// Something came under that serial. To be called before what it answers is settled.
    pub fn hear(&mut self, serial: u64) {
        self.late.hear(serial);
        if let Some(entry) = self.entries.get(&serial) {
            // Several unsubscribes of one serial look the same.
            if entry.is_sent() && entry.what.kind() != Kind::Unsubscribe {
                self.reached = self.reached.max(entry.sent);
            }
        }
    }

    /// See [`Ledger::hear`].
    pub fn reached(&self) -> Duration {
        self.reached
    }

    /// A subscribe is answered. What goes to the server under its serial afterwards,
    /// to end the subscription, is not.
    pub fn settle_subscribe(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.entries.get(&serial)?;
        match entry.what {
            What::Unsubscribe { .. } => None,
            _ => self.settle(serial),
        }
    }

    /// Number of confirmations of an unsubscribe that are under way.
    pub fn unconfirmed(&self, serial: u64) -> u32 {
        match self.entries.get(&serial).map(|entry| &entry.what) {
            Some(What::Unsubscribe { unconfirmed, .. }) => *unconfirmed,
            _ => 0,
        }
    }

    /// An unsubscribe was confirmed.
    pub fn confirm_unsubscribe(&mut self, serial: u64) {
        self.late.end();
        let entry = self.entries.get_mut(&serial);
        if let Some(What::Unsubscribe { unconfirmed, .. }) = entry.map(|entry| &mut entry.what) {
            *unconfirmed -= 1;
            if *unconfirmed == 0 {
                // It may be the answer to one that was given up.
                if self.late.take_unsubscribe(serial) {
                    self.settle_doubtfully(serial);
                } else {
                    self.settle(serial);
                }
            }
        }
    }

    /// The unanswered message of that serial.
    pub fn get_mut(&mut self, serial: u64) -> Option<&mut Entry> {
        self.entries.get_mut(&serial)
    }

    /// Gives a message another deadline.
    pub fn postpone(&mut self, serial: u64, deadline: Duration) {
        if let Some(entry) = self.entries.get_mut(&serial) {
            self.deadlines.remove(&(entry.deadline, serial));
            entry.deadline = deadline;
            self.deadlines.insert((deadline, serial));
        }
    }

    /// Gives a message an earlier deadline, if it is one.
    pub fn hasten(&mut self, serial: u64, deadline: Duration) {
        let entry = self.entries.get(&serial);
        if entry.is_some_and(|entry| deadline < entry.deadline) {
            self.postpone(serial, deadline);
        }
    }

    /// The next deadline and whose it is.
    pub fn next_deadline(&self) -> Option<(Duration, u64)> {
        let first = self.deadlines.first().copied();
        first.filter(|(at, _)| *at < Duration::MAX)
    }

    /// When the youngest of the unanswered messages of these kinds went out.
    pub fn last_sent(&self, of: impl Fn(Kind) -> bool) -> Option<Duration> {
        self.entries
            .values()
            .filter(|entry| of(entry.what.kind()) && entry.is_sent())
            .map(|entry| entry.sent)
            .max()
    }

    /// Number of unanswered messages of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.counts[kind as usize]
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The serials that pass, in the order in which they were given out.
    pub fn select(&self, mut pass: impl FnMut(&Entry) -> bool) -> Vec<u64> {
        let mut serials: Vec<u64> = self
            .entries
            .iter()
            .filter(|(_, e)| pass(e))
            .map(|(serial, _)| *serial)
            .collect();
        serials.sort_unstable();
        serials
    }

    /// The link is gone: everything that was unanswered, in order, but for those that
    /// wait for the next one.
    pub fn clear_except(&mut self, waiting: &HashSet<u64>) -> Vec<Entry> {
        self.casual.clear();
        self.forgotten = None;
        self.late = Late::default();
        self.reached = Duration::ZERO;
        let serials = self.select(|_| true);
        serials
            .into_iter()
            .filter(|serial| !waiting.contains(serial))
            .filter_map(|serial| self.settle(serial))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_is_entered_again_takes_the_place_of_the_first() {
        let mut ledger = Ledger::default();
        let wire = WireUid { slot: 0, serial: 7 };
        let what = || What::Unsubscribe {
            wire,
            tries: 1,
            unconfirmed: 1,
        };
        let second = Duration::from_secs(1);
        ledger.enter(7, what(), Duration::ZERO, second);
        ledger.enter(7, what(), second, 2 * second);
        assert_eq!(ledger.next_deadline(), Some((2 * second, 7)));
        assert!(ledger.settle(7).is_some());
        assert_eq!(ledger.next_deadline(), None);
        assert_eq!(ledger.count(what().kind()), 0);
    }

    #[test]
    fn what_was_forgotten_last_need_not_be_the_youngest() {
        let mut ledger = Ledger::default();
        ledger.sent_casually(Duration::from_secs(100));
        ledger.sent_casually(Duration::from_secs(80));
        for _ in 0..MOST_CASUAL {
            ledger.sent_casually(Duration::from_secs(101));
        }
        assert_eq!(ledger.casual_since(Duration::from_secs(90)), None);
    }
}
