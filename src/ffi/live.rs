//! `drt_live`.

use std::ffi::{c_char, c_void};

use super::callback::{Callback, drt_release_fn};
use super::client::{may_block, ms, needed};
use super::handle::{self, Object, RawHandle};
use super::live_rows::{CLive, drt_live_fn};
use super::options::{init, read};
use super::panic;
use super::request::{CReply, drt_reply_fn};
use super::status::{DRT_DUPLICATE, DRT_OK, drt_status};
use super::strings::{is_null, optional, required};
use super::types::{drt_client, drt_live, drt_scope};
use crate::client::{LiveCollectionOptions, Subscribed};
use crate::error::{Error, Result};

/// Options of a live collection. Initialise it with `DRT_LIVE_OPTIONS_INIT`; a member that is zero means
/// its default. Strings are copied before the call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_live_options {
    /// `sizeof(drt_live_options)`.
    pub struct_size: usize,
    /// Required: the collection's name.
    pub collection: *const c_char,
    /// A JSON object: fields, filter, sort, limit, offset, page, search, deep, alias; NULL = every row, by
    /// primary key. Without a limit it means all rows.
    pub query: *const c_char,
    /// Its name within its client, among those of the subscriptions; NULL = one is generated.
    pub uid: *const c_char,
    /// Whether it survives its scope, and unsubscribing by collection or of all.
    pub persistent: bool,
    /// The name of the primary key's field. Default: `id`.
    pub primary_key: *const c_char,
    /// Further collections, separated by commas, whose changes may change rows: those of the relations
    /// that fields, filter or sort name. NULL = none.
    pub depends_on: *const c_char,
    /// How often all rows are held against the server's answer, in milliseconds. Default: 300 000;
    /// `UINT32_MAX` = never.
    pub verify_ms: u32,
}

/// `drt_live_options` with a byte in place of the bool, because C may pass a byte that is no valid `bool`.
#[repr(C)]
#[derive(Clone, Copy)]
struct RawLiveOptions {
    struct_size: usize,
    collection: *const c_char,
    query: *const c_char,
    uid: *const c_char,
    persistent: u8,
    primary_key: *const c_char,
    depends_on: *const c_char,
    verify_ms: u32,
}

const _: () = assert!(size_of::<RawLiveOptions>() == size_of::<drt_live_options>());

/// Initialises the options of a live collection, as `DRT_LIVE_OPTIONS_INIT` does: for languages without C
/// macros. `size` is the size of the struct that the caller has.
///
/// Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_options_init(
    options: *mut drt_live_options,
    size: usize,
) -> drt_status {
    // SAFETY: the header's contract.
    panic::run(|| unsafe { init(options.cast(), size) })
}

/// # Safety
///
/// As the header says of `drt_live_open`.
unsafe fn live_options(options: *const drt_live_options) -> Result<LiveCollectionOptions> {
    let least = std::mem::offset_of!(drt_live_options, query);
    // SAFETY: the caller's promise; the raw struct has the same layout.
    let o = unsafe {
        read(
            options.cast::<RawLiveOptions>(),
            least,
            "DRT_LIVE_OPTIONS_INIT",
        )
    }?;
    // SAFETY: NULL or NUL-terminated, by the caller's promise.
    let text = |text, name| unsafe { optional(text, name) }.map(|t| t.map(str::to_owned));
    Ok(LiveCollectionOptions {
        // SAFETY: as above.
        collection: unsafe { required(o.collection, "collection") }?.to_owned(),
        query: text(o.query, "query")?,
        uid: text(o.uid, "uid")?,
        persistent: o.persistent != 0,
        primary_key: text(o.primary_key, "primary_key")?,
        depends_on: text(o.depends_on, "depends_on")?,
        verify_ms: o.verify_ms,
    })
}

