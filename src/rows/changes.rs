//! What an update changes, as steps that can be followed one by one.

use super::{Row, Rows};

/// What happened to a row (`DRT_LIVE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum ChangeKind {
    /// It was added.
    Added = 0,
    /// It is another than before, or at another place.
    Modified = 1,
    /// It was removed.
    Removed = 2,
}

/// One step of a difference: the row at `old` is removed, then the row is inserted at `new`.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The row; of one that was removed, as it was last.
    pub row: Row,
    /// Its place before this step, unless it was added.
    pub old: Option<usize>,
    /// Its place after this step, unless it was removed.
    pub new: Option<usize>,
}

/// The steps that lead to the rows of an update.
#[derive(Clone, Debug)]
pub enum Changes {
    /// These.
    Steps(Vec<Change>),
    /// There were no rows before, and so many are added, in order: a list of steps would need as much
    /// memory again as a third of the rows.
    All(usize),
}

impl Changes {
    /// How many steps there are.
    pub fn len(&self) -> usize {
        match self {
            Changes::Steps(steps) => steps.len(),
            Changes::All(count) => *count,
        }
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The steps that lead to these rows.
    pub fn steps<'a>(&'a self, rows: &'a Rows) -> impl Iterator<Item = Step<'a>> {
        let (steps, most) = match self {
            Changes::Steps(steps) => (&**steps, 0),
            Changes::All(count) => (&[][..], *count),
        };
        let added = rows.iter().take(most).enumerate().map(|(at, row)| Step {
            kind: ChangeKind::Added,
            row,
            old: None,
            new: Some(at),
        });
        let steps = steps.iter().map(|change| Step {
            kind: change.kind,
            row: &change.row,
            old: change.old,
            new: change.new,
        });
        steps.chain(added)
    }
}

impl From<Vec<Change>> for Changes {
    fn from(steps: Vec<Change>) -> Self {
        Changes::Steps(steps)
    }
}

/// A [`Change`], borrowed.
#[derive(Clone, Copy, Debug)]
pub struct Step<'a> {
    /// See [`Change`].
    pub kind: ChangeKind,
    /// See [`Change`].
    pub row: &'a Row,
    /// See [`Change`].
    pub old: Option<usize>,
    /// See [`Change`].
    pub new: Option<usize>,
}
