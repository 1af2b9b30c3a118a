//! The wire uids that the server is to forget, in order. Each is queued once, however many
//! reasons there are.

use std::collections::{HashSet, VecDeque};

use crate::protocol::wire_uid::WireUid;

/// See the module.
#[derive(Debug, Default)]
pub struct Unsubscribes {
    /// With the number of attempts so far.
    queue: VecDeque<(WireUid, u32)>,
    queued: HashSet<u64>,
}

impl Unsubscribes {
    /// Queues one that was sent so many times before, unless it is queued already.
    pub fn push(&mut self, wire: WireUid, tries: u32) {
        if self.queued.insert(wire.serial) {
            self.queue.push_back((wire, tries));
        }
    }

    /// Takes out the next one, and how often it was sent before.
    pub fn pop(&mut self) -> Option<(WireUid, u32)> {
        let next = self.queue.pop_front()?;
        self.queued.remove(&next.0.serial);
        Some(next)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The link is lost, and what the server knew with it.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.queued.clear();
    }
}
