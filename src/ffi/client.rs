//! Clients.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::time::Duration;

use super::callback::Callback;
use super::options::{client_options, drt_client_options};
use super::status::{code, drt_status};
use super::types::{drt_client, drt_release_fn};
use super::{guard, handle, text, versioned};
use crate::client::Client;
use crate::delivery::{State, StateSink, TokenSink};
use crate::error::{Result, Status};

/// What a client is doing.
pub type drt_state = i32;

/// Not asked to connect, or asked to disconnect.
pub const DRT_STATE_IDLE: drt_state = 0;
/// A link is being opened.
pub const DRT_STATE_CONNECTING: drt_state = 1;
/// The link is open; the credentials are with the server, or are being asked for.
pub const DRT_STATE_AUTHENTICATING: drt_state = 2;
/// Authenticated and usable.
pub const DRT_STATE_CONNECTED: drt_state = 3;
/// Waiting before the next attempt.
pub const DRT_STATE_BACKOFF: drt_state = 4;
/// Something that retrying cannot mend: refused credentials, attempts used up, an
/// untrusted certificate. `drt_client_connect`, `drt_client_reconnect` and
/// `drt_client_set_token` leave it.
pub const DRT_STATE_FAILED: drt_state = 5;
/// Closed.
pub const DRT_STATE_CLOSED: drt_state = 6;

/// Hears of each change of a client's state, once and in order. `reason` is DRT_OK
/// or the error that led there, `message` says it in words that a person can act on;
/// NUL-terminated, valid during the call.
pub type drt_state_fn = Option<
    unsafe extern "C" fn(
        client: *mut drt_client,
        state: drt_state,
        reason: drt_status,
        message: *const c_char,
        user_data: *mut c_void,
    ),
>;

/// Is asked for a fresh access token: before the first link when none is set, ahead
/// of a JWT's expiry, and after the server has refused the one it had. `reason` is
/// DRT_OK or the error. Answer with `drt_client_set_token`, at once or later, or let
/// the attempt time out.
pub type drt_token_fn = Option<
    unsafe extern "C" fn(client: *mut drt_client, reason: drt_status, user_data: *mut c_void),
>;

/// Counters of a client since it was made, for `drt_client_stats`. Initialise with
/// `DRT_STATS_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct drt_stats {
    /// Size of the struct in bytes; set by `DRT_STATS_INIT`.
    pub struct_size: usize,
    /// Links that became usable.
    pub connects: u64,
    /// Those after the first.
    pub reconnects: u64,
    /// Messages received.
    pub frames_in: u64,
    /// Bytes received in messages.
    pub bytes_in: u64,
    /// Messages sent.
    pub frames_out: u64,
    /// Bytes sent in messages.
    pub bytes_out: u64,
    /// Events delivered to the application.
    pub events: u64,
    /// INIT events marked `DRT_FLAG_RESYNC`.
    pub resyncs: u64,
    /// Times that a subscription lost what waited because `queue_bytes` were used up.
    pub overflows: u64,
    /// Events that wait for the application now.
    pub queued_events: u64,
    /// Bytes that wait for the application now.
    pub queued_bytes: u64,
    /// Subscriptions now.
    pub subscriptions: u64,
    /// Subscriptions that the server has confirmed on the present link.
    pub active_subscriptions: u64,
    /// Round trip of the last heartbeat in microseconds; 0 before the first.
    pub last_rtt_us: u64,
}

/// Makes a client and stores its handle in `*out`, or NULL when it fails. Nothing is
/// sent before `drt_client_connect` or the first `drt_subscribe`. The options are
/// copied. End the client with `drt_client_close`. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_new(
    options: *const drt_client_options,
    out: *mut *mut drt_client,
) -> drt_status {
    guard::status(|| {
        if out.is_null() {
            return Err(text::null("out"));
        }
        // SAFETY: `out` is the caller's variable.
        let tell = |client| unsafe { *out = client };
        tell(ptr::null_mut());
        // SAFETY: the caller passes options that were initialised as documented.
        let options = unsafe { client_options(options) }?;
        tell(handle::add_client(|| Client::new(options))?);
        Ok(())
    })
}

