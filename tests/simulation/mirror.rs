//! One subscription of the application's: its copy of the collection, and what a
//! callback may see.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use directus_realtime::handover::{EventKind, EventView, FLAG_ENDED};
use directus_realtime::subscriptions::subscription::ON_ALL;

use crate::journal::Journal;
use crate::order::{Order, Part, Row, Wants};
use crate::schedule::{Reaction, Wanted};
use crate::secrets;

/// What was found wrong, shared by everything that looks. It begins with the name of
/// the invariant.
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

/// What all callbacks share.
#[derive(Clone, Default)]
pub struct Shared {
    pub complaints: Complaints,
    pub journal: Journal,
    /// The number of the last event.
    pub sequence: Arc<Mutex<u64>>,
    /// Whether events were lost for want of room.
    pub overflowed: Arc<AtomicBool>,
    /// The requests whose end the application was told.
    pub over: Arc<Mutex<Vec<u64>>>,
    /// Whether the server has refused something.
    pub refusals: Arc<AtomicBool>,
    /// The places of subscriptions that the server has refused, or a read for them.
    pub refused: Arc<Mutex<HashSet<u32>>>,
    /// Whether it would refuse all of them.
    pub revoked: Arc<AtomicBool>,
}

impl Shared {
    /// Whether callbacks hear all that the server says to their subscriptions.
    fn has_heard_all(&self) -> bool {
        !self.overflowed.load(Ordering::SeqCst)
    }

    /// Whether the server has refused to read for the subscription in that place.
    fn was_refused(&self, slot: u32) -> bool {
        let refused = self.refused.lock().expect("no panic before");
        refused.contains(&slot)
    }

    pub fn refuse(&self, slot: u32) {
        self.refused.lock().expect("no panic before").insert(slot);
    }

    /// Whether the subscription in a place was refused. The next one there was not.
    pub fn take_refused(&self, slot: u32) -> bool {
        self.refused.lock().expect("no panic before").remove(&slot)
    }

    pub fn is_revoked(&self) -> bool {
        self.revoked.load(Ordering::SeqCst)
    }
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
    inits: u32,
    events: u32,
    pub order: Order,
    /// By id, what events have told since the last INIT.
    told: HashMap<u32, u64>,
}

pub struct Mirror {
    pub number: u64,
    pub wanted: Wanted,
    copy: Mutex<Copy>,
    releases: AtomicUsize,
    shared: Shared,
}

impl Mirror {
    pub fn new(number: u64, wanted: &Wanted, shared: &Shared) -> Arc<Mirror> {
        Arc::new(Mirror {
            number,
            wanted: wanted.clone(),
            copy: Mutex::default(),
            releases: AtomicUsize::new(0),
            shared: shared.clone(),
        })
    }

