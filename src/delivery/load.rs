//! What events weigh, and which of them are still to be delivered.

use super::{ENDED, Event, FLAG_ENDED, SubscriptionMeta};

/// What an event costs beside its frame: its place in the queue, and what its
/// frame needs beside the text.
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

/// What an event weighs. A refused subscription's last word weighs nothing and
/// is never dropped for want of room: no INIT would follow it.
pub(super) fn load_of(event: &Event) -> Load {
    if event.flags & FLAG_ENDED != 0 {
        return Load::default();
    }
    Load {
        events: 1,
        bytes: event.frame.len() as u64 + OVERHEAD,
    }
}

/// Whether an event is to be delivered still.
pub(super) fn is_due(event: &Event, meta: &SubscriptionMeta) -> bool {
    let epoch = meta.epoch();
    epoch == event.epoch || (event.flags & FLAG_ENDED != 0 && epoch != ENDED)
}

/// Events of one subscription and epoch that the consumer has done with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Done {
    pub slot: u32,
    pub epoch: u32,
    pub bytes: u64,
}
