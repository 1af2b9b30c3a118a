//! Who asked for what: the registry of wishes, their scopes, and how far each
//! has come on the present link.

pub mod recent;
pub mod registry;
pub mod scope;
pub mod subscription;

pub use registry::Registry;
pub use scope::ScopeId;
pub use subscription::{Phase, SubId, Subscription, Wish};
