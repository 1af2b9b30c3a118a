use super::*;

fn next(bench: &Bench, most: usize) -> (usize, String) {
    let mut out = String::from("old");
    let count = bench.delivery.next(NOW, most, &mut out).unwrap();
    (count, out)
}

fn reply(
    bench: &Bench,
    name: &'static str,
    status: Status,
    json: &'static str,
    message: &str,
) -> DeliveryItem {
    DeliveryItem::Reply {
        sink: bench.sink(name),
        status,
        json: Frame::from_static(json),
        message: message.into(),
    }
}

#[test]
fn everything_comes_as_rows_and_no_callback_runs() {
    let bench = Bench::poll();
    bench.push([
        DeliveryItem::SetStateSink(Some(bench.sink("state"))),
        DeliveryItem::SetTokenSink(Some(bench.sink("token"))),
    ]);
    let a = bench.register(0, "a");
    let (with_meta, bare) = (init_with_meta(&a), bare_init(&a));
    bench.push([
        state("say \"hi\"\n"),
        DeliveryItem::Event(with_meta),
        DeliveryItem::Event(bare),
        update(&a, r#"[{"id":1},2]"#),
        DeliveryItem::TokenWanted {
            reason: Status::Auth,
        },
        reply(&bench, "r", Status::Ok, r#"{"type":"pong"}"#, ""),
        reply(&bench, "t", Status::Timeout, "", "too \"late\""),
    ]);
    bench.delivery.end(&a);
    bench.push([
        DeliveryItem::SetStateSink(None),
        DeliveryItem::SetTokenSink(None),
    ]);
    let (count, rows) = next(&bench, 0);
    // The end of the subscription has taken back what waited of it.
    let expected = [
        r#"[1,3,0,"say \"hi\"\n"]"#,
        "[2,-9]",
        r#"[3,114,0,{"type":"pong"},""]"#,
        "[4,114]",
        r#"[3,116,-8,null,"too \"late\""]"#,
        "[4,116]",
        "[4,97]",
        "[4,115]",
        "[4,116]",
    ];
    assert_eq!(rows, format!("[{}]", expected.join(",")));
    assert_eq!(count, expected.len());
    assert_eq!(bench.diary.take(), ["token callback returned", "free 0"]);
    assert_eq!(next(&bench, 0), (0, "[]".into()));
}

/// An empty list with the meta `{"n":1}`.
fn init_with_meta(meta: &Arc<SubscriptionMeta>) -> Event {
    let mut event = message(meta, EventKind::Init, "[]{\"n\":1}");
    (event.data, event.meta, event.flags) = (Some((0, 2)), Some((2, 9)), FLAG_RESYNC);
    event
}

/// Neither data nor meta.
fn bare_init(meta: &Arc<SubscriptionMeta>) -> Event {
    let mut event = message(meta, EventKind::Init, "");
    (event.data, event.meta) = (None, None);
    event
}

#[test]
fn events_have_null_for_what_there_is_none_of() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let (with_meta, bare) = (init_with_meta(&a), bare_init(&a));
    bench.push([
        DeliveryItem::Event(with_meta),
        DeliveryItem::Event(bare),
        update(&a, "[1,2]"),
    ]);
    let expected = "[[0,97,0,1,1,0,1,[],{\"n\":1}],[0,97,0,0,2,0,1,null,null],\
                    [0,97,2,0,3,0,2,1,null],[0,97,2,0,4,1,2,2,null]]";
    assert_eq!(next(&bench, 0), (4, expected.into()));
    assert_eq!(bench.delivery.stats().events, 4);
}

#[test]
fn states_come_as_rows_without_a_callback_and_token_requests_only_with_a_registration() {
    let bench = Bench::poll();
    let wanted = || DeliveryItem::TokenWanted { reason: Status::Ok };
    bench.push([state("one"), wanted()]);
    assert_eq!(next(&bench, 0), (1, r#"[[1,3,0,"one"]]"#.into()));
    bench.push([
        DeliveryItem::SetTokenSink(Some(bench.sink("token"))),
        wanted(),
    ]);
    assert_eq!(next(&bench, 0), (1, "[[2,0]]".into()));
}

#[test]
fn no_call_returns_more_than_max_rows() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([
        reply(&bench, "r", Status::Ok, "{}", ""),
        update(&a, "[1,2]"),
        state("one"),
    ]);
    let mut seen = Vec::new();
    for _ in 0..5 {
        let (count, rows) = next(&bench, 1);
        assert_eq!(count, 1);
        seen.push(rows);
    }
    let expected = [
        r#"[[3,114,0,{},""]]"#,
        "[[4,114]]",
        "[[0,97,2,0,1,0,2,1,null]]",
        "[[0,97,2,0,2,1,2,2,null]]",
        r#"[[1,3,0,"one"]]"#,
    ];
    assert_eq!(seen, expected);
    assert_eq!(next(&bench, 1), (0, "[]".into()));
}

#[test]
fn a_registration_that_is_over_is_released_by_whichever_call_comes_next() {
    let bench = Bench::poll();
    bench.push([reply(&bench, "r", Status::Ok, "{}", "")]);
    assert_eq!(next(&bench, 1).0, 1);
    assert_eq!(bench.run(), ["r released"]);
    bench.push([reply(&bench, "s", Status::Ok, "{}", "")]);
    assert_eq!(next(&bench, 1).0, 1);
    bench.close().unwrap();
    assert_eq!(bench.diary.take(), ["s released"]);
}

#[test]
fn a_panic_while_rows_are_written_leaves_valid_json() {
    struct Bomb;
    impl EventSink for Bomb {
        fn event(&self, _: &EventView<'_>) {}
    }
    impl Registration for Bomb {
        fn user_data(&self) -> u64 {
            panic!("on purpose");
        }
    }
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let b = bench.register_with(1, DeliveryOptions::default(), Box::new(Bomb));
    bench.push([update(&a, "[1]"), update(&b, "[2]"), update(&a, "[3]")]);
    bench.delivery.end(&b);
    let (_, rows) = next(&bench, 0);
    assert_eq!(rows, "[[0,97,2,0,1,0,1,1,null],[0,97,2,0,2,0,1,3,null]]");
}

#[test]
fn thread_delivery_has_no_rows() {
    let bench = Bench::new(Mode::Thread, AMPLE);
    let error = bench.delivery.next(NOW, 0, &mut String::new()).unwrap_err();
    assert_eq!(error.status, Status::InvalidArgument);
    assert_eq!(
        bench.delivery.dispatch_control(0).unwrap_err().status,
        Status::InvalidArgument
    );
}

#[test]
fn an_index_has_the_numbers_of_each_row_and_where_its_text_is() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    let (with_meta, bare) = (init_with_meta(&a), bare_init(&a));
    // What looks like the end of a row, and letters of more than one byte.
    let trap = r#"{"t":"],[0,7,1,0,2,0,1,{}","u":"ü"}"#;
    bench.push([
        DeliveryItem::Event(with_meta),
        state("one"),
        DeliveryItem::Event(bare),
        update(&a, &format!("[{trap},2]")),
        reply(&bench, "r", Status::Ok, "{}", ""),
    ]);
    let mut batch = Batch::default();
    let mut seen = Vec::new();
    // In two steps, as the buffers are used again.
    for _ in 0..2 {
        bench
            .delivery
            .take_rows(RowsOf::Indexed, NOW, 3, &mut batch)
            .unwrap();
        for row in &batch.index {
            let numbers = [row.row as u64, row.key, row.kind.into(), row.flags.into()];
            let counts = [row.sequence, row.index.into(), row.count.into()];
            let (data, meta) = (row.begin..row.data_end, row.data_end..row.end);
            let texts = [batch.text[data].to_owned(), batch.text[meta].to_owned()];
            seen.push((numbers, counts, texts));
        }
    }
    let row = |numbers: [u64; 4], counts: [u64; 3], data: &str, meta: &str| {
        (numbers, counts, [data.to_owned(), meta.to_owned()])
    };
    let expected = [
        row([0, 97, 0, 1], [1, 0, 1], "[]", r#"{"n":1}"#),
        row([1, 0, 0, 0], [0; 3], r#"[1,3,0,"one"]"#, ""),
        row([0, 97, 0, 0], [2, 0, 1], "null", ""),
        row([0, 97, 2, 0], [3, 0, 2], trap, ""),
        row([0, 97, 2, 0], [4, 1, 2], "2", ""),
        row([3, 114, 0, 0], [0; 3], r#"[3,114,0,{},""]"#, ""),
    ];
    assert_eq!(seen, expected);
    bench
        .delivery
        .take_rows(RowsOf::Indexed, NOW, 3, &mut batch)
        .unwrap();
    assert_eq!((&*batch.text, batch.index.len()), ("[4,114]", 1));
    bench
        .delivery
        .take_rows(RowsOf::Indexed, NOW, 3, &mut batch)
        .unwrap();
    assert!(batch.is_empty());
}

#[test]
fn rows_with_an_index_are_the_elements_of_an_array() {
    let bench = Bench::poll();
    let a = bench.register(0, "a");
    bench.push([
        update(&a, "[1,2]"),
        state("one"),
        DeliveryItem::Event(bare_init(&a)),
        update(&a, r#"[{"t":"],"}]"#),
        reply(&bench, "r", Status::Ok, "{}", ""),
    ]);
    let mut batch = Batch::default();
    bench
        .delivery
        .take_rows(RowsOf::Indexed, NOW, 16, &mut batch)
        .unwrap();
    let elements: Vec<serde_json::Value> =
        serde_json::from_str(&format!("[{}]", batch.text)).unwrap();
    let texts = batch
        .index
        .iter()
        .map(|row| &batch.text[row.begin..row.end]);
    let each: Vec<serde_json::Value> = texts
        .map(|row| serde_json::from_str(row).unwrap())
        .collect();
    assert_eq!(elements, each);
    assert_eq!(elements.len(), 7);
}
