//! `drt_client`.

use std::ffi::{CString, c_char, c_void};
use std::time::Duration;

use super::callback::{Callback, drt_release_fn, is_registration};
use super::handle::{self, RawHandle};
use super::options::{client_options, drt_client_options};
use super::panic;
use super::process;
use super::status::drt_status;
use super::strings::{is_null, required};
use super::types::drt_client;
use crate::client::Client;
use crate::delivery::{State, StateSink, TokenSink, in_callback};
use crate::error::{Error, Result, Status};

/// The state of a client.
pub type drt_state = i32;
/// Not asked to connect, or asked to disconnect.
pub const DRT_STATE_IDLE: i32 = 0;
/// A link is being opened.
pub const DRT_STATE_CONNECTING: i32 = 1;
/// The link is open, and the server has not accepted the credentials yet.
pub const DRT_STATE_AUTHENTICATING: i32 = 2;
/// Authenticated and usable.
pub const DRT_STATE_CONNECTED: i32 = 3;
/// Waiting before the next attempt.
pub const DRT_STATE_BACKOFF: i32 = 4;
/// An error that retrying does not repair: credentials that the server has never
/// accepted, a password that it has accepted and then refused six times in a row, an
/// untrusted certificate, used-up attempts. connect, reconnect and set_token leave it.
pub const DRT_STATE_FAILED: i32 = 5;
/// Closed.
pub const DRT_STATE_CLOSED: i32 = 6;

/// Reports a change of state and its reason (`DRT_OK` if nothing went wrong). `message` is the
/// reason as a sentence, valid during the call.
pub type drt_state_fn = Option<
    unsafe extern "C" fn(
        client: *mut drt_client,
        state: drt_state,
        reason: drt_status,
        message: *const c_char,
        user_data: *mut c_void,
    ),
>;

/// Asks for a fresh token: before the first link if none is set and ahead of a JWT's expiry
/// (`DRT_OK`), or after a refusal or an expiry (`DRT_ERR_AUTH`). Answer with
/// `drt_client_set_token`, inside the call or later; without an answer the attempt times out. It
/// is not called again while it runs, however long that takes. If it has returned without an
/// answer, the next attempt asks again.
pub type drt_token_fn = Option<
    unsafe extern "C" fn(client: *mut drt_client, reason: drt_status, user_data: *mut c_void),
>;

type StateFunction =
    unsafe extern "C" fn(*mut drt_client, drt_state, drt_status, *const c_char, *mut c_void);
type TokenFunction = unsafe extern "C" fn(*mut drt_client, drt_status, *mut c_void);

struct CState {
    client: RawHandle,
    callback: Callback<StateFunction>,
}

impl StateSink for CState {
    fn state(&self, state: State, reason: Status, message: &str) {
        let message = CString::new(message.replace('\0', "\u{fffd}")).unwrap_or_default();
        let Callback {
            function,
            user_data,
            ..
        } = &self.callback;
        let client = self.client as *mut drt_client;
        // SAFETY: the application's own function and data; the string lives.
        unsafe {
            function(
                client,
                state as drt_state,
                reason as i32,
                message.as_ptr(),
                *user_data,
            );
        }
    }
}

struct CToken {
    client: RawHandle,
    /// No function where the requests are taken as rows.
    callback: Callback<Option<TokenFunction>>,
}

impl TokenSink for CToken {
    fn token_wanted(&self, reason: Status) {
        let Callback {
            function,
            user_data,
            ..
        } = &self.callback;
        if let Some(function) = function {
            // SAFETY: the application's own function and data.
            unsafe { function(self.client as *mut drt_client, reason as i32, *user_data) }
        }
    }
}

is_registration!(CState, callback, |_| true);
is_registration!(CToken, callback, |sink| sink.callback.function.is_some());

/// A number of milliseconds as a duration.
pub(super) fn ms(time: u32) -> Duration {
    Duration::from_millis(time.into())
}

/// Fails where there is no function, unless what it would get can be taken as a row.
pub(super) fn needed<F>(function: Option<F>, client: &Client) -> Result<()> {
    match function {
        None if !client.is_polled() => Err(is_null("fn")),
        _ => Ok(()),
    }
}

/// Fails inside a callback, for functions that block.
pub(super) fn may_block() -> Result<()> {
    if in_callback() {
        let message = "this function waits, and must not be called from inside a callback";
        return Err(Error::new(Status::WouldDeadlock, message));
    }
    Ok(())
}

fn state_of(number: drt_state) -> Result<State> {
    Ok(match number {
        DRT_STATE_IDLE => State::Idle,
        DRT_STATE_CONNECTING => State::Connecting,
        DRT_STATE_AUTHENTICATING => State::Authenticating,
        DRT_STATE_CONNECTED => State::Connected,
        DRT_STATE_BACKOFF => State::Backoff,
        DRT_STATE_FAILED => State::Failed,
        DRT_STATE_CLOSED => State::Closed,
        other => {
            let message = format!("`state` is {other}: it must be a DRT_STATE_ constant");
            return Err(Error::invalid("state", message));
        }
    })
}

