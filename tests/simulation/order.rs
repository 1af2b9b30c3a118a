//! Whether a subscription is told everything, once and in order: its events are
//! held against the journal of what the server has said.

use std::collections::HashSet;

use directus_realtime::handover::EventKind;
use serde::Deserialize;

use crate::journal::{Journal, Said};

/// An item, with where it comes from: the link, the registration, and the number of
/// the message. A real server says nothing of the kind.
#[derive(Deserialize)]
pub struct Row {
    pub id: u32,
    #[serde(default)]
    pub v: u64,
    k: Option<u64>,
    r: Option<u64>,
    /// Not in creates: these look as the row does in a snapshot.
    n: Option<usize>,
}

/// Which messages of a registration have to be told.
pub struct Wants {
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
    /// The last INIT does not say whose it is: the registration may be another one
    /// by now.
    open: bool,
    /// The number of the last message, where it is known.
    last: Option<usize>,
    /// INITs since the last change, and whether there were deletes.
    inits: u32,
    unnumbered: bool,
    /// What the last INIT has told.
    initial: HashSet<u32>,
    /// The last part of a message that is not complete.
    part: Option<Part>,
}

type Verdict = Result<(), String>;

impl Order {
    /// The server's `own` snapshot is what its messages follow.
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

    /// A create or an update. `whole` is for those who have heard everything since
    /// the registration.
    pub fn change(
        &mut self,
        row: &Row,
        part: Part,
        wants: &Wants,
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
            self.advance(number, wants, journal)?;
        } else if self.last != Some(number) {
            return Err("I2: parts of two messages are mixed".into());
        }
        Ok(())
    }

    /// A delete: it does not say where it comes from.
    pub fn delete(&mut self, id: u32, part: Part, wants: &Wants, journal: &Journal) -> Verdict {
        let begins = self.next_part(part)?;
        let (Some(registration), Some(last), false) = (self.registration, self.last, self.open)
        else {
            self.unnumbered = true;
            return Ok(());
        };
        let is_it = |said: &Said| said.kind == EventKind::Delete && said.ids.contains(&id);
        let number = {
            let all = journal.lock();
            let said = all.get(&registration).map_or(&[][..], Vec::as_slice);
            let from = if begins { last } else { last.max(1) - 1 };
            said.iter()
                .skip(from)
                .position(is_it)
                .map(|at| from + at + 1)
        };
        let Some(number) = number else {
            return Err(format!("I2: the delete of {id} is told again"));
        };
        if begins {
            self.advance(number, wants, journal)?;
        }
        Ok(())
    }

    /// An error tells that some message is withheld.
    pub fn lose_count(&mut self) {
        (self.last, self.unnumbered) = (None, true);
    }

    /// Whether a message begins.
    fn next_part(&mut self, part: Part) -> Result<bool, String> {
        let before = self.part.take();
        self.part = (part.index + 1 < part.count).then_some(part);
        let expected = before.map_or(0, |before| before.index + 1);
        if part.index != expected || before.is_some_and(|before| before.count != part.count) {
            return Err(format!("I2: part {} where {expected} was due", part.index));
        }
        Ok(before.is_none())
    }

    fn advance(&mut self, number: usize, wants: &Wants, journal: &Journal) -> Verdict {
        if let (Some(last), Some(registration)) = (self.last, self.registration) {
            if number <= last {
                return Err(format!("I2: message {number} after {last}"));
            }
            if let Some(lost) = self.missing(registration, last, number - 1, wants, journal) {
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
        wants: &Wants,
        journal: &Journal,
    ) -> Option<String> {
        let all = journal.lock();
        let said = all.get(&registration)?;
        let due = |said: &&Said| {
            let bit = match said.kind {
                EventKind::Create => 1,
                EventKind::Update => 2,
                _ => 4,
            };
            let told = said.kind == EventKind::Create
                && said.ids.iter().all(|id| self.initial.contains(id));
            let others = wants.item.is_some_and(|item| !said.ids.contains(&item));
            wants.events & bit != 0 && !told && !others && !said.late
        };
        let lost = said[from..to.min(said.len())].iter().find(due)?;
        Some(format!("{:?} of {:?}", lost.kind, lost.ids))
    }

    /// Whether everything was told that was said to this registration.
    pub fn tail(&self, registration: u64, wants: &Wants, journal: &Journal) -> Verdict {
        if self.part.is_some() {
            return Err("I2: a message was told in part".into());
        }
        let (Some(last), false) = (self.last, self.open) else {
            return Ok(());
        };
        if self.registration != Some(registration) {
            return Ok(());
        }
        match self.missing(registration, last, usize::MAX, wants, journal) {
            Some(lost) => Err(format!("I7: {lost} was never told")),
            None => Ok(()),
        }
    }
}
