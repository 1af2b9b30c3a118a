//! `drt_live_update`, and the rows of live collections.

use std::ffi::{c_char, c_void};

use super::callback::{Callback, is_registration};
use super::handle::{self, RawHandle};
use super::panic;
use super::status::drt_status;
use super::strings::{is_null, required};
use super::types::drt_live;
use crate::delivery::{EventSink, EventView, SubscriptionMeta, enter_callback};
use crate::error::{Error, Status};
use crate::protocol::items;
use crate::rows::{LiveStatus, Row, Step, Update};

/// How far a live collection is.
pub type drt_live_status = i32;
/// Its rows are not there yet.
pub const DRT_LIVE_LOADING: i32 = 0;
/// Its rows are those of the server, as far as the server has told.
pub const DRT_LIVE_CURRENT: i32 = 1;
/// Its rows may be old: there is no link, or what was missed is being read, or the server refuses to
/// show the rows at present.
pub const DRT_LIVE_STALE: i32 = 2;
/// It has ended: the server has refused it.
pub const DRT_LIVE_ENDED: i32 = 3;

/// What happened to a row.
pub type drt_live_change_kind = u32;
/// It was inserted at `new_index`.
pub const DRT_LIVE_ADDED: u32 = 0;
/// It is another one now, or at another place: removed at `old_index`, then inserted at `new_index`.
pub const DRT_LIVE_MODIFIED: u32 = 1;
/// It was removed at `old_index`.
pub const DRT_LIVE_REMOVED: u32 = 2;

/// A change of one row. The changes of an update are applied one after the other, each with the
/// indices that hold at its turn.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_live_change {
    /// What happened.
    pub kind: drt_live_change_kind,
    /// The row's primary key as JSON, not NUL-terminated: `1`, `"a"`.
    pub key: *const c_char,
    /// Its length in bytes.
    pub key_len: usize,
    /// The whole row as JSON, not NUL-terminated; of a row that was removed, as it was last.
    pub data: *const c_char,
    /// Its length in bytes.
    pub data_len: usize,
    /// Where the row was before this change; `UINT64_MAX` if it was added.
    pub old_index: u64,
    /// Where the row is after this change; `UINT64_MAX` if it was removed.
    pub new_index: u64,
}

/// An update of a live collection: a new status, changed rows, or both. The library owns everything in
/// it, and it is valid only during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_live_update {
    /// `sizeof(drt_live_update)` of the library.
    pub struct_size: usize,
    /// The live collection, which shows the new rows already.
    pub live: *mut drt_live,
    /// Its uid, NUL-terminated.
    pub uid: *const c_char,
    /// The uid's length in bytes.
    pub uid_len: usize,
    /// Its collection, NUL-terminated.
    pub collection: *const c_char,
    /// The collection's length in bytes.
    pub collection_len: usize,
    /// One of the `DRT_LIVE_` statuses.
    pub status: drt_live_status,
    /// How many updates have changed rows so far. It may skip numbers where updates that waited were
    /// merged.
    pub revision: u64,
    /// How many rows there are now.
    pub count: u64,
    /// The changes that lead from the rows before to the rows now; NULL if there are none.
    pub changes: *const drt_live_change,
    /// How many changes there are.
    pub changes_len: usize,
    /// The server's error object as JSON, not NUL-terminated, if it is why the rows may be old or the live
    /// collection has ended; else NULL.
    pub error: *const c_char,
    /// Its length in bytes.
    pub error_len: usize,
}

/// Receives an update. Runs where event callbacks run; must not throw.
pub type drt_live_fn =
    Option<unsafe extern "C" fn(update: *const drt_live_update, user_data: *mut c_void)>;

/// A row of a live collection. Valid only during the visit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_row {
    /// `sizeof(drt_row)` of the library.
    pub struct_size: usize,
    /// Its place.
    pub index: u64,
    /// Its primary key as JSON, not NUL-terminated.
    pub key: *const c_char,
    /// The key's length in bytes.
    pub key_len: usize,
    /// The whole row as JSON, not NUL-terminated.
    pub data: *const c_char,
    /// Its length in bytes.
    pub data_len: usize,
}

/// Visits a row; returns whether to continue with the next one. No lock is held while it runs.
pub type drt_row_fn =
    Option<unsafe extern "C" fn(row: *const drt_row, user_data: *mut c_void) -> bool>;

pub(super) type LiveFunction = unsafe extern "C" fn(*const drt_live_update, *mut c_void);

/// The callback of one live collection. Dropping it retires the handle.
pub(super) struct CLive {
    pub number: RawHandle,
    /// No function where the updates are taken as rows, or not at all.
    pub callback: Callback<Option<LiveFunction>>,
}

