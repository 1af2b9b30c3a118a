//! Callbacks that are no events', ahead of the events.

use super::*;

fn reply(bench: &Bench, name: &'static str) -> DeliveryItem {
    DeliveryItem::Reply {
        sink: bench.sink(name),
        status: Status::Ok,
        json: Frame::from_static("{}"),
        message: String::new(),
    }
}

fn bench_with_states() -> (Bench, Arc<SubscriptionMeta>) {
    let bench = Bench::poll();
    bench.push([DeliveryItem::SetStateSink(Some(bench.sink("state")))]);
    let a = bench.register(0, "a");
    (bench, a)
}

#[test]
fn control_runs_ahead_of_events_which_keep_their_order() {
    let (bench, a) = bench_with_states();
    bench.push([update(&a, "[1,2]"), state("one"), update(&a, "[3]")]);
    bench.push([reply(&bench, "reply"), update(&a, "[4]"), state("two")]);
    // Half a message is delivered: the other half waits.
    assert_eq!(bench.dispatch(1), Ok(1));
    assert_eq!(bench.delivery.dispatch_control(0), Ok(3));
    let seen = bench.diary.take();
    let expected = [
        "a 1 Update 1 0/2",
        "state Connected one",
        "reply Ok {}",
        "reply released",
        "state Connected two",
    ];
    assert_eq!(seen, expected);
    assert_eq!(bench.delivery.dispatch_control(0), Ok(0));
    let rest = ["a 2 Update 2 1/2", "a 3 Update 3 0/1", "a 4 Update 4 0/1"];
    assert_eq!(bench.run(), rest);
}

#[test]
fn control_runs_at_most_max_callbacks_and_the_others_come_first_later() {
    let (bench, a) = bench_with_states();
    bench.push([update(&a, "[1]"), state("one"), state("two")]);
    assert_eq!(bench.delivery.dispatch_control(1), Ok(1));
    assert_eq!(bench.diary.take(), ["state Connected one"]);
    bench.push([state("three")]);
    assert_eq!(bench.delivery.dispatch_control(1), Ok(1));
    let rest = ["state Connected two", "state Connected three"];
    assert_eq!(bench.delivery.dispatch_control(0), Ok(1));
    assert_eq!(bench.diary.take(), rest);
    assert_eq!(bench.run(), ["a 1 Update 1 0/1"]);
}

#[test]
fn what_is_taken_as_rows_stays_where_it_is() {
    struct Rowed;
    impl Registration for Rowed {
        fn is_for_rows(&self) -> bool {
            true
        }
    }
    impl ReplySink for Rowed {
        fn reply(&self, _: Status, _: &str, _: &str) {}
    }
    impl TokenSink for Rowed {
        fn token_wanted(&self, _: Status) {}
    }
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let reply = DeliveryItem::Reply {
        sink: Box::new(Rowed),
        status: Status::Ok,
        json: Frame::from_static("{}"),
        message: String::new(),
    };
    bench.push([
        DeliveryItem::SetTokenSink(Some(Box::new(Rowed))),
        update(&a, "[1]"),
        state("one"),
        reply,
        DeliveryItem::TokenWanted { reason: Status::Ok },
    ]);
    assert_eq!(bench.delivery.dispatch_control(0), Ok(0));
    let mut rows = String::new();
    assert_eq!(bench.delivery.next(NOW, 0, &mut rows), Ok(5));
    let expected = r#"[[0,97,2,0,1,0,1,1,null],[1,3,0,"one"],[3,0,0,{},""],[4,0],[2,0]]"#;
    assert_eq!(rows, expected);
}

#[test]
fn what_waits_stays_within_the_budget_around_control() {
    let bench = Bench::new(Mode::Poll, 3 * weight("[1]"));
    let a = bench.register(0, "a");
    bench.push([update(&a, "[1]"), state("one"), update(&a, "[2]")]);
    assert_eq!(
        bench.delivery.dispatch_control(0),
        Ok(0),
        "no state callback"
    );
    assert_eq!(bench.push([update(&a, "[3]")]), []);
    assert_eq!(
        bench.push([update(&a, "[4]")]),
        [(0, 1)],
        "the fourth has no room"
    );
}

#[test]
fn what_waits_of_a_subscription_is_dropped_when_a_fresh_snapshot_follows() {
    let bench = Bench::poll();
    let (a, b) = (bench.register(0, "a"), bench.register(1, "b"));
    bench.push([update(&a, "[1,2]"), update(&b, "[3]"), update(&a, "[4]")]);
    assert_eq!(bench.dispatch(1), Ok(1));
    bench.delivery.drop_waiting(&a);
    bench.push([update(&a, "[5]")]);
    assert_eq!(
        bench.run(),
        ["a 1 Update 1 0/2", "b 2 Update 3 0/1", "a 3 Update 5 0/1"]
    );
    assert_eq!(bench.delivery.stats().overflows, 0);
    assert_eq!(bench.delivery.stats().queued_events, 0);
    bench.delivery.end(&a);
    bench.delivery.drop_waiting(&a);
    assert_eq!(a.epoch(), ENDED);
}
