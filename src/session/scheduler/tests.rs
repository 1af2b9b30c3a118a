//! Whose turn it is.

use std::time::Duration;

use super::{Next, Outgoing, Permits, Scheduler};
use crate::protocol::wire_uid::WireUid;

const EVERYTHING: Permits = Permits {
    has_room: true,
    items: true,
    subscribe: true,
};

/// Takes out what may go, as if all of it were sent.
fn drain(scheduler: &mut Scheduler, permits: Permits) -> Vec<usize> {
    let mut classes = Vec::new();
    while let Some(next) = scheduler.next(Duration::ZERO, permits) {
        classes.push(next.class());
        scheduler.end_turn(next.class());
    }
    classes
}

fn filled() -> Scheduler {
    let mut scheduler = Scheduler::default();
    let mut registry = crate::subscriptions::Registry::default();
    for serial in 0..2 {
        let id = registry.reserve();
        scheduler.push(Outgoing::Message("{}".into()));
        scheduler.unsubscribe(WireUid { slot: 0, serial }, 0);
        scheduler.read(id);
        scheduler.subscribe(id);
    }
    scheduler
}

#[test]
fn i1_the_classes_of_messages_take_turns() {
    let mut scheduler = filled();
    assert_eq!(drain(&mut scheduler, EVERYTHING), [0, 1, 2, 3, 0, 1, 2, 3]);
    assert!(scheduler.is_empty());
}

#[test]
fn a_message_that_is_left_out_does_not_use_up_the_turn_of_its_class() {
    let mut scheduler = filled();
    scheduler.end_turn(1);
    for _ in 0..2 {
        let next = scheduler.next(Duration::ZERO, EVERYTHING);
        assert!(matches!(next, Some(Next::Read(_))), "{next:?}");
    }
    let next = scheduler.next(Duration::ZERO, EVERYTHING);
    assert!(matches!(next, Some(Next::Subscribe(_))), "{next:?}");
}

#[test]
fn a_check_is_sent_though_there_is_no_room_for_a_read() {
    let mut scheduler = filled();
    let id = crate::subscriptions::Registry::default().reserve();
    scheduler.check(id);
    let permits = Permits {
        has_room: false,
        ..EVERYTHING
    };
    assert_eq!(drain(&mut scheduler, permits), [0, 1, 2, 0, 1]);
    assert_eq!(drain(&mut scheduler, EVERYTHING), [2, 3, 2, 3]);
}

#[test]
fn nothing_is_sent_in_the_pause_after_a_dropped_message() {
    let mut scheduler = filled();
    let (now, pause) = (Duration::ZERO, Duration::from_secs(1));
    let mut rng = fastrand::Rng::with_seed(1);
    scheduler.count_sent(now);
    scheduler.exceeded(now, pause, now, &mut rng);
    assert!(scheduler.next(now, EVERYTHING).is_none());
    let end = scheduler.paused_until().unwrap();
    assert_eq!(scheduler.resume().messages, 1);
    assert!(scheduler.next(end + pause, EVERYTHING).is_some());
}
