//! Which of the reported rows are read once more, and the events that say what they are.

use std::time::Duration;

use super::Subscription;
use super::judge::part;
use super::phase::Phase;
use crate::handover::{Event, EventKind, FLAG_SETTLED};
use crate::protocol::incoming::Change;
use crate::protocol::outgoing::{Extent, extent};
use crate::protocol::{Frame, items};
use crate::subscriptions::deleted_keys::Arrival;
use crate::subscriptions::highest_key::HighestKey;
use crate::subscriptions::rechecks::{
    Allowance, Corrections, Created, HeldKeys, LONGEST, Passed, Recheck, Rechecks,
};

/// Nothing was delivered without being looked at, as [`Subscription`] has it.
pub(super) const NEVER: u64 = u64::MAX;

impl Subscription {
    /// Whether rows are read again whose last event may be wrong.
    #[inline]
    pub fn rechecks_rows(&self) -> bool {
        self.spec.settle.is_some()
    }

    /// Whether rows are looked for that were created without being reported.
    pub(super) fn finds_lost_creates(&self) -> bool {
        self.rechecks_rows() && !self.watches_item() && self.spec.wants(Change::Create)
    }

    /// An event is delivered now. Returns when rows are to be read again, where it is the first
    /// of those.
    #[inline]
    pub fn note_reported(
        &mut self,
        now: Duration,
        event: &Event,
        places: &mut Vec<(u32, u32)>,
        allowance: &mut Allowance,
    ) -> Option<Duration> {
        if allowance.is_spent(now) {
            return self.pass(now, event.kind);
        }
        self.look_at(now, event, places, allowance)
    }

    /// An event is delivered now without being looked at. Returns as
    /// [`Subscription::note_reported`].
    #[inline]
    fn pass(&mut self, now: Duration, kind: EventKind) -> Option<Duration> {
        match kind {
            // What is reported once and quickly, such as the creates of an import, is not wrong.
            EventKind::Create => {
                self.set_passed(Passed {
                    at: Some(now),
                    creates: true,
                });
                None
            }
            EventKind::Update | EventKind::Delete => self.pass_change(now),
            EventKind::Init | EventKind::Error => None,
        }
    }

    /// An update or a delete that is close to another event may be wrong. A lone one is not doubted,
    /// as where it is looked at.
    fn pass_change(&mut self, now: Duration) -> Option<Duration> {
        let settle = self.spec.settle?;
        let rechecks = self.rechecks.as_deref();
        let is_doubted =
            self.passed().is_close(now) || rechecks.is_some_and(|rechecks| rechecks.doubts(now));
        self.set_passed(Passed {
            at: Some(now),
            creates: self.passed_creates,
        });
        if !is_doubted {
            return None;
        }
        let passed = self.passed();
        let rechecks = self.rechecks.get_or_insert_default();
        rechecks.passed(passed);
        let begins = rechecks.doubt_everything();
        rechecks.due_at(settle).filter(|_| begins)
    }

    /// What was delivered without being looked at.
    #[inline]
    fn passed(&self) -> Passed {
        Passed {
            at: (self.passed_at != NEVER).then(|| Duration::from_nanos(self.passed_at)),
            creates: self.passed_creates,
        }
    }

    #[inline]
    fn set_passed(&mut self, passed: Passed) {
        let nanos = passed.at.map_or(NEVER, |at| at.as_nanos() as u64);
        (self.passed_at, self.passed_creates) = (nanos, passed.creates);
    }

    /// Tells what was passed over.
    fn note_passed(&mut self) {
        let passed = self.passed();
        if let Some(rechecks) = &mut self.rechecks {
            rechecks.passed(passed);
        }
    }

