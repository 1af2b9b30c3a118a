//! Events that follow each other closely. One by itself can be believed; where there are several,
//! each may show its row as it was before, come in the wrong order, or tell of what did not happen. The
//! rows that they name are read once more when it is quiet.

use std::collections::HashMap;
use std::time::Duration;

use crate::handover::EventKind;

/// Events within this time of each other are close together.
const CLOSE: Duration = Duration::from_secs(1);
/// A transaction is not over while its events come within this time of each other: what was read
/// meanwhile may be what was stored before it.
const PAUSE: Duration = Duration::from_secs(2);
/// No transaction is expected to last longer.
const LONGEST: Duration = Duration::from_secs(15);
/// So many keys are remembered. Where more are touched, all rows are read.
pub(super) const MOST_KEYS: usize = 2_000;

/// What was told of a key.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// The key, as JSON.
    pub key: String,
    /// How often the subscription to the rows that match has told of it, and how often the one to all
    /// keys.
    pub rows: u32,
    pub touches: u32,
    /// It was told of as created or updated, and as deleted.
    pub is_written: bool,
    pub is_deleted: bool,
    /// It is to be read again.
    pub wanted: bool,
    /// It was told of since the last read was sent.
    pub fresh: bool,
    pub at: Duration,
}

impl Told {
    /// Only the subscription to all keys has told of it, so far: perhaps it does not match any more.
    pub fn may_be_lost(&self) -> bool {
        self.is_written && !self.wanted && self.touches > self.rows
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Flurry {
    pub keys: HashMap<Box<str>, Told>,
    /// Messages of either subscription.
    rows: u32,
    touches: u32,
    /// Those of them that are creates.
    created_rows: u32,
    created_touches: u32,
    pub last: Duration,
    /// There were more keys than are remembered.
    pub overflowed: bool,
}

impl Flurry {
    /// A message has come. Returns whether it belongs to those before it.
    pub fn message(&mut self, now: Duration, kind: EventKind, is_touch: bool) -> bool {
        let pause = if self.is_suspect() { PAUSE } else { CLOSE };
        let belongs = self.messages() > 0 && now.saturating_sub(self.last) <= pause;
        if !belongs {
            self.begin_anew();
        }
        self.last = now;
        let created = u32::from(kind == EventKind::Create);
        if is_touch {
            self.touches += 1;
            self.created_touches += created;
        } else {
            self.rows += 1;
            self.created_rows += created;
        }
        belongs
    }

    /// Forgets all but what is still to be read, or looked at, which may have to wait for long.
    fn begin_anew(&mut self) {
        let mut keys = std::mem::take(&mut self.keys);
        keys.retain(|_, told| told.wanted || told.may_be_lost());
        *self = Flurry {
            keys,
            overflowed: self.overflowed,
            ..Flurry::default()
        };
    }

    fn messages(&self) -> u32 {
        self.rows.max(self.touches)
    }

    /// Whether there was more than one message, each of which both subscriptions may have told.
    pub fn is_suspect(&self) -> bool {
        self.messages() > 1 || self.overflowed
    }

    /// Whether creates may have been lost, as among those of an import.
    pub fn may_lack_creates(&self) -> bool {
        let creates = self.created_rows.max(self.created_touches);
        self.is_suspect() && creates > 0 && (creates > 1 || self.keys.len() > 1)
    }

    /// What is told of a key.
    pub fn told(&mut self, now: Duration, text: &str, key: &str) -> &mut Told {
        if self.keys.len() >= MOST_KEYS && !self.keys.contains_key(text) {
            self.overflowed = true;
            self.keys.clear();
        }
        let told = self.keys.entry(text.into()).or_default();
        if told.key.is_empty() {
            told.key = key.to_owned();
        }
        told.at = now;
        told.fresh = true;
        told
    }

    /// Whether anything is to be read.
    pub fn has_wanted(&self) -> bool {
        self.overflowed || self.keys.values().any(|told| told.wanted)
    }

    /// A read goes out: the keys that it is about. Where it is not quiet, only those are read that are
    /// new, as the others will be read again.
    pub fn begin_read(&mut self, is_quiet: bool) -> Vec<String> {
        let mut wanted: Vec<_> = self
            .keys
            .values_mut()
            .filter(|told| told.wanted && (is_quiet || told.fresh))
            .map(|told| {
                told.fresh = false;
                told.key.clone()
            })
            .collect();
        wanted.sort_unstable();
        wanted
    }

    /// What was told before now will be in the answer to a read of everything.
    pub fn cover(&mut self) {
        self.keys.values_mut().for_each(|told| told.fresh = false);
    }

    /// A read is answered that began when it was quiet, or not. Forgets what is not to be read again.
    pub fn end_read(&mut self, now: Duration, is_quiet: bool) {
        let is_over = now.saturating_sub(self.last) > PAUSE;
        self.keys.retain(|_, told| {
            let is_old = now.saturating_sub(told.at) > LONGEST;
            told.fresh || !(is_over || is_old)
        });
        if is_quiet {
            // They are remembered, and wanted again if the flurry goes on.
            for told in self.keys.values_mut().filter(|told| !told.fresh) {
                told.wanted = false;
            }
            self.overflowed = false;
        }
    }

    /// It goes on: what was read before may have been read too early.
    pub fn want_all(&mut self) {
        for told in self.keys.values_mut() {
            told.wanted |= told.is_written;
        }
    }

    /// Whether this key was told of since the last read went out.
    pub fn is_fresh(&self, text: &str) -> bool {
        self.keys.get(text).is_some_and(|told| told.fresh)
    }
}
