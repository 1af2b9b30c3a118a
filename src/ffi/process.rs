//! What belongs to the process: how often it was forked, and its signals.

use std::mem::MaybeUninit;
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};

use super::environment;
use crate::driver::runtime;
use crate::threads::{self, Work};

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

/// Signals of the thread that causes them, which it must not block.
const FAULTS: [i32; 7] = [
    libc::SIGSEGV,
    libc::SIGBUS,
    libc::SIGFPE,
    libc::SIGILL,
    libc::SIGABRT,
    libc::SIGTRAP,
    libc::SIGSYS,
];

/// Makes a thread that takes none of the process's signals: it has its mask from the
/// thread that makes it, so that there is no moment in which it has another.
fn without_signals(work: Work, make: &mut dyn FnMut()) {
    let (mut blocked, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    let open = FAULTS.iter().copied();
    // What a callback writes into a pipe without a reader ends the program, as
    // everything else does that the program writes there.
    let open = open.chain((work == Work::Callbacks).then_some(libc::SIGPIPE));
    // SAFETY: the sets are filled before they are read.
    unsafe {
        libc::sigfillset(blocked.as_mut_ptr());
        for signal in open {
            libc::sigdelset(blocked.as_mut_ptr(), signal);
        }
        let blocked = blocked.as_ptr();
        let failed = libc::pthread_sigmask(libc::SIG_BLOCK, blocked, before.as_mut_ptr()) != 0;
        make();
        if !failed {
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        }
    }
}

/// To be called before the first handle is given out, the first thread made, and the
/// first log function set.
pub(super) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        environment::apply();
        threads::make_within(without_signals);
        // SAFETY: the handler does nothing but atomic stores.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}
