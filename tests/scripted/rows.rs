//! Everything as rows: no callback is registered, and none is called.

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use serde_json::{Value, json};

use super::polled::*;
use super::scripted_server::ScriptedServer;
use super::test_client::*;
use directus_realtime::ffi::*;

/// Rows, at most so many.
fn next(client: &TestClient, timeout_ms: i32, most: usize) -> Vec<Value> {
    let (mut text, mut len, mut count) = (null(), 0, 77);
    // SAFETY: any handle, and valid out pointers; the text lives until the next call.
    let bytes = unsafe {
        let status = drt_client_next(
            client.raw, timeout_ms, most, &mut text, &mut len, &mut count,
        );
        assert_eq!(status, DRT_OK);
        std::slice::from_raw_parts(text.cast::<u8>(), len)
    };
    let rows: Vec<Value> = serde_json::from_slice(bytes).expect("one array");
    assert_eq!(rows.len(), count);
    rows
}

/// Rows until one of this kind has come, which is the last.
fn until(client: &TestClient, kind: u64) -> Vec<Value> {
    let mut rows = Vec::new();
    loop {
        let row = next(client, 60_000, 1);
        assert_eq!(row.len(), 1, "nothing comes any more after {rows:?}");
        rows.extend(row);
        if rows.last().is_some_and(|row| row[0] == kind) {
            return rows;
        }
    }
}

fn data(number: usize) -> *mut c_void {
    number as *mut c_void
}

fn subscribe(client: &TestClient, snapshot: drt_snapshot, number: usize) -> *mut drt_subscription {
    let collection = c("posts");
    let mut sub = null_mut();
    // SAFETY: all zero is a value of the options, and the texts live during the call.
    unsafe {
        let mut options: drt_subscription_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_subscription_options>();
        options.collection = collection.as_ptr();
        options.snapshot = snapshot;
        let status = drt_subscribe(
            client.raw,
            null_mut(),
            &options,
            None,
            data(number),
            None,
            &mut sub,
        );
        assert_eq!(status, DRT_OK);
    }
    sub
}

fn request(client: &TestClient, json: &str, timeout_ms: u32, number: usize) {
    let json = c(json);
    // SAFETY: any handle, and a text that lives during the call.
    let status = unsafe {
        drt_request(
            client.raw,
            json.as_ptr(),
            timeout_ms,
            None,
            data(number),
            None,
        )
    };
    assert_eq!(status, DRT_OK);
}

