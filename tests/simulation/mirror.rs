//! One subscription of the application: the copy that its callback keeps, and the rules
//! that every event is checked against.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use directus_realtime::handover::{EventKind, EventView, FLAG_ENDED, FLAG_SETTLED};
use directus_realtime::subscriptions::spec::ON_ALL;

use crate::journal::Journal;
use crate::order::{EventFilter, Order, Part, Row};
use crate::schedule::{Reaction, SubscribeOptions};
use crate::secrets;

/// The violations that the checks have found. Each begins with the name of its
/// invariant.
#[derive(Clone, Default)]
pub struct Violations(Arc<Mutex<Vec<String>>>);

impl Violations {
    pub fn add(&self, text: String) {
        self.0.lock().expect("no panic before").push(text);
    }

    pub fn first(&self) -> Option<String> {
        self.0.lock().expect("no panic before").first().cloned()
    }
}

/// Shared by all callbacks.
#[derive(Clone, Default)]
pub struct Shared {
    pub violations: Violations,
    pub journal: Journal,
    /// The sequence of the last event.
    pub sequence: Arc<Mutex<u64>>,
    /// Whether events were dropped in an overflow.
    pub overflowed: Arc<AtomicBool>,
    /// The requests that the application got a reply or an error for.
    pub finished_requests: Arc<Mutex<Vec<u64>>>,
    /// Whether the server has refused any message.
    pub refusals: Arc<AtomicBool>,
    /// The slots of subscriptions where the server has refused the subscribe or a read.
    pub refused: Arc<Mutex<HashSet<u32>>>,
    /// Whether it refuses all of them now.
    pub revoked: Arc<AtomicBool>,
    /// Whether events may show rows as they were before.
    pub stale: bool,
}

impl Shared {
    /// Whether callbacks receive everything that the server sends to their subscriptions.
    fn has_received_all(&self) -> bool {
        !self.overflowed.load(Ordering::SeqCst)
    }

    /// Whether the server has refused a read for the subscription in that slot.
    fn was_refused(&self, slot: u32) -> bool {
        let refused = self.refused.lock().expect("no panic before");
        refused.contains(&slot)
    }

    pub fn refuse(&self, slot: u32) {
        self.refused.lock().expect("no panic before").insert(slot);
    }

    /// Whether the subscription in a slot was refused. Clears it for the slot's next one.
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
    /// A snapshot was delivered.
    pub known: bool,
    /// Events were withheld since then, so the copy need not be right.
    pub withheld: bool,
    /// The server has refused it.
    pub refused: bool,
    /// The application has ended it: no more event may come.
    pub ended: bool,
    inits: u32,
    events: u32,
    pub order: Order,
    /// By id, the version that events have delivered since the last INIT.
    versions: HashMap<u32, u64>,
}

pub struct Mirror {
    pub number: u64,
    pub options: SubscribeOptions,
    copy: Mutex<Copy>,
    releases: AtomicUsize,
    shared: Shared,
}

impl Mirror {
    pub fn new(number: u64, options: &SubscribeOptions, shared: &Shared) -> Arc<Mirror> {
        Arc::new(Mirror {
            number,
            options: options.clone(),
            copy: Mutex::default(),
            releases: AtomicUsize::new(0),
            shared: shared.clone(),
        })
    }

