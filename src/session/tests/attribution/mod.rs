//! What a session makes of errors that carry no uid, as servers of 11.x send them.

mod earlier;
mod items;
mod rejected;
mod system;
mod withheld;

use super::world;
use crate::subscriptions::SubscriptionSpec;
use crate::subscriptions::spec::ON_CREATE;

/// The items service does not serve the second one: no read can probe whether a
/// subscription to it is refused.
const COLLECTIONS: [&str; 2] = ["posts", "directus_users"];

/// A subscription to one kind of event.
fn creates() -> SubscriptionSpec {
    SubscriptionSpec {
        events: ON_CREATE,
        ..world::spec()
    }
}
