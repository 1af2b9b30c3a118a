//! Poll delivery.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use super::client::may_block;
use super::handle;
use super::panic;
use super::status::drt_status;
use super::strings::is_null;
use super::types::drt_client;

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

fn time(timeout_ms: i32) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

/// In poll delivery, runs the callbacks that wait, on the calling thread. If none waits, it waits
/// for at most `timeout_ms` milliseconds (0 = not at all, negative = for ever). `max_events` 0
/// means all that wait. `*dispatched`, if `dispatched` is not NULL, receives the number of
/// callbacks that ran; 0 is no error.
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
    panic::run(|| {
        let mut unused = 0;
        // SAFETY: NULL or valid for writing, by the header's contract.
        let dispatched = unsafe { dispatched.as_mut() }.unwrap_or(&mut unused);
        *dispatched = 0;
        let client = handle::client(client, "client")?;
        may_block()?;
        *dispatched = client.dispatch(time(timeout_ms), max_events)?;
        Ok(())
    })
}

/// A batched dispatch, for languages in which a call for each event costs more than parsing. (It
/// is not a graceful shutdown, which other libraries call drain.) Like `drt_client_dispatch`, but
/// no event callback runs: the events are returned as one JSON array of
/// `[user_data as a number, kind, flags, sequence, index, count, data, meta]`, without the meta if
/// there is none. Callbacks of other kinds still run, in order: the array ends before one. `*json`
/// is owned by the library, not NUL-terminated, and valid until the next drain or dispatch of this
/// client, or its close. `*drained`, if `drained` is not NULL, receives the number of events and
/// callbacks.
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
    panic::run(|| {
        // SAFETY: NULL or valid for writing, by the header's contract.
        let (mut json, mut json_len, drained) =
            unsafe { (json.as_mut(), json_len.as_mut(), drained.as_mut()) };
        let mut unused = 0;
        let drained = drained.unwrap_or(&mut unused);
        *drained = 0;
        if let Some(json) = json.as_deref_mut() {
            *json = std::ptr::null();
        }
        if let Some(json_len) = json_len.as_deref_mut() {
            *json_len = 0;
        }
        let client = handle::client(client, "client")?;
        let json = json.ok_or_else(|| is_null("json"))?;
        let json_len = json_len.ok_or_else(|| is_null("json_len"))?;
        may_block()?;
        *drained = client.drain(time(timeout_ms), max_events, &mut |text| {
            (*json, *json_len) = (text.as_ptr().cast(), text.len());
        })?;
        Ok(())
    })
}