    fn look_at(
        &mut self,
        now: Duration,
        event: &Event,
        places: &mut Vec<(u32, u32)>,
        allowance: &mut Allowance,
    ) -> Option<Duration> {
        if matches!(event.kind, EventKind::Init | EventKind::Error) {
            return None;
        }
        let settle = self.spec.settle?;
        let passed = self.passed();
        let follows_passed = passed.is_close(now);
        if follows_passed && event.kind != EventKind::Create {
            return self.pass_change(now);
        }
        if !self.rechecks.get_or_insert_default().looks(now) {
            return self.pass(now, event.kind);
        }
        allowance.spend();
        if !follows_passed {
            self.set_passed(Passed::default());
        }
        let rechecks = self.rechecks.get_or_insert_default();
        rechecks.passed(passed);
        // Delivery finds out where it is malformed.
        let data = event
            .data_text()
            .filter(|data| items::elements(data, places).is_ok())?;
        let primary_key = &*self.meta.delivery.primary_key;
        let is_create = event.kind == EventKind::Create;
        let waited = rechecks.waits();
        let before = self.highest_key;
        let (mut lowest, mut count) = (i64::MAX, 0);
        let rows = places.iter().filter_map(|place| {
            let element = part(data, *place)?;
            if event.kind == EventKind::Delete {
                return Some((element, None));
            }
            let key = items::member(element, primary_key)?;
            if let Some(key) = self.highest_key.see(key, is_create) {
                lowest = lowest.min(key);
                count += 1;
            }
            Some((key, Some(element)))
        });
        rechecks.reported(now, event.kind, rows);
        if is_create && count > 0 && self.highest_key.is_usable() {
            let bytes = data.len();
            let created = Created {
                before,
                lowest,
                count,
                bytes,
            };
            rechecks.created(now, settle, created);
        }
        if waited || !rechecks.waits() {
            return None;
        }
        rechecks.due_at(settle)
    }

    /// When rows are to be read again, as far as is known now.
    pub fn recheck_due_at(&mut self, now: Duration) -> Option<Duration> {
        self.note_passed();
        let settle = self.spec.settle?;
        let due = self.rechecks.as_ref()?.due_at(settle)?;
        match self.phase {
            Phase::Active { .. } => Some(due),
            Phase::Settling { .. } => Some(due.max(now + settle)),
            // A snapshot comes.
            _ => None,
        }
    }

    /// In Active: reads rows again under that serial; `None` where none are due.
    pub fn begin_recheck(&mut self, now: Duration, serial: u64) -> Option<Recheck> {
        self.note_passed();
        let settle = self.spec.settle?;
        let is_active = matches!(self.phase, Phase::Active { .. });
        let rechecks = self.rechecks.as_mut().filter(|_| is_active)?;
        rechecks.begin(now, settle, serial)
    }

    /// Whether that read of rows is under way.
    pub fn is_rechecked_by(&self, read: u64) -> bool {
        let rechecks = self.rechecks.as_ref();
        rechecks.is_some_and(|rechecks| rechecks.is_read_by(read))
    }

    /// The read is to be sent once more.
    pub fn repeat_recheck(&mut self) {
        if let Some(rechecks) = &mut self.rechecks {
            rechecks.repeat();
        }
    }

    /// Rows cannot be read again, or a snapshot shows them.
    pub fn give_up_rechecks(&mut self) {
        self.rechecks = None;
        self.set_passed(Passed::default());
    }

    /// Whether it has begun to remember what is reported, to be forgotten in time.
    #[inline]
    pub fn begins_to_remember(&mut self) -> bool {
        self.rechecks.is_some() && !std::mem::replace(&mut self.is_remembering, true)
    }

    /// Whether something that was reported is remembered.
    #[cfg(test)]
    pub fn remembers_reported(&self) -> bool {
        self.rechecks.is_some()
    }

    /// Forgets what was reported long ago. Whether it goes on remembering.
    pub fn forget_reported(&mut self, now: Duration) -> bool {
        self.note_passed();
        self.end_rechecks(|rechecks| rechecks.is_over(now, LONGEST));
        if let Some(rechecks) = &mut self.rechecks {
            rechecks.forget_old(now);
        }
        self.is_remembering = self.rechecks.is_some();
        self.is_remembering
    }

    fn end_rechecks(&mut self, is_over: impl FnOnce(&Rechecks) -> bool) {
        if let Some(rechecks) = self.rechecks.take_if(|rechecks| is_over(rechecks)) {
            let left = rechecks.left();
            self.set_passed(left);
        }
    }

