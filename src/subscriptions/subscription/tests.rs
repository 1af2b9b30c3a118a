//! The transitions of a subscription, legal and illegal ones.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64};
use std::time::Duration;

use super::{NextStep, Route, SubId, Subscription};
use crate::handover::{DeliveryOptions, Event, EventKind, FLAG_RESYNC, SubscriptionMeta};
use crate::protocol::Frame;
use crate::subscriptions::deleted_keys::Arrival;
use crate::subscriptions::held::{HeldBytes, HeldEvents};
use crate::subscriptions::spec::{ON_ALL, ON_CREATE};
use crate::subscriptions::subscription::Snapshot;
use crate::subscriptions::{Role, SubscriptionSpec};

fn subscription(events: u32, exact: bool) -> Subscription {
    let id = SubId {
        slot: 3,
        generation: 0,
    };
    let meta = SubscriptionMeta {
        slot: 3,
        tag: 0,
        uid: c"posts".into(),
        collection: c"posts".into(),
        delivery: Arc::new(DeliveryOptions {
            primary_key: "id".into(),
            ..DeliveryOptions::default()
        }),
        epoch: AtomicU32::new(0),
        apart: 0,
        feed: None,
        last_sequence: AtomicU64::new(0),
    };
    let spec = SubscriptionSpec {
        query: None,
        events,
        persistent: false,
        exact,
        settle: None,
    };
    Subscription::new(id, Arc::new(meta), spec, None, 1, Role::Application)
}

fn event(kind: EventKind, data: &str) -> Event {
    Event {
        slot: 3,
        epoch: 0,
        kind,
        flags: 0,
        frame: Frame::from(data.to_owned()),
        data: Some((0, data.len() as u32)),
        meta: None,
        checked: true,
    }
}

/// A subscription whose snapshot is being read, as read 2.
fn reading(total: &HeldBytes) -> Subscription {
    let mut subscription = subscription(ON_ALL, true);
    assert!(subscription.mark_sent(1));
    assert_eq!(subscription.confirm(false), NextStep::Read);
    assert!(subscription.begin_reading(2, total));
    subscription
}

fn active() -> Subscription {
    let mut subscription = reading(&HeldBytes::default());
    subscription
        .activate(Duration::ZERO, &Snapshot::none(), Duration::ZERO)
        .unwrap();
    subscription
}

#[test]
fn held_events_are_not_lost_by_an_activation_that_does_not_belong_there() {
    let total = HeldBytes::default();
    let mut subscription = active();
    let mut held = HeldEvents::new(&total);
    held.push(Arrival::default(), event(EventKind::Update, "[{\"id\":1}]"));
    subscription.begin_settling(held);
    let activated = subscription.activate(Duration::ZERO, &Snapshot::none(), Duration::ZERO);
    assert!(activated.is_none());
    assert!(total.get() > 0, "they are still held");
}

#[test]
fn a_subscription_is_sent_once_and_confirmed_once() {
    let mut subscription = subscription(ON_ALL, true);
    assert_eq!(subscription.confirm(false), NextStep::Nothing);
    assert!(subscription.mark_sent(1) && !subscription.mark_sent(2));
    assert_eq!(subscription.serial(), Some(1));
    assert_eq!(subscription.confirm(false), NextStep::Read);
    assert_eq!(subscription.confirm(false), NextStep::Nothing);
    assert!(!subscription.send_again(1), "it is registered");
}

#[test]
fn an_attempt_that_another_one_has_replaced_does_not_reset_the_subscription() {
    let mut subscription = subscription(ON_ALL, true);
    subscription.mark_sent(1);
    assert!(subscription.send_again(1));
    subscription.mark_sent(2);
    assert!(!subscription.send_again(1));
    assert_eq!(subscription.serial(), Some(2));
}

#[test]
fn an_adopted_registration_takes_the_place_of_the_later_attempt() {
    let mut subscription = subscription(ON_ALL, true);
    subscription.mark_sent(1);
    subscription.send_again(1);
    subscription.mark_sent(2);
    assert_eq!(subscription.adopt(1), Some(2));
    assert_eq!(subscription.serial(), Some(1));
    subscription.confirm(false);
    assert_eq!(subscription.adopt(5), None, "it is registered");
    assert_eq!(subscription.serial(), Some(1));
}

