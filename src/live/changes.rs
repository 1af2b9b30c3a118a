//! What an event says: shown at once where it can be believed, and read again where it cannot.

use std::time::Duration;

use super::collection::{Collection, Need, Out, PartKind, QUIET, data_of};
use super::flurry::Told;
use super::reading::Reading;
use crate::handover::{Event, EventKind};
use crate::protocol::{items, key};
use crate::rows::{Change, ChangeKind, Match, Row, RowRef, answer};

/// What is told of a key after its delete is late for so long.
const LATE: Duration = Duration::from_secs(120);
/// So many deleted keys are remembered.
const MOST_DELETED: usize = 4_096;

impl Collection {
    /// Rows were created, updated or deleted.
    pub(super) fn on_change(&mut self, now: Duration, part: usize, event: &Event, out: &mut Out) {
        if !self.synced {
            self.is_busy = true;
            self.note_deletes(now, event);
            if !self.is_read_sent() {
                // The snapshot that is to be read will show it.
                return;
            }
        }
        let is_touch = match self.parts[part].kind {
            PartKind::Depends(_) => {
                self.flurry.last = self.flurry.last.max(now);
                return self.want(now, Need::Whole);
            }
            PartKind::Touches => true,
            PartKind::Main => false,
        };
        if self.flurry.message(now, event.kind, is_touch) {
            self.on_flurry(now);
        }
        let data = data_of(event);
        if self.query.is_system() {
            self.want(now, Need::Whole);
        }
        let mut changes = Vec::new();
        let is_whole = match event.kind {
            EventKind::Delete => {
                data.is_some_and(|data| self.on_delete(now, data, is_touch, &mut changes))
            }
            kind => data.is_some_and(|data| self.on_write(now, kind, data, is_touch, &mut changes)),
        };
        let is_in_parts = self.reading.as_ref().is_some_and(Reading::is_in_parts);
        let is_order_older = !is_touch && now < self.order_doubt_until;
        if self.flurry.may_lack_creates() || is_in_parts || is_order_older {
            self.want_order(now);
        }
        if !is_whole {
            // It does not say which rows.
            self.want(now, Need::Whole);
        }
        if !changes.is_empty() {
            self.publish(now, changes, false, out);
        }
    }

    /// There is more than one message: those before this one are doubted, too.
    fn on_flurry(&mut self, now: Duration) {
        if !self.flurry.is_suspect() {
            return;
        }
        self.flurry.want_all();
        if self.flurry.has_wanted() {
            self.want(now, Need::Rows);
        }
        if self.query.window.is_some() || self.flurry.overflowed {
            self.want(now, Need::Whole);
        }
    }

    /// The key is to be read again.
    fn doubt(&mut self, now: Duration, text: &str, key: &str) {
        self.flurry.told(now, text, key).wanted = true;
        self.want(now, self.or_whole(Need::Rows));
    }

    /// Of a window only the whole is read.
    fn or_whole(&self, need: Need) -> Need {
        match self.query.window {
            Some(_) => Need::Whole,
            None => need,
        }
    }

    fn on_delete(
        &mut self,
        now: Duration,
        data: &str,
        is_touch: bool,
        changes: &mut Vec<Change>,
    ) -> bool {
        let mut places = Vec::new();
        if items::elements(data, &mut places).is_err() {
            return false;
        }
        for (start, end) in places {
            let json = &data[start as usize..end as usize];
            let Some(text) = items::key_text(json) else {
                return false;
            };
            let is_late = self.is_read_sent();
            let told = self.flurry.told(now, &text, json);
            count(told, is_touch);
            let was_written = told.is_written;
            told.is_deleted = true;
            self.remember_delete(now, &text);
            self.unplaced.remove(&*text);
            if !self.synced {
                self.doubt(now, &text, json);
                continue;
            }
            match self.rows.find(&text) {
                Match::Exact(index) if !was_written && !key::is_rounded(&text) => {
                    self.remove_row(index, changes);
                    if self.query.window.is_some() {
                        self.want(now, Need::Whole);
                    } else if is_late {
                        self.doubt(now, &text, json);
                    }
                }
                Match::Exact(_) => self.doubt(now, &text, json),
                Match::Similar(index) => {
                    let row = self.rows.get(index).map(|row| row.key().to_owned());
                    if let Some(json) = row {
                        if let Some(text) = items::key_text(&json) {
                            self.doubt(now, &text, &json);
                        }
                    }
                }
                Match::None if was_written || is_late => self.doubt(now, &text, json),
                Match::None if self.is_behind_others() => self.want(now, Need::Whole),
                Match::None => {}
            }
        }
        true
    }

    /// Whether rows that are not held are before those that are, so that any change may move these.
    fn is_behind_others(&self) -> bool {
        self.query
            .window
            .is_some_and(|window| window.first.is_none())
    }

    /// What is told of these keys after the snapshot is late.
    fn note_deletes(&mut self, now: Duration, event: &Event) {
        let mut places = Vec::new();
        let data = data_of(event).filter(|_| event.kind == EventKind::Delete);
        let Some(data) = data.filter(|data| items::elements(data, &mut places).is_ok()) else {
            return;
        };
        for (start, end) in places {
            if let Some(text) = items::key_text(&data[start as usize..end as usize]) {
                self.remember_delete(now, &text);
            }
        }
    }

    fn remember_delete(&mut self, now: Duration, text: &str) {
        if self.deleted.len() >= MOST_DELETED {
            self.deleted
                .retain(|_, at| now.saturating_sub(*at) < LATE / 8);
        }
        if self.deleted.len() < MOST_DELETED {
            self.deleted.insert(text.into(), now);
        }
    }

