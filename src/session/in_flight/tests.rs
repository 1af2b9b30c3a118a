use super::*;

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_repeated_unsubscribe_replaces_the_first_and_its_deadline() {
    let mut in_flight = InFlight::default();
    let wire = WireUid { slot: 0, serial: 7 };
    let unsubscribe = || Purpose::Unsubscribe {
        wire,
        tries: 1,
        unconfirmed: 1,
    };
    in_flight.track(7, unsubscribe(), Duration::ZERO, SECOND);
    in_flight.track(7, unsubscribe(), SECOND, 2 * SECOND);
    assert_eq!(in_flight.next_deadline(), Some((2 * SECOND, 7)));
    assert!(in_flight.complete(7).is_some());
    assert_eq!(in_flight.next_deadline(), None);
    assert_eq!(in_flight.count(Kind::Unsubscribe), 0);
}

#[test]
fn untracked_messages_cannot_be_counted_since_a_time_that_was_forgotten() {
    let mut in_flight = InFlight::default();
    // The latest one that is forgotten need not be the last one.
    in_flight.sent_untracked(100 * SECOND);
    in_flight.sent_untracked(80 * SECOND);
    for _ in 0..MOST_UNTRACKED {
        in_flight.sent_untracked(101 * SECOND);
    }
    assert_eq!(in_flight.untracked_since(90 * SECOND), None);
    assert_eq!(
        in_flight.untracked_since(101 * SECOND),
        Some(MOST_UNTRACKED)
    );
}

#[test]
fn an_abandoned_message_counts_as_untracked_and_an_answered_one_does_not() {
    let mut in_flight = InFlight::default();
    let wire = WireUid { slot: 0, serial: 1 };
    in_flight.track(1, Purpose::Orphan(wire), SECOND, 10 * SECOND);
    in_flight.track(2, Purpose::Orphan(wire), SECOND, 10 * SECOND);
    in_flight.complete(1);
    in_flight.abandon(2);
    assert_eq!(in_flight.untracked_since(SECOND), Some(1));
    assert!(in_flight.abandoned().has_subscribe());
}
