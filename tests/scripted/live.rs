//! Live collections, used wrongly.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};

use super::scripted_server::{Link, ScriptedServer, answer_to};
use super::test_client::*;
use directus_realtime::ffi::*;

/// Answers every read with these rows until the client closes.
fn serve(mut link: Link, rows: Value) -> JoinHandle<()> {
    thread::spawn(move || {
        while let Ok(message) = link.try_next() {
            let mut answer = answer_to(&message).unwrap();
            if message["type"] == "items" {
                answer["data"] = rows.clone();
            }
            link.send(&answer);
        }
    })
}

fn rows() -> Value {
    json!([{"id": 1, "title": "first"}, {"id": 2, "title": "second"}])
}

/// A client of a server with two rows in each collection.
fn client() -> (ScriptedServer, TestClient, JoinHandle<()>) {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).with(fast).token("t").open();
    client.start();
    let served = serve(server.link(), rows());
    assert_eq!(client.wait(DRT_STATE_CONNECTED), DRT_OK);
    (server, client, served)
}

type Live = *mut drt_live;

/// A handle is a number that any thread may use.
#[derive(Clone, Copy)]
struct Shared(Live);
// SAFETY: the library never dereferences it.
unsafe impl Send for Shared {}

/// What a callback does with the live collection of an update.
type OnUpdate = Box<dyn Fn(&drt_live_update) + Send + Sync>;

struct Callback {
    on_update: OnUpdate,
    released: Arc<AtomicBool>,
}

unsafe extern "C" fn on_update(update: *const drt_live_update, data: *mut c_void) {
    // SAFETY: a live update, and the box that `release` drops.
    unsafe { ((*data.cast::<Callback>()).on_update)(&*update) }
}

unsafe extern "C" fn release(data: *mut c_void) {
    // SAFETY: the box of `open`, released once.
    let callback = unsafe { Box::from_raw(data.cast::<Callback>()) };
    assert!(
        !callback.released.swap(true, Ordering::SeqCst),
        "released twice"
    );
}

/// The status, the handle, and whether the callback is released.
fn open(
    client: &TestClient,
    collection: &str,
    uid: Option<&str>,
    then: impl Fn(&drt_live_update) + Send + Sync + 'static,
) -> (i32, Live, Arc<AtomicBool>) {
    let (collection, uid) = (c(collection), uid.map(c));
    let released = Arc::new(AtomicBool::new(false));
    let callback = Box::new(Callback {
        on_update: Box::new(then),
        released: Arc::clone(&released),
    });
    let mut live = ptr::null_mut();
    // SAFETY: all-zero is the default; the texts live until the call returns.
    let status = unsafe {
        let mut options: drt_live_options = std::mem::zeroed();
        options.struct_size = size_of::<drt_live_options>();
        options.collection = collection.as_ptr();
        options.uid = uid.as_ref().map_or(ptr::null(), |uid| uid.as_ptr());
        let (data, scope) = (Box::into_raw(callback).cast(), ptr::null_mut());
        let (raw, options) = (client.raw, &options);
        drt_live_open(
            raw,
            scope,
            options,
            Some(on_update),
            data,
            Some(release),
            &mut live,
        )
    };
    (status, live, released)
}

fn wait(live: Live) -> i32 {
    // SAFETY: any handle is fine.
    unsafe { drt_live_wait(live, 60_000) }
}

fn close(live: Live) -> i32 {
    // SAFETY: any handle is fine.
    unsafe { drt_live_close(live) }
}

unsafe extern "C" fn visit(row: *const drt_row, data: *mut c_void) -> bool {
    // SAFETY: a row, and the visitor of the caller.
    unsafe { (*data.cast::<&dyn Fn(&drt_row) -> bool>())(&*row) }
}

/// The status, and how many rows were visited.
fn visit_with(live: Live, visitor: &dyn Fn(&drt_row) -> bool) -> (i32, u64) {
    let mut visited = 99;
    let data = (&raw const visitor).cast_mut().cast();
    // SAFETY: any handle is fine; the visitor lives until the call returns.
    let status = unsafe { drt_live_rows(live, 0, 0, Some(visit), data, &mut visited) };
    (status, visited)
}