    fn on_write(
        &mut self,
        now: Duration,
        kind: EventKind,
        data: &str,
        is_touch: bool,
        changes: &mut Vec<Change>,
    ) -> bool {
        let Ok(rows) = answer::rows(data, &self.query.primary_key) else {
            return false;
        };
        let is_suspect = self.flurry.is_suspect();
        let is_late = self.is_read_sent();
        for row in rows {
            let Some(text) = items::key_text(row.key) else {
                continue;
            };
            let told = self.flurry.told(now, &text, row.key);
            count(told, is_touch);
            let was_deleted = told.is_deleted;
            told.is_written = true;
            // A message of the other subscription may be about the same event.
            let is_early = now < self.doubt_until;
            if is_suspect || was_deleted || is_late || is_early || key::is_rounded(&text) {
                self.doubt(now, &text, row.key);
            }
            if is_touch {
                if self.is_behind_others() {
                    self.want(now, Need::Whole);
                }
                continue;
            }
            if !self.synced {
                // The answer that is on its way is of before or after this.
                continue;
            }
            match self.rows.find(&text) {
                Match::Exact(_) if kind == EventKind::Create => self.doubt(now, &text, row.key),
                Match::Exact(index) => self.update_row(now, index, row, changes),
                Match::Similar(_) | Match::None => {
                    let is_doubtful =
                        was_deleted || self.is_deleted(now, &text) || now < self.doubt_until;
                    if is_doubtful {
                        self.doubt(now, &text, row.key);
                    } else {
                        self.add_row(now, row, changes);
                    }
                }
            }
        }
        true
    }

    fn is_deleted(&self, now: Duration, text: &str) -> bool {
        let at = self.deleted.get(text);
        at.is_some_and(|at| now.saturating_sub(*at) < LATE)
    }

    /// A row that is held is another one now.
    pub(super) fn update_row(
        &mut self,
        now: Duration,
        index: usize,
        row: RowRef<'_>,
        changes: &mut Vec<Change>,
    ) {
        let Some(before) = self.rows.get(index).cloned() else {
            return;
        };
        if let Some(text) = items::key_text(row.key) {
            self.unplaced.remove(&*text);
        }
        if crate::rows::same_row(before.text(), row.text) {
            return;
        }
        if self.query.order.is_same(before.as_ref(), row) {
            let row = Row::copy(row);
            self.rows.replace(index, row.clone());
            changes.push(Change {
                kind: ChangeKind::Modified,
                row,
                old: Some(index),
                new: Some(index),
            });
            return;
        }
        let mut others = self.rows.clone();
        others.remove(index);
        let place = self.query.order.place(&others, row);
        match place.filter(|_| self.query.window.is_none()) {
            Some(place) => {
                let row = Row::copy(row);
                others.insert(place, row.clone());
                self.rows = others;
                changes.push(Change {
                    kind: ChangeKind::Modified,
                    row,
                    old: Some(index),
                    new: Some(place),
                });
            }
            None => self.place_later(now, row),
        }
    }

    /// A row that is held matches no more.
    pub(super) fn remove_row(&mut self, index: usize, changes: &mut Vec<Change>) {
        if let Some(row) = self.rows.remove(index) {
            changes.push(Change {
                kind: ChangeKind::Removed,
                row,
                old: Some(index),
                new: None,
            });
        }
    }

    /// Only the server knows where a row belongs: it is shown as soon as the server has said so.
    fn place_later(&mut self, now: Duration, row: RowRef<'_>) {
        if let Some(text) = items::key_text(row.key) {
            self.unplaced.insert(text.into_owned(), Row::copy(row));
        }
        self.want_order(now);
    }

    /// A row that is not held matches now.
    pub(super) fn add_row(&mut self, now: Duration, row: RowRef<'_>, changes: &mut Vec<Change>) {
        let place = self.query.order.place(&self.rows, row);
        let is_full = match self.query.window {
            None => false,
            Some(window) => {
                let is_full = window.first.is_some_and(|most| self.rows.len() >= most);
                if is_full && place == Some(self.rows.len()) {
                    // Behind the last one that is asked for.
                    return;
                }
                is_full || window.first.is_none()
            }
        };
        match place.filter(|_| !is_full) {
            Some(place) => {
                let row = Row::copy(row);
                self.rows.insert(place, row.clone());
                changes.push(Change {
                    kind: ChangeKind::Added,
                    row,
                    old: None,
                    new: Some(place),
                });
            }
            None => self.place_later(now, row),
        }
    }

    /// Only the server knows where a row belongs.
    pub(super) fn want_order(&mut self, now: Duration) {
        self.want(now, self.or_whole(Need::Keys));
    }

    /// When the two subscriptions have told what they will: a row of which only the one to all keys
    /// has told does not match any more.
    pub(super) fn pairs_due(&self) -> Option<Duration> {
        let has_touches = self.query.touches.is_some() && self.synced;
        let is_due = has_touches && self.flurry.keys.values().any(Told::may_be_lost);
        is_due.then(|| self.flurry.last + QUIET)
    }

    /// Looks for rows that do not match any more.
    pub(super) fn look_for_lost_rows(&mut self, now: Duration) {
        let mut is_any = false;
        for (text, told) in &mut self.flurry.keys {
            if told.may_be_lost() {
                told.touches = told.rows;
                if self.rows.position(text).is_some() {
                    told.wanted = true;
                    is_any = true;
                }
            }
        }
        if is_any {
            let is_first = self.need == Need::Nothing;
            self.want(now, self.or_whole(Need::Rows));
            if is_first {
                // It has been quiet since then.
                self.need_since = self.flurry.last;
            }
        }
    }
}

fn count(told: &mut Told, is_touch: bool) {
    if is_touch {
        told.touches += 1;
    } else {
        told.rows += 1;
    }
}
