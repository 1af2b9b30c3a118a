//! The delivery options of a client's subscriptions, each combination once: thousands of
//! subscriptions have a few of them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::handover::DeliveryOptions;

/// See the module.
#[derive(Debug, Default)]
pub struct SharedOptions {
    known: HashSet<Arc<DeliveryOptions>>,
    /// With so many, it is time to forget those that no subscription has any more.
    many: usize,
}

impl SharedOptions {
    /// The options, in memory that all subscriptions with the same options share.
    pub fn share(&mut self, options: DeliveryOptions) -> Arc<DeliveryOptions> {
        // Two subscriptions to one item are rare.
        if options.item.is_some() {
            return Arc::new(options);
        }
        if let Some(known) = self.known.get(&options) {
            return Arc::clone(known);
        }
        if self.known.len() >= self.many {
            self.known.retain(|known| Arc::strong_count(known) > 1);
            self.many = 2 * self.known.len() + 8;
        }
        let options = Arc::new(options);
        self.known.insert(Arc::clone(&options));
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(primary_key: &str) -> DeliveryOptions {
        DeliveryOptions {
            primary_key: primary_key.into(),
            ..DeliveryOptions::default()
        }
    }

    #[test]
    fn equal_options_are_the_same() {
        let mut shared = SharedOptions::default();
        let [one, same, other] = ["id", "id", "key"].map(|key| shared.share(options(key)));
        assert!(Arc::ptr_eq(&one, &same) && !Arc::ptr_eq(&one, &other));
        assert_eq!(*other, options("key"));
    }

    #[test]
    fn i6_options_that_no_subscription_has_are_forgotten() {
        let mut shared = SharedOptions::default();
        let kept = shared.share(options("id"));
        for n in 0..1000 {
            shared.share(options(&n.to_string()));
        }
        assert!(shared.known.len() < 20);
        assert!(Arc::ptr_eq(&kept, &shared.share(options("id"))));
    }
}