    /// Whether a read is under way that looks for rows that were created without being reported.
    pub fn looks_for_lost_creates(&self) -> bool {
        self.rechecks.as_ref().is_some_and(|r| r.reads_created())
    }

    /// The server does not let it look for them.
    pub fn give_up_lost_creates(&mut self) {
        self.highest_key = HighestKey::UNUSABLE;
        if let Some(rechecks) = &mut self.rechecks {
            rechecks.give_up_created();
        }
    }

    /// The read has found these rows. Returns the events that report what differs. Creates of
    /// rows that are reported so may still come until `until`.
    pub fn finish_recheck(
        &mut self,
        now: Duration,
        at: Arrival,
        until: Duration,
        data: Option<&str>,
        places: &mut Vec<(u32, u32)>,
    ) -> Vec<Event> {
        self.note_passed();
        let held = self.held_keys(places);
        let data = data.unwrap_or("[]");
        if items::elements(data, places).is_err() {
            places.clear();
        }
        let primary_key = &*self.meta.delivery.primary_key;
        let found = places.iter().filter_map(|place| {
            let row = part(data, *place)?;
            Some((items::member(row, primary_key)?, row))
        });
        let Some(rechecks) = &mut self.rechecks else {
            return Vec::new();
        };
        let corrections = if rechecks.reads_created() {
            let is_whole = extent(self.spec.query.as_deref()) == Extent::All;
            let may_go_on = is_whole && self.spec.wants_snapshot();
            rechecks.settle_created(now, &held, found, may_go_on)
        } else {
            rechecks.settle(now, &held, found)
        };
        self.end_rechecks(|rechecks| rechecks.is_settled(now));
        self.remember_corrections(&corrections, at, until);
        let Corrections {
            creates,
            updates,
            deletes,
        } = corrections;
        [
            (Change::Create, creates),
            (Change::Update, updates),
            (Change::Delete, deletes),
        ]
        .into_iter()
        .filter(|(change, elements)| !elements.is_empty() && self.spec.wants(*change))
        .map(|(change, elements)| self.settled_event(change, &elements))
        .collect()
    }

    /// The rows that events are about which are held back, in Settling.
    fn held_keys(&self, places: &mut Vec<(u32, u32)>) -> HeldKeys {
        let mut keys = HeldKeys::default();
        let Phase::Settling { held, .. } = &self.phase else {
            return keys;
        };
        for (_, event) in held.iter() {
            let Some(data) = event
                .data_text()
                .filter(|data| items::elements(data, places).is_ok())
            else {
                continue;
            };
            for element in places.iter().filter_map(|place| part(data, *place)) {
                match event.kind {
                    EventKind::Delete => keys.add(element),
                    _ => items::member(element, self.primary_key())
                        .into_iter()
                        .for_each(|key| keys.add(key)),
                }
            }
        }
        keys
    }

    /// A late event of a row that is not there is judged as one that its delete has overtaken.
    fn remember_corrections(&mut self, corrections: &Corrections, at: Arrival, until: Duration) {
        for key in corrections
            .deletes
            .iter()
            .filter_map(|k| items::key_text(k))
        {
            if self.spec.reports_rows() {
                self.deleted.add(&key, at);
            }
        }
        let rows = corrections.creates.iter().chain(&corrections.updates);
        for row in rows {
            let key = items::member(row, &self.meta.delivery.primary_key);
            if let Some(key) = key.and_then(items::key_text) {
                self.deleted.remove(&key);
            }
            if let Some(key) = key {
                self.highest_key.see(key, false);
            }
        }
        if !corrections.creates.is_empty() {
            self.remember_rows(&corrections.creates, until);
        }
    }

    fn settled_event(&self, change: Change, elements: &[String]) -> Event {
        let frame = Frame::from(format!("[{}]", elements.join(",")));
        Event {
            slot: self.id.slot,
            epoch: self.meta.epoch(),
            kind: EventKind::of(change),
            flags: FLAG_SETTLED,
            data: Some((0, frame.len() as u32)),
            frame,
            meta: None,
            checked: true,
        }
    }
}