/// Creates a client. It connects at `drt_client_connect` or the first `drt_subscribe`. On success
/// `*out` receives the client; release it with `drt_client_close`. After an error `*out` is NULL.
///
/// Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT` (also for a URL, with a message
/// that says what is wrong with it), `DRT_ERR_INVALID_UTF8`, `DRT_ERR_TLS` (files
/// that cannot be used), `DRT_ERR_IO`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_new(
    options: *const drt_client_options,
    out: *mut *mut drt_client,
) -> drt_status {
    panic::run(|| {
        // SAFETY: NULL or valid for writing, by the header's contract.
        let out = unsafe { out.as_mut() }.ok_or_else(|| is_null("out"))?;
        *out = std::ptr::null_mut();
        process::prepare();
        // SAFETY: the header's contract.
        let options = unsafe { client_options(options) }?;
        let client = Client::new(options)?;
        *out = handle::insert_client(client)? as *mut drt_client;
        Ok(())
    })
}

/// Sets the callback for changes of state; NULL for `fn` removes it. The previous one is released
/// at the point at which it would have run next.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_on_state(
    client: *mut drt_client,
    r#fn: drt_state_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    panic::run(|| {
        let callback = Callback::new(r#fn, user_data, release);
        let number = client as RawHandle;
        let client = handle::client(client, "client")?;
        let sink = r#fn.map(|function| {
            let callback = callback.with(function);
            Box::new(CState {
                client: number,
                callback,
            }) as Box<dyn StateSink>
        });
        client.on_state(sink)
    })
}

/// Starts to connect and returns at once; does nothing if the client is connecting or connected.
/// Leaves `DRT_STATE_FAILED` and resets the backoff.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_connect(client: *mut drt_client) -> drt_status {
    panic::run(|| handle::client(client, "client")?.connect())
}

/// Closes the link, if there is one, and connects at once, with the backoff reset. Every
/// subscription gets an INIT with RESYNC.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_reconnect(client: *mut drt_client) -> drt_status {
    panic::run(|| handle::client(client, "client")?.reconnect())
}

/// Closes the link and stays disconnected until `drt_client_connect` or `drt_client_reconnect`.
/// Subscriptions are kept.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_disconnect(client: *mut drt_client) -> drt_status {
    panic::run(|| handle::client(client, "client")?.disconnect())
}

/// Sets the access token. An open link authenticates again with it, an attempt that waits for a
/// token continues, and `DRT_STATE_FAILED` is left.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
/// `DRT_ERR_INVALID_UTF8`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_set_token(
    client: *mut drt_client,
    access_token: *const c_char,
) -> drt_status {
    panic::run(|| {
        let client = handle::client(client, "client")?;
        // SAFETY: the header's contract.
        client.set_token(unsafe { required(access_token, "access_token") }?)
    })
}

/// Sets the callback that is asked for tokens; NULL for `fn` removes what is set. In poll delivery,
/// NULL where nothing is set has the requests come as rows of `drt_client_next`.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_on_token(
    client: *mut drt_client,
    r#fn: drt_token_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    panic::run(|| {
        let callback = Callback::new(r#fn, user_data, release);
        let number = client as RawHandle;
        let client = handle::client(client, "client")?;
        let as_rows = client.is_polled() && !client.has_token_sink();
        let sink = (r#fn.is_some() || as_rows).then(|| {
            Box::new(CToken {
                client: number,
                callback,
            }) as Box<dyn TokenSink>
        });
        client.on_token(sink)
    })
}

/// The present state; `DRT_STATE_CLOSED` for an invalid handle.
///
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_state(client: *mut drt_client) -> drt_state {
    panic::value(DRT_STATE_CLOSED, || {
        Ok(handle::client(client, "client")?.state() as drt_state)
    })
}

/// Whether the state is `DRT_STATE_CONNECTED`.
///
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_is_connected(client: *mut drt_client) -> bool {
    panic::value(false, || {
        Ok(handle::client(client, "client")?.state() == State::Connected)
    })
}

/// Blocks until the client enters `state`, for at most `timeout_ms` milliseconds; returns at once
/// if that is the present state. If the client enters `DRT_STATE_FAILED` or `DRT_STATE_CLOSED`
/// instead, returns the reason as an error.
///
/// Any thread, but not inside a callback. Errors: `DRT_ERR_TIMEOUT`,
/// `DRT_ERR_WOULD_DEADLOCK`, `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
/// and the reason of the state that was entered.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_wait(
    client: *mut drt_client,
    state: drt_state,
    timeout_ms: u32,
) -> drt_status {
    panic::run(|| {
        let client = handle::client(client, "client")?;
        let state = state_of(state)?;
        may_block()?;
        client.wait(state, ms(timeout_ms))
    })
}
