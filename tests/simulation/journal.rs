//! Every message that the server has sent to each registration.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use directus_realtime::handover::EventKind;

/// One message.
pub struct SentMessage {
    pub kind: EventKind,
    pub ids: Vec<u32>,
    /// It is late, and about rows that were deleted before: it need not be delivered.
    pub late: bool,
}

/// By registration. The checks compare with it what was delivered.
#[derive(Clone, Default)]
pub struct Journal(Arc<Mutex<HashMap<u64, Vec<SentMessage>>>>);

impl Journal {
    /// Records a message. Returns its number, from 1.
    pub fn note(&self, registration: u64, kind: EventKind, ids: Vec<u32>, late: bool) -> usize {
        let mut all = self.lock();
        let sent = all.entry(registration).or_default();
        sent.push(SentMessage { kind, ids, late });
        sent.len()
    }

    /// The number that the next message will have.
    pub fn next(&self, registration: u64) -> usize {
        self.lock().get(&registration).map_or(0, Vec::len) + 1
    }

    /// The number of the message with an item's create.
    pub fn create_of(&self, registration: u64, id: u32) -> Option<usize> {
        let all = self.lock();
        let is_it = |sent: &SentMessage| sent.kind == EventKind::Create && sent.ids.contains(&id);
        let at = all.get(&registration)?.iter().position(is_it)?;
        Some(at + 1)
    }

    pub fn lock(&self) -> MutexGuard<'_, HashMap<u64, Vec<SentMessage>>> {
        self.0.lock().expect("no panic before")
    }
}