#[test]
fn events_states_replies_and_releases_come_as_rows() {
    let mut polled = polled();
    let client = &polled.client;
    let states: Vec<_> = next(client, 0, 0)
        .iter()
        .map(|row| row[1].clone())
        .collect();
    assert_eq!(
        states,
        [1, 2, 3].map(Value::from),
        "connecting, authenticating, connected"
    );
    let sub = subscribe(client, DRT_SNAPSHOT_SERVER, 7);
    let wire = polled.link.confirm_subscribe();
    polled
        .link
        .event(&wire, "update", &json!([{"id": 1, "title": "a"}]));
    let init = until(client, 0).pop().expect("a row");
    assert_eq!(init.as_array().map(Vec::len), Some(9), "{init}");
    assert_eq!(
        (&init[1], &init[2], &init[8]),
        (&json!(7), &json!(0), &Value::Null)
    );
    let update = until(client, 0).pop().expect("a row");
    assert_eq!(
        update,
        json!([0, 7, 2, 0, 2, 0, 1, {"id": 1, "title": "a"}, null])
    );

    request(
        client,
        r#"{"type":"items","action":"read","collection":"posts"}"#,
        0,
        8,
    );
    let asked = polled.link.expect("items");
    polled.link.answer(&asked);
    let rows = until(client, 4);
    assert_eq!(
        (&rows[0][0], &rows[0][1], &rows[0][2]),
        (&json!(3), &json!(8), &json!(0))
    );
    assert_eq!(
        (&rows[0][3]["type"], &rows[0][4]),
        (&json!("items"), &json!(""))
    );
    assert_eq!(rows[1], json!([4, 8]));

    request(
        client,
        r#"{"type":"items","action":"read","collection":"secrets"}"#,
        0,
        9,
    );
    let asked = polled.link.expect("items");
    let error = json!({"code": "FORBIDDEN", "message": "No."});
    polled
        .link
        .send(&json!({"type": "items", "status": "error", "uid": asked["uid"], "error": error}));
    let rows = until(client, 4);
    assert_eq!(
        (&rows[0][1], &rows[0][2]),
        (&json!(9), &json!(DRT_ERR_SERVER))
    );
    assert_eq!(rows[0][3]["code"], "FORBIDDEN");
    assert!(
        rows[0][4].as_str().is_some_and(|why| why.contains("No.")),
        "{rows:?}"
    );

    request(
        client,
        r#"{"type":"items","action":"read","collection":"slow"}"#,
        1,
        10,
    );
    let rows = until(client, 4);
    let reply = rows.iter().find(|row| row[0] == 3).expect("a reply");
    assert_eq!(
        (&reply[1], &reply[2], &reply[3]),
        (&json!(10), &json!(DRT_ERR_TIMEOUT), &Value::Null)
    );
    assert!(
        reply[4]
            .as_str()
            .is_some_and(|why| why.contains("did not answer")),
        "{reply}"
    );

    // SAFETY: any handle.
    assert_eq!(unsafe { drt_subscription_unsubscribe(sub) }, DRT_OK);
    assert_eq!(until(client, 4).pop(), Some(json!([4, 7])));
    polled.link.hang_up();
    let lost = until(client, 1).pop().expect("a row");
    assert_ne!(lost[1], 3, "{lost}");
    assert!(
        lost[3].as_str().is_some_and(|why| !why.is_empty()),
        "{lost}"
    );
}

#[test]
fn a_token_is_asked_for_by_a_row() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url())
        .with(fast)
        .with(|o| o.delivery = DRT_DELIVER_POLL)
        .open();
    let on_token = || {
        // SAFETY: any handle, and no function.
        let status = unsafe { drt_client_on_token(client.raw, None, data(5), None) };
        assert_eq!(status, DRT_OK);
    };
    // Set, removed, and set again.
    on_token();
    on_token();
    assert_eq!(next(&client, 60_000, 0), [json!([4, 5])]);
    on_token();
    client.start();
    assert_eq!(until(&client, 2).pop(), Some(json!([2, DRT_OK])));
    let token = c("fresh");
    // SAFETY: any handle, and a text that lives during the call.
    assert_eq!(
        unsafe { drt_client_set_token(client.raw, token.as_ptr()) },
        DRT_OK
    );
    let mut link = server.link();
    assert_eq!(link.authenticate()["access_token"], "fresh");
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_OK);
}

#[test]
fn a_resync_drops_what_waits_and_brings_a_fresh_snapshot() {
    let mut polled = polled();
    let client = &polled.client;
    let sub = subscribe(client, DRT_SNAPSHOT_EXACT, 7);
    let wire = polled.link.confirm_subscribe_and_read();
    let init = until(client, 0).pop().expect("a row");
    assert_eq!((&init[2], &init[3]), (&json!(0), &json!(0)));
    polled.link.event(&wire, "update", &json!([{"id": 1}]));
    assert!(readable(fd(client), 60_000), "the update waits");
    // SAFETY: any handle.
    assert_eq!(unsafe { drt_subscription_resync(sub) }, DRT_OK);
    let read = polled.link.expect("items");
    polled.link.event(&wire, "update", &json!([{"id": 2}]));
    polled.link.answer(&read);
    polled.link.event(&wire, "update", &json!([{"id": 3}]));
    let seen: Vec<_> = (0..3)
        .filter_map(|_| until(client, 0).pop())
        .map(|row| (row[2].clone(), row[3].clone(), row[7]["id"].clone()))
        .collect();
    let resync = DRT_FLAG_RESYNC;
    assert_eq!(
        seen,
        [
            (json!(0), json!(resync), Value::Null),
            (json!(2), json!(0), json!(2)),
            (json!(2), json!(0), json!(3)),
        ]
    );
}
