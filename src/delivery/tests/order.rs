use super::*;

#[test]
fn poll_delivery_runs_all_callbacks_in_push_order() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([
        DeliveryItem::SetStateSink(Some(bench.sink("state"))),
        DeliveryItem::SetTokenSink(Some(bench.sink("token"))),
        state("one"),
        update(&a, "[1,2]"),
        DeliveryItem::TokenWanted {
            reason: Status::Auth,
        },
        DeliveryItem::Reply {
            sink: bench.sink("reply"),
            status: Status::Server,
            json: "{}".into(),
            message: " refused".into(),
        },
        DeliveryItem::SetStateSink(Some(bench.sink("other"))),
        state("two"),
    ]);
    assert_eq!(bench.delivery.dispatch(NOW, 0), Ok(6));
    assert_eq!(
        bench.diary.take(),
        [
            "state Connected one",
            "a 1 Update 1 0/2",
            "a 2 Update 2 1/2",
            "token Auth",
            "token callback returned",
            "reply Server {} refused",
            "reply released",
            "state released",
            "other Connected two",
        ]
    );
    assert_eq!(a.last_sequence.load(Ordering::Relaxed), 2);
}

#[test]
fn thread_delivery_runs_events_in_push_order() {
    let bench = Bench::new(Mode::Thread, AMPLE);
    let a = bench.register(3, "a");
    let b = bench.register(70, "b");
    for round in 0..3 {
        bench.push([
            update(&a, &format!("[{round}]")),
            update(&b, &format!("[{round}]")),
        ]);
    }
    bench.settle();
    assert_eq!(
        bench.diary.take(),
        [
            "a 1 Update 0 0/1",
            "b 2 Update 0 0/1",
            "a 3 Update 1 0/1",
            "b 4 Update 1 0/1",
            "a 5 Update 2 0/1",
            "b 6 Update 2 0/1",
        ]
    );
}

#[test]
fn states_and_token_requests_without_a_callback_are_dropped() {
    let bench = Bench::poll();
    bench.push([
        state("unheard"),
        DeliveryItem::TokenWanted {
            reason: Status::Auth,
        },
    ]);
    assert_eq!(bench.dispatch(0), Ok(0));
}

#[test]
fn a_panicking_callback_does_not_stop_the_others() {
    let bench = Bench::poll();
    let a = bench.register_hooked(0, "a", |event| assert_ne!(event.data, Some("2")));
    struct Bomb(Diary);
    impl Registration for Bomb {}
    impl ReplySink for Bomb {
        fn reply(&self, _: Status, _: &str, _: &str) {
            panic!("on purpose");
        }
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            self.0.write("bomb released");
            if !std::thread::panicking() {
                panic!("on purpose");
            }
        }
    }
    let bomb = Box::new(Bomb(bench.diary.clone()));
    bench.push([
        update(&a, "[1,2,3]"),
        DeliveryItem::Reply {
            sink: bomb,
            status: Status::Ok,
            json: Frame::from_static(""),
            message: String::new(),
        },
        update(&a, "[4]"),
    ]);
    assert_eq!(bench.dispatch(0), Ok(5));
    assert_eq!(
        bench.diary.take(),
        [
            "a 1 Update 1 0/3",
            "a 2 Update 2 1/3",
            "a 3 Update 3 2/3",
            "bomb released",
            "a 4 Update 4 0/1",
        ]
    );
    let stats = bench.delivery.stats();
    assert_eq!((stats.queued_events, stats.queued_bytes), (0, 0));
}

#[test]
fn dispatch_may_stop_in_the_middle_of_a_message() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([update(&a, "[1,2,3]"), update(&a, "[4]")]);
    for expected in [
        &["a 1 Update 1 0/3", "a 2 Update 2 1/3"][..],
        &["a 3 Update 3 2/3", "a 4 Update 4 0/1"],
        &[],
    ] {
        assert_eq!(bench.dispatch(2), Ok(expected.len()));
        assert_eq!(bench.diary.take(), expected);
    }
}

#[test]
fn stats_count_delivered_and_queued_events() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([update(&a, "[1,2]"), update(&a, "[3]")]);
    let waiting = DeliveryStats {
        queued_events: 2,
        queued_bytes: weight("[1,2]") + weight("[3]"),
        ..DeliveryStats::default()
    };
    assert_eq!(bench.delivery.stats(), waiting);
    bench.dispatch(2).unwrap();
    let rest = DeliveryStats {
        events: 2,
        queued_events: 1,
        queued_bytes: weight("[3]"),
        overflows: 0,
    };
    assert_eq!(bench.delivery.stats(), rest);
}