    pub fn copy(&self) -> MutexGuard<'_, Copy> {
        self.copy.lock().expect("no panic before")
    }

    /// Adds the subscription's number to a violation.
    pub fn name(&self, violation: &str) -> String {
        let (invariant, text) = violation.split_once(": ").unwrap_or(("I8", violation));
        format!("{invariant}: subscription {}: {text}", self.number)
    }

    fn report(&self, text: &str) {
        self.shared.violations.add(self.name(text));
    }

    pub fn end(&self) {
        self.copy().ended = true;
    }

    pub fn releases(&self) -> usize {
        self.releases.load(Ordering::SeqCst)
    }

    pub fn release(&self) {
        if self.releases.fetch_add(1, Ordering::SeqCst) > 0 {
            self.report("I4: released twice");
        }
    }

    pub fn filter(&self) -> EventFilter {
        EventFilter {
            events: self.options.events,
            item: self.options.item,
        }
    }

    pub fn has_snapshots(&self) -> bool {
        self.options.events == ON_ALL
    }

    /// Checks an event and folds it. Returns the call that the callback makes then, if any.
    pub fn take(&self, event: &EventView<'_>) -> Option<Reaction> {
        let mut copy = self.copy();
        {
            let mut sequence = self.shared.sequence.lock().expect("no panic before");
            if event.sequence != *sequence + 1 {
                self.report(&format!("I2: event {} follows {sequence}", event.sequence));
            }
            *sequence = event.sequence;
        }
        if copy.ended || self.releases() > 0 {
            self.report("I4: an event after its end");
        }
        if copy.refused {
            self.report("I2: an event after the refusal");
        }
        let data = event.data.unwrap_or("null");
        if secrets::is_in(data) {
            self.report(&format!("I9: {data}"));
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
                    // The error may stand for a delete whose item cannot be read any more.
                    copy.order.lose_count();
                }
                copy.refused = event.flags & FLAG_ENDED != 0;
                Ok(())
            }
            _ if copy.inits == 0 => Err("I2: a change before the first INIT".into()),
            kind if event.flags & FLAG_SETTLED != 0 => self.settled(&mut copy, kind, data),
            EventKind::Delete => self.delete(&mut copy, data, part),
            kind => self.change(&mut copy, kind, data, part),
        };
        if let Err(violation) = verdict {
            self.report(&violation);
        }
        copy.events += 1;
        let due = |(at, reaction): (u32, Reaction)| (at == copy.events).then_some(reaction);
        self.options.reaction.and_then(due)
    }

    fn init(&self, copy: &mut Copy, data: &str) -> Result<(), String> {
        copy.inits += 1;
        copy.versions.clear();
        if !self.has_snapshots() {
            return copy.order.init(&[], false);
        }
        let rows = self.rows(data, self.options.item.is_none());
        let rows = rows.ok_or_else(|| format!("I7: an INIT with {data}"))?;
        copy.rows = rows.iter().map(|row| (row.id, row.v)).collect();
        (copy.known, copy.withheld) = (true, false);
        copy.order.init(&rows, !self.options.exact)
    }

    /// Rows were read again, and are not as they were told last.
    fn settled(&self, copy: &mut Copy, kind: EventKind, data: &str) -> Result<(), String> {
        if !self.options.settles {
            return Err(format!("I7: {kind:?} was read again: {data}"));
        }
        if kind == EventKind::Delete {
            let ids = self.deleted(data, copy.rows.is_empty());
            for id in ids.ok_or_else(|| format!("I7: a delete of {data}"))? {
                copy.rows.remove(&id);
            }
            return Ok(());
        }
        let rows = self.rows(data, self.options.per_message);
        for row in rows.ok_or_else(|| format!("I7: a change of {data}"))? {
            let twice = self.has_snapshots() && copy.rows.get(&row.id) == Some(&row.v);
            if kind == EventKind::Create && twice {
                return Err("I2: a row was found that the copy had already".into());
            }
            copy.order.found(row.id);
            copy.versions.insert(row.id, row.v);
            copy.rows.insert(row.id, row.v);
        }
        Ok(())
    }

    /// The rows of an array, or of a single item.
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
        if self.options.item.is_some_and(|item| !ids.contains(&item)) {
            return Err(format!("I7: a delete of {data}"));
        }
        for id in &ids {
            copy.rows.remove(id);
        }
        let first = ids.first().copied().unwrap_or_default();
        copy.order
            .delete(first, part, &self.filter(), &self.shared.journal)
    }

    fn deleted(&self, data: &str, may_be_text: bool) -> Option<Vec<u32>> {
        let key = |key: &serde_json::Value| match key.as_str() {
            Some(text) => text.parse().ok(),
            None => key.as_u64().map(|key| key as u32),
        };
        let value: serde_json::Value = serde_json::from_str(data).ok()?;
        if self.options.per_message {
            return value.as_array()?.iter().map(key).collect();
        }
        // Once an item was seen, the key must be a number as in the item.
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
        let rows = self.rows(data, self.options.per_message);
        let rows = rows.filter(|rows| !rows.is_empty());
        let rows = rows.ok_or_else(|| format!("I7: a change of {data}"))?;
        let bit = if kind == EventKind::Create { 1 } else { 2 };
        let is_other = |row: &Row| self.options.item.is_some_and(|item| item != row.id);
        if self.options.events & bit == 0 || rows.iter().any(is_other) {
            return Err(format!("I7: {kind:?} was not asked for: {data}"));
        }
        let whole = !self.has_snapshots() && self.shared.has_received_all();
        let (filter, journal) = (self.filter(), &self.shared.journal);
        copy.order.change(&rows[0], part, &filter, whole, journal)?;
        for row in rows {
            let before = copy.versions.insert(row.id, row.v);
            if before.is_some_and(|before| before > row.v) && !self.shared.stale {
                return Err("I2: an older event behind a newer one".into());
            }
            // With other content it may be a new row with that id.
            let twice = self.has_snapshots() && copy.rows.get(&row.id) == Some(&row.v);
            if kind == EventKind::Create && twice {
                return Err("I2: a create that the copy had already".into());
            }
            copy.rows.insert(row.id, row.v);
        }
        Ok(())
    }
}