impl EventSink for CLive {
    fn event(&self, _: &EventView<'_>) {}

    fn update(&self, subscription: &SubscriptionMeta, update: &Update) {
        let Some(function) = self.callback.function else {
            return;
        };
        // At once: there may be as many as there are rows.
        let mut changes = Vec::with_capacity(update.changes.len());
        changes.extend(update.steps().map(change_of));
        let (uid, collection) = (&subscription.uid, &subscription.collection);
        let error = update.error.as_deref();
        let update = drt_live_update {
            struct_size: size_of::<drt_live_update>(),
            live: self.number as *mut drt_live,
            uid: uid.as_ptr(),
            uid_len: uid.as_bytes().len(),
            collection: collection.as_ptr(),
            collection_len: collection.as_bytes().len(),
            status: status_of(update.status),
            revision: update.revision,
            count: update.rows.len() as u64,
            changes: match changes.as_slice() {
                [] => std::ptr::null(),
                changes => changes.as_ptr(),
            },
            changes_len: changes.len(),
            error: error.map_or(std::ptr::null(), |error| error.as_ptr().cast()),
            error_len: error.map_or(0, str::len),
        };
        // SAFETY: the application's own function and data; the update lives.
        unsafe { function(&update, self.callback.user_data) }
    }
}

is_registration!(CLive, callback, |sink| sink.callback.function.is_some());

impl Drop for CLive {
    fn drop(&mut self) {
        handle::retire(self.number);
    }
}

pub(super) fn status_of(status: LiveStatus) -> drt_live_status {
    status as drt_live_status
}

fn change_of(change: Step<'_>) -> drt_live_change {
    let index = |index: Option<usize>| index.map_or(u64::MAX, |index| index as u64);
    let (key, data) = (change.row.key(), change.row.text());
    drt_live_change {
        kind: change.kind as drt_live_change_kind,
        key: key.as_ptr().cast(),
        key_len: key.len(),
        data: data.as_ptr().cast(),
        data_len: data.len(),
        old_index: index(change.old),
        new_index: index(change.new),
    }
}

fn row_of(index: usize, row: &Row) -> drt_row {
    let (key, data) = (row.key(), row.text());
    drt_row {
        struct_size: size_of::<drt_row>(),
        index: index as u64,
        key: key.as_ptr().cast(),
        key_len: key.len(),
        data: data.as_ptr().cast(),
        data_len: data.len(),
    }
}

/// How far a live collection is, as its last delivered update has said; `DRT_LIVE_ENDED` after an error.
///
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_get_status(live: *mut drt_live) -> drt_live_status {
    panic::value(DRT_LIVE_ENDED, || {
        let (_, _, feed) = handle::live(live, "live")?;
        Ok(status_of(feed.status()))
    })
}

/// How many rows the last delivered update has left.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_count(live: *mut drt_live, count: *mut u64) -> drt_status {
    panic::run(|| {
        // SAFETY: NULL or valid for writing, by the header's contract.
        let count = unsafe { count.as_mut() }.ok_or_else(|| is_null("count"))?;
        *count = 0;
        let (_, _, feed) = handle::live(live, "live")?;
        *count = feed.count() as u64;
        Ok(())
    })
}

/// Shows the row with a primary key, given as JSON (`1`, `"a"`) or as plain text, to `fn`, on the
/// calling thread. What `fn` returns does not matter.
///
/// Any thread. Errors: `DRT_ERR_NOT_FOUND`, `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
/// `DRT_ERR_INVALID_UTF8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_get(
    live: *mut drt_live,
    key: *const c_char,
    r#fn: drt_row_fn,
    user_data: *mut c_void,
) -> drt_status {
    panic::run(|| {
        let (_, _, feed) = handle::live(live, "live")?;
        // SAFETY: the header's contract.
        let key = unsafe { required(key, "key") }?;
        let function = r#fn.ok_or_else(|| is_null("fn"))?;
        let text = items::key_text(key).unwrap_or(key.into());
        let (rows, _) = feed.shown();
        let found = rows.position(&text);
        let found = found.and_then(|index| Some((index, rows.get(index)?)));
        let Some((index, row)) = found else {
            let message = format!("there is no row with the key {key:?}");
            return Err(Error::new(Status::NotFound, message).about("key"));
        };
        let _inside = enter_callback();
        // SAFETY: the application's own function and data; the row lives.
        unsafe { function(&row_of(index, row), user_data) };
        Ok(())
    })
}

/// Visits rows in order, from the one at `from` on, at most `most` (0 = all), on the calling thread. They
/// are those of one moment, whatever is delivered meanwhile. `*visited`, if `visited` is not NULL, receives
/// how many were visited; none where `from` is behind the last one. `fn` may call every function that
/// does not block.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_live_rows(
    live: *mut drt_live,
    from: u64,
    most: u64,
    r#fn: drt_row_fn,
    user_data: *mut c_void,
    visited: *mut u64,
) -> drt_status {
    panic::run(|| {
        let mut unused = 0;
        // SAFETY: NULL or valid for writing, by the header's contract.
        let visited = unsafe { visited.as_mut() }.unwrap_or(&mut unused);
        *visited = 0;
        let (_, _, feed) = handle::live(live, "live")?;
        let function = r#fn.ok_or_else(|| is_null("fn"))?;
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        let most = match usize::try_from(most) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(most) => most,
        };
        let (rows, _) = feed.shown();
        for (index, row) in rows.iter_from(from).take(most).enumerate() {
            *visited += 1;
            let _inside = enter_callback();
            // SAFETY: the application's own function and data; the row lives.
            if !unsafe { function(&row_of(from + index, row), user_data) } {
                break;
            }
        }
        Ok(())
    })
}
