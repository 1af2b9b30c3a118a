//! What concerns the whole process: forks and signals.

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
    // Only atomic operations: any lock may be held by a thread that does not exist in the child.
    FORKS.fetch_add(1, Ordering::SeqCst);
    runtime::forget_after_fork();
}

/// Signals that are sent to the process as a whole, which the application handles on a thread of
/// its own. The library's threads block them. All other signals keep the mask of the thread that
/// starts them: faults belong to the thread that causes them, and garbage collectors, profilers and
/// schedulers of other languages stop and wake threads by signals (SIGPWR and SIGXCPU, SIGUSR1 and
/// SIGUSR2, SIGURG, SIGPROF, real-time signals). If a thread blocked those, the process would hang
/// at its next collection.
const OF_THE_PROCESS: [i32; 11] = [
    libc::SIGHUP,
    libc::SIGINT,
    libc::SIGQUIT,
    libc::SIGTERM,
    libc::SIGALRM,
    libc::SIGCHLD,
    libc::SIGCONT,
    libc::SIGTSTP,
    libc::SIGTTIN,
    libc::SIGTTOU,
    libc::SIGWINCH,
];

/// Starts a thread with the process's signals blocked. The thread inherits the mask, so it has the
/// right one from its first moment.
fn without_signals(work: Work, make: &mut dyn FnMut()) {
    let (mut blocked, mut before) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    // A callback that writes into a pipe without a reader ends the program by SIGPIPE, as any
    // other code of the program would. The library itself must not.
    let pipe = (work == Work::Library).then_some(libc::SIGPIPE);
    // SAFETY: the sets are filled before they are read.
    unsafe {
        libc::sigemptyset(blocked.as_mut_ptr());
        for signal in OF_THE_PROCESS.into_iter().chain(pipe) {
            libc::sigaddset(blocked.as_mut_ptr(), signal);
        }
        let blocked = blocked.as_ptr();
        let failed = libc::pthread_sigmask(libc::SIG_BLOCK, blocked, before.as_mut_ptr()) != 0;
        make();
        if !failed {
            libc::pthread_sigmask(libc::SIG_SETMASK, before.as_ptr(), std::ptr::null_mut());
        }
    }
}

/// Must run before the first handle is given out, the first thread is started and the first log
/// function is set.
pub(super) fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        environment::apply();
        threads::make_within(without_signals);
        // SAFETY: the handler does nothing but atomic stores.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}
