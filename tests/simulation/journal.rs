//! What the server has said to each registration, message by message.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use directus_realtime::handover::EventKind;

/// One message.
pub struct Said {
    pub kind: EventKind,
    pub ids: Vec<u32>,
    /// It is about rows that were gone, and comes late: it need not be told.
    pub late: bool,
}

/// By registration. Whoever hears it looks up what it should have heard.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<HashMap<u64, Vec<Said>>>>);

impl Journal {
    /// Notes a message; its number, from 1.
    pub fn note(&self, registration: u64, kind: EventKind, ids: Vec<u32>, late: bool) -> usize {
        let mut all = self.lock();
        let said = all.entry(registration).or_default();
        said.push(Said { kind, ids, late });
        said.len()
    }

    /// The number that the next message will have.
    pub fn next(&self, registration: u64) -> usize {
        self.lock().get(&registration).map_or(0, Vec::len) + 1
    }

    /// The number of the message that has told of an item's create.
    pub fn create_of(&self, registration: u64, id: u32) -> Option<usize> {
        let all = self.lock();
        let is_it = |said: &Said| said.kind == EventKind::Create && said.ids.contains(&id);
        let at = all.get(&registration)?.iter().position(is_it)?;
        Some(at + 1)
    }

    pub fn lock(&self) -> MutexGuard<'_, HashMap<u64, Vec<Said>>> {
        self.0.lock().expect("no panic before")
    }
}
