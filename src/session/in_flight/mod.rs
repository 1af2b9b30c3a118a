//! What was sent on the present link and has not been answered yet.
//!
//! Each message that is answered has a serial, which its reply bears as part of its wire
//! uid. It is tracked here from when it is sent (an application's request: from when it
//! is queued) until
//!
//! - its reply comes ([`InFlight::complete`]),
//! - its deadline passes or its sender loses interest ([`InFlight::abandon`]): the reply
//!   may still come, which [`Abandoned`] remembers,
//! - the link is lost ([`InFlight::on_link_lost`]).
//!
//! Messages that are never answered (or whose reply is not looked at) are *untracked*:
//! only the times at which they were sent are kept, because the server's rate limiter may
//! have dropped one of them instead of a tracked one.

mod abandoned;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::time::Duration;

pub use self::abandoned::Abandoned;
use super::request::Request;
use crate::protocol::wire_uid::WireUid;
use crate::subscriptions::SubId;

/// The place in the wire uid of a request, where subscriptions have theirs.
pub const REQUEST_SLOT: u32 = u32::MAX;
/// The times of so many untracked messages are kept.
const MOST_UNTRACKED: usize = 1024;

/// What the reply to a message is for.
#[derive(Debug)]
pub enum Purpose {
    /// A subscription's INIT.
    Subscribe(SubId),
    /// The INIT of a subscription that has ended: the server can be told to forget it
    /// only after that.
    Orphan(WireUid),
    /// A snapshot.
    Read(SubId),
    /// Whether the items that some events are about exist.
    Settle(SubId),
    /// Rows that are read again, because their last event may be wrong.
    Recheck(SubId),
    /// Something that a live collection reads.
    Live(SubId),
    /// A probe: whether the query of a subscription that is not confirmed can be read.
    Check(SubId),
    /// The confirmation that the server has forgotten a wire uid.
    Unsubscribe {
        /// Which.
        wire: WireUid,
        /// How often it was asked for.
        tries: u32,
        /// How many confirmations are under way, if no message was dropped.
        unconfirmed: u32,
    },
    /// An application's request.
    Request(Box<Request>),
}

/// Purposes by what answers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Subscribes, also of subscriptions that have ended.
    Subscribe,
    /// Reads of the session's own.
    Read,
    /// The application's requests, and those of its messages that are answered.
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

impl Purpose {
    /// The place in the wire uid of the message.
    fn slot(&self) -> u32 {
        match self {
            Purpose::Subscribe(id)
            | Purpose::Read(id)
            | Purpose::Settle(id)
            | Purpose::Recheck(id)
            | Purpose::Live(id)
            | Purpose::Check(id) => id.slot(),
            Purpose::Orphan(wire) | Purpose::Unsubscribe { wire, .. } => wire.slot,
            Purpose::Request(_) => REQUEST_SLOT,
        }
    }

    /// See [`Kind`].
    pub fn kind(&self) -> Kind {
        match self {
            Purpose::Subscribe(_) | Purpose::Orphan(_) => Kind::Subscribe,
            Purpose::Read(_)
            | Purpose::Settle(_)
            | Purpose::Recheck(_)
            | Purpose::Live(_)
            | Purpose::Check(_) => Kind::Read,
            Purpose::Request(_) => Kind::Request,
            Purpose::Unsubscribe { .. } => Kind::Unsubscribe,
        }
    }
}

/// One unanswered message.
#[derive(Debug)]
pub struct Entry {
    /// What its reply is for.
    pub purpose: Purpose,
    /// When it was sent; `None` while it waits to be.
    pub sent: Option<Duration>,
    /// [`InFlight::batches`] by then.
    batches: u64,
    /// When its reply is no longer waited for.
    deadline: Duration,
}

impl Entry {
    /// Whether the session chooses how long to wait for the reply. It does unless the
    /// application waits for it, for as long as it has said.
    pub fn has_ack_timeout(&self) -> bool {
        !matches!(&self.purpose, Purpose::Request(request) if request.is_awaited())
    }

    /// Whether it was sent.
    pub fn is_sent(&self) -> bool {
        self.sent.is_some()
    }
}

/// All unanswered messages by their serials.
#[derive(Debug, Default)]
pub struct InFlight {
    // Few at a time: to compare their serials costs less than to hash one.
    entries: BTreeMap<u64, Entry>,
    deadlines: BTreeSet<(Duration, u64)>,
    /// Number of entries of each [`Kind`].
    counts: [usize; 4],
    /// Batches of frames that were received.
    batches: u64,
    /// See [`InFlight::answered_up_to`].
    answered_up_to: Duration,
    abandoned: Abandoned,
    /// When untracked messages were sent, the latest last.
    untracked: VecDeque<Duration>,
    /// The latest time that is not in `untracked` any more.
    forgotten: Option<Duration>,
}

