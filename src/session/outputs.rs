//! What one input has caused: items for the application, effects for the driver, and
//! whether a waiting thread has to look again.

use super::{Effect, LiveNotice};
use crate::handover::{DeliveryItem, Event};
use crate::log::Level;

/// What is handed out after an input. Only the router adds to it.
#[derive(Default)]
pub struct Outputs {
    items: Vec<DeliveryItem>,
    effects: Vec<Effect>,
    notices: Vec<LiveNotice>,
    changed: bool,
}

impl Outputs {
    /// Something for the application.
    pub fn deliver(&mut self, item: DeliveryItem) {
        self.items.push(item);
    }

    /// An event for the application, which is returned where it is. It is made there: one that is
    /// moved right after it was made has the processor wait for its members to be stored. What
    /// `Vec::push` gets is moved, as it would be dropped if there was no memory.
    #[inline]
    pub fn deliver_event(&mut self, event: impl FnOnce() -> Event) -> Option<&Event> {
        let item = || DeliveryItem::Event(event());
        self.items.extend(std::iter::once_with(item));
        match self.items.last() {
            Some(DeliveryItem::Event(event)) => Some(event),
            _ => None,
        }
    }

    /// Something for the driver. Effects are carried out in this order.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Something for the live collections.
    pub fn notice(&mut self, notice: LiveNotice) {
        self.notices.push(notice);
    }

    /// The notices since the last call.
    pub fn take_notices(&mut self) -> Vec<LiveNotice> {
        std::mem::take(&mut self.notices)
    }

    /// A line for the log, if it is wanted there.
    pub fn log(&mut self, level: Level, message: impl Into<String>) {
        // The session's own tests look at every line.
        if cfg!(test) || crate::log::enabled(level) {
            self.effects.push(Effect::Log(level, message.into()));
        }
    }

    /// Something happened that a waiting thread may wait for.
    pub fn notify(&mut self) {
        self.changed = true;
    }

    /// The items since the last call.
    pub fn take_items(&mut self) -> Vec<DeliveryItem> {
        std::mem::take(&mut self.items)
    }

    /// Takes an emptied list back, so that its memory is used again.
    pub fn recycle_items(&mut self, items: Vec<DeliveryItem>) {
        if self.items.is_empty() {
            self.items = items;
        }
    }

    /// The effects since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// See [`Outputs::recycle_items`].
    pub fn recycle_effects(&mut self, effects: Vec<Effect>) {
        if self.effects.is_empty() {
            self.effects = effects;
        }
    }

    /// Whether there was a [`Outputs::notify`] since the last call.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}
