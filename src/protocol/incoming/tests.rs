use super::*;

fn uid(text: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(text))
}

#[test]
fn a_parsed_change_borrows_its_parts_from_the_frame() {
    let frame = r#"{"type":"subscription","event":"update","data":[{"id":1}],"meta":{"total_count":2},"uid":"1.2"}"#;
    let Ok(Incoming::Change {
        change,
        uid: Some(Cow::Borrowed(id)),
        data,
        meta,
    }) = parse(frame)
    else {
        panic!("not a change")
    };
    assert_eq!((change, id), (Change::Update, "1.2"));
    assert_eq!(
        (data, meta),
        (Some(r#"[{"id":1}]"#), Some(r#"{"total_count":2}"#))
    );
    let (start, end) = offsets(frame, data.unwrap());
    assert_eq!(&frame[start as usize..end as usize], r#"[{"id":1}]"#);
    assert_eq!(offsets(frame, frame), (0, frame.len() as u32));
}

#[test]
fn null_data_is_distinguished_from_absent_data() {
    for (frame, expected) in [
        (
            r#"{"type":"subscription","event":"init","data":null,"uid":"a"}"#,
            Some("null"),
        ),
        (r#"{"type":"subscription","event":"init","uid":"a"}"#, None),
    ] {
        let expected = Incoming::Init {
            uid: uid("a"),
            data: expected,
            meta: None,
        };
        assert_eq!(parse(frame), Ok(expected));
    }
}

#[test]
fn a_numeric_uid_is_read_as_text_and_a_null_uid_as_none() {
    for (json, expected) in [("7", uid("7")), ("-1.5e3", uid("-1.5e3")), ("null", None)] {
        let frame = format!(r#"{{"type":"pong","uid":{json}}}"#);
        assert_eq!(parse(&frame), Ok(Incoming::Pong { uid: expected }));
    }
}

#[test]
fn the_last_of_repeated_members_counts() {
    let frame = r#"{"type":"ping","x":[1],"type":"pong","uid":"a","\u0075id":"b\n"}"#;
    assert_eq!(parse(frame), Ok(Incoming::Pong { uid: uid("b\n") }));
}

#[test]
fn a_refresh_token_is_read_and_not_shown_by_debug() {
    let frame = r#"{"type":"auth","status":"ok","refresh_token":"s3cr\u0065t"}"#;
    let incoming = parse(frame).unwrap();
    assert!(!format!("{incoming:?}").contains("s3cret"));
    let refresh_token = Some(Secret::new("s3cret"));
    assert_eq!(
        incoming,
        Incoming::AuthOk {
            uid: None,
            refresh_token
        }
    );
}

#[test]
fn a_parsed_error_keeps_its_json_object() {
    let frame = r#"{"type":"subscribe","status":"error","error":{"code":"FORBIDDEN","message":"No \"way\"."},"uid":"4"}"#;
    let Ok(Incoming::Error(error)) = parse(frame) else {
        panic!("not an error")
    };
    assert_eq!(error.source, ErrorSource::Subscribe);
    assert_eq!(
        (&*error.code, &*error.message),
        ("FORBIDDEN", "No \"way\".")
    );
    assert_eq!(
        error.json,
        r#"{"code":"FORBIDDEN","message":"No \"way\"."}"#
    );
    assert_eq!(
        (error.uid.as_deref(), error.retry_after()),
        (Some("4"), None)
    );
}

#[test]
fn an_error_frame_without_an_error_object_is_an_error() {
    for error in [
        "",
        r#","error":null"#,
        r#","error":"FORBIDDEN""#,
        r#","error":{"code":4}"#,
    ] {
        let frame = format!(r#"{{"type":"server","status":"error"{error}}}"#);
        let Ok(Incoming::Error(error)) = parse(&frame) else {
            panic!("not an error: {frame}")
        };
        assert_eq!(error.source, ErrorSource::Server);
        assert_eq!(&*error.message, "");
    }
}

#[test]
fn the_delay_is_read_from_a_rate_limit_error() {
    for (message, expected) in [
        ("Too many messages, retry after 2999ms.", Some(2999)),
        ("Too many messages, retry after 3s.", Some(3000)),
        ("Too many messages, retry after 1m", Some(60_000)),
        (
            "Too many messages, retry after 99999999999999999999ms.",
            None,
        ),
        ("Too many messages, retry after a while.", None),
        ("Too many messages.", None),
    ] {
        let frame = format!(
            r#"{{"type":"server","status":"error","error":{{"code":"REQUESTS_EXCEEDED","message":"{message}"}}}}"#
        );
        let Ok(Incoming::Error(error)) = parse(&frame) else {
            panic!("not an error")
        };
        assert_eq!(
            error.retry_after(),
            expected.map(Duration::from_millis),
            "{message}"
        );
    }
}

#[test]
fn an_invalid_frame_is_refused_without_being_quoted() {
    for (frame, expected) in [
        (
            "",
            "the frame is not valid JSON: EOF while parsing a value at column 0",
        ),
        (
            "\"a secret\"",
            "the frame is not a JSON object but a string",
        ),
        (
            "[\"a secret\"]",
            "the frame is not a JSON object but an array",
        ),
        (
            "{\"type\":\"ping\"",
            "the frame is not valid JSON: EOF while parsing an object at column 14",
        ),
        (
            "{} x",
            "the frame is not valid JSON: trailing characters at column 4",
        ),
        ("{\"secret\":1}", "the frame has no type"),
        ("{\"type\":5}", "the frame's type is not a string"),
        (
            "{\"type\":\"pong\",\"uid\":[1]}",
            "the frame's uid is neither a string nor a number",
        ),
    ] {
        assert_eq!(parse(frame), Err(Malformed::new(expected)));
    }
}

#[test]
fn a_frame_of_unknown_type_is_other() {
    let kind = || Cow::Borrowed("logs");
    let frame = r#"{"type":"logs","data":{},"uid":"n"}"#;
    assert_eq!(
        parse(frame),
        Ok(Incoming::Other {
            kind: kind(),
            uid: uid("n")
        })
    );
    let frame = r#"{"type":"subscription","event":"sort"}"#;
    assert!(matches!(
        parse(frame),
        Ok(Incoming::Other { uid: None, .. })
    ));
    assert!(matches!(
        parse(r#"{"type":"auth"}"#),
        Ok(Incoming::Other { .. })
    ));
}
