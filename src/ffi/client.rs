//! `drt_client`.

use std::ffi::{CString, c_char, c_void};
use std::time::Duration;

use super::barrier;
use super::callback::{Callback, drt_release_fn};
use super::handle::{self, Number};
use super::options::{LARGEST_STRUCT, client_options, drt_client_options};
use super::process;
use super::status::drt_status;
use super::strings::{is_null, required};
use super::types::drt_client;
use crate::client::{Client, Stats};
use crate::delivery::{State, StateSink, TokenSink, in_callback};
use crate::error::{Error, Result, Status};

/// The state of a client.
pub type drt_state = i32;
/// Not asked to connect, or asked to disconnect.
pub const DRT_STATE_IDLE: i32 = 0;
/// A link is being opened.
pub const DRT_STATE_CONNECTING: i32 = 1;
/// The link is open, the server does not know us yet.
pub const DRT_STATE_AUTHENTICATING: i32 = 2;
/// Authenticated and usable.
pub const DRT_STATE_CONNECTED: i32 = 3;
/// Waiting before the next attempt.
pub const DRT_STATE_BACKOFF: i32 = 4;
/// Something that retrying cannot repair: credentials that the server has never
/// accepted, a password that it has accepted and then refused six times in a row, an
/// untrusted certificate, used-up attempts. connect, reconnect and set_token leave it.
pub const DRT_STATE_FAILED: i32 = 5;
/// Closed.
pub const DRT_STATE_CLOSED: i32 = 6;

/// The state has changed, for that reason (`DRT_OK` when nothing went wrong);
/// `message` says why in words and is valid during the call.
pub type drt_state_fn = Option<
    unsafe extern "C" fn(
        client: *mut drt_client,
        state: drt_state,
        reason: drt_status,
        message: *const c_char,
        user_data: *mut c_void,
    ),
>;

/// A fresh token is wanted: before the first link when none is set and ahead of
/// a JWT's expiry (`DRT_OK`), after a refusal or an expiry (`DRT_ERR_AUTH`).
/// Answer with `drt_client_set_token`, at once or later, or let the attempt time
/// out. It is not called again while it runs, however long that takes; its answer is
/// used then. Once it has returned without an answer, the next attempt asks again.
pub type drt_token_fn = Option<
    unsafe extern "C" fn(client: *mut drt_client, reason: drt_status, user_data: *mut c_void),
>;

/// Counters of a client, from its beginning. Begin with `DRT_STATS_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct drt_stats {
    /// `sizeof(drt_stats)`.
    pub struct_size: usize,
    /// Links that became usable.
    pub connects: u64,
    /// Those after the first.
    pub reconnects: u64,
    /// Frames received.
    pub frames_in: u64,
    /// Bytes in them.
    pub bytes_in: u64,
    /// Frames sent.
    pub frames_out: u64,
    /// Bytes in them.
    pub bytes_out: u64,
    /// Events delivered.
    pub events: u64,
    /// INIT events marked `DRT_FLAG_RESYNC`.
    pub resyncs: u64,
    /// Times that a subscription lost what waited, for want of room.
    pub overflows: u64,
    /// Server messages that wait for the application now.
    pub queued_events: u64,
    /// Their bytes.
    pub queued_bytes: u64,
    /// Subscriptions now.
    pub subscriptions: u64,
    /// Those that the server has confirmed.
    pub active_subscriptions: u64,
    /// The last heartbeat's round trip in microseconds; 0 = none yet.
    pub last_rtt_us: u64,
}

type StateFunction =
    unsafe extern "C" fn(*mut drt_client, drt_state, drt_status, *const c_char, *mut c_void);
type TokenFunction = unsafe extern "C" fn(*mut drt_client, drt_status, *mut c_void);

struct CState {
    client: Number,
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
    client: Number,
    callback: Callback<TokenFunction>,
}

impl TokenSink for CToken {
    fn token_wanted(&self, reason: Status) {
        let Callback {
            function,
            user_data,
            ..
        } = &self.callback;
        // SAFETY: the application's own function and data.
        unsafe { function(self.client as *mut drt_client, reason as i32, *user_data) }
    }
}

/// Milliseconds as a duration.
pub(super) fn ms(time: u32) -> Duration {
    Duration::from_millis(time.into())
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
            return Err(Error::new(Status::InvalidArgument, message));
        }
    })
}

