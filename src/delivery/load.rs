//! What events cost of the budget, and which of them are still to be delivered.

use super::{ENDED, Event, FLAG_ENDED, SubscriptionMeta};

/// What an event costs beside the text of its frame: its place in the queue and the frame's
/// bookkeeping.
pub(super) const OVERHEAD: u64 = 128;

/// Events and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Load {
    pub events: u64,
    pub bytes: u64,
}

impl Load {
    pub fn add(&mut self, other: Load) {
        self.events += other.events;
        self.bytes += other.bytes;
    }

    pub fn sub(&mut self, other: Load) {
        self.events = self.events.saturating_sub(other.events);
        self.bytes = self.bytes.saturating_sub(other.bytes);
    }

    pub fn minus(mut self, other: Load) -> Load {
        self.sub(other);
        self
    }
}

/// What an event costs. The final error of a refused subscription costs nothing, so that an
/// overflow never drops it: no INIT would follow.
pub(super) fn load_of(event: &Event) -> Load {
    if event.flags & FLAG_ENDED != 0 {
        return Load::default();
    }
    Load {
        events: 1,
        bytes: event.frame.len() as u64 + OVERHEAD,
    }
}

/// Whether an event is still to be delivered.
pub(super) fn is_due(event: &Event, meta: &SubscriptionMeta) -> bool {
    let epoch = meta.epoch();
    epoch == event.epoch || (event.flags & FLAG_ENDED != 0 && epoch != ENDED)
}

/// Bytes of events of one subscription and epoch that the consumer has delivered or dropped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub slot: u32,
    pub epoch: u32,
    pub bytes: u64,
}
