//! The reads: what is asked for, and what the answers say.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::Command;
use super::collection::{APART, Collection, DOUBT, Need, Out, QUIET};
use crate::handover::{ReadAnswer, ReadRequest};
use crate::protocol::{Frame, items};
use crate::rows::answer::{self, Unusable};
use crate::rows::diff::{apply, diff};
use crate::rows::{Change, ChangeKind, Row, RowRef, Rows};

/// So many rows are asked for by their keys. Where more are wanted, all are read, unless that is
/// too much for one message.
const MOST_ROWS: usize = 500;
/// Where so few rows are held, all of them are read instead of their keys alone.
const FEW_ROWS: usize = 200;
/// Where more rows than that are held, and it does not get quiet, their keys are read so seldom.
const MANY_ROWS: usize = 5_000;
const KEYS_APART: Duration = Duration::from_secs(10);
/// Where that many steps differ, the list is built anew.
const MANY_STEPS: usize = 2_000;

/// What a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// All rows.
    Whole,
    /// All keys.
    Keys,
    /// The rows with some keys.
    Rows,
}

/// A read that is under way, or a series of them.
#[derive(Debug)]
pub(super) struct Reading {
    /// What the read that is under way asks for.
    asked: Asked,
    /// What all of them together are for.
    need: Need,
    /// The read that is under way was sent,
    sent: bool,
    /// and the first one was.
    begun: bool,
    /// It was quiet when it began.
    is_quiet: bool,
    /// The link was lost.
    pub is_lost: bool,
    /// All keys in order, once they are known.
    order: Option<Vec<String>>,
    /// The keys, as JSON, of rows that are still to be read; the last ones first.
    left: Vec<String>,
    /// The keys that were asked for, as texts.
    keys: Vec<String>,
    /// Rows that were read, by key.
    found: HashMap<String, Row>,
}

impl Reading {
    fn new(asked: Asked, need: Need, is_quiet: bool) -> Reading {
        Reading {
            asked,
            need,
            sent: false,
            begun: false,
            is_quiet,
            is_lost: false,
            order: None,
            left: Vec::new(),
            keys: Vec::new(),
            found: HashMap::new(),
        }
    }

    /// Whether the order that it finds may be older than the rows: these are read afterwards.
    pub fn is_in_parts(&self) -> bool {
        self.is_sent() && (self.asked == Asked::Keys || self.order.is_some())
    }

    /// Whether the server may have read it already: what is told now may be newer than the answer.
    pub fn is_sent(&self) -> bool {
        self.begun && !self.is_lost
    }
}

impl Collection {
    /// Sends the read that is due.
    pub(super) fn begin_reading(&mut self, now: Duration, out: &mut Out) {
        let is_quiet = self.flurry.last + QUIET <= now;
        if self.query.is_system() {
            self.begun(now);
            out.commands.push(Command::Resync(self.id));
            return;
        }
        let mut need = self.need;
        let is_long = self.rows.len() > MANY_ROWS;
        let is_recent = now < self.last_keys.unwrap_or_default() + KEYS_APART;
        let is_postponed = need == Need::Keys && !is_quiet && is_long && is_recent;
        if is_postponed {
            // Their keys are many: they are read when it is quiet.
            need = Need::Rows;
        }
        let wanted = self.flurry.begin_read(is_quiet);
        let is_small = self.rows.len() <= FEW_ROWS && !self.in_pages;
        let is_much = wanted.len() > MOST_ROWS && !self.in_pages;
        if self.flurry.overflowed || (need == Need::Keys && is_small) || is_much {
            need = Need::Whole;
        }
        if need == Need::Rows && wanted.is_empty() {
            self.need = Need::Nothing;
            if is_postponed {
                self.want(now, Need::Keys);
            }
            return;
        }
        let asked = match need {
            Need::Nothing | Need::Rows => Asked::Rows,
            Need::Whole if !self.in_pages => Asked::Whole,
            Need::Keys | Need::Whole => Asked::Keys,
        };
        self.begun(now);
        if is_postponed {
            self.want(now, Need::Keys);
        } else if need > Need::Rows {
            self.last_keys = Some(now);
        }
        let mut reading = Reading::new(asked, need, is_quiet);
        reading.left = wanted;
        reading.left.reverse();
        self.reading = Some(reading);
        self.send_read(out);
    }

