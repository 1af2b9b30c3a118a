//! Delivery: what waits for the application, in order and within a byte budget, and the consumer
//! that runs the callbacks, on the library's dispatcher thread or on a thread of the application.
//!
//! The session pushes [`DeliveryItem`]s. The consumer owns every sink (callback) and runs it, so
//! that a callback is released exactly once, and only where callbacks run.

mod api;
mod backlog;
mod consumer;
mod consumer_slot;
mod control;
mod dispatcher;
mod ended;
mod key_format;
mod load;
mod queue;
mod rows;
mod running;
mod signal;
mod splitter;
mod wait;
mod wakeup;

#[cfg(test)]
mod tests;

pub use api::{Delivery, DeliveryStats};
pub use rows::{Batch, RowEntry, RowKind, RowsOf};
pub use running::{CallbackGuard, enter_callback, in_callback};
pub use signal::Descriptor;
pub use wakeup::Intake;

pub use crate::handover::*;

/// What the consumer reports to the modules that fill the queue. Called on the thread that
/// dispatches, without any lock of the delivery held.
pub trait Feedback: Send + Sync {
    /// The application has processed everything from before the overflow that began this epoch.
    fn caught_up(&self, slot: u32, epoch: u32);
    /// A frame that looked like an event is malformed: the subscription has lost an event.
    fn malformed(&self, slot: u32, epoch: u32);
    /// `DeliveryItem::Release` was processed: the slot may be used again.
    fn released(&self, slot: u32);
    /// The token callback has returned, or there is none.
    fn token_callback_returned(&self);
    /// An update of a live collection was delivered that changes its status.
    fn shown(&self) {}
}

/// Where callbacks run (`DRT_DELIVER_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// On a thread of the library.
    #[default]
    Thread,
    /// On the thread that calls dispatch or drain.
    Poll,
}