impl InFlight {
    /// A message is sent now, in place of an earlier one of the same serial (an
    /// unsubscribe that is repeated).
    pub fn track(&mut self, serial: u64, purpose: Purpose, sent: Duration, deadline: Duration) {
        self.insert(serial, purpose, Some(sent), deadline);
    }

    /// A request waits to be sent.
    pub fn queue(&mut self, serial: u64, request: Request, deadline: Duration) {
        let purpose = Purpose::Request(Box::new(request));
        self.insert(serial, purpose, None, deadline);
    }

    fn insert(
        &mut self,
        serial: u64,
        purpose: Purpose,
        sent: Option<Duration>,
        deadline: Duration,
    ) {
        self.untrack(serial);
        self.counts[purpose.kind() as usize] += 1;
        self.deadlines.insert((deadline, serial));
        let batches = self.batches;
        let entry = Entry {
            purpose,
            sent,
            batches,
            deadline,
        };
        self.entries.insert(serial, entry);
    }

    /// A request that has waited is sent.
    pub fn mark_sent(&mut self, serial: u64, now: Duration) -> Option<&Entry> {
        let entry = self.entries.get_mut(&serial)?;
        (entry.sent, entry.batches) = (Some(now), self.batches);
        Some(entry)
    }

    /// A request waits to be sent once more, at that place of the send queue.
    pub fn requeue(&mut self, serial: u64, ticket: u64) {
        if let Some(entry) = self.entries.get_mut(&serial) {
            entry.sent = None;
            if let Purpose::Request(request) = &mut entry.purpose {
                request.ticket = ticket;
            }
        }
    }

    /// A subscription has ended before its INIT has come.
    pub fn orphan(&mut self, serial: u64, wire: WireUid) {
        if let Some(entry) = self.entries.get_mut(&serial) {
            entry.purpose = Purpose::Orphan(wire);
        }
    }

    /// Whether a reply under this wire uid answers no message: the serial is that of one under
    /// another place, so that bits of the uid must have changed on the way.
    pub fn is_corrupted(&self, wire: WireUid) -> bool {
        let entry = self.entries.get(&wire.serial);
        entry.is_some_and(|entry| entry.purpose.slot() != wire.slot)
    }

    /// The message is answered.
    pub fn complete(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.entries.remove(&serial)?;
        self.deadlines.remove(&(entry.deadline, serial));
        self.counts[entry.purpose.kind() as usize] -= 1;
        Some(entry)
    }

    /// A subscribe is answered. What was sent under its serial afterwards, to end the
    /// subscription, is not.
    pub fn complete_subscribe(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.entries.get(&serial)?;
        match entry.purpose {
            Purpose::Unsubscribe { .. } => None,
            _ => self.complete(serial),
        }
    }

    /// An unsubscribe was confirmed.
    pub fn on_unsubscribed(&mut self, serial: u64) {
        self.abandoned.end_subscription();
        let entry = self.entries.get_mut(&serial);
        if let Some(Purpose::Unsubscribe { unconfirmed, .. }) =
            entry.map(|entry| &mut entry.purpose)
        {
            *unconfirmed -= 1;
            if *unconfirmed == 0 {
                // It may be the reply to one that was abandoned.
                if self.abandoned.take_unsubscribe(serial) {
                    self.untrack(serial);
                } else {
                    self.complete(serial);
                }
            }
        }
    }

    /// The reply to the message is not waited for any more, though it may come.
    pub fn abandon(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.untrack(serial)?;
        if entry.is_sent() {
            self.abandoned.add(entry.purpose.kind(), serial);
        }
        Some(entry)
    }

    /// An unsubscribe may be confirmed though its serial is used for another one.
    pub fn abandon_unsubscribe(&mut self, serial: u64) {
        self.abandoned.add(Kind::Unsubscribe, serial);
    }

    /// The message is not waited for any more. Unlike [`InFlight::complete`], it is not
    /// certain that it was answered: it may be the one that a rate limiter has dropped.
    pub fn untrack(&mut self, serial: u64) -> Option<Entry> {
        let entry = self.complete(serial)?;
        if let Some(sent) = entry.sent {
            self.sent_untracked(sent);
        }
        Some(entry)
    }

