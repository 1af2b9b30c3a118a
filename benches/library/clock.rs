//! The two clocks: the machine's, which all processes share, and the processor time of this one.

/// Nanoseconds of `CLOCK_MONOTONIC`.
pub fn monotonic() -> u64 {
    read(libc::CLOCK_MONOTONIC)
}

/// Nanoseconds of processor time that all threads of this process have used.
pub fn processor() -> u64 {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: a valid out pointer.
    assert_eq!(unsafe { libc::clock_gettime(clock, &mut time) }, 0);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Sleeps until that time of [`monotonic`], to the microsecond.
pub fn sleep_until(at: u64) {
    let until = libc::timespec {
        tv_sec: (at / 1_000_000_000) as libc::time_t,
        tv_nsec: (at % 1_000_000_000) as libc::c_long,
    };
    let (clock, absolute) = (libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME);
    // SAFETY: a valid time, and nothing is written. A signal ends the sleep too early, and that is all.
    unsafe { libc::clock_nanosleep(clock, absolute, &until, std::ptr::null_mut()) };
}

/// Sleeps of this thread end at once: usually the kernel adds 50 µs.
pub fn sleep_exactly() {
    // SAFETY: the option takes a number of nanoseconds.
    let set = unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
    assert_eq!(set, 0);
}
