//! Events that are held back: for the snapshot that they follow, or until a read has
//! shown whether the first of them is still true.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::deleted_keys::Arrival;
use crate::handover::Event;

/// The bytes of all events that a client holds back, shared by every [`HeldEvents`].
#[derive(Clone, Debug, Default)]
pub struct HeldBytes(Arc<AtomicUsize>);

impl HeldBytes {
    /// How many there are.
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The events that one subscription holds back, with the time of each one's arrival,
/// oldest first.
// Boxed: few subscriptions hold events at a time.
#[derive(Debug)]
pub struct HeldEvents(Box<List>);

#[derive(Debug)]
struct List {
    events: VecDeque<(Arrival, Event)>,
    bytes: usize,
    total: HeldBytes,
}

impl HeldEvents {
    /// An empty list whose events will count in `total`.
    pub fn new(total: &HeldBytes) -> HeldEvents {
        HeldEvents(Box::new(List {
            events: VecDeque::new(),
            bytes: 0,
            total: total.clone(),
        }))
    }

    /// Adds an event behind the others.
    pub fn push(&mut self, at: Arrival, event: Event) {
        self.count(&event);
        self.0.events.push_back((at, event));
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.events.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.events.is_empty()
    }

    /// The events, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &(Arrival, Event)> {
        self.0.events.iter()
    }

    /// Takes the oldest event out.
    pub fn pop(&mut self) -> Option<(Arrival, Event)> {
        let (at, event) = self.0.events.pop_front()?;
        self.0.bytes -= event.frame.len();
        self.0
            .total
            .0
            .fetch_sub(event.frame.len(), Ordering::Relaxed);
        Some((at, event))
    }

    /// Puts an event that was popped back in front of the others.
    pub fn put_back(&mut self, at: Arrival, event: Event) {
        self.count(&event);
        self.0.events.push_front((at, event));
    }

    fn count(&mut self, event: &Event) {
        self.0.bytes += event.frame.len();
        self.0
            .total
            .0
            .fetch_add(event.frame.len(), Ordering::Relaxed);
    }
}

impl Drop for List {
    fn drop(&mut self) {
        self.total.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}