/// Sets the callback that hears of changes of state, in place of the one before,
/// which is released. `fn` NULL removes it. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_on_state(
    client: *mut drt_client,
    r#fn: drt_state_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    let callback = Callback::new(r#fn, user_data, release);
    guard::status(|| {
        let open = handle::client(client)?;
        let sink = callback.map(|callback| Box::new(StateCallback { client, callback }) as _);
        open.client.on_state(sink)
    })
}

/// Sets the callback that is asked for access tokens, in place of the one before,
/// which is released. `fn` NULL removes it. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_on_token(
    client: *mut drt_client,
    r#fn: drt_token_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    let callback = Callback::new(r#fn, user_data, release);
    guard::status(|| {
        let open = handle::client(client)?;
        let sink = callback.map(|callback| Box::new(TokenCallback { client, callback }) as _);
        open.client.on_token(sink)
    })
}

/// Starts to connect, unless that is under way; returns at once. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_connect(client: *mut drt_client) -> drt_status {
    guard::status(|| handle::client(client)?.client.connect())
}

/// Drops the link, if there is one, and connects now, without a delay; returns at
/// once. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_reconnect(client: *mut drt_client) -> drt_status {
    guard::status(|| handle::client(client)?.client.reconnect())
}

/// Drops the link and stays down until `drt_client_connect` or
/// `drt_client_reconnect`; subscriptions are kept. Returns at once. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_disconnect(client: *mut drt_client) -> drt_status {
    guard::status(|| handle::client(client)?.client.disconnect())
}

/// Sets the access token. A live link is authenticated with it at once, a failed
/// client tries again. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_set_token(
    client: *mut drt_client,
    access_token: *const c_char,
) -> drt_status {
    guard::status(|| {
        let open = handle::client(client)?;
        // SAFETY: the caller passes NULL or a NUL-terminated text.
        let token = unsafe { text::filled(access_token, "access_token") }?;
        open.client.set_token(token)
    })
}

/// The state of a client; `DRT_STATE_CLOSED` for an invalid handle. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_state(client: *mut drt_client) -> drt_state {
    guard::value(DRT_STATE_CLOSED, || {
        Ok(handle::client(client)?.client.state() as drt_state)
    })
}

/// Whether the client is authenticated and usable; false for an invalid handle. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_is_connected(client: *mut drt_client) -> bool {
    guard::value(false, || {
        Ok(handle::client(client)?.client.state() == State::Connected)
    })
}

/// Waits until the client enters a state, or is in it. *Blocks.*
///
/// Returns `DRT_ERR_TIMEOUT` after `timeout_ms` milliseconds (0 = look and don't wait),
/// or as soon as the client fails or is closed instead, the reason for that. It does not
/// dispatch: in poll delivery a token callback, say, runs only if another thread does. Any
/// thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_wait(
    client: *mut drt_client,
    state: drt_state,
    timeout_ms: u32,
) -> drt_status {
    guard::status(|| {
        let open = handle::client(client)?;
        guard::may_block()?;
        open.client
            .wait(known_state(state)?, milliseconds(timeout_ms))
    })
}

/// Fills `*out` with the client's counters. `out->struct_size` says how much room there
/// is. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_stats(
    client: *mut drt_client,
    out: *mut drt_stats,
) -> drt_status {
    guard::status(|| {
        let open = handle::client(client)?;
        if out.is_null() {
            return Err(text::null("out"));
        }
        let stats = stats(&open.client);
        // SAFETY: the caller passes a struct that was initialised as documented; ours
        // begins with a size_t and has no padding.
        unsafe { versioned::write(out, &stats, "out", "DRT_STATS_INIT") }
    })
}

