//! What the answers to reads say.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use super::Command;
use super::collection::{APART, Collection, DOUBT, Need, Out};
use super::reading::{Asked, MOST_ROWS};
use crate::handover::ReadAnswer;
use crate::protocol::{Frame, items};
use crate::rows::answer::{self, Unusable};
use crate::rows::diff::{apply, diff};
use crate::rows::{Changes, Row, RowRef, Rows};

/// Where that many steps differ, the list is built anew.
const MANY_STEPS: usize = 2_000;

impl Collection {
    /// What became of the read.
    pub fn on_read_over(&mut self, now: Duration, answer: ReadAnswer, out: &mut Out) {
        let Some(reading) = self.reading.as_ref().filter(|reading| !reading.is_lost) else {
            return;
        };
        match answer {
            ReadAnswer::Rows(frame, place) => self.on_answer(now, &frame, place, out),
            ReadAnswer::Unanswered => {
                let need = reading.need;
                self.reading = None;
                self.retry_later(now, need);
            }
            ReadAnswer::Refused { json, is_temporary } => {
                self.reading = None;
                if !self.loaded && !is_temporary {
                    out.commands.push(Command::GiveUp(self.id, json));
                    return;
                }
                self.set_error(&json);
                self.retry_later(now, Need::Whole);
                self.publish(now, Vec::new(), true, out);
            }
        }
    }

    fn on_answer(&mut self, now: Duration, frame: &Frame, place: (u32, u32), out: &mut Out) {
        let data = frame.get(place.0 as usize..place.1 as usize);
        let data = data.unwrap_or("[]");
        let Some(asked) = self.reading.as_ref().map(|reading| reading.asked) else {
            return;
        };
        match asked {
            Asked::Whole => self.on_whole_answer(now, data, out),
            Asked::Keys => self.on_keys(now, data, out),
            Asked::Rows => self.on_rows(now, data, out),
        }
    }

    /// Nothing can be done with an answer.
    fn unusable(&mut self, now: Duration, why: Unusable, out: &mut Out) {
        self.reading = None;
        match why {
            Unusable::Malformed => self.retry_later(now, Need::Whole),
            Unusable::NoKey => {
                let key = &self.query.primary_key;
                let message = format!(
                    "the rows that the server shows have no field {key:?}: name their primary key if it is \
                     another one, or let the user read it"
                );
                let json = serde_json::json!({"code": "NO_PRIMARY_KEY", "message": message});
                out.commands
                    .push(Command::GiveUp(self.id, json.to_string()));
            }
        }
    }

    /// All rows.
    pub(super) fn on_whole_answer(&mut self, now: Duration, data: &str, out: &mut Out) {
        match answer::rows(data, &self.query.primary_key) {
            Ok(rows) => self.take_whole(now, &rows, out),
            Err(why) => self.unusable(now, why, out),
        }
    }

