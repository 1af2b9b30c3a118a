//! Who asked for what: the registry of wishes, their scopes, and how far each
//! has come on the present link.

pub mod gone;
pub mod recent;
pub mod registry;
pub mod scope;
pub mod spelling;
pub mod subscription;

pub use registry::Registry;
pub use scope::ScopeId;
pub use subscription::{Phase, SubId, Subscription, Wish};