/// What each function says of a handle.
fn statuses(live: Live) -> Vec<i32> {
    let (mut count, key) = (0, c("1"));
    let visitor: &dyn Fn(&drt_row) -> bool = &|_| true;
    let data = (&raw const visitor).cast_mut().cast();
    // SAFETY: any handle is fine.
    unsafe {
        vec![
            drt_live_count(live, &mut count),
            drt_live_get(live, key.as_ptr(), Some(visit), data),
            visit_with(live, visitor).0,
            drt_live_wait(live, 1),
            drt_live_close(live),
        ]
    }
}

#[test]
fn the_uid_of_another_collections_live_collection_is_refused() {
    let (_server, client, served) = client();
    let (status, first, _) = open(&client, "posts", Some("mine"), |_| ());
    assert_eq!(status, DRT_OK);
    let (status, again, released) = open(&client, "posts", Some("mine"), |_| ());
    assert_eq!((status, again), (DRT_DUPLICATE, first));
    assert!(released.load(Ordering::SeqCst), "its callback is not used");
    let (status, other, released) = open(&client, "authors", Some("mine"), |_| ());
    assert_eq!((status, other), (DRT_ERR_INVALID_ARGUMENT, ptr::null_mut()));
    let said = "`uid` is that of a live collection of \"posts\": use another";
    assert_eq!(last_error(), said);
    assert!(released.load(Ordering::SeqCst));
    assert_eq!((wait(first), close(first)), (DRT_OK, DRT_OK));
    let (status, other, _) = open(&client, "authors", Some("mine"), |_| ());
    assert_eq!((status, wait(other)), (DRT_OK, DRT_OK));
    drop(client);
    served.join().unwrap();
}

#[test]
fn a_live_collection_may_be_closed_by_its_own_callback() {
    let (_server, client, served) = client();
    let seen: Arc<Log<(i32, i32, Vec<i32>)>> = Log::new();
    let log = Arc::clone(&seen);
    let (status, live, released) = open(&client, "posts", None, move |update| {
        let (waited, closed) = (wait(update.live), close(update.live));
        log.push((waited, closed, statuses(update.live)));
        // What it was given is still valid.
        // SAFETY: a NUL-terminated text.
        let uid = unsafe { CStr::from_ptr(update.uid) };
        assert_eq!(uid.to_bytes().len(), update.uid_len);
    });
    assert_eq!(status, DRT_OK);
    let first = &seen.until_len(1)[0];
    let stale = vec![DRT_ERR_INVALID_HANDLE; 5];
    assert_eq!(first, &(DRT_ERR_WOULD_DEADLOCK, DRT_OK, stale.clone()));
    eventually("the release", || released.load(Ordering::SeqCst));
    assert_eq!((statuses(live), seen.len()), (stale, 1));
    drop(client);
    served.join().unwrap();
}

#[test]
fn a_visit_goes_on_over_the_rows_of_its_beginning() {
    let (_server, client, served) = client();
    let (_, live, _) = open(&client, "posts", None, |_| ());
    assert_eq!(wait(live), DRT_OK);
    let seen = Log::new();
    let log = &seen;
    let visited = visit_with(live, &|row| {
        let data = json_of(row.data, row.data_len);
        log.push((wait(live), close(live), data["title"].clone()));
        true
    });
    assert_eq!(visited, (DRT_OK, 2));
    let expected = [
        (DRT_ERR_WOULD_DEADLOCK, DRT_OK, json!("first")),
        (
            DRT_ERR_INVALID_HANDLE,
            DRT_ERR_INVALID_HANDLE,
            json!("second"),
        ),
    ];
    assert_eq!(seen.all(), expected);
    assert_eq!(visit_with(live, &|_| true), (DRT_ERR_INVALID_HANDLE, 0));
    drop(client);
    served.join().unwrap();
}