    /// These are all rows, in order.
    fn take_whole(&mut self, now: Duration, rows: &[RowRef<'_>], out: &mut Out) {
        let is_first = !self.loaded;
        let is_quiet = self.reading.take().is_none_or(|reading| reading.is_quiet);
        let changes = if is_first {
            self.rows = Rows::build(rows);
            Changes::All(self.rows.len())
        } else {
            let changes = diff(&self.rows, rows);
            if changes.len() > MANY_STEPS || !apply(&mut self.rows, &changes) {
                self.rows = Rows::build(rows);
            }
            changes.into()
        };
        self.unplaced.clear();
        let was_synced = std::mem::replace(&mut self.synced, true);
        self.loaded = true;
        if !was_synced {
            let is_busy = std::mem::take(&mut self.is_busy) || !is_first;
            self.doubt_until = if is_busy { now + DOUBT } else { now };
        }
        let report = self.report_of(&changes, was_synced);
        self.was_verified(now);
        self.finish_reading(now, is_quiet);
        self.publish(now, changes, false, out);
        self.answer_verifies(&report, out);
    }

    /// All keys, in order.
    fn on_keys(&mut self, now: Duration, data: &str, out: &mut Out) {
        let keys = match answer::rows(data, &self.query.primary_key) {
            Ok(rows) => rows
                .iter()
                .map(|row| row.key.to_owned())
                .collect::<Vec<_>>(),
            Err(why) => return self.unusable(now, why, out),
        };
        let Some(reading) = &mut self.reading else {
            return;
        };
        let mut wanted: HashSet<String> = reading.left.drain(..).collect();
        let is_whole = reading.need == Need::Whole;
        let is_wanted = |key: &&String| {
            let text = items::key_text(key);
            is_whole
                || wanted.remove(*key)
                || text.is_none_or(|text| {
                    self.rows.position(&text).is_none() && !self.unplaced.contains_key(&*text)
                })
        };
        reading.left = keys.iter().rev().filter(is_wanted).cloned().collect();
        reading.order = Some(keys);
        if reading.left.len() > MOST_ROWS && !self.in_pages {
            // Not the rows one by one: all of them.
            reading.need = Need::Whole;
            reading.asked = Asked::Whole;
            return self.send_read(out);
        }
        if reading.left.is_empty() {
            return self.take_order(now, out);
        }
        reading.asked = Asked::Rows;
        if self.in_pages || !self.synced {
            return self.send_read(out);
        }
        // No sooner than another read may go.
        self.resume_at = Some(self.last_read.unwrap_or_default() + APART);
    }

    /// Rows that were asked for by their keys.
    fn on_rows(&mut self, now: Duration, data: &str, out: &mut Out) {
        let rows = match answer::rows(data, &self.query.primary_key) {
            Ok(rows) => rows,
            Err(why) => return self.unusable(now, why, out),
        };
        let Some(reading) = &mut self.reading else {
            return;
        };
        if self.in_pages && !rows.is_empty() {
            let each = (data.len() / rows.len()).max(1);
            let fits = self.max_message_bytes / 4 / each;
            self.page = fits.clamp(1, (self.page * 4).min(2_000));
        }
        for row in rows {
            if let Some(text) = items::key_text(row.key) {
                reading.found.insert(text.into_owned(), Row::copy(row));
            }
        }
        if reading.order.is_some() || self.in_pages {
            if !reading.left.is_empty() {
                return self.send_read(out);
            }
            if reading.order.is_some() {
                return self.take_order(now, out);
            }
        }
        self.take_rows(now, out);
    }

    /// The order of all rows is known, and the rows that were not held.
    fn take_order(&mut self, now: Duration, out: &mut Out) {
        let Some(reading) = &mut self.reading else {
            return;
        };
        let order = reading.order.take().unwrap_or_default();
        let found = std::mem::take(&mut reading.found);
        if !found.is_empty() {
            self.order_doubt_until = now + DOUBT;
        }
        let is_whole = reading.need == Need::Whole;
        let mut rows: Vec<Row> = Vec::with_capacity(order.len());
        for key in &order {
            let Some(text) = items::key_text(key) else {
                continue;
            };
            let held = || {
                let at = self.rows.position(&text).filter(|_| !is_whole);
                at.and_then(|at| self.rows.get(at)).cloned()
            };
            let (read, told) = (found.get(&*text), self.unplaced.get(&*text));
            // What has been told since is newer.
            let row = match self.flurry.is_fresh(&text) {
                true => told.cloned().or_else(held).or_else(|| read.cloned()),
                false => read.or(told).cloned().or_else(held),
            };
            rows.extend(row);
        }
        let rows: Vec<RowRef<'_>> = rows.iter().map(Row::as_ref).collect();
        self.take_whole(now, &rows, out);
    }

    /// Rows whose places need not be asked for.
    fn take_rows(&mut self, now: Duration, out: &mut Out) {
        let Some(reading) = self.reading.take() else {
            return;
        };
        let mut changes = Vec::new();
        for text in &reading.keys {
            if self.flurry.is_fresh(text) {
                // An event has named it since: it is read again.
                continue;
            }
            match (self.rows.position(text), reading.found.get(text)) {
                (Some(index), Some(row)) => {
                    self.update_row(now, index, row.as_ref(), &mut changes);
                }
                (None, Some(row)) => self.add_row(now, row.as_ref(), &mut changes),
                (Some(index), None) => self.remove_row(index, &mut changes),
                (None, None) => {}
            }
        }
        if !reading.left.is_empty() {
            self.want(now, Need::Rows);
        }
        self.finish_reading(now, reading.is_quiet);
        self.publish(now, changes, false, out);
    }

    /// A reading has come to its end.
    fn finish_reading(&mut self, now: Duration, is_quiet: bool) {
        self.read_succeeded();
        self.flurry.end_read(now, is_quiet);
        if self.flurry.has_wanted() {
            self.want(now, Need::Rows);
        }
    }

    fn set_error(&mut self, json: &str) {
        self.error = Some(Arc::from(json));
    }
}
