//! Which delivery items may be processed ahead of the events that wait.

use super::DeliveryItem;

/// Looks at the items in their order: which callbacks there are changes on the way.
pub(super) struct Control {
    pub has_state_callback: bool,
    pub has_token_callback: bool,
}

impl Control {
    /// Whether it is a change of state, a token request or a reply that has a callback, or about
    /// such a callback. What is taken as rows stays where it is.
    pub fn takes(&mut self, item: &DeliveryItem) -> bool {
        match item {
            DeliveryItem::State { .. } => self.has_state_callback,
            DeliveryItem::TokenWanted { .. } => self.has_token_callback,
            DeliveryItem::Reply { sink, .. } => !sink.is_for_rows(),
            DeliveryItem::SetStateSink(sink) => {
                self.has_state_callback = sink.is_some();
                true
            }
            DeliveryItem::SetTokenSink(sink) => {
                self.has_token_callback = sink.as_ref().is_some_and(|sink| !sink.is_for_rows());
                true
            }
            DeliveryItem::Event(_)
            | DeliveryItem::Update { .. }
            | DeliveryItem::Register { .. }
            | DeliveryItem::CaughtUp { .. }
            | DeliveryItem::Release { .. } => false,
        }
    }
}
