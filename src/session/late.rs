//! What was given up on the present link, and may yet be answered.

use std::collections::BTreeSet;

use super::ledger::Kind;

/// Reads that were given up are remembered, up to so many.
const MOST_READS: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub struct Late {
    subscribe: bool,
    request: bool,
    reads: BTreeSet<u64>,
    /// They are asked for again under the same serial.
    unsubscribes: BTreeSet<u64>,
}

impl Late {
    /// A message that was sent is not awaited any more.
    pub fn give_up(&mut self, kind: Kind, serial: u64) {
        match kind {
            Kind::Subscribe => self.subscribe = true,
            Kind::Request => self.request = true,
            Kind::Read => {
                self.reads.insert(serial);
                self.forget_reads(self.reads.len().saturating_sub(MOST_READS));
            }
            Kind::Unsubscribe => {
                self.unsubscribes.insert(serial);
            }
        }
    }

    /// Something came under that serial.
    pub fn hear(&mut self, serial: u64) {
        self.reads.remove(&serial);
    }

    /// Whether the refusal of a subscribe may come.
    pub fn has_subscribe(&self) -> bool {
        self.subscribe
    }

    /// Whether the answer to a request may come; some are never answered.
    pub fn has_request(&self) -> bool {
        self.request
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