fn json_of(text: *const c_char, len: usize) -> Value {
    // SAFETY: a text of the library's, valid during the visit.
    let text = unsafe { std::slice::from_raw_parts(text.cast::<u8>(), len) };
    serde_json::from_slice(text).unwrap()
}

#[test]
fn the_handle_of_something_else_is_none_of_a_live_collection() {
    let (_server, client, served) = client();
    let sub = client.subscribe(subscription("posts"));
    let (_, live, _) = open(&client, "posts", None, |_| ());
    assert_eq!(wait(live), DRT_OK);
    for wrong in [
        ptr::null_mut(),
        sub.raw.cast(),
        client.raw.cast(),
        77 as Live,
    ] {
        assert_eq!(statuses(wrong), [DRT_ERR_INVALID_HANDLE; 5]);
        // SAFETY: any handle is fine.
        assert_eq!(unsafe { drt_live_get_status(wrong) }, DRT_LIVE_ENDED);
    }
    // SAFETY: any handle is fine.
    unsafe {
        assert_eq!(drt_scope_close(live.cast()), DRT_ERR_INVALID_HANDLE);
        let (none, mut count) = (ptr::null_mut(), 0);
        assert_eq!(drt_live_count(live, none), DRT_ERR_INVALID_ARGUMENT);
        assert_eq!(
            drt_live_get(live, ptr::null(), Some(visit), none.cast()),
            DRT_ERR_INVALID_ARGUMENT
        );
        let key = c("1");
        assert_eq!(
            drt_live_get(live, key.as_ptr(), None, none.cast()),
            DRT_ERR_INVALID_ARGUMENT
        );
        assert_eq!(
            drt_live_rows(live, 0, 0, None, none.cast(), none),
            DRT_ERR_INVALID_ARGUMENT
        );
        assert_eq!(drt_live_count(live, &mut count), DRT_OK);
        assert_eq!(count, 2);
    }
    drop(client);
    served.join().unwrap();
}

#[test]
fn rows_are_read_while_other_threads_close_them() {
    let (_server, client, served) = client();
    let is_over = AtomicBool::new(false);
    let current: Arc<Log<Shared>> = Log::new();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let Some(Shared(live)) = current.all().pop() else {
                        continue;
                    };
                    let (status, visited) = visit_with(live, &|row| row.index < 2);
                    let is_stale = status == DRT_ERR_INVALID_HANDLE && visited == 0;
                    let is_shown = status == DRT_OK && (visited == 0 || visited == 2);
                    assert!(is_stale || is_shown, "{status} {visited}");
                    // SAFETY: any handle is fine.
                    unsafe { drt_live_get_status(live) };
                }
            });
        }
        for _ in 0..200 {
            let (status, live, released) = open(&client, "posts", None, |_| ());
            assert_eq!(status, DRT_OK);
            current.clear();
            current.push(Shared(live));
            assert_eq!((wait(live), close(live)), (DRT_OK, DRT_OK));
            eventually("the release", || released.load(Ordering::SeqCst));
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(client);
    served.join().unwrap();
}

#[test]
fn a_wrong_primary_key_ends_it_with_the_first_row() {
    let server = ScriptedServer::new();
    let client = Options::new(&server.url()).with(fast).token("t").open();
    client.start();
    let mut link = server.ready();
    let ended = Log::new();
    let log = Arc::clone(&ended);
    let (_, live, _) = open(&client, "codes", None, move |update| {
        if update.status == DRT_LIVE_ENDED {
            log.push(json_of(update.error, update.error_len));
        }
    });
    let wire = link.confirm_subscribe_and_read();
    assert_eq!(wait(live), DRT_OK);
    let row = json!([{"code": "a", "label": "A"}]);
    link.event(&wire, "create", &row);
    let served = serve(link, row);
    let error = &ended.until_len(1)[0];
    assert_eq!(error["code"], "NO_PRIMARY_KEY");
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("no field \"id\""), "{message}");
    assert_eq!(wait(live), DRT_ERR_SERVER);
    assert_eq!(close(live), DRT_OK);
    drop(client);
    served.join().unwrap();
}
