//! Poll delivery: the application runs the callbacks.

use std::ffi::{c_char, c_int};
use std::time::Duration;
use std::{mem, ptr};

use super::out::store;
use super::status::drt_status;
use super::types::drt_client;
use super::{guard, handle, text};

/// A descriptor that is readable while something waits to be dispatched, for `poll`,
/// `epoll`, `select` or an event loop. Only wait on it: it is the library's, which reads
/// from it and closes it. Whoever finds it readable dispatches until nothing is left.
/// -1 in thread delivery and for an invalid handle. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_fd(client: *mut drt_client) -> c_int {
    guard::value(-1, || Ok(handle::client(client)?.client.fd().unwrap_or(-1)))
}

/// In poll delivery, runs the callbacks that wait, on this thread. *Blocks.*
///
/// Waits for something for up to `timeout_ms` milliseconds (0 = not at all, negative = for
/// ever), then runs at most `max_events` callbacks (0 = all that wait) and stores how many
/// in `*dispatched`, unless that is NULL. Returns DRT_OK also when nothing came;
/// `DRT_ERR_INVALID_ARGUMENT` in thread delivery. One thread at a time dispatches, others
/// wait for it. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_dispatch(
    client: *mut drt_client,
    timeout_ms: i32,
    max_events: usize,
    dispatched: *mut usize,
) -> drt_status {
    guard::status(|| {
        // SAFETY: the caller passes NULL or its variable.
        unsafe { store(dispatched, 0) };
        let open = handle::client(client)?;
        guard::may_block()?;
        let count = open.client.dispatch(patience(timeout_ms), max_events)?;
        // SAFETY: as above.
        unsafe { store(dispatched, count) };
        Ok(())
    })
}

/// Dispatch for languages in which a call per event costs more than parsing: no event
/// callback runs; the events come as one JSON array. *Blocks.*
///
/// Each element is `[user_data as a number, kind, flags, sequence, index, count, data]`,
/// and `meta` as an eighth where there is some; `data` is `null` where there is none.
/// `*json` has `*json_len` bytes, is *not* NUL-terminated, and is valid until the next
/// drain or dispatch of this client, or its close; on failure it is NULL. `*drained` is the
/// number of events and of other callbacks that ran, unless it is NULL.
/// State, token, reply and release callbacks run as in `drt_client_dispatch`, in
/// their place: a batch ends before one. `timeout_ms` and `max_events` are as there. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_drain(
    client: *mut drt_client,
    timeout_ms: i32,
    max_events: usize,
    json: *mut *const c_char,
    json_len: *mut usize,
    drained: *mut usize,
) -> drt_status {
    guard::status(|| {
        // SAFETY: the caller passes NULL or its variables.
        unsafe {
            store(json, ptr::null());
            store(json_len, 0);
            store(drained, 0);
        }
        let open = handle::client(client)?;
        guard::may_block()?;
        if json.is_null() {
            return Err(text::null("json"));
        }
        if json_len.is_null() {
            return Err(text::null("json_len"));
        }
        // Nothing is locked while this waits: another thread may dispatch.
        let mut batch = mem::take(&mut *open.drained());
        let count = open
            .client
            .drain(patience(timeout_ms), max_events, &mut batch)?;
        // SAFETY: as above. The text stays where it is when the string moves.
        unsafe {
            store(json, batch.as_ptr().cast());
            store(json_len, batch.len());
            store(drained, count);
        }
        *open.drained() = batch;
        Ok(())
    })
}

fn patience(timeout_ms: i32) -> Option<Duration> {
    u64::try_from(timeout_ms).ok().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_timeout_waits_for_ever() {
        assert_eq!(patience(-1), None);
        assert_eq!(patience(i32::MIN), None);
        assert_eq!(patience(0), Some(Duration::ZERO));
        assert_eq!(patience(1500), Some(Duration::from_millis(1500)));
    }
}