    pub fn copy(&self) -> MutexGuard<'_, Copy> {
        self.copy.lock().expect("no panic before")
    }

    /// With the name of the subscription.
    pub fn name(&self, complaint: &str) -> String {
        let (invariant, text) = complaint.split_once(": ").unwrap_or(("I8", complaint));
        format!("{invariant}: subscription {}: {text}", self.number)
    }

    fn complain(&self, text: &str) {
        self.shared.complaints.add(self.name(text));
    }

    pub fn end(&self) {
        self.copy().ended = true;
    }

    pub fn releases(&self) -> usize {
        self.releases.load(Ordering::SeqCst)
    }

    pub fn release(&self) {
        if self.releases.fetch_add(1, Ordering::SeqCst) > 0 {
            self.complain("I4: released twice");
        }
    }

    pub fn wants(&self) -> Wants {
        Wants {
            events: self.wanted.events,
            item: self.wanted.item,
        }
    }

    pub fn has_snapshots(&self) -> bool {
        self.wanted.events == ON_ALL
    }

    /// Takes an event; what the callback then does, if anything.
    pub fn take(&self, event: &EventView<'_>) -> Option<Reaction> {
        let mut copy = self.copy();
        {
            let mut sequence = self.shared.sequence.lock().expect("no panic before");
            if event.sequence != *sequence + 1 {
                self.complain(&format!("I2: event {} follows {sequence}", event.sequence));
            }
            *sequence = event.sequence;
        }
        if copy.ended || self.releases() > 0 {
            self.complain("I4: an event after its end");
        }
        if copy.refused {
            self.complain("I2: an event after the refusal");
        }
        let data = event.data.unwrap_or("null");
        if secrets::is_told_in(data) {
            self.complain(&format!("I9: {data}"));
        }
        let part = Part {
            index: event.index,
            count: event.count,
        };
        let verdict = match event.kind {
            EventKind::Init => self.init(&mut copy, data),
            EventKind::Error => {
                copy.withheld = true;
                if self.shared.was_refused(event.subscription.slot) {
                    // It is a delete's, perhaps, whose item may not be read any more.
                    copy.order.lose_count();
                }
                copy.refused = event.flags & FLAG_ENDED != 0;
                Ok(())
            }
            _ if copy.inits == 0 => Err("I2: a change before the first INIT".into()),
            EventKind::Delete => self.delete(&mut copy, data, part),
            kind => self.change(&mut copy, kind, data, part),
        };
        if let Err(complaint) = verdict {
            self.complain(&complaint);
        }
        copy.events += 1;
        let due = |(at, reaction): (u32, Reaction)| (at == copy.events).then_some(reaction);
        self.wanted.reaction.and_then(due)
    }

    fn init(&self, copy: &mut Copy, data: &str) -> Result<(), String> {
        copy.inits += 1;
        copy.told.clear();
        if !self.has_snapshots() {
            return copy.order.init(&[], false);
        }
        let rows = self.rows(data, self.wanted.item.is_none());
        let rows = rows.ok_or_else(|| format!("I7: an INIT with {data}"))?;
        copy.rows = rows.iter().map(|row| (row.id, row.v)).collect();
        (copy.known, copy.withheld) = (true, false);
        copy.order.init(&rows, !self.wanted.exact)
    }

    /// An array or an item.
    fn rows(&self, data: &str, array: bool) -> Option<Vec<Row>> {
        if array {
            return serde_json::from_str(data).ok();
        }
        let row: Option<Row> = serde_json::from_str(data).ok()?;
        Some(row.into_iter().collect())
    }

    fn delete(&self, copy: &mut Copy, data: &str, part: Part) -> Result<(), String> {
        let ids = self.deleted(data, copy.rows.is_empty());
        let ids = ids.ok_or_else(|| format!("I7: a delete of {data}"))?;
        if self.wanted.item.is_some_and(|item| !ids.contains(&item)) {
            return Err(format!("I7: a delete of {data}"));
        }
        for id in &ids {
            copy.rows.remove(id);
        }
        let first = ids.first().copied().unwrap_or_default();
        copy.order
            .delete(first, part, &self.wants(), &self.shared.journal)
    }

    fn deleted(&self, data: &str, may_be_text: bool) -> Option<Vec<u32>> {
        let key = |key: &serde_json::Value| match key.as_str() {
            Some(text) => text.parse().ok(),
            None => key.as_u64().map(|key| key as u32),
        };
        let value: serde_json::Value = serde_json::from_str(data).ok()?;
        if self.wanted.per_message {
            return value.as_array()?.iter().map(key).collect();
        }
        // A number, as the items have it, once one was seen.
        let id = value.get("id")?;
        (id.is_u64() || may_be_text).then(|| Some(vec![key(id)?]))?
    }

    fn change(
        &self,
        copy: &mut Copy,
        kind: EventKind,
        data: &str,
        part: Part,
    ) -> Result<(), String> {
        let rows = self.rows(data, self.wanted.per_message);
        let rows = rows.filter(|rows| !rows.is_empty());
        let rows = rows.ok_or_else(|| format!("I7: a change of {data}"))?;
        let bit = if kind == EventKind::Create { 1 } else { 2 };
        let is_other = |row: &Row| self.wanted.item.is_some_and(|item| item != row.id);
        if self.wanted.events & bit == 0 || rows.iter().any(is_other) {
            return Err(format!("I7: {kind:?} was not asked for: {data}"));
        }
        let whole = !self.has_snapshots() && self.shared.has_heard_all();
        let (wants, journal) = (self.wants(), &self.shared.journal);
        copy.order.change(&rows[0], part, &wants, whole, journal)?;
        for row in rows {
            let before = copy.told.insert(row.id, row.v);
            if before.is_some_and(|before| before > row.v) {
                return Err("I2: an older event behind a newer one".into());
            }
            // With other content it may be another row, for all that the client knows.
            let twice = self.has_snapshots() && copy.rows.get(&row.id) == Some(&row.v);
            if kind == EventKind::Create && twice {
                return Err("I2: a create told twice".into());
            }
            copy.rows.insert(row.id, row.v);
        }
        Ok(())
    }
}
