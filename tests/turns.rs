//! The lock by which two threads read a link in turn, in every order of its steps and with every value
//! that a load may see, as far as three preemptions lead.

#[allow(
    dead_code,
    reason = "the notes that the library needs, and this test does not"
)]
#[path = "../src/driver/turns.rs"]
mod turns;

mod sync {
    pub use std::sync::TryLockError;

    pub use loom::sync::atomic::{AtomicU8, Ordering, fence};
    pub use loom::sync::{Mutex, MutexGuard};
}

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use turns::{READ, Turns, WRITE};

/// Something arrives for this thread, which reads all that has arrived, or leaves it to the other.
fn arrive(turns: &Turns<usize>, arrived: &AtomicUsize) {
    arrived.fetch_add(1, Ordering::Relaxed);
    let read = |seen: &mut usize, _| *seen = arrived.load(Ordering::Relaxed);
    while turns
        .turn(READ, read)
        .is_some_and(|(_, notes)| notes & READ != 0)
    {}
}

#[test]
fn everything_that_arrives_is_read_though_no_thread_waits_for_its_turn() {
    let mut model = loom::model::Builder::new();
    // Without a bound two threads can take turns for ever, each because of the other's note.
    model.preemption_bound = Some(3);
    model.check(|| {
        let turns = Arc::new(Turns::new(0));
        let arrived = Arc::new(AtomicUsize::new(0));
        let theirs = (Arc::clone(&turns), Arc::clone(&arrived));
        let other = thread::spawn(move || arrive(&theirs.0, &theirs.1));
        arrive(&turns, &arrived);
        other.join().unwrap();
        let (seen, _) = turns.turn(0, |seen, _| *seen).expect("no other thread");
        assert_eq!(seen, 2);
    });
}

#[test]
fn a_note_left_meanwhile_reaches_this_turn_and_the_next() {
    loom::model(|| {
        let turns = Turns::new(());
        let meanwhile = |(): &mut (), _| turns.turn(WRITE, |(), _| ());
        assert_eq!(turns.turn(READ, meanwhile), Some((None, WRITE)));
        assert_eq!(turns.turn(READ, |(), notes| notes), Some((WRITE, 0)));
        assert_eq!(turns.turn(READ, |(), notes| notes), Some((0, 0)));
    });
}
