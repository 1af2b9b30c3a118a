use super::*;

#[test]
fn after_end_waiting_events_are_dropped_and_the_callback_is_released_in_order() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let b = bench.register(1, "b");
    bench.push([update(&a, "[1]"), update(&b, "[2]")]);
    let late = update(&a, "[3]");
    bench.delivery.end(&a);
    bench.delivery.end(&a);
    assert_eq!(a.epoch(), ENDED);
    assert_eq!(bench.delivery.stats().queued_events, 1);
    bench.push([late, update(&b, "[4]"), DeliveryItem::Release { slot: 0 }]);
    bench.delivery.quiesce(&[0]);
    assert_eq!(
        bench.run(),
        [
            "b 1 Update 2 0/1",
            "free 0",
            "a released",
            "b 2 Update 4 0/1"
        ]
    );
}

#[test]
fn a_slot_can_be_reused_after_its_release() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([update(&a, "[1]")]);
    bench.delivery.end(&a);
    assert_eq!(bench.run(), ["free 0", "a released"]);
    let b = bench.register(0, "b");
    // The first one's end is over: it must not touch the second.
    bench.delivery.end(&a);
    bench.push([update(&b, "[2]")]);
    assert_eq!(bench.run(), ["b 1 Update 2 0/1"]);
}

#[test]
fn a_partly_delivered_message_stops_when_its_subscription_ends() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([update(&a, "[1,2,3]")]);
    bench.dispatch(1).unwrap();
    bench.delivery.end(&a);
    assert_eq!(bench.run(), ["a 1 Update 1 0/3", "free 0", "a released"]);
}

#[test]
fn i4_a_callback_that_ends_its_subscription_is_the_last_one() {
    for mode in [Mode::Thread, Mode::Poll] {
        let bench = Bench::new(mode, AMPLE);
        let slot: Arc<Mutex<Option<Arc<SubscriptionMeta>>>> = Arc::default();
        let (delivery, own) = (Arc::downgrade(&bench.delivery), Arc::clone(&slot));
        let a = bench.register_hooked(0, "a", move |_| {
            let (delivery, own) = (delivery.upgrade().unwrap(), own.lock().unwrap().take());
            delivery.end(&own.unwrap());
            delivery.quiesce(&[0]);
        });
        *slot.lock().unwrap() = Some(Arc::clone(&a));
        bench.push([update(&a, "[1,2]"), update(&a, "[3]")]);
        // Twice: the release is behind what was pushed before the callback ran.
        for _ in 0..2 {
            match mode {
                Mode::Thread => bench.settle(),
                Mode::Poll => drop(bench.dispatch(0)),
            }
        }
        assert_eq!(
            bench.diary.take(),
            ["a 1 Update 1 0/2", "free 0", "a released"]
        );
    }
}

#[test]
fn i4_quiesce_waits_for_the_running_callback() {
    let bench = Bench::new(Mode::Thread, AMPLE);
    let (open, wait) = gate();
    let (entered, inside) = channel();
    let diary = bench.diary.clone();
    let a = bench.register_hooked(0, "a", move |_| {
        entered.send(()).unwrap();
        wait();
        diary.write("a returns");
    });
    bench.push([update(&a, "[1,2]")]);
    inside.recv_timeout(AGES).unwrap();
    bench.delivery.end(&a);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            bench.delivery.quiesce(&[0]);
            bench.diary.write("quiet");
        });
        bench.delivery.await_waiter();
        open.send(()).unwrap();
    });
    bench.settle();
    let mut seen = bench.diary.take();
    assert_eq!(seen.remove(0), "a 1 Update 1 0/2");
    assert_eq!(seen.remove(0), "a returns");
    assert!(
        seen.contains(&"quiet".into()) && seen.len() == 3,
        "{seen:?}"
    );
}

#[test]
fn i4_quiesce_does_not_wait_for_other_subscriptions() {
    let bench = Bench::new(Mode::Thread, AMPLE);
    let (open, wait) = gate();
    let (entered, inside) = channel();
    let a = bench.register_hooked(0, "a", move |_| {
        entered.send(()).unwrap();
        wait();
    });
    let b = bench.register(1, "b");
    bench.push([update(&b, "[1]"), update(&a, "[1]"), update(&b, "[1]")]);
    inside.recv_timeout(AGES).unwrap();
    bench.delivery.end(&b);
    bench.delivery.quiesce(&[1]);
    // Neither for one that has the place of one that is gone.
    bench.delivery.quiesce(&[0]);
    open.send(()).unwrap();
}