/// Makes a client. Nothing goes out before `drt_client_connect` or the first
/// `drt_subscribe`. `*out` is to be ended with `drt_client_close`; it is NULL
/// after an error.
///
/// Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT` (also for a URL, with a message
/// that says what is wrong with it), `DRT_ERR_INVALID_UTF8`, `DRT_ERR_TLS` (files
/// that cannot be used), `DRT_ERR_IO`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_new(
    options: *const drt_client_options,
    out: *mut *mut drt_client,
) -> drt_status {
    barrier::run(|| {
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

/// Sets the callback for changes of state; NULL for `fn` removes it. The one that
/// was set before is released in the place where it would have run next.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_on_state(
    client: *mut drt_client,
    r#fn: drt_state_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    barrier::run(|| {
        let callback = Callback::new(r#fn, user_data, release);
        let number = client as Number;
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

/// Starts to connect and returns at once; nothing where that is under way. Leaves
/// `DRT_STATE_FAILED`, with the backoff reset.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_connect(client: *mut drt_client) -> drt_status {
    barrier::run(|| handle::client(client, "client")?.connect())
}

/// Drops the link, if there is one, and connects now, with the backoff reset.
/// Every subscription comes back with a RESYNC.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_reconnect(client: *mut drt_client) -> drt_status {
    barrier::run(|| handle::client(client, "client")?.reconnect())
}

/// Takes the link down, and stays down until `drt_client_connect` or
/// `drt_client_reconnect`. Subscriptions are kept.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_disconnect(client: *mut drt_client) -> drt_status {
    barrier::run(|| handle::client(client, "client")?.disconnect())
}

/// Sets the access token. A live link is authenticated anew with it, an attempt
/// that waits for one goes on, `DRT_STATE_FAILED` is left.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
/// `DRT_ERR_INVALID_UTF8`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_set_token(
    client: *mut drt_client,
    access_token: *const c_char,
) -> drt_status {
    barrier::run(|| {
        let client = handle::client(client, "client")?;
        // SAFETY: the header's contract.
        client.set_token(unsafe { required(access_token, "access_token") }?)
    })
}

/// Sets the callback that is asked for tokens; NULL for `fn` removes it.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_on_token(
    client: *mut drt_client,
    r#fn: drt_token_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    barrier::run(|| {
        let callback = Callback::new(r#fn, user_data, release);
        let number = client as Number;
        let client = handle::client(client, "client")?;
        let sink = r#fn.map(|function| {
            let callback = callback.with(function);
            Box::new(CToken {
                client: number,
                callback,
            }) as Box<dyn TokenSink>
        });
        client.on_token(sink)
    })
}

/// The state now; `DRT_STATE_CLOSED` for a handle that is none.
///
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_state(client: *mut drt_client) -> drt_state {
    barrier::value(DRT_STATE_CLOSED, || {
        Ok(handle::client(client, "client")?.state() as drt_state)
    })
}

/// Whether the state is `DRT_STATE_CONNECTED`.
///
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_is_connected(client: *mut drt_client) -> bool {
    barrier::value(false, || {
        Ok(handle::client(client, "client")?.state() == State::Connected)
    })
}

/// Blocks until the state is, or was meanwhile, `state`; for `timeout_ms`
/// milliseconds at most. When `DRT_STATE_FAILED` or `DRT_STATE_CLOSED` is entered
/// instead, returns its reason at once.
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
    barrier::run(|| {
        let client = handle::client(client, "client")?;
        let state = state_of(state)?;
        may_block()?;
        client.wait(state, ms(timeout_ms))
    })
}

/// Copies the counters; `out->struct_size` says how much room there is.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_stats(
    client: *mut drt_client,
    out: *mut drt_stats,
) -> drt_status {
    barrier::run(|| {
        let client = handle::client(client, "client")?;
        if out.is_null() {
            return Err(is_null("out"));
        }
        // SAFETY: not NULL; a struct begins with its size.
        let room = unsafe { out.cast::<usize>().read_unaligned() };
        if !(size_of::<usize>()..=LARGEST_STRUCT).contains(&room) {
            let message = format!("`out->struct_size` is {room}: begin with DRT_STATS_INIT");
            return Err(Error::new(Status::InvalidArgument, message));
        }
        let stats = drt_stats {
            struct_size: room,
            ..drt_stats::from(client.stats())
        };
        let (bytes, out) = (room.min(size_of::<drt_stats>()), out.cast::<u8>());
        // SAFETY: the caller says that so many bytes are there.
        unsafe {
            std::ptr::copy_nonoverlapping((&raw const stats).cast(), out, bytes);
            // Counters of a later version than this library's.
            out.add(bytes).write_bytes(0, room - bytes);
        }
        Ok(())
    })
}

/// Closes a client: its subscriptions and scopes end, callbacks that are due run
/// (not events any more), every release function runs, the link is taken down
/// politely. Afterwards every handle of it is stale, and after the last client of
/// the process no thread of the library is left.
///
/// Blocks for `timeout_ms` milliseconds at most, and the moment that threads take to
/// end: 0 is fine where no callback runs. After `DRT_ERR_TIMEOUT`, which means that a
/// callback is still running (or a name being looked up), the rest happens when it
/// returns; the handles are stale all the same.
///
/// Any thread, but not inside a callback. Errors: `DRT_ERR_INVALID_HANDLE`,
/// `DRT_ERR_CLOSED` (another thread is closing it), `DRT_ERR_WOULD_DEADLOCK`,
/// `DRT_ERR_TIMEOUT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_close(client: *mut drt_client, timeout_ms: u32) -> drt_status {
    barrier::run(|| {
        let number = client as Number;
        let client = handle::client(client, "client")?;
        may_block()?;
        handle::begin_close(number, &client)?;
        let closed = client.close(ms(timeout_ms));
        handle::remove_all_of(&client);
        closed
    })
}

impl From<Stats> for drt_stats {
    fn from(stats: Stats) -> drt_stats {
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
}
