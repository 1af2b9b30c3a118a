//! Rows that are held in memory, in the server's order: the list, its differences, and what of
//! them waits for the application.
//!
//! [`Rows`] is a persistent list: a clone costs next to nothing and shares everything with the
//! original, and a change copies the few nodes on its way. So the live collection and the application
//! can look at different states of it, and any state can be compared with any other.

pub mod answer;
pub mod diff;
pub mod feed;
mod index;
mod leaf;
mod list;
mod longest;
mod row;
#[cfg(test)]
mod tests;

pub use feed::{Feed, FeedBudget, LiveStatus, Update};
pub use list::{Match, Rows};
pub use row::{Row, RowRef, same_row};

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
