//! Checks that a subscription gets every message once and in order (I2, I3), by the journal
//! of what the server has sent.

use std::collections::HashSet;

use directus_realtime::handover::EventKind;
use serde::Deserialize;

use crate::journal::{Journal, SentMessage};

/// An item with its origin: the link, the registration, and the number of the message. The
/// model adds these for the checks; a real server does not.
#[derive(Deserialize)]
pub struct Row {
    pub id: u32,
    #[serde(default)]
    pub v: u64,
    k: Option<u64>,
    r: Option<u64>,
    /// Not in creates, which must look like the same row in a snapshot.
    n: Option<usize>,
}

/// Which messages of a registration must be delivered.
pub struct EventFilter {
    pub events: u32,
    pub item: Option<u32>,
}

/// Which part of a message an event is.
#[derive(Clone, Copy)]
pub struct Part {
    pub index: u32,
    pub count: u32,
}

#[derive(Default)]
pub struct Order {
    link: u64,
    registration: Option<u64>,
    /// The last INIT was empty and so has no origin: what follows may come from another
    /// registration.
    open: bool,
    /// The number of the last message, where it is known.
    last: Option<usize>,
    /// INITs since the last change, and whether there were deletes.
    inits: u32,
    unnumbered: bool,
    /// The ids in the last INIT, and those that were found since.
    initial: HashSet<u32>,
    /// The last part of a message that is not complete.
    part: Option<Part>,
}

type Verdict = Result<(), String>;

impl Order {
    /// `own`: it is the server's own snapshot, so all messages of the registration follow it.
    pub fn init(&mut self, rows: &[Row], own: bool) -> Verdict {
        self.inits += 1;
        self.initial = rows.iter().map(|row| row.id).collect();
        (self.open, self.last, self.part) = (true, None, None);
        let Some((link, registration)) = rows.first().and_then(|row| Some((row.k?, row.r?))) else {
            return Ok(());
        };
        self.check_age(link, registration)?;
        self.open = false;
        (self.link, self.registration, self.last) = (link, Some(registration), own.then_some(0));
        Ok(())
    }

    /// A read has shown an item whose create was lost, or is late.
    pub fn found(&mut self, id: u32) {
        self.initial.insert(id);
    }

    fn check_age(&self, link: u64, registration: u64) -> Verdict {
        if link < self.link {
            return Err(format!("I2: link {link} after link {}", self.link));
        }
        match self.registration {
            Some(mine) if registration < mine => Err(format!(
                "I2: something of registration {registration} after {mine}"
            )),
            _ => Ok(()),
        }
    }

    /// A create or an update. `whole`: the subscription must have got every message since its
    /// registration.
    pub fn change(
        &mut self,
        row: &Row,
        part: Part,
        filter: &EventFilter,
        whole: bool,
        journal: &Journal,
    ) -> Verdict {
        let made = row.k.zip(row.r).and_then(|(link, registration)| {
            let number = row.n.or_else(|| journal.create_of(registration, row.id));
            Some((link, registration, number?))
        });
        let Some((link, registration, number)) = made else {
            return Err("I8: a change that the server did not make".into());
        };
        self.check_age(link, registration)?;
        if self.registration != Some(registration) {
            if !self.open {
                return Err(format!(
                    "I3: registration {registration} goes on where {:?} was, without an INIT",
                    self.registration
                ));
            }
            self.registration = Some(registration);
            let whole = whole && self.inits == 1 && !self.unnumbered;
            self.last = whole.then_some(0);
        }
        (self.link, self.open) = (link, false);
        (self.inits, self.unnumbered) = (0, false);
        if self.next_part(part)? {
            self.advance(number, filter, journal)?;
        } else if self.last != Some(number) {
            return Err("I2: parts of two messages are mixed".into());
        }
        Ok(())
    }

    /// A delete, which has no origin: its number is looked up in the journal.
    pub fn delete(
        &mut self,
        id: u32,
        part: Part,
        filter: &EventFilter,
        journal: &Journal,
    ) -> Verdict {
        let begins = self.next_part(part)?;
        let (Some(registration), Some(last), false) = (self.registration, self.last, self.open)
        else {
            self.unnumbered = true;
            return Ok(());
        };
        let is_it = |sent: &SentMessage| sent.kind == EventKind::Delete && sent.ids.contains(&id);
        let number = {
            let all = journal.lock();
            let sent = all.get(&registration).map_or(&[][..], Vec::as_slice);
            let from = if begins { last } else { last.max(1) - 1 };
            sent.iter()
                .skip(from)
                .position(is_it)
                .map(|at| from + at + 1)
        };
        let Some(number) = number else {
            return Err(format!("I2: the delete of {id} is delivered again"));
        };
        if begins {
            self.advance(number, filter, journal)?;
        }
        Ok(())
    }

    /// An error stands for a withheld message, whose number is not known.
    pub fn lose_count(&mut self) {
        (self.last, self.unnumbered) = (None, true);
    }

    /// Whether this part begins a message.
    fn next_part(&mut self, part: Part) -> Result<bool, String> {
        let before = self.part.take();
        self.part = (part.index + 1 < part.count).then_some(part);
        let expected = before.map_or(0, |before| before.index + 1);
        if part.index != expected || before.is_some_and(|before| before.count != part.count) {
            return Err(format!("I2: part {} where {expected} was due", part.index));
        }
        Ok(before.is_none())
    }

    fn advance(&mut self, number: usize, filter: &EventFilter, journal: &Journal) -> Verdict {
        if let (Some(last), Some(registration)) = (self.last, self.registration) {
            if number <= last {
                return Err(format!("I2: message {number} after {last}"));
            }
            if let Some(lost) = self.missing(registration, last, number - 1, filter, journal) {
                return Err(format!("I3: {lost} was lost silently"));
            }
        }
        self.last = Some(number);
        Ok(())
    }

    fn missing(
        &self,
        registration: u64,
        from: usize,
        to: usize,
        filter: &EventFilter,
        journal: &Journal,
    ) -> Option<String> {
        let all = journal.lock();
        let sent = all.get(&registration)?;
        let due = |sent: &&SentMessage| {
            let bit = match sent.kind {
                EventKind::Create => 1,
                EventKind::Update => 2,
                _ => 4,
            };
            let in_snapshot = sent.kind == EventKind::Create
                && sent.ids.iter().all(|id| self.initial.contains(id));
            let others = filter.item.is_some_and(|item| !sent.ids.contains(&item));
            filter.events & bit != 0 && !in_snapshot && !others && !sent.late
        };
        let lost = sent[from..to.min(sent.len())].iter().find(due)?;
        Some(format!("{:?} of {:?}", lost.kind, lost.ids))
    }

    /// Whether everything was delivered that was sent to this registration.
    pub fn tail(&self, registration: u64, filter: &EventFilter, journal: &Journal) -> Verdict {
        if self.part.is_some() {
            return Err("I2: a message was delivered in part".into());
        }
        let (Some(last), false) = (self.last, self.open) else {
            return Ok(());
        };
        if self.registration != Some(registration) {
            return Ok(());
        }
        match self.missing(registration, last, usize::MAX, filter, journal) {
            Some(lost) => Err(format!("I7: {lost} was never delivered")),
            None => Ok(()),
        }
    }
}
