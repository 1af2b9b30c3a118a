//! Rows that are held in memory, in the server's order: the list, its differences, and what of
//! them waits for the application.
//!
//! [`Rows`] is a persistent list: a clone costs next to nothing and shares everything with the
//! original, and a change copies the few nodes on its way. So the live collection and the application
//! can look at different states of it, and any state can be compared with any other.

pub mod answer;
mod changes;
pub mod diff;
pub mod feed;
mod index;
mod leaf;
mod list;
mod longest;
mod row;
#[cfg(test)]
mod tests;

pub use changes::{Change, ChangeKind, Changes, Step};
pub use feed::{Feed, FeedBudget, LiveStatus, Update};
pub use list::{Match, Rows};
pub use row::{Row, RowRef, same_row};
