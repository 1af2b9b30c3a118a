//! What was given up on the present link, and may yet be answered.

use std::collections::BTreeSet;

use super::ledger::Kind;

/// Of each kind, so many are remembered.
const MOST: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Late {
    subscribe: bool,
    /// A subscription has ended whose events may be on their way.
    event: bool,
    requests: BTreeSet<u64>,
    reads: BTreeSet<u64>,
    /// They are asked for again under the same serial.
    unsubscribes: BTreeSet<u64>,
}

impl Late {
    /// A message that was sent is not awaited any more.
    pub fn give_up(&mut self, kind: Kind, serial: u64) {
        match kind {
            Kind::Subscribe => self.subscribe = true,
            Kind::Request => remember(&mut self.requests, serial),
            Kind::Read => remember(&mut self.reads, serial),
            Kind::Unsubscribe => {
                self.unsubscribes.insert(serial);
            }
        }
    }

    /// A subscription has ended.
    pub fn end(&mut self) {
        self.event = true;
    }

    /// Something came under that serial.
    pub fn hear(&mut self, serial: u64) {
        self.reads.remove(&serial);
        self.requests.remove(&serial);
    }

    /// Whether the refusal of a subscribe may come.
    pub fn has_subscribe(&self) -> bool {
        self.subscribe
    }

    /// Whether an event of a subscription that has ended may come.
    pub fn has_event(&self) -> bool {
        self.event
    }

    /// Number of requests; some are never answered.
    pub fn requests(&self) -> usize {
        self.requests.len()
    }

    /// Number of reads.
    pub fn reads(&self) -> usize {
        self.reads.len()
    }

    /// As many reads, the oldest, are taken for answered.
    pub fn forget_reads(&mut self, most: usize) {
        for _ in 0..most {
            self.reads.pop_first();
        }
    }

    /// Whether a confirmation may be that of an unsubscribe which was given up. It is
    /// not expected any more.
    pub fn take_unsubscribe(&mut self, serial: u64) -> bool {
        self.unsubscribes.remove(&serial)
    }
}

fn remember(serials: &mut BTreeSet<u64>, serial: u64) {
    serials.insert(serial);
    if serials.len() > MOST {
        serials.pop_first();
    }
}
