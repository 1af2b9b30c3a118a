//! The application: every subscription's copy of the collection, and what it has
//! to complain about.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use directus_realtime::error::Status;
use directus_realtime::handover::{
    EventKind, EventSink, EventView, FLAG_ENDED, FLAG_RESYNC, ReplySink, State, StateSink,
};
use serde::Deserialize;

/// What was found wrong, shared by everything that looks.
#[derive(Clone, Default)]
pub struct Complaints(Arc<Mutex<Vec<String>>>);

impl Complaints {
    pub fn add(&self, text: String) {
        self.0.lock().expect("no panic before").push(text);
    }

    pub fn first(&self) -> Option<String> {
        self.0.lock().expect("no panic before").first().cloned()
    }
}

#[derive(Deserialize)]
struct Row {
    id: u32,
    #[serde(default)]
    v: u64,
    /// The registration that the event comes from.
    r: Option<u64>,
}

#[derive(Default)]
pub struct Copy {
    pub rows: BTreeMap<u32, u64>,
    /// There was a snapshot.
    pub known: bool,
    /// Events were withheld since: the copy need not be right.
    pub withheld: bool,
    /// The server has refused it.
    pub refused: bool,
    /// The application has ended it: nothing may come any more.
    pub ended: bool,
    pub inits: u64,
    /// The registration of the last change, and whether an INIT came behind it.
    registration: Option<u64>,
    fresh: bool,
    /// By id, what events have told since the last INIT.
    told: HashMap<u32, u64>,
}

/// One subscription.
pub struct Mirror {
    pub name: String,
    pub changes_only: bool,
    pub exact: bool,
    pub copy: Mutex<Copy>,
    releases: AtomicUsize,
    complaints: Complaints,
    sequence: Arc<Mutex<u64>>,
    overflowed: Arc<AtomicBool>,
}

impl Mirror {
    pub fn new(
        name: String,
        changes_only: bool,
        exact: bool,
        complaints: &Complaints,
        sequence: &Arc<Mutex<u64>>,
        overflowed: &Arc<AtomicBool>,
    ) -> Arc<Mirror> {
        Arc::new(Mirror {
            name,
            changes_only,
            exact,
            copy: Mutex::default(),
            releases: AtomicUsize::new(0),
            complaints: complaints.clone(),
            sequence: Arc::clone(sequence),
            overflowed: Arc::clone(overflowed),
        })
    }

    fn complain(&self, text: &str) {
        self.complaints.add(format!("{}: {text}", self.name));
    }

    pub fn end(&self) {
        self.copy.lock().expect("no panic before").ended = true;
    }

    pub fn releases(&self) -> usize {
        self.releases.load(Ordering::SeqCst)
    }

    fn take(&self, event: &EventView<'_>) {
        let mut copy = self.copy.lock().expect("no panic before");
        let mut sequence = self.sequence.lock().expect("no panic before");
        if event.sequence != *sequence + 1 {
            self.complain(&format!("I2: event {} follows {sequence}", event.sequence));
        }
        *sequence = event.sequence;
        if copy.ended || self.releases() > 0 {
            self.complain("I4: an event after its end");
        }
        if copy.refused {
            self.complain("I2: an event after the refusal");
        }
        let data = event.data.unwrap_or("null");
        match event.kind {
            EventKind::Init => self.init(&mut copy, data, event.flags),
            EventKind::Error => {
                copy.withheld = true;
                copy.refused = event.flags & FLAG_ENDED != 0;
            }
            _ if copy.inits == 0 => self.complain("I2: a change before the first INIT"),
            EventKind::Delete => self.delete(&mut copy, data),
            kind => self.change(&mut copy, kind, data),
        }
    }

