//! The INIT event that a snapshot becomes, and what the snapshot says about the rows.

use std::time::Duration;

use super::Subscription;
use crate::handover::{Event, EventKind};
use crate::protocol::incoming::{Change, offsets};
use crate::protocol::outgoing::{Extent, extent};
use crate::protocol::{Frame, items};
use crate::subscriptions::highest_key::HighestKey;
use crate::subscriptions::snapshot_rows::{Repetition, SnapshotRows};

/// A query without a limit gets no more rows than these, unless the server is set otherwise.
const SERVERS_LIMIT: usize = 100;

/// A snapshot as it came: the frame and where data and meta are in it.
#[derive(Debug)]
pub struct Snapshot<'a> {
    /// The frame.
    pub frame: &'a Frame,
    /// The rows, as JSON.
    pub data: Option<&'a str>,
    /// The server's `meta`, as JSON.
    pub meta: Option<&'a str>,
}

/// The frame of an INIT that no frame of the server's stands for.
static NO_FRAME: Frame = Frame::from_static("");

impl Snapshot<'static> {
    /// For an INIT without data.
    pub fn none() -> Snapshot<'static> {
        Snapshot {
            frame: &NO_FRAME,
            data: None,
            meta: None,
        }
    }
}

impl Subscription {
    pub(super) fn init_event(&self, snapshot: &Snapshot<'_>, flags: u32) -> Event {
        let place = |part: &str| offsets(snapshot.frame, part);
        let null = || (Frame::from_static("null"), Some((0, 4)));
        let (frame, data) = if !self.spec.wants_snapshot() {
            (snapshot.frame.clone(), None)
        } else if self.watches_item() {
            match snapshot.data.map(only_item) {
                Some(Some(item)) => (snapshot.frame.clone(), Some(place(item))),
                // It does not exist, or not yet, or may not be seen.
                Some(None) => null(),
                None => (snapshot.frame.clone(), None),
            }
        } else {
            match snapshot.data {
                Some(data) if is_empty_singleton(data, self.primary_key()) => null(),
                data => (snapshot.frame.clone(), data.map(place)),
            }
        };
        Event {
            slot: self.id.slot,
            epoch: self.meta.epoch(),
            kind: EventKind::Init,
            flags,
            meta: snapshot
                .meta
                .filter(|_| frame.as_ptr() == snapshot.frame.as_ptr())
                .map(place),
            frame,
            data,
            checked: true,
        }
    }

    /// Remembers the rows of a snapshot until then, how their keys are written, and which is the
    /// highest.
    pub(super) fn learn_from(&mut self, snapshot: &Snapshot<'_>, until: Duration) {
        if self.is_raw() {
            return;
        }
        let (mut count, mut highest) = (0, HighestKey::NO_ROW);
        let see = |key: Option<&str>| {
            count += 1;
            match key {
                Some(key) => {
                    self.key_format.observe(key);
                    highest.see(key, false);
                }
                None => highest = HighestKey::UNUSABLE,
            }
        };
        let primary_key = &self.meta.delivery.primary_key;
        self.snapshot_rows = SnapshotRows::of(snapshot.data, primary_key, until, see);
        self.highest_key = match extent(self.spec.query.as_deref()) {
            _ if !self.finds_lost_creates() => HighestKey::UNUSABLE,
            Extent::Part => HighestKey::UNUSABLE,
            // The server may have cut it off.
            Extent::ServersLimit if count >= SERVERS_LIMIT => HighestKey::UNKNOWN,
            _ if snapshot.data.is_none() => HighestKey::UNKNOWN,
            _ => highest,
        };
        let item = snapshot.data.and_then(only_item);
        let item = item.filter(|_| self.watches_item());
        if let Some(key) = item.and_then(|item| items::member(item, self.primary_key())) {
            self.learn_key(key);
        }
    }

    /// Remembers these rows, which are reported as created, until then.
    pub(super) fn remember_rows(&mut self, rows: &[String], until: Duration) {
        let data = format!("[{}]", rows.join(","));
        let more = SnapshotRows::of(Some(&data), self.primary_key(), until, |_| {});
        match (&mut self.snapshot_rows, more.map(SnapshotRows::told)) {
            (Some(known), Some(more)) => known.add(*more),
            (known, more) => *known = more.or_else(|| known.take()),
        }
    }

    /// Forgets the rows of a snapshot if it is too late for their creates. Returns until when
    /// they are remembered otherwise.
    pub fn forget_rows(&mut self, now: Duration) -> Option<Duration> {
        let is_over = |rows: &mut Box<SnapshotRows>| rows.is_over(now);
        self.snapshot_rows.take_if(is_over);
        self.snapshot_rows.as_ref().map(|rows| rows.until())
    }

    /// Whether the rows of a snapshot are remembered.
    pub fn remembers_rows(&self) -> bool {
        self.snapshot_rows.is_some()
    }

    /// What is left of an event beside what the last snapshot has shown, and what was found since;
    /// see [`SnapshotRows::repeats`].
    pub fn without_repetition(&mut self, event: Event, until: Duration) -> Option<Event> {
        let Some(rows) = &mut self.snapshot_rows else {
            return Some(event);
        };
        match rows.repeats(&event, &self.meta.delivery.primary_key, until) {
            Repetition::No => Some(event),
            Repetition::Same => None,
            Repetition::Changed => self.spec.wants(Change::Update).then_some(Event {
                kind: EventKind::Update,
                ..event
            }),
        }
    }

    /// An ERROR event; the last one where `flags` say so.
    pub fn error_event(&self, json: &str, flags: u32) -> Event {
        let frame = Frame::from(json.to_owned());
        let data = Some((0, frame.len() as u32));
        Event {
            slot: self.id.slot,
            epoch: self.meta.epoch(),
            kind: EventKind::Error,
            flags,
            frame,
            data,
            meta: None,
            checked: true,
        }
    }
}

/// Whether a read has shown a singleton that does not exist: its defaults, without a key.
fn is_empty_singleton(data: &str, primary_key: &str) -> bool {
    data.trim_ascii_start().starts_with('{') && items::member(data, primary_key) == Some("null")
}

/// The item in a snapshot that was filtered by its key.
fn only_item(data: &str) -> Option<&str> {
    let mut elements = Vec::new();
    match items::elements(data, &mut elements) {
        Ok(items::Kind::Array) => {
            let &(from, to) = elements.first()?;
            data.get(from as usize..to as usize)
        }
        _ => Some(data).filter(|data| *data != "null"),
    }
}
