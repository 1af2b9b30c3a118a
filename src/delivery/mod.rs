//! What waits for the application: a queue with a byte budget, in order, and
//! whoever runs the callbacks, the library's dispatcher thread or the
//! application's own.
//!
//! The session pushes [`DeliveryItem`]s; the consumer owns every sink (callback) and
//! runs it, so that a callback is dropped (released) exactly once and just
//! there where callbacks run.

mod api;
mod consumer;
mod cutter;
mod desk;
mod dispatcher;
mod drain;
mod keys;
mod load;
mod presence;
mod queue;
mod waiting;
mod wakeup;

#[cfg(test)]
mod tests;

pub use api::{Delivery, DeliveryStats};
pub use presence::{CallbackGuard, enter_callback, in_callback};

pub use crate::handover::*;

/// What the consumer tells the rooms that fill the queue. Called without any
/// lock of the delivery held, from the thread that dispatches.
pub trait Feedback: Send + Sync {
    /// The application has worked off everything from before the overflow that
    /// began this epoch.
    fn caught_up(&self, slot: u32, epoch: u32);
    /// A frame that looked like an event is not well-formed: the subscription
    /// has lost an event.
    fn malformed(&self, slot: u32, epoch: u32);
    /// `DeliveryItem::Release` was processed: the slot may be used again.
    fn released(&self, slot: u32);
    /// The token callback has returned, or there is none.
    fn token_callback_returned(&self);
}

/// Who runs the callbacks (`DRT_DELIVER_*`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// A thread of the library.
    #[default]
    Thread,
    /// Whoever calls dispatch or drain.
    Poll,
}