    fn init(&self, copy: &mut Copy, data: &str, flags: u32) {
        let resync = flags & FLAG_RESYNC != 0;
        // The very first may have been lost for want of room.
        let first_was_lost = resync && self.overflowed.load(Ordering::SeqCst);
        if resync != (copy.inits > 0) && !first_was_lost {
            self.complain(&format!("I3: INIT {} has RESYNC {resync}", copy.inits + 1));
        }
        copy.inits += 1;
        copy.fresh = true;
        copy.told.clear();
        if self.changes_only {
            return;
        }
        match serde_json::from_str::<Vec<Row>>(data) {
            Ok(rows) => {
                copy.rows = rows.iter().map(|row| (row.id, row.v)).collect();
                (copy.known, copy.withheld) = (true, false);
            }
            Err(_) => self.complain(&format!("I7: an INIT with {data}")),
        }
    }

    fn delete(&self, copy: &mut Copy, data: &str) {
        // A number, as the items have it, once one was seen.
        match serde_json::from_str::<Row>(data) {
            Ok(row) => {
                copy.rows.remove(&row.id);
            }
            Err(_) if copy.rows.is_empty() => {}
            Err(_) => self.complain(&format!("I7: a delete of {data}")),
        }
    }

    fn change(&self, copy: &mut Copy, kind: EventKind, data: &str) {
        let Ok(row) = serde_json::from_str::<Row>(data) else {
            return self.complain(&format!("I7: a change of {data}"));
        };
        if row.r != copy.registration {
            if !copy.fresh {
                self.complain("I3: a change from another registration without an INIT before");
            }
            copy.registration = row.r;
        }
        copy.fresh = false;
        if copy
            .told
            .insert(row.id, row.v)
            .is_some_and(|before| before > row.v)
        {
            self.complain("I2: an older event behind a newer one");
        }
        if kind == EventKind::Create && !self.changes_only && copy.rows.contains_key(&row.id) {
            self.complain("I2: a create told twice");
        }
        copy.rows.insert(row.id, row.v);
    }
}

/// The callback of a mirror. It is released when this is dropped.
pub struct Sink(pub Arc<Mirror>);

impl EventSink for Sink {
    fn event(&self, event: &EventView<'_>) {
        self.0.take(event);
    }

    fn drain_key(&self) -> u64 {
        0
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        if self.0.releases.fetch_add(1, Ordering::SeqCst) > 0 {
            self.0.complain("I4: released twice");
        }
    }
}

/// Follows the states (I5).
pub struct States {
    pub last: Mutex<State>,
    pub complaints: Complaints,
}

impl StateSink for States {
    fn state(&self, state: State, _: Status, message: &str) {
        let mut last = self.last.lock().expect("no panic before");
        if !is_arrow(*last, state) {
            let text = format!("I5: from {last:?} to {state:?} ({message})");
            self.complaints.add(text);
        }
        if message.contains("s3cret") {
            self.complaints.add(format!("I9: {message}"));
        }
        if message.is_empty() {
            self.complaints
                .add(format!("I5: {state:?} without a reason"));
        }
        *last = state;
    }
}

fn is_arrow(from: State, to: State) -> bool {
    use State::{Authenticating, Backoff, Closed, Connected, Connecting, Failed, Idle};
    match (from, to) {
        _ if from == to => false,
        (Closed, _) => false,
        (_, Closed) => true,
        (Idle | Failed | Backoff, Connecting | Authenticating) => true,
        (Backoff, Idle | Failed) | (Failed, Idle) => true,
        (Connecting, Authenticating | Connected | Backoff | Failed | Idle) => true,
        (Authenticating, Connecting | Connected | Backoff | Failed | Idle) => true,
        (Connected, Connecting | Authenticating | Backoff | Failed | Idle) => true,
        _ => false,
    }
}

/// A request's callback: once, and released once.
pub struct Reply {
    pub replies: Arc<AtomicUsize>,
    pub complaints: Complaints,
}

impl ReplySink for Reply {
    fn reply(&self, _: Status, json: &str) {
        if self.replies.fetch_add(1, Ordering::SeqCst) > 0 {
            self.complaints
                .add("I4: a request was answered twice".into());
        }
        if json.contains("s3cret") {
            self.complaints.add(format!("I9: {json}"));
        }
    }
}
