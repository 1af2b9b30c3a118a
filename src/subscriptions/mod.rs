//! The registry of subscriptions: what each one asked for, its scope, and how far it has come
//! on the present link.

pub mod gone;
pub mod recent;
pub mod registry;
pub mod scope;
pub mod spelling;
pub mod subscription;

pub use registry::Registry;
pub use scope::ScopeId;
pub use subscription::{Phase, SubId, Subscription, SubscriptionSpec};
