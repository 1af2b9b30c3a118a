//! The registry of subscriptions: what each one asked for, its scope, and how far it has come
//! on the present link.

pub mod deleted_keys;
pub mod held;
pub mod highest_key;
pub mod key_format;
pub mod rechecks;
pub mod registry;
mod row_hash;
pub mod scope;
mod shared_options;
pub mod snapshot_rows;
pub mod spec;
pub mod subscription;

pub use registry::Registry;
pub use scope::ScopeId;
pub use spec::SubscriptionSpec;
pub use subscription::{Role, SubId, Subscription};
