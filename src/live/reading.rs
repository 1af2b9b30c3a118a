//! The reads: what is asked for.

use std::collections::HashMap;
use std::time::Duration;

use super::Command;
use super::collection::{Collection, Need, Out, QUIET};
use crate::handover::ReadRequest;
use crate::protocol::items;
use crate::rows::Row;

/// So many rows are asked for by their keys. Where more are wanted, all are read, unless that is
/// too much for one message.
pub(super) const MOST_ROWS: usize = 500;
/// Where so few rows are held, all of them are read instead of their keys alone.
const FEW_ROWS: usize = 200;
/// Where more rows than that are held, and it does not get quiet, their keys are read so seldom.
const MANY_ROWS: usize = 5_000;
const KEYS_APART: Duration = Duration::from_secs(10);

/// What a read asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
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
    pub asked: Asked,
    /// What all of them together are for.
    pub need: Need,
    /// The read that is under way was sent,
    sent: bool,
    /// and the first one was.
    begun: bool,
    /// It was quiet when it began.
    pub is_quiet: bool,
    /// The link was lost.
    pub is_lost: bool,
    /// All keys in order, once they are known.
    pub order: Option<Vec<String>>,
    /// The keys, as JSON, of rows that are still to be read; the last ones first.
    pub left: Vec<String>,
    /// The keys that were asked for, as texts.
    pub keys: Vec<String>,
    /// Rows that were read, by key.
    pub found: HashMap<String, Row>,
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
    /// Whether a read is under way that the server may have carried out already.
    pub(super) fn is_read_sent(&self) -> bool {
        self.reading.as_ref().is_some_and(Reading::is_sent)
    }

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
    pub(super) fn send_read(&mut self, out: &mut Out) {
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

    /// The rest of a reading may go.
    pub(super) fn resume_reading(&mut self, now: Duration, out: &mut Out) {
        self.resume_at = None;
        if self.reading.is_some() {
            self.last_read = Some(now);
            self.send_read(out);
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
}
