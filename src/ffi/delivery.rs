//! Poll delivery.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use super::client::may_block;
use super::handle;
use super::panic;
use super::status::drt_status;
use super::strings::is_null;
use super::types::drt_client;
use crate::client::{Client, RowEntry, RowsOf};
use crate::error::Result;

/// A descriptor that is readable while something waits to be dispatched, for `poll`, `epoll` and
/// event loops; -1 in thread delivery and after an error. The library owns it: do not close it. A
/// program that reads from it must dispatch until nothing is left.
///
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_fd(client: *mut drt_client) -> c_int {
    panic::value(-1, || {
        Ok(handle::client(client, "client")?.fd().unwrap_or(-1))
    })
}

pub(super) fn time(timeout_ms: i32) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

/// In poll delivery, runs the callbacks that wait, on the calling thread. If none waits, it waits
/// for at most `timeout_ms` milliseconds (0 = not at all, negative = for ever). `max_events` 0
/// means all that wait. `*dispatched`, if `dispatched` is not NULL, receives the number of
/// callbacks that ran; 0 is no error. What has no function, as NULL was given for it, counts and is
/// dropped: it is taken by `drt_client_next`.
///
/// Any thread, one at a time, but not inside a callback. Errors:
/// `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT` (thread delivery),
/// `DRT_ERR_WOULD_DEADLOCK`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_dispatch(
    client: *mut drt_client,
    timeout_ms: i32,
    max_events: usize,
    dispatched: *mut usize,
) -> drt_status {
    // SAFETY: the header's contract.
    panic::run(|| unsafe {
        count(client, dispatched, |client| {
            client.dispatch(time(timeout_ms), max_events)
        })
    })
}

/// Runs only the state, token and reply callbacks that wait, ahead of the events that wait; the
/// events keep their order. For a program that must hear that the link is lost, or have its reply,
/// while it does not want events. It does not wait. `max` 0 means all. `*dispatched`, if
/// `dispatched` is not NULL, receives the number of callbacks that ran.
///
/// Threads and errors as `drt_client_dispatch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_dispatch_control(
    client: *mut drt_client,
    max: usize,
    dispatched: *mut usize,
) -> drt_status {
    // SAFETY: the header's contract.
    panic::run(|| unsafe { count(client, dispatched, |client| client.dispatch_control(max)) })
}

/// Takes everything that waits as the rows of one JSON array: for languages in which a callback
/// from C is costly or not allowed. No callback and no release function runs. Waits as
/// `drt_client_dispatch` does. `max_rows` 0 means all that wait. A row is one of
///
///     [0, user_data, kind, flags, sequence, index, count, data, meta]    an event
///     [1, state, reason, message]                                        a state
///     [2, reason]                                                        a token is wanted
///     [3, user_data, status, json, message]                              the reply to a request
///     [4, user_data]                           nothing more comes with this user data
///     [5, user_data, flags, sequence, status, revision, changes, error]    an update of a live collection
///
/// in which `user_data` is the registration's, as a number, and `data`, `meta` and `json` are null
/// where there is none. The reply's `json` is the server's answer or its error object, and
/// `message` the sentence of an error, or empty. Row 4 comes in place of the release function, for
/// each registration that succeeded. States need no registration; requests for a token do
/// (`drt_client_on_token`). `changes` is an array of `[kind, key, old_index, new_index, data]`, with
/// null for an index that there is none of, and `error` the server's error object or null. `*json` is
/// owned by the library, not NUL-terminated, and valid until the next call of this, drain or dispatch
/// for this client. If another thread closes the client, it stays valid for the thread that has made
/// this call, until that takes from any client again. `*rows`, if `rows` is not NULL, receives the
/// number of rows.
///
/// Threads and errors as `drt_client_dispatch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_next(
    client: *mut drt_client,
    timeout_ms: i32,
    max_rows: usize,
    json: *mut *const c_char,
    json_len: *mut usize,
    rows: *mut usize,
) -> drt_status {
    // SAFETY: the header's contract.
    panic::run(|| unsafe {
        let names = ["json", "json_len"];
        take(client, names, json, json_len, rows, |client, show| {
            client.take_rows(RowsOf::Everything, time(timeout_ms), max_rows, show)
        })
    })
}

/// A batched dispatch, for languages in which a call for each event costs more than parsing. (It
/// is not a graceful shutdown, which other libraries call drain.) Like `drt_client_dispatch`, but
/// no event callback runs: the events are returned as one JSON array of
/// `[user_data as a number, kind, flags, sequence, index, count, data, meta]`, without the meta if
/// there is none. Updates of live collections are returned as
/// `[user_data, 5, flags, sequence, status, revision, changes, error]`, as in `drt_client_next`.
/// Callbacks of other kinds still run, in order: the array ends before one. `*json` is owned by the
/// library, not NUL-terminated, and valid as that of `drt_client_next`. `*drained`, if `drained` is
/// not NULL, receives the number of events and callbacks.
///
/// Threads and errors as `drt_client_dispatch`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_drain(
    client: *mut drt_client,
    timeout_ms: i32,
    max_events: usize,
    json: *mut *const c_char,
    json_len: *mut usize,
    drained: *mut usize,
) -> drt_status {
    // SAFETY: the header's contract.
    panic::run(|| unsafe {
        let names = ["json", "json_len"];
        take(client, names, json, json_len, drained, |client, show| {
            client.take_rows(RowsOf::Events, time(timeout_ms), max_events, show)
        })
    })
}

/// Calls `dispatch`, and stores the count that it returns.
///
/// # Safety
///
/// `dispatched` is NULL or valid for writing.
unsafe fn count(
    client: *mut drt_client,
    dispatched: *mut usize,
    dispatch: impl FnOnce(&Client) -> Result<usize>,
) -> Result<()> {
    let mut unused = 0;
    // SAFETY: the caller's promise.
    let dispatched = unsafe { dispatched.as_mut() }.unwrap_or(&mut unused);
    *dispatched = 0;
    let client = handle::client(client, "client")?;
    may_block()?;
    *dispatched = dispatch(&client)?;
    Ok(())
}

/// Calls `fill`, which shows rows and returns a count, and stores the rows' text and the count.
///
/// # Safety
///
/// `text`, `text_len`, whose names are given, and `count` are NULL or valid for writing.
pub(super) unsafe fn take(
    client: *mut drt_client,
    names: [&'static str; 2],
    text: *mut *const c_char,
    text_len: *mut usize,
    count: *mut usize,
    fill: impl FnOnce(&Client, &mut dyn FnMut(&str, &[RowEntry])) -> Result<usize>,
) -> Result<()> {
    // SAFETY: the caller's promise.
    let (mut text, mut text_len, count) =
        unsafe { (text.as_mut(), text_len.as_mut(), count.as_mut()) };
    let mut unused = 0;
    let count = count.unwrap_or(&mut unused);
    *count = 0;
    if let Some(text) = text.as_deref_mut() {
        *text = std::ptr::null();
    }
    if let Some(text_len) = text_len.as_deref_mut() {
        *text_len = 0;
    }
    let client = handle::client(client, "client")?;
    let text = text.ok_or_else(|| is_null(names[0]))?;
    let text_len = text_len.ok_or_else(|| is_null(names[1]))?;
    may_block()?;
    *count = fill(&client, &mut |shown, _| {
        (*text, *text_len) = (shown.as_ptr().cast(), shown.len());
    })?;
    Ok(())
}