/// Opens a live collection: the rows with which the server would answer a query, held in memory in the
/// server's order, and kept so, across reconnects, too. The first one connects.
///
/// It is a subscription among the others: it has a uid, a scope or none, is listed by
/// `drt_active_subscriptions`, and ends in all the ways in which a subscription ends. Every update runs
/// `fn`, which may be NULL: the rows are there all the same. In poll delivery the updates come as rows of
/// `drt_client_next` or `drt_client_drain` then. What the functions below show is what the last
/// delivered update has left.
///
/// A query that cannot be held (`aggregate`, `group`, `export`, `fields` without the primary key) is
/// `DRT_ERR_INVALID_ARGUMENT`. What the server refuses later is an update with `DRT_LIVE_ENDED`, the last
/// one. A uid that a live collection of the same collection has: `DRT_DUPLICATE`, and `*out` is that one,
/// whatever its query. That of another collection's, or of a subscription, is `DRT_ERR_INVALID_ARGUMENT`.
///
/// Any thread. Success: `DRT_OK`, `DRT_DUPLICATE`. Errors: as `drt_subscribe`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_open(
    client: *mut drt_client,
    scope: *mut drt_scope,
    options: *const drt_live_options,
    r#fn: drt_live_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
    out: *mut *mut drt_live,
) -> drt_status {
    panic::status(|| {
        let callback = Callback::new(r#fn, user_data, release);
        // SAFETY: NULL or valid for writing, by the header's contract.
        let out = unsafe { out.as_mut() }.ok_or_else(|| is_null("out"))?;
        *out = std::ptr::null_mut();
        let owner = client as RawHandle;
        let client = handle::client(client, "client")?;
        let scope = handle::scope_of(scope, &client)?;
        // SAFETY: the header's contract.
        let options = unsafe { live_options(options) }?;
        let feed = client.new_feed();
        // The handle names it before it exists: its first update, on another thread, can arrive before
        // this call returns.
        let id = client.reserve_subscription();
        let object = Object::Live(client.clone(), id, feed.clone());
        let number =
            handle::insert(owner, object).inspect_err(|_| client.cancel_subscription(id))?;
        let sink = Box::new(CLive { number, callback });
        let made = client.open_live(id, scope, options, &feed, number, sink);
        if !matches!(made, Ok(Subscribed::New)) {
            handle::remove(number);
        }
        match made? {
            Subscribed::New => {
                *out = number as *mut drt_live;
                Ok(DRT_OK)
            }
            Subscribed::Duplicate { tag } => {
                let existing = tag as *mut drt_live;
                handle::live(existing, "uid").map_err(|_| {
                    let message = "`uid` is that of a subscription, which is no live collection";
                    Error::invalid("uid", message)
                })?;
                *out = existing;
                Ok(DRT_DUPLICATE)
            }
        }
    })
}

/// Blocks until the live collection is `DRT_LIVE_CURRENT`, for at most `timeout_ms` milliseconds. In thread
/// delivery its rows are shown then; in poll delivery the update that brings them is queued.
///
/// Any thread, but not inside a callback. Errors: `DRT_ERR_TIMEOUT`, `DRT_ERR_SERVER` with the server's
/// error if it has ended, `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`, `DRT_ERR_WOULD_DEADLOCK`, and the
/// reason if the client fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_wait(live: *mut drt_live, timeout_ms: u32) -> drt_status {
    panic::run(|| {
        let (client, _, feed) = handle::live(live, "live")?;
        may_block()?;
        client.live_wait(&feed, ms(timeout_ms))
    })
}

/// Holds the rows against the server's answer now, repairs what differs by an ordinary update, and passes
/// `{"equal":true,"rows":...}` or `{"equal":false,"rows":...,"added":...,"modified":...,"removed":...}` to
/// `fn`, exactly once, unless this call fails. What the server has told within the last moments is no
/// difference. `timeout_ms` 0 means `ack_timeout_ms`. In poll delivery `fn` may be NULL: the reply comes as
/// a row of `drt_client_next`.
///
/// Any thread; does not block. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`. The reply's
/// status is `DRT_ERR_TIMEOUT` if the rows could not be read in time, and `DRT_ERR_CLOSED` if the live
/// collection has ended.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_verify(
    live: *mut drt_live,
    timeout_ms: u32,
    r#fn: drt_reply_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    panic::run(|| {
        let callback = Callback::new(r#fn, user_data, release);
        let (client, id, _) = handle::live(live, "live")?;
        needed(r#fn, &client)?;
        client.live_verify(id, ms(timeout_ms), Box::new(CReply(callback)))
    })
}

/// Ends a live collection, also one that the server has ended. When it returns, no callback of it is
/// running or will run, except for the callback that it was called from, and its handle is stale.
///
/// Any thread; hold no lock that the callback takes. Errors: `DRT_ERR_INVALID_HANDLE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_close(live: *mut drt_live) -> drt_status {
    panic::run(|| {
        let (client, id, feed) = handle::live(live, "live")?;
        client.live_close(id, &feed)
    })
}
