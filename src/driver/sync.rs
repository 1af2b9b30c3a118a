//! What [`turns`](super::turns) is made of; a test puts a model in its place.

pub(super) use std::sync::atomic::{AtomicU8, Ordering, fence};
pub(super) use std::sync::{Mutex, MutexGuard, TryLockError};
