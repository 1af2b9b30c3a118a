//! What belongs to this process and not to one that it was forked from.

use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::driver::runtime;

static FORKS: AtomicU64 = AtomicU64::new(0);

/// How many forks lie between the first process and this one.
pub(super) fn forks() -> u64 {
    FORKS.load(Ordering::SeqCst)
}

extern "C" fn in_child() {
    // Only stores: the child has one thread, and any lock may be held by one
    // that does not exist here.
    FORKS.fetch_add(1, Ordering::SeqCst);
    runtime::forget_after_fork();
}

/// To be called before the first handle is given out.
pub(super) fn watch_forks() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the handler does nothing but atomic stores.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}