    /// A message was sent whose reply is not waited for.
    pub fn sent_untracked(&mut self, sent: Duration) {
        if self.untracked.len() == MOST_UNTRACKED {
            self.forgotten = self.forgotten.max(self.untracked.pop_front());
        }
        self.untracked.push_back(sent);
    }

    /// Number of untracked messages since then; `None` where the times of some are
    /// forgotten.
    pub fn untracked_since(&self, begin: Duration) -> Option<usize> {
        if self.forgotten.is_some_and(|sent| sent >= begin) {
            return None;
        }
        Some(self.untracked.iter().filter(|sent| **sent >= begin).count())
    }

    /// The server has sent something, whatever it is.
    pub fn on_frames_received(&mut self) {
        self.batches += 1;
    }

    /// Whether nothing at all was received since a message was sent.
    pub fn is_silent_since(&self, serial: u64) -> bool {
        let entry = self.entries.get(&serial);
        entry.is_some_and(|entry| entry.batches == self.batches)
    }

    /// A frame bears that serial. To be called before what it answers is completed.
    pub fn on_reply(&mut self, serial: u64) {
        self.abandoned.on_reply(serial);
        if let Some(entry) = self.entries.get(&serial) {
            // Several unsubscribes of one serial look the same.
            if let (Some(sent), true) = (entry.sent, entry.purpose.kind() != Kind::Unsubscribe) {
                self.answered_up_to = self.answered_up_to.max(sent);
            }
        }
    }

    /// When the latest of the answered messages was sent. Whatever was sent before has
    /// reached the server, too, and its rate limiter has let it pass or dropped it.
    pub fn answered_up_to(&self) -> Duration {
        self.answered_up_to
    }

    /// Number of confirmations of an unsubscribe that are under way.
    pub fn unconfirmed(&self, serial: u64) -> u32 {
        match self.entries.get(&serial).map(|entry| &entry.purpose) {
            Some(Purpose::Unsubscribe { unconfirmed, .. }) => *unconfirmed,
            _ => 0,
        }
    }

    /// The unanswered message of that serial.
    pub fn get(&self, serial: u64) -> Option<&Entry> {
        self.entries.get(&serial)
    }

    /// Gives a message another deadline; `Duration::MAX` is none.
    pub fn set_deadline(&mut self, serial: u64, deadline: Duration) {
        if let Some(entry) = self.entries.get_mut(&serial) {
            self.deadlines.remove(&(entry.deadline, serial));
            entry.deadline = deadline;
            self.deadlines.insert((deadline, serial));
        }
    }

    /// Gives a message another deadline, if that is earlier than its own.
    pub fn shorten_deadline(&mut self, serial: u64, deadline: Duration) {
        let entry = self.entries.get(&serial);
        if entry.is_some_and(|entry| deadline < entry.deadline) {
            self.set_deadline(serial, deadline);
        }
    }

    /// The next deadline and its message.
    pub fn next_deadline(&self) -> Option<(Duration, u64)> {
        let first = self.deadlines.first().copied();
        first.filter(|(at, _)| *at < Duration::MAX)
    }

    /// When the latest of the unanswered messages of these kinds was sent.
    pub fn last_sent(&self, of: impl Fn(Kind) -> bool) -> Option<Duration> {
        let entries = self.entries.values();
        entries
            .filter(|entry| of(entry.purpose.kind()))
            .filter_map(|entry| entry.sent)
            .max()
    }

    /// Number of unanswered messages of a kind.
    pub fn count(&self, kind: Kind) -> usize {
        self.counts[kind as usize]
    }

    /// What was abandoned.
    pub fn abandoned(&self) -> &Abandoned {
        &self.abandoned
    }

    /// So many of the abandoned reads, the oldest, were answered after all.
    pub fn forget_abandoned_reads(&mut self, count: usize) {
        self.abandoned.forget_reads(count);
    }

    /// The serials of those that pass, in the order in which they were given out.
    pub fn select(&self, mut pass: impl FnMut(&Entry) -> bool) -> Vec<u64> {
        let passing = self.entries.iter().filter(|(_, entry)| pass(entry));
        passing.map(|(serial, _)| *serial).collect()
    }

    /// The link is lost: returns everything that was unanswered, in order, except what
    /// waits for the next link.
    pub fn on_link_lost(&mut self, waiting: &HashSet<u64>) -> Vec<Entry> {
        self.untracked.clear();
        self.forgotten = None;
        self.abandoned = Abandoned::default();
        self.answered_up_to = Duration::ZERO;
        let serials = self.select(|_| true);
        serials
            .into_iter()
            .filter(|serial| !waiting.contains(serial))
            .filter_map(|serial| self.complete(serial))
            .collect()
    }
}
