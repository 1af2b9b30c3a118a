//! The end of a client.

use std::ffi::c_void;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use super::callback::{Callback, drt_release_fn};
use super::client::{may_block, ms};
use super::handle::{self, EndingThread, RawHandle};
use super::last_error::fail;
use super::panic;
use super::status::{DRT_OK, drt_status};
use super::types::drt_client;
use crate::client::Client;
use crate::delivery::enter_callback;
use crate::error::{Error, Result, Status};
use crate::threads::{self, Work};

/// Reports that a client is closed, with the status that `drt_client_close` would have returned;
/// `drt_last_error()` has its sentence. Called once, on a thread of the library.
pub type drt_closed_fn = Option<unsafe extern "C" fn(status: drt_status, user_data: *mut c_void)>;

/// How long a close that does not block waits for the server's close frame.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// And for a callback that runs: as long as it takes.
const CALLBACKS: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Closes a client: ends its subscriptions and scopes, drops the events that wait, runs the other
/// callbacks that are due and every release function, and closes the link with a close frame.
/// Afterwards every handle of the client is stale; after the last client of the process no thread
/// of the library is left.
///
/// Blocks for at most `timeout_ms` milliseconds, plus the moment that threads take to end; 0 is
/// fine if no callback runs. `DRT_ERR_TIMEOUT` means that a callback or a DNS lookup is still
/// running: the rest happens when that returns, and the handles are stale all the same.
///
/// After `drt_client_close_begin` it waits until that has ended.
///
/// Any thread, but not inside a callback. Errors: `DRT_ERR_INVALID_HANDLE`,
/// `DRT_ERR_CLOSED` (another thread is closing it), `DRT_ERR_WOULD_DEADLOCK`,
/// `DRT_ERR_TIMEOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_close(client: *mut drt_client, timeout_ms: u32) -> drt_status {
    panic::run(|| {
        let number = client as RawHandle;
        let timeout = ms(timeout_ms);
        let begun = handle::client(client, "client").and_then(|client| {
            may_block()?;
            handle::begin_close(number, &client)?;
            Ok(client)
        });
        let client = match begun {
            Ok(client) => client,
            // A close that does not block may have begun before, or at any moment until here.
            Err(error) => {
                let (client, thread) = handle::ending_client(number).ok_or(error)?;
                return await_end(&client, &thread, timeout);
            }
        };
        let deadline = Instant::now() + timeout;
        let closed = client.close(deadline, deadline);
        handle::remove_all_of(&client);
        closed
    })
}

/// Begins to close a client and returns at once: every handle of the client is stale then, except
/// for `drt_client_close`, which waits for the end. A thread of the library does what
/// `drt_client_close` does, waits for callbacks that run however long they take, and calls `fn`,
/// which may be NULL, after the last callback. In poll delivery it also runs the callbacks and
/// release functions that are due. What waits as rows is gone: a program that takes everything by
/// `drt_client_next` settles its own requests.
///
/// Any thread, also inside a callback. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED` (another
/// thread is closing it), `DRT_ERR_IO` (no thread could be started; the client stays open).
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_close_begin(
    client: *mut drt_client,
    r#fn: drt_closed_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    panic::run(|| {
        let callback = Callback::new(r#fn, user_data, release);
        let number = client as RawHandle;
        let client = handle::client(client, "client")?;
        let thread = Arc::<EndingThread>::default();
        handle::begin_ending(number, &client, &thread)?;
        let closing = client.clone();
        let close = move || {
            let now = Instant::now();
            let closed = closing.close(now + HANDSHAKE, now + CALLBACKS);
            let status = closed.err().map_or(DRT_OK, |error| fail(&error));
            report(callback, status);
            closing.end_close();
            handle::remove(number);
        };
        // Locked, so that no thread misses it that waits for the end.
        let mut ending = thread.lock().unwrap_or_else(PoisonError::into_inner);
        let spawned = threads::spawn("drt-close", Work::Callbacks, close).map_err(|error| {
            handle::reopen(number, &client);
            Error::new(Status::Io, format!("the client stays open: {error}"))
        })?;
        *ending = Some(spawned);
        drop(ending);
        handle::remove_all_but_ending(&client);
        Ok(())
    })
}

/// Waits for the end of a close that does not block, and of its thread.
fn await_end(client: &Client, thread: &EndingThread, timeout: Duration) -> Result<()> {
    client.await_closed(timeout)?;
    // Others that wait for the same wait for the lock.
    let mut thread = thread.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(thread) = thread.take() {
        // It has nothing left to do.
        let _ = thread.join();
    }
    Ok(())
}

/// Runs the callback and releases it.
fn report(callback: Callback<drt_closed_fn>, status: drt_status) {
    let _inside = enter_callback();
    if let Some(function) = callback.function {
        // SAFETY: the application's own function and data.
        unsafe { function(status, callback.user_data) }
    }
}
