//! The wire uids that the server is to forget, in order, each of them once however
//! many reasons there are.

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
    /// Adds one after so many attempts, unless it waits already.
    pub fn push(&mut self, wire: WireUid, tries: u32) {
        if self.queued.insert(wire.serial) {
            self.queue.push_back((wire, tries));
        }
    }

    /// Takes the next.
    pub fn pop(&mut self) -> Option<(WireUid, u32)> {
        let next = self.queue.pop_front()?;
        self.queued.remove(&next.0.serial);
        Some(next)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The link is gone, and what it knew with it.
    pub fn clear(&mut self) {
        self.queue.clear();
        self.queued.clear();
    }
}
