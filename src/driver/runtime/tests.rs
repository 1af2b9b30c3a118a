use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;

use super::*;

const SOON: Duration = Duration::from_secs(5);

/// A holder for this test alone, because other tests run at the same time.
fn holder() -> &'static Holder {
    Box::leak(Box::new(Holder::new()))
}

/// Where the kernel shows the I/O thread.
fn thread_of(runtime: &Runtime) -> PathBuf {
    let (sender, receiver) = channel();
    runtime.spawn(async move {
        let own = std::fs::read_link("/proc/thread-self").unwrap();
        sender.send(Path::new("/proc").join(own)).unwrap();
    });
    receiver.recv_timeout(SOON).unwrap()
}

/// The kernel may list a thread for a moment after it was joined.
fn is_gone(thread: &Path) -> bool {
    let end = Instant::now() + SOON;
    while thread.exists() && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(1));
    }
    !thread.exists()
}

#[test]
fn all_users_share_one_io_thread_and_the_last_one_ends_it() {
    let holder = holder();
    let first = holder.acquire(0).unwrap();
    let second = holder.acquire(0).unwrap();
    let thread = thread_of(&first);
    assert_eq!(thread_of(&second), thread);
    let name = std::fs::read_to_string(thread.join("comm")).unwrap();
    assert_eq!(name.trim(), "drt-io");
    first.release(Instant::now() + SOON).unwrap();
    assert_eq!(thread_of(&second), thread);
    second.release(Instant::now() + SOON).unwrap();
    assert!(is_gone(&thread));
}

#[test]
fn releasing_a_share_of_the_io_thread_twice_counts_once() {
    let holder = holder();
    let first = holder.acquire(0).unwrap();
    let second = holder.acquire(0).unwrap();
    Arc::clone(&first).release(Instant::now() + SOON).unwrap();
    first.release(Instant::now() + SOON).unwrap();
    thread_of(&second);
    second.release(Instant::now() + SOON).unwrap();
}

#[test]
fn dropping_the_last_share_ends_the_io_thread() {
    let runtime = holder().acquire(0).unwrap();
    let thread = thread_of(&runtime);
    drop(runtime);
    assert!(is_gone(&thread));
}

#[test]
fn a_user_after_the_last_one_gets_a_new_io_thread() {
    let holder = holder();
    let runtime = holder.acquire(0).unwrap();
    let old = thread_of(&runtime);
    runtime.release(Instant::now() + SOON).unwrap();
    let runtime = holder.acquire(0).unwrap();
    assert_ne!(thread_of(&runtime), old);
    runtime.release(Instant::now() + SOON).unwrap();
}

#[test]
fn a_release_with_no_time_left_ends_an_idle_io_thread() {
    let runtime = holder().acquire(0).unwrap();
    let thread = thread_of(&runtime);
    runtime.release(Instant::now()).unwrap();
    assert!(is_gone(&thread));
}

#[test]
fn a_release_waits_for_a_blocked_lookup_until_its_deadline() {
    let runtime = holder().acquire(0).unwrap();
    let (begin, begun) = channel();
    let (free, freed) = channel::<()>();
    let lookups = Arc::clone(&runtime.lookups);
    runtime.spawn(async move {
        let lookup = lookups.run(move || {
            begin.send(()).unwrap();
            let _ = freed.recv();
        });
        drop(lookup.await);
    });
    begun.recv_timeout(SOON).unwrap();
    let before = Instant::now();
    let error = runtime
        .release(before + Duration::from_millis(50))
        .unwrap_err();
    assert_eq!(error.status, Status::Timeout);
    assert!(before.elapsed() < Duration::from_secs(2));
    drop(free);
}

#[test]
fn a_release_on_the_io_thread_fails_as_it_would_deadlock() {
    let runtime = holder().acquire(0).unwrap();
    let (sender, receiver) = channel();
    let theirs = Arc::clone(&runtime);
    runtime.spawn(async move {
        sender.send(theirs.release(Instant::now() + SOON)).unwrap();
    });
    let error = receiver.recv_timeout(SOON).unwrap().unwrap_err();
    assert_eq!(error.status, Status::WouldDeadlock);
}

#[test]
fn a_panicking_task_ends_no_other_task() {
    let runtime = holder().acquire(0).unwrap();
    runtime.spawn(async { panic!("on purpose, by a test") });
    thread_of(&runtime);
    runtime.release(Instant::now() + SOON).unwrap();
}

#[test]
fn each_generation_of_forks_has_its_own_holder() {
    let first = holder();
    let second = first.next();
    assert!(!std::ptr::eq(first, second));
    assert!(std::ptr::eq(second, first.next()));
    // The parent's lock is held for ever; the child's is free.
    let _held = first.lock();
    assert!(second.lock().is_none());
}

#[test]
fn an_io_thread_inherited_through_a_fork_is_left_alone() {
    let holder = holder();
    let inherited = holder.acquire(usize::MAX).unwrap();
    let _held_by_a_lost_thread = holder.lock();
    inherited.release(Instant::now() + SOON).unwrap();
}