    fn begun(&mut self, now: Duration) {
        self.need = Need::Nothing;
        self.last_read = Some(now);
    }

    /// Asks the session for the next read of the present reading.
    fn send_read(&mut self, out: &mut Out) {
        let Some(reading) = &mut self.reading else {
            return;
        };
        reading.sent = false;
        let (query, keys) = match reading.asked {
            Asked::Whole => (&self.query.rows, None),
            Asked::Keys => (&self.query.keys, None),
            Asked::Rows => {
                let most = if self.in_pages { self.page } else { MOST_ROWS };
                let rest = reading.left.len().saturating_sub(most);
                let mut keys = reading.left.split_off(rest);
                keys.reverse();
                let texts = keys.iter().filter_map(|key| items::key_text(key));
                reading.keys = texts.map(|text| text.into_owned()).collect();
                (&self.query.rows, Some(keys))
            }
        };
        let request = ReadRequest {
            collection: self.query.collection.clone(),
            query: query.clone(),
            keys,
        };
        out.commands.push(Command::Read(self.id, request));
    }

    /// The read has gone out: it shows what was told before.
    pub fn on_read_sent(&mut self) {
        let Some(reading) = &mut self.reading else {
            return;
        };
        (reading.sent, reading.begun) = (true, true);
        let reads_all_rows = reading.asked == Asked::Whole || reading.need == Need::Whole;
        if reads_all_rows && reading.asked != Asked::Rows {
            self.flurry.cover();
        }
    }

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
                    "the rows that the server shows have no primary key {key:?}: set `primary_key`, or \
                     let the user read that field"
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
            let all = self.rows.iter().enumerate();
            let added = all.map(|(at, row)| Change {
                kind: ChangeKind::Added,
                row: row.clone(),
                old: None,
                new: Some(at),
            });
            added.collect()
        } else {
            let changes = diff(&self.rows, rows);
            if changes.len() > MANY_STEPS || !apply(&mut self.rows, &changes) {
                self.rows = Rows::build(rows);
            }
            changes
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
        let mut wanted: std::collections::HashSet<String> = reading.left.drain(..).collect();
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

    /// The rest of a reading may go.
    pub(super) fn resume_reading(&mut self, now: Duration, out: &mut Out) {
        self.resume_at = None;
        if self.reading.is_some() {
            self.last_read = Some(now);
            self.send_read(out);
        }
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
                // It has been told of since: it is read again.
                continue;
            }
            match (self.rows.position(text), reading.found.get(text)) {
                (Some(index), Some(row)) => {
                    self.update_row(now, index, row.as_ref(), &mut changes);
                }
                (None, Some(row)) => self.add_row(now, row.as_ref(), &mut changes),
                (Some(index), None) => {
                    if let Some(row) = self.rows.remove(index) {
                        changes.push(Change {
                            kind: ChangeKind::Removed,
                            row,
                            old: Some(index),
                            new: None,
                        });
                    }
                }
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

    /// A message was larger than is accepted: perhaps the answer.
    pub(super) fn on_too_large(&mut self, out: &mut Out) {
        let Some(reading) = self.reading.take().filter(|reading| reading.sent) else {
            return;
        };
        let is_window = self.query.window.is_some();
        match reading.asked {
            Asked::Whole if !is_window => self.in_pages = true,
            Asked::Rows if self.page > 1 => self.page = (self.page / 4).max(1),
            _ => {
                let message = "the answer is larger than `max_message_bytes`: raise that option, or ask for \
                               less";
                let json = serde_json::json!({"code": "TOO_LARGE", "message": message});
                out.commands
                    .push(Command::GiveUp(self.id, json.to_string()));
            }
        }
    }

    fn set_error(&mut self, json: &str) {
        self.error = Some(Arc::from(json));
    }
}
