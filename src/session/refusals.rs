//! Subscriptions that the server has refused for good.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::handover::SubscriptionMeta;
use crate::subscriptions::{SubId, Subscription};

/// The errors of so many refusals are remembered, for callers that ask later.
const MOST_REMEMBERED: usize = 256;

/// See the module.
#[derive(Debug, Default)]
pub struct Refusals {
    /// Those whose last event the application has not been given yet: it may still end them.
    undelivered: Vec<Subscription>,
    /// The latest ones and their errors.
    errors: VecDeque<(SubId, String)>,
}

impl Refusals {
    /// A subscription was refused with this error.
    pub fn add(&mut self, subscription: Subscription, error: &str) {
        if self.errors.len() == MOST_REMEMBERED {
            self.errors.pop_front();
        }
        self.errors.push_back((subscription.id(), error.to_owned()));
        self.undelivered.push(subscription);
    }

    /// The error with which a subscription was refused, if that is remembered.
    pub fn error_of(&self, id: SubId) -> Option<&str> {
        let mut errors = self.errors.iter();
        let error = errors.find(|(refused, _)| *refused == id);
        error.map(|(_, error)| error.as_str())
    }

    /// The application ends those that pass before it was given their last event, which it
    /// is not given any more.
    pub fn end(
        &mut self,
        pass: impl Fn(&Subscription) -> bool,
    ) -> Vec<(SubId, Arc<SubscriptionMeta>)> {
        let mut ended = Vec::new();
        self.undelivered.retain(|subscription| {
            let is_ended = pass(subscription);
            if is_ended {
                ended.push((subscription.id(), Arc::clone(subscription.meta())));
            }
            !is_ended
        });
        ended
    }

    /// Delivery has let go of a subscription's place: its last event was delivered.
    pub fn released(&mut self, slot: u32) {
        self.undelivered.retain(|s| s.id().slot() != slot);
    }
}