/// Ends a client: its subscriptions end, callbacks that are due run and are released,
/// the link is closed politely, all within `timeout_ms` milliseconds; then every handle
/// of the client is stale. *Blocks.*
///
/// Returns after the last callback and the last release, which in poll delivery run
/// inside this call; or with `DRT_ERR_TIMEOUT`, if a callback does not return in time,
/// and then the rest happens when it does. Of several threads that close a client at
/// once, one does; the others get `DRT_ERR_INVALID_HANDLE`. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_close(client: *mut drt_client, timeout_ms: u32) -> drt_status {
    guard::status(|| {
        let open = handle::client(client)?;
        guard::may_block()?;
        let closing = handle::begin_close(&open)?;
        let closed = open.client.close(milliseconds(timeout_ms));
        drop(closing);
        closed
    })
}

fn known_state(value: drt_state) -> Result<State> {
    Ok(match value {
        DRT_STATE_IDLE => State::Idle,
        DRT_STATE_CONNECTING => State::Connecting,
        DRT_STATE_AUTHENTICATING => State::Authenticating,
        DRT_STATE_CONNECTED => State::Connected,
        DRT_STATE_BACKOFF => State::Backoff,
        DRT_STATE_FAILED => State::Failed,
        DRT_STATE_CLOSED => State::Closed,
        _ => return Err(text::unknown_value("state", value)),
    })
}

pub(super) fn milliseconds(ms: u32) -> Duration {
    Duration::from_millis(ms.into())
}

fn stats(client: &Client) -> drt_stats {
    let stats = client.stats();
    drt_stats {
        struct_size: size_of::<drt_stats>(),
        connects: stats.connects,
        reconnects: stats.reconnects,
        frames_in: stats.frames_in,
        bytes_in: stats.bytes_in,
        frames_out: stats.frames_out,
        bytes_out: stats.bytes_out,
        events: stats.events,
        resyncs: stats.resyncs,
        overflows: stats.overflows,
        queued_events: stats.queued_events,
        queued_bytes: stats.queued_bytes,
        subscriptions: stats.subscriptions,
        active_subscriptions: stats.active_subscriptions,
        last_rtt_us: stats.last_rtt_us,
    }
}

type StateCall =
    unsafe extern "C" fn(*mut drt_client, drt_state, drt_status, *const c_char, *mut c_void);
type TokenCall = unsafe extern "C" fn(*mut drt_client, drt_status, *mut c_void);

struct StateCallback {
    client: *mut drt_client,
    callback: Callback<StateCall>,
}

// SAFETY: a handle is a number, and the callback is `Send`.
unsafe impl Send for StateCallback {}

impl StateSink for StateCallback {
    fn state(&self, state: State, reason: Status, message: &str) {
        let message: CString = text::nul_terminated(message);
        let Callback {
            call, user_data, ..
        } = &self.callback;
        let (state, reason) = (state as drt_state, code(reason));
        // SAFETY: the application says that `call` may be called with its
        // `user_data` until `release`; the text outlives the call.
        unsafe { call(self.client, state, reason, message.as_ptr(), *user_data) }
    }
}

struct TokenCallback {
    client: *mut drt_client,
    callback: Callback<TokenCall>,
}

// SAFETY: a handle is a number, and the callback is `Send`.
unsafe impl Send for TokenCallback {}

impl TokenSink for TokenCallback {
    fn token_wanted(&self, reason: Status) {
        let Callback {
            call, user_data, ..
        } = &self.callback;
        // SAFETY: the application says that `call` may be called with its
        // `user_data` until `release`.
        unsafe { call(self.client, code(reason), *user_data) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_the_number_that_the_header_says() {
        for number in DRT_STATE_IDLE..=DRT_STATE_CLOSED {
            assert_eq!(
                known_state(number).map(|state| state as drt_state),
                Ok(number)
            );
        }
        assert!(known_state(7).is_err() && known_state(-1).is_err());
    }
}
