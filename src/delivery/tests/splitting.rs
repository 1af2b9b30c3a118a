use super::*;

fn options(item: Option<&str>, per_message: bool) -> DeliveryOptions {
    DeliveryOptions {
        per_message,
        primary_key: "id".into(),
        item: item.map(Into::into),
    }
}

/// What a subscription with these options gets from one message.
fn split(options: DeliveryOptions, kind: EventKind, data: &str) -> Vec<String> {
    let bench = Bench::poll();
    let a = bench.register_with(0, options, bench.sink("a"));
    bench.push([DeliveryItem::Event(message(&a, kind, data))]);
    bench.run()
}

/// What it gets from a frame that the fast path recognised as an update.
fn recognised(options: DeliveryOptions, frame: &str, data: &str) -> Vec<String> {
    let bench = Bench::poll();
    let a = bench.register_with(0, options, bench.sink("a"));
    let start = frame.find(data).unwrap() as u32;
    bench.push([DeliveryItem::Event(Event {
        frame: Frame::from(frame.to_owned()),
        data: Some((start, start + data.len() as u32)),
        checked: false,
        ..message(&a, EventKind::Update, "")
    })]);
    bench.run()
}

#[test]
fn a_message_makes_one_callback_per_item() {
    let per_item = |kind, data| split(options(None, false), kind, data);
    assert_eq!(
        per_item(EventKind::Create, r#"[ {"id":1} ,{"id":[2,3]}]"#),
        [
            r#"a 1 Create {"id":1} 0/2"#,
            r#"a 2 Create {"id":[2,3]} 1/2"#
        ]
    );
    assert_eq!(
        per_item(EventKind::Update, r#"{"id":1}"#),
        [r#"a 1 Update {"id":1} 0/1"#]
    );
    assert_eq!(
        per_item(EventKind::Delete, r#"["4",5]"#),
        [r#"a 1 Delete {"id":"4"} 0/2"#, r#"a 2 Delete {"id":5} 1/2"#]
    );
    assert!(per_item(EventKind::Update, "[]").is_empty());
}

#[test]
fn i7_a_delete_writes_keys_as_the_items_write_them() {
    let bench = Bench::poll();
    let a = bench.register_with(0, options(None, false), bench.sink("a"));
    for (kind, data) in [
        (EventKind::Delete, r#"["4"]"#),
        (EventKind::Init, r#"[{"id":4}]"#),
        (EventKind::Delete, r#"["4",5]"#),
    ] {
        bench.push([DeliveryItem::Event(message(&a, kind, data))]);
    }
    assert_eq!(
        bench.run(),
        [
            r#"a 1 Delete {"id":"4"} 0/1"#,
            r#"a 2 Init [{"id":4}] 0/1"#,
            r#"a 3 Delete {"id":4} 0/2"#,
            r#"a 4 Delete {"id":5} 1/2"#,
        ]
    );
}

#[test]
fn i7_a_delete_uses_the_key_format_that_another_subscription_saw() {
    let bench = Bench::poll();
    let register = |name, meta: Arc<SubscriptionMeta>| {
        bench.push([DeliveryItem::Register {
            meta: Arc::clone(&meta),
            sink: bench.sink(name),
        }]);
        meta
    };
    let before = register("before", meta_of(0, "posts", "id"));
    let items = bench.register_with(1, options(None, true), bench.sink("items"));
    bench.push([DeliveryItem::Event(message(
        &items,
        EventKind::Init,
        r#"[{"id":4}]"#,
    ))]);
    let after = register("after", meta_of(2, "posts", "id"));
    let hidden = register("hidden", meta_of(3, "posts", "id"));
    bench.push([DeliveryItem::Event(message(
        &hidden,
        EventKind::Create,
        r#"{"n":1}"#,
    ))]);
    let other_key = register("other key", meta_of(4, "posts", "code"));
    let elsewhere = register("elsewhere", meta_of(5, "tags", "id"));
    bench.run();
    for meta in [&before, &after, &hidden, &other_key, &elsewhere] {
        bench.push([DeliveryItem::Event(message(
            meta,
            EventKind::Delete,
            r#"["4"]"#,
        ))]);
    }
    assert_eq!(
        bench.run(),
        [
            r#"before 3 Delete {"id":4} 0/1"#,
            r#"after 4 Delete {"id":4} 0/1"#,
            r#"hidden 5 Delete {"id":4} 0/1"#,
            r#"other key 6 Delete {"code":"4"} 0/1"#,
            r#"elsewhere 7 Delete {"id":"4"} 0/1"#,
        ]
    );
}

fn meta_of(slot: u32, collection: &str, primary_key: &str) -> Arc<SubscriptionMeta> {
    let options = DeliveryOptions {
        primary_key: primary_key.into(),
        ..options(None, false)
    };
    let mut meta = meta(slot, options);
    Arc::get_mut(&mut meta).unwrap().collection = CString::new(collection).unwrap();
    meta
}

#[test]
fn snapshots_and_errors_are_not_split() {
    for kind in [EventKind::Init, EventKind::Error] {
        for options in [
            options(None, false),
            options(Some("1"), false),
            options(None, true),
        ] {
            assert_eq!(
                split(options, kind, "[1,2]"),
                [format!("a 1 {kind:?} [1,2] 0/1")]
            );
        }
    }
}

#[test]
fn per_message_delivery_passes_data_unchanged() {
    for kind in [EventKind::Create, EventKind::Update, EventKind::Delete] {
        let whole = format!("a 1 {kind:?} [1,2] 0/1");
        assert_eq!(split(options(None, true), kind, "[1,2]"), [whole]);
    }
}

#[test]
fn a_delete_without_keys_is_delivered_with_a_null_key() {
    for (per_message, expected) in [(false, r#"{"id":null}"#), (true, "-")] {
        let bench = Bench::poll();
        let a = bench.register_with(0, options(None, per_message), bench.sink("a"));
        let mut event = message(&a, EventKind::Delete, "");
        event.data = None;
        bench.push([DeliveryItem::Event(event)]);
        assert_eq!(bench.run(), [format!("a 1 Delete {expected} 0/1")]);
    }
}

#[test]
fn meta_comes_with_every_part_and_data_may_be_absent() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let mut event = message(&a, EventKind::Update, "[1,2]{}");
    event.data = Some((0, 5));
    event.meta = Some((5, 7));
    let mut empty = message(&a, EventKind::Init, "");
    empty.data = None;
    bench.push([DeliveryItem::Event(event), DeliveryItem::Event(empty)]);
    assert_eq!(
        bench.run(),
        [
            "a 1 Update 1 0/2 meta {}",
            "a 2 Update 2 1/2 meta {}",
            "a 3 Init - 0/1"
        ]
    );
}

#[test]
fn a_frame_that_the_fast_path_misjudged_is_parsed_whole() {
    // Two members in place of what looked like one array.
    let frame = r#"{"type":"subscription","event":"update","data":[1],"event":"create","meta":[2],"uid":"0.1"}"#;
    let data = r#"[1],"event":"create","meta":[2]"#;
    for per_message in [false, true] {
        let data_out = if per_message { "[1]" } else { "1" };
        assert_eq!(
            recognised(options(None, per_message), frame, data),
            [format!("a 1 Create {data_out} 0/1 meta [2]")]
        );
    }
}

#[test]
fn a_malformed_frame_is_reported_and_not_delivered() {
    for per_message in [false, true] {
        for (frame, data) in [
            (
                r#"{"type":"subscription","event":"update","data":[1,],"uid":"0.1"}"#,
                "[1,]",
            ),
            (
                r#"{"type":"pong","data":[1],"x":[2],"uid":"0.1"}"#,
                r#"[1],"x":[2]"#,
            ),
        ] {
            assert_eq!(
                recognised(options(None, per_message), frame, data),
                ["malformed 0 0"]
            );
        }
    }
}

#[test]
fn an_event_with_ranges_outside_its_frame_is_malformed() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    for range in [(0, 100), (3, 2), (1, 2)] {
        let event = message(&a, EventKind::Init, "é");
        bench.push([DeliveryItem::Event(Event {
            data: Some(range),
            ..event
        })]);
        assert_eq!(bench.run(), ["malformed 0 0"]);
    }
}

#[test]
fn after_a_malformed_event_changes_are_skipped_until_an_init() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let b = bench.register(1, "b");
    let broken = Event {
        checked: false,
        ..message(&a, EventKind::Update, "[")
    };
    bench.push([
        update(&a, "[1]"),
        DeliveryItem::Event(broken),
        update(&a, "[2]"),
        update(&b, "[3]"),
        DeliveryItem::Event(message(&a, EventKind::Error, "{}")),
        DeliveryItem::Event(message(&a, EventKind::Init, "[]")),
        update(&a, "[4]"),
    ]);
    assert_eq!(
        bench.run(),
        [
            "a 1 Update 1 0/1",
            "malformed 0 0",
            "b 2 Update 3 0/1",
            "a 3 Error {} 0/1",
            "a 4 Init [] 0/1",
            "a 5 Update 4 0/1",
        ]
    );
}
