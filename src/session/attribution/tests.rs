use super::*;
use crate::subscriptions::Registry;

fn error(code: &str) -> UnattributedError {
    UnattributedError {
        code: code.into(),
        json: format!(r#"{{"code":"{code}","message":"no"}}"#),
    }
}

fn forbidden() -> UnattributedError {
    error("FORBIDDEN")
}

fn ids<const N: usize>() -> [SubId; N] {
    let mut registry = Registry::default();
    std::array::from_fn(|_| registry.reserve())
}

/// A subscription that a read can probe.
fn readable(id: SubId) -> SubscriptionFacts {
    SubscriptionFacts {
        id,
        is_system: false,
        is_read_at_once: true,
    }
}

fn system(id: SubId) -> SubscriptionFacts {
    SubscriptionFacts {
        is_system: true,
        ..readable(id)
    }
}

fn sent(serial: u64, subscription: SubscriptionFacts) -> SubscribeInFlight {
    SubscribeInFlight {
        serial,
        subscription: Some(subscription),
        by_another: false,
    }
}

fn rejected(id: SubId) -> Verdict {
    let error = forbidden();
    Verdict::Rejected { id, error }
}

/// The error comes while these are in flight and another subscription is registered.
fn on_error(attribution: &mut Attribution, in_flight: &[SubscribeInFlight]) -> Vec<Verdict> {
    attribution.on_subscribe_error(forbidden(), in_flight, true)
}

#[test]
fn nothing_is_active_or_remembered_before_the_first_error() {
    let [id] = ids();
    let mut attribution = Attribution::default();
    assert_eq!(
        attribution.on_subscribe_timeout(1, Some(system(id)), false),
        None
    );
    assert_eq!(
        attribution.on_probe_refused(readable(id), 1, forbidden()),
        None
    );
    assert!(!attribution.is_active());
    assert!(!attribution.remembers(id));
}

#[test]
fn without_a_subscribe_in_flight_an_event_was_withheld() {
    let mut attribution = Attribution::default();
    assert_eq!(
        on_error(&mut attribution, &[]),
        [Verdict::Withheld(forbidden())]
    );
    assert!(attribution.is_active());
}

#[test]
fn where_nothing_else_can_be_meant_the_error_answers_the_only_subscribe() {
    let [id] = ids();
    let (serial, error) = (1, forbidden());
    let mut attribution = Attribution::default();
    let verdicts =
        attribution.on_subscribe_error(forbidden(), &[sent(serial, readable(id))], false);
    assert_eq!(verdicts, [Verdict::Answered { serial, error }]);
}

#[test]
fn each_subscribe_in_flight_is_probed_once_or_hastened_where_it_cannot_be() {
    let [first, second, third] = ids();
    let by_another = SubscribeInFlight {
        by_another: true,
        ..sent(3, readable(third))
    };
    let in_flight = [
        sent(1, readable(first)),
        sent(2, system(second)),
        by_another,
    ];
    let mut attribution = Attribution::default();
    assert_eq!(
        on_error(&mut attribution, &in_flight),
        [
            Verdict::Probe(first),
            Verdict::Hasten(2),
            Verdict::Hasten(3)
        ]
    );
    assert!(on_error(&mut attribution, &in_flight).is_empty());
}

#[test]
fn the_error_of_a_subscribe_is_expected_after_its_probe_has_used_up_anothers() {
    let [first, second] = ids();
    let in_flight = [sent(1, readable(first)), sent(2, readable(second))];
    let mut attribution = Attribution::default();
    on_error(&mut attribution, &in_flight);
    for (serial, id) in [(1, first), (2, second)] {
        let verdict = attribution.on_probe_refused(readable(id), serial, forbidden());
        assert_eq!(verdict, Some(rejected(id)));
        attribution.on_ended(id, Some(serial));
    }
    // Two were refused, one error has come. The other one is no event's.
    assert!(on_error(&mut attribution, &[]).is_empty());
    assert_eq!(
        on_error(&mut attribution, &[]),
        [Verdict::Withheld(forbidden())]
    );
}

#[test]
fn a_refused_probe_says_nothing_of_a_subscribe_that_is_no_candidate() {
    let [first, second] = ids();
    let mut attribution = Attribution::default();
    on_error(&mut attribution, &[sent(1, readable(first))]);
    attribution.on_message_over(1);
    for (serial, id) in [(1, first), (2, second)] {
        let verdict = attribution.on_probe_refused(readable(id), serial, forbidden());
        assert_eq!(verdict, None);
    }
}

#[test]
fn a_subscribe_to_one_kind_of_event_is_no_candidate_for_forbidden() {
    let [id] = ids();
    let facts = SubscriptionFacts {
        is_read_at_once: false,
        ..readable(id)
    };
    let mut attribution = Attribution::default();
    assert!(on_error(&mut attribution, &[sent(1, facts)]).is_empty());
    let invalid = || error("INVALID_QUERY");
    let verdicts = attribution.on_subscribe_error(invalid(), &[sent(1, facts)], true);
    assert_eq!(verdicts, [Verdict::Probe(id)]);
    // It is rejected in the words of the error, and for nothing else.
    for (refusal, is_rejected) in [(error("FORBIDDEN"), false), (invalid(), true)] {
        let verdict = attribution.on_probe_refused(facts, 1, refusal);
        assert_eq!(verdict.is_some(), is_rejected, "{verdict:?}");
    }
}

#[test]
fn a_system_subscribe_is_rejected_by_the_second_error_in_a_row() {
    let [id] = ids();
    let mut attribution = Attribution::default();
    let mut attempt = |serial, has_error| {
        if has_error {
            on_error(&mut attribution, &[sent(serial, system(id))]);
        }
        attribution.on_subscribe_timeout(serial, Some(system(id)), false)
    };
    let again = Some(Verdict::Retry { id, first: true });
    assert_eq!(attempt(1, true), again);
    // The server does not answer, without an error: from the beginning.
    assert_eq!(attempt(2, false), None);
    assert_eq!(attempt(3, true), again);
    assert_eq!(attempt(4, true), Some(rejected(id)));
}

#[test]
fn an_error_beside_other_subscribes_counts_no_attempt() {
    let [id, other] = ids();
    let mut attribution = Attribution::default();
    for serial in 0..10 {
        let in_flight = [sent(serial, system(id)), sent(100, system(other))];
        on_error(&mut attribution, &in_flight);
        let verdict = attribution.on_subscribe_timeout(serial, Some(system(id)), false);
        assert_eq!(verdict, Some(Verdict::Retry { id, first: false }));
    }
}

#[test]
fn a_late_init_adopts_its_serial_and_takes_the_attempt_back() {
    let [id] = ids();
    let mut attribution = Attribution::default();
    let attempt = |attribution: &mut Attribution, serial| {
        on_error(attribution, &[sent(serial, system(id))]);
        attribution.on_subscribe_timeout(serial, Some(system(id)), false)
    };
    attempt(&mut attribution, 1);
    assert_eq!(attribution.on_init(id.slot() + 1, 1), None);
    let adopted = Verdict::Adopt { id, serial: 1 };
    assert_eq!(attribution.on_init(id.slot(), 1), Some(adopted));
    assert!(!attribution.remembers(id));
    assert_eq!(attribution.on_init(id.slot(), 1), None);
}

#[test]
fn errors_that_are_left_were_events_once_no_subscribe_can_be_meant() {
    let [id] = ids();
    let mut attribution = Attribution::default();
    on_error(&mut attribution, &[sent(1, system(id))]);
    assert!(attribution.on_progress(1).is_empty(), "it is in flight");
    attribution.on_subscribe_timeout(1, Some(system(id)), false);
    assert!(
        attribution.on_progress(0).is_empty(),
        "its INIT may be late"
    );
    attribution.on_up_to_date(id);
    assert_eq!(attribution.on_progress(0), [Verdict::Withheld(forbidden())]);
    assert!(attribution.on_progress(0).is_empty());
}

#[test]
fn another_identity_hastens_each_candidate() {
    let [first, second] = ids();
    let in_flight = [sent(1, readable(first)), sent(2, readable(second))];
    let mut attribution = Attribution::default();
    on_error(&mut attribution, &in_flight);
    assert_eq!(
        attribution.on_identity_changed(),
        [Verdict::Hasten(1), Verdict::Hasten(2)]
    );
}

#[test]
fn a_probe_that_is_not_answered_rejects_the_second_time_if_an_error_may_be_its_own() {
    let [id] = ids();
    let mut attribution = Attribution::default();
    let mut attempt = |serial, probe| {
        on_error(&mut attribution, &[sent(serial, readable(id))]);
        attribution.on_items_error(forbidden(), &[(probe, id)]);
        attribution.on_subscribe_timeout(serial, Some(readable(id)), false)
    };
    assert_eq!(attempt(1, 2), None);
    assert_eq!(attempt(3, 4), Some(rejected(id)));
}

#[test]
fn a_lost_link_takes_everything_with_it() {
    let [id] = ids();
    let mut attribution = Attribution::default();
    on_error(&mut attribution, &[sent(1, system(id))]);
    attribution.on_subscribe_timeout(1, Some(system(id)), false);
    attribution.on_items_error(forbidden(), &[]);
    attribution.on_link_lost();
    assert!(!attribution.is_active());
    assert!(!attribution.remembers(id));
    assert!(!attribution.has_items_errors());
}

#[test]
fn items_errors_are_matched_once_there_are_as_many_as_messages() {
    let mut attribution = Attribution::default();
    assert!(attribution.match_items(&[], 0, 0).is_none(), "no error");
    attribution.on_items_error(error("FIRST"), &[]);
    assert!(
        attribution.match_items(&[7], 1, 0).is_none(),
        "one error for two"
    );
    attribution.on_items_error(error("SECOND"), &[]);
    let matches = attribution.match_items(&[7], 1, 0).unwrap();
    assert_eq!(matches.pairs, [(7, error("SECOND"))]);
    assert_eq!(matches.abandoned_reads, 1);
    assert!(!matches.is_certain);
    assert!(!attribution.has_items_errors());
}

#[test]
fn only_one_message_without_an_abandoned_request_is_certain() {
    for (abandoned_requests, is_certain) in [(0, true), (1, false)] {
        let mut attribution = Attribution::default();
        attribution.on_items_error(forbidden(), &[]);
        let matches = attribution.match_items(&[7], 0, abandoned_requests);
        assert_eq!(matches.unwrap().is_certain, is_certain);
    }
}

#[test]
fn a_read_is_repeated_once_for_each_abandoned_request() {
    let [id] = ids();
    let mut attribution = Attribution::default();
    let is_repeated = |attribution: &mut Attribution| {
        attribution.on_items_error(forbidden(), &[]);
        let matches = attribution.match_items(&[7], 0, 2).unwrap();
        attribution.is_to_be_read_again(id, &matches)
    };
    let repeated = [(); 3].map(|()| is_repeated(&mut attribution));
    assert_eq!(repeated, [true, true, false]);
    attribution.on_rows_read(id);
    assert!(is_repeated(&mut attribution), "counted from the beginning");
}

#[test]
fn an_items_error_that_was_not_matched_goes_with_a_timeout() {
    let mut attribution = Attribution::default();
    assert_eq!(attribution.on_items_timeout(true), None);
    attribution.on_items_error(forbidden(), &[]);
    let verdict = attribution.on_items_timeout(true);
    let (error, abandoned_reads) = (forbidden(), 2);
    assert_eq!(
        verdict,
        Some(Verdict::Unknown {
            error,
            abandoned_reads
        })
    );
    assert!(!attribution.has_items_errors());
}

#[test]
fn another_error_answers_the_only_request_in_flight() {
    let attribution = Attribution::default();
    let (serial, error) = (7, forbidden());
    assert_eq!(
        attribution.on_other_error(forbidden(), &[7]),
        Some(Verdict::Answered { serial, error })
    );
    assert_eq!(attribution.on_other_error(forbidden(), &[7, 8]), None);
}
