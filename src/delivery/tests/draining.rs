use super::*;

fn drain(bench: &Bench, most: usize) -> (usize, String) {
    let mut out = String::from("old");
    let count = bench.delivery.drain(NOW, most, &mut out).unwrap();
    (count, out)
}

#[test]
fn drain_returns_events_as_one_json_array() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let b = bench.register(1, "b");
    let mut with_meta = message(&b, EventKind::Init, "[]{\"n\":1}");
    (with_meta.data, with_meta.meta, with_meta.flags) = (Some((0, 2)), Some((2, 9)), FLAG_RESYNC);
    let mut bare = message(&b, EventKind::Init, "");
    (bare.data, bare.meta) = (None, None);
    bench.push([
        update(&a, r#"[{"id":1},2]"#),
        DeliveryItem::Event(with_meta),
        DeliveryItem::Event(bare),
    ]);
    bench.register(2, "c");
    bench.push([update(&a, "[3]")]);
    let expected = r#"[[97,2,0,1,0,2,{"id":1}],[97,2,0,2,1,2,2],[98,0,1,3,0,1,[],{"n":1}],[98,0,0,4,0,1,null],[97,2,0,5,0,1,3]]"#;
    assert_eq!(drain(&bench, 0), (5, expected.into()));
    assert_eq!(drain(&bench, 0), (0, "[]".into()));
    assert!(bench.diary.take().is_empty());
    assert_eq!(bench.delivery.stats().events, 5);
}

#[test]
fn a_drained_array_ends_before_any_other_callback() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let b = bench.register(1, "b");
    bench.push([
        DeliveryItem::SetStateSink(Some(bench.sink("state"))),
        state("one"),
    ]);
    bench.push([
        update(&a, "[1]"),
        DeliveryItem::CaughtUp { slot: 0, epoch: 9 },
        update(&a, "[2]"),
    ]);
    bench.push([state("two"), update(&a, "[3]")]);
    bench.delivery.end(&b);
    bench.push([update(&a, "[4]")]);
    let reply = DeliveryItem::Reply {
        sink: bench.sink("reply"),
        status: Status::Ok,
        json: "{}".into(),
        message: String::new(),
    };
    bench.push([reply]);
    let last = |count, array: &str, seen: &[&str]| {
        assert_eq!(drain(&bench, 0), (count, array.into()));
        assert_eq!(bench.diary.take(), seen);
    };
    last(
        3,
        "[[97,2,0,1,0,1,1],[97,2,0,2,0,1,2]]",
        &["state Connected one", "caught up 0 9"],
    );
    last(2, "[[97,2,0,3,0,1,3]]", &["state Connected two"]);
    last(1, "[[97,2,0,4,0,1,4]]", &["free 1", "b released"]);
    last(1, "[]", &["reply Ok {}", "reply released"]);
}

#[test]
fn drain_returns_at_most_max_events() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([
        DeliveryItem::SetStateSink(Some(bench.sink("state"))),
        state("one"),
    ]);
    bench.push([update(&a, "[1,2,3]")]);
    assert_eq!(drain(&bench, 2), (2, "[[97,2,0,1,0,3,1]]".into()));
    // The rest of a message may be dispatched, and the other way round.
    assert_eq!(bench.dispatch(1), Ok(1));
    assert_eq!(drain(&bench, 2), (1, "[[97,2,0,3,2,3,3]]".into()));
    assert_eq!(
        bench.diary.take(),
        ["state Connected one", "a 2 Update 2 1/3"]
    );
}

#[test]
fn drain_returns_no_event_of_an_ended_subscription() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([update(&a, "[1,2,3]")]);
    drain(&bench, 1);
    bench.delivery.end(&a);
    assert_eq!(drain(&bench, 0), (0, "[]".into()));
    assert_eq!(bench.diary.take(), ["free 0", "a released"]);
}

#[test]
fn a_panic_while_draining_leaves_valid_json() {
    let bench = Bench::poll();
    struct Bomb;
    impl EventSink for Bomb {
        fn event(&self, _: &EventView<'_>) {}
    }
    impl Registration for Bomb {
        fn user_data(&self) -> u64 {
            panic!("on purpose");
        }
    }
    let a = bench.register(0, "a");
    let b = bench.register_with(1, DeliveryOptions::default(), Box::new(Bomb));
    bench.push([update(&a, "[1]"), update(&b, "[2]"), update(&a, "[3]")]);
    assert_eq!(
        drain(&bench, 0),
        (3, "[[97,2,0,1,0,1,1],[97,2,0,3,0,1,3]]".into())
    );
}
