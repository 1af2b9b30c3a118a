use super::*;
use crate::protocol::frame::FrameBuffer;

#[test]
fn i3_an_overflow_drops_all_events_of_the_largest_subscription() {
    let big = "[1,2,3,4]";
    let bench = Bench::new(Mode::Poll, weight("[1]") * 2 + weight(big) * 2);
    let a = bench.register(0, "a");
    let b = bench.register(1, "b");
    assert!(
        bench
            .push([update(&a, "[1]"), update(&b, big), update(&b, big)])
            .is_empty()
    );
    // The rest of what this push brings of it goes, too.
    assert_eq!(
        bench.push([update(&a, "[1]"), update(&b, "[5]"), update(&b, "[6]")]),
        [(1, 1)]
    );
    assert_eq!(b.epoch(), 1);
    assert!(
        bench
            .push([update(&a, "[7]"), update(&b, "[8]")])
            .is_empty()
    );
    assert_eq!(
        bench.run(),
        [
            "a 1 Update 1 0/1",
            "a 2 Update 1 0/1",
            "caught up 1 1",
            "a 3 Update 7 0/1",
            "b 4 Update 8 0/1",
        ]
    );
    assert_eq!(bench.delivery.stats().overflows, 1);
}

#[test]
fn a_delivery_is_crowded_above_half_of_its_budget() {
    let bench = Bench::new(Mode::Poll, weight("[1]") * 4);
    let a = bench.register(0, "a");
    bench.push([update(&a, "[1]"), update(&a, "[1]")]);
    assert!(!bench.delivery.is_crowded());
    bench.push([update(&a, "[1]")]);
    assert!(bench.delivery.is_crowded());
    bench.run();
    assert!(!bench.delivery.is_crowded());
}

#[test]
fn among_equally_large_subscriptions_the_one_that_grew_last_overflows() {
    for pushed in [0, 1] {
        let bench = Bench::new(Mode::Poll, weight("[1]") * 3);
        let subscriptions = [bench.register(0, "a"), bench.register(1, "b")];
        let other = 1 - pushed;
        bench.push([
            update(&subscriptions[other], "[1]"),
            update(&subscriptions[other], "[1]"),
        ]);
        bench.push([update(&subscriptions[pushed], "[1]")]);
        let lost = bench.push([update(&subscriptions[pushed], "[1]")]);
        assert_eq!(lost, [(pushed as u32, 1)]);
    }
}

#[test]
fn several_subscriptions_overflow_if_one_is_not_enough() {
    let bench = Bench::new(Mode::Poll, weight("[1]") * 2);
    let subscriptions: Vec<_> = ["a", "b", "c"]
        .into_iter()
        .zip(0..)
        .map(|(n, s)| bench.register(s, n))
        .collect();
    let mut lost = bench.push(
        subscriptions
            .iter()
            .flat_map(|t| [update(t, "[1]"), update(t, "[1]")]),
    );
    lost.sort();
    assert_eq!(lost.len(), 2);
    let stats = bench.delivery.stats();
    assert_eq!(
        (stats.overflows, stats.queued_bytes),
        (2, weight("[1]") * 2)
    );
}

#[test]
fn one_event_larger_than_the_budget_is_delivered() {
    let bench = Bench::new(Mode::Poll, 200);
    let a = bench.register(0, "a");
    let large = format!("[\"{}\"]", "x".repeat(300));
    assert!(bench.push([update(&a, &large)]).is_empty());
    assert_eq!(bench.dispatch(0), Ok(1));
    bench.push([update(&a, "[1]")]);
    assert_eq!(bench.push([update(&a, &large)]), [(0, 1)]);
    bench.diary.take();
    assert_eq!(bench.run(), ["caught up 0 1"]);
    assert!(bench.push([update(&a, &large)]).is_empty());
}

#[test]
fn events_in_the_consumers_batch_count_and_overflow_too() {
    let bench = Bench::new(Mode::Poll, weight("[1]") * 40);
    let a = bench.register(0, "a");
    let b = bench.register(1, "b");
    bench.push((0..20).map(|_| update(&a, "[1]")));
    assert_eq!(bench.dispatch(1), Ok(1));
    bench.diary.take();
    bench.push((0..15).map(|_| update(&b, "[1]")));
    assert_eq!(bench.delivery.stats().queued_events, 34);
    // 5 of a's are in the batch, one of them delivered: it is still the largest.
    assert_eq!(bench.push((0..7).map(|_| update(&b, "[1]"))).len(), 1);
    assert_eq!(a.epoch() + b.epoch(), 1);
    let seen = bench.run();
    let lost = if a.epoch() == 1 { "a" } else { "b" };
    assert!(seen.iter().all(|line| !line.starts_with(lost)), "{seen:?}");
}

#[test]
fn i6_frames_kept_after_an_overflow_do_not_keep_the_read_buffer_alive() {
    let text = format!("[1][\"{}\"]", "x".repeat(1000));
    let budget = weight("[1]") + weight(&text[3..]);
    let bench = Bench::new(Mode::Poll, budget);
    let a = bench.register(0, "a");
    let b = bench.register(1, "b");
    // Two frames of one read: memory is shared.
    let mut buffer = FrameBuffer::of(text.as_bytes());
    let mut stays = message(&a, EventKind::Update, "[1]");
    stays.frame = buffer.cut(0, 3).unwrap();
    let mut goes = message(&b, EventKind::Update, &text[3..]);
    goes.frame = buffer.cut(0, text.len() - 3).unwrap();
    bench.push([DeliveryItem::Event(stays), DeliveryItem::Event(goes)]);
    assert!(!buffer.has_no_frames());
    assert_eq!(bench.push([update(&a, "[2]")]), [(1, 1)]);
    assert!(buffer.has_no_frames());
    assert_eq!(
        bench.run(),
        ["a 1 Update 1 0/1", "a 2 Update 2 0/1", "caught up 1 1"]
    );
}

#[test]
fn a_final_error_survives_an_overflow_of_its_subscription() {
    let bench = Bench::new(Mode::Poll, weight("[1]"));
    let a = bench.register(0, "a");
    let mut last = message(&a, EventKind::Error, "{}");
    last.flags = FLAG_ENDED;
    let items = [
        update(&a, "[1]"),
        update(&a, "[1]"),
        DeliveryItem::Event(last),
        DeliveryItem::Release { slot: 0 },
    ];
    assert_eq!(bench.push(items), [(0, 1)]);
    assert_eq!(bench.run(), ["a 1 Error {} 0/1", "free 0", "a released"]);
}

#[test]
fn a_new_epoch_is_never_the_one_of_ended_subscriptions() {
    let bench = Bench::new(Mode::Poll, weight("[1]"));
    let a = bench.register(0, "a");
    a.epoch.store(ENDED - 1, Ordering::SeqCst);
    assert_eq!(bench.push([update(&a, "[1]"), update(&a, "[2]")]), [(0, 0)]);
    assert_eq!(a.epoch(), 0);
}

#[test]
fn an_event_of_an_earlier_epoch_is_dropped() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let old = message(&a, EventKind::Update, "[1]");
    a.epoch.store(1, Ordering::SeqCst);
    bench.push([DeliveryItem::Event(old), update(&a, "[2]")]);
    assert_eq!(bench.delivery.stats().queued_events, 1);
    assert_eq!(bench.run(), ["a 1 Update 2 0/1"]);
}