#[test]
fn an_outdated_confirmation_does_not_activate_with_the_server_snapshot() {
    let mut inexact = subscription(ON_ALL, false);
    inexact.mark_sent(1);
    let wire = inexact.wire().unwrap();
    assert_eq!(inexact.confirm(true), NextStep::Resubscribe(wire));
    assert_eq!(inexact.serial(), None);
    let mut creates = subscription(ON_CREATE, true);
    creates.mark_sent(1);
    assert_eq!(creates.confirm(true), NextStep::Activate);
}

#[test]
fn i2_events_during_the_read_are_returned_by_the_activation_in_order() {
    let total = HeldBytes::default();
    let mut subscription = reading(&total);
    for data in ["[1]", "[2]"] {
        assert_eq!(subscription.route(EventKind::Create), Route::Hold);
        subscription.hold(Arrival::default(), event(EventKind::Create, data));
    }
    assert_eq!(total.get(), 6);
    let activated = subscription.activate(Duration::ZERO, &Snapshot::none(), Duration::ZERO);
    let mut held = activated.unwrap().held.unwrap();
    let frames: Vec<_> = std::iter::from_fn(|| held.pop())
        .map(|(_, event)| event.frame.to_string())
        .collect();
    assert_eq!(frames, ["[1]", "[2]"]);
    assert_eq!(total.get(), 0);
}

#[test]
fn i3_every_activation_after_the_first_is_marked_as_a_resync() {
    let mut subscription = active();
    subscription.overflow(1, &mut Vec::new());
    assert_eq!(subscription.route(EventKind::Update), Route::Superseded);
    assert!(subscription.waits_for_queue(1) && !subscription.waits_for_queue(2));
    assert_eq!(subscription.resync(), NextStep::Read);
    subscription.begin_reading(5, &HeldBytes::default());
    let activated = subscription.activate(Duration::ZERO, &Snapshot::none(), Duration::ZERO);
    let activated = activated.unwrap();
    assert!(activated.is_resync && activated.init.flags == FLAG_RESYNC);
}

#[test]
fn an_up_to_date_subscription_is_not_resynced() {
    let mut subscription = active();
    assert_eq!(subscription.resync(), NextStep::Nothing);
    assert_eq!(subscription.lose_held(&mut Vec::new()), None);
    assert!(!subscription.is_behind());
}

#[test]
fn only_the_read_that_was_sent_settles_the_held_events() {
    let mut subscription = active();
    let mut held = HeldEvents::new(&HeldBytes::default());
    held.push(Arrival::default(), event(EventKind::Update, "[{\"id\":1}]"));
    subscription.begin_settling(held);
    assert!(subscription.finish_settling(7).is_none(), "it was not sent");
    assert!(
        subscription
            .begin_settling_read(7, 100, &mut Vec::new())
            .is_some()
    );
    assert!(
        subscription
            .begin_settling_read(8, 100, &mut Vec::new())
            .is_none()
    );
    assert!(subscription.finish_settling(6).is_none());
    let (held, asked) = subscription.finish_settling(7).unwrap();
    assert_eq!((held.len(), asked), (1, 1));
    assert_eq!(subscription.route(EventKind::Error), Route::Deliver);
}

#[test]
fn a_lost_link_ends_every_phase() {
    for mut subscription in [
        subscription(ON_ALL, true),
        reading(&HeldBytes::default()),
        active(),
    ] {
        subscription.link_lost();
        assert_eq!(subscription.serial(), None);
        assert_eq!(subscription.route(EventKind::Create), Route::Ignore);
        assert!(
            subscription
                .activate(Duration::ZERO, &Snapshot::none(), Duration::ZERO)
                .is_none()
        );
        assert!(subscription.begin_retry().is_none());
    }
}

#[test]
fn i6_a_subscription_takes_little_memory() {
    // What is rare is boxed: there may be ten thousand of them.
    assert!(size_of::<Subscription>() <= 192);
}
