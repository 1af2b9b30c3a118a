//! Where the system has neither forks nor signals. See `process.rs`.

use std::sync::Once;

use super::environment;

/// There are none.
pub(super) fn forks() -> u64 {
    0
}

/// Must run before the first handle is given out, the first thread is started and the first log
/// function is set.
pub(super) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(environment::apply);
}
