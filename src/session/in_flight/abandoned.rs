//! Messages whose reply is not waited for any more, on the present link. It may still
//! come, and must not be taken for the reply to another one.

use std::collections::BTreeSet;

use super::Kind;

/// So many serials are remembered of requests, and of reads.
const MOST: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Abandoned {
    subscribe: bool,
    ended_subscription: bool,
    requests: BTreeSet<u64>,
    reads: BTreeSet<u64>,
    /// Abandoned unsubscribes are sent again under the same serial.
    unsubscribes: BTreeSet<u64>,
}

impl Abandoned {
    /// The reply to a message that was sent is not waited for any more.
    pub(super) fn add(&mut self, kind: Kind, serial: u64) {
        match kind {
            Kind::Subscribe => self.subscribe = true,
            Kind::Request => remember(&mut self.requests, serial),
            Kind::Read => remember(&mut self.reads, serial),
            Kind::Unsubscribe => {
                self.unsubscribes.insert(serial);
            }
        }
    }

    /// The server has forgotten a subscription.
    pub(super) fn end_subscription(&mut self) {
        self.ended_subscription = true;
    }

    /// A frame bears that serial.
    pub(super) fn on_reply(&mut self, serial: u64) {
        self.reads.remove(&serial);
        self.requests.remove(&serial);
    }

    /// The oldest reads were answered after all.
    pub(super) fn forget_reads(&mut self, count: usize) {
        for _ in 0..count {
            self.reads.pop_first();
        }
    }

    /// Whether a confirmation may be that of an abandoned unsubscribe, which is not
    /// expected any more then.
    pub(super) fn take_unsubscribe(&mut self, serial: u64) -> bool {
        self.unsubscribes.remove(&serial)
    }

    /// Whether the refusal of an abandoned subscribe may come.
    pub fn has_subscribe(&self) -> bool {
        self.subscribe
    }

    /// Whether an event, or an error in its place, may come of a subscription that has
    /// ended.
    pub fn has_ended_subscription(&self) -> bool {
        self.ended_subscription
    }

    /// Number of requests; some are never answered.
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Number of reads.
    pub fn reads(&self) -> usize {
        self.reads.len()
    }
}

fn remember(serials: &mut BTreeSet<u64>, serial: u64) {
    serials.insert(serial);
    if serials.len() > MOST {
        serials.pop_first();
    }
}
