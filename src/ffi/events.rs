//! `drt_event`.

use std::ffi::{c_char, c_void};

use super::callback::{Callback, is_registration};
use super::handle::{self, RawHandle};
use super::types::drt_subscription;
use crate::delivery::{EventSink, EventView};

/// What happened.
pub type drt_event_kind = u32;
/// A snapshot: an array of items; an object for one item or a singleton (null if there is no such
/// item); no data if fewer than all kinds are requested. It is delivered before any change,
/// whatever kinds are requested, and after each gap: see `drt_event_is_change`.
pub const DRT_EVENT_INIT: u32 = 0;
/// An item was created.
pub const DRT_EVENT_CREATE: u32 = 1;
/// An item was updated.
pub const DRT_EVENT_UPDATE: u32 = 2;
/// An item was deleted: `{"<primary_key>": key}`. The key is written as the collection's items
/// write it, however the request for the delete spelled it: 7 for `007` or `" 7"` if the items
/// have numbers, `"1.50000"` for 1.5, a UUID in the items' case. The library learns this from the
/// first item of the collection that the client receives with its key, in an INIT or an event;
/// until then the key is as the request spelled it, which is text if it was part of a URL. The
/// decimal places and the case of UUIDs are learnt from this subscription's own items. Other text
/// keys that a collation treats as equal (`ABC`, `abc`) stay as the request spelled them. The key
/// is null if the server does not name it (a field of `directus_fields`).
pub const DRT_EVENT_DELETE: u32 = 3;
/// `{"code": ..., "message": ...}`. With `DRT_FLAG_ENDED` the server has rejected the
/// subscription. Without it the subscription continues: the server withheld one event, or, before
/// the first INIT, it refuses the subscription for the moment or does not answer, and the client
/// tries again.
pub const DRT_EVENT_ERROR: u32 = 4;

/// An INIT that follows a gap: it replaces everything that is known.
pub const DRT_FLAG_RESYNC: u32 = 1;
/// The subscription has ended; this is its last event.
pub const DRT_FLAG_ENDED: u32 = 2;
/// The server's events may be wrong where rows change in quick succession: the row was read again,
/// and is not as it was last reported, if it was at all. An UPDATE, a DELETE or a CREATE.
pub const DRT_FLAG_SETTLED: u32 = 4;

/// An event. The library owns everything in it, and it is valid only during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_event {
    /// `sizeof(drt_event)` of the library.
    pub struct_size: usize,
    /// What happened.
    pub kind: drt_event_kind,
    /// Any of the `DRT_FLAG_` bits.
    pub flags: u32,
    /// The subscription that the event is for.
    pub subscription: *mut drt_subscription,
    /// The subscription's uid, NUL-terminated.
    pub uid: *const c_char,
    /// Its length in bytes.
    pub uid_len: usize,
    /// The subscription's collection, NUL-terminated.
    pub collection: *const c_char,
    /// Its length in bytes.
    pub collection_len: usize,
    /// The data as JSON, not NUL-terminated; NULL if there is none.
    pub data: *const c_char,
    /// Its length in bytes.
    pub data_len: usize,
    /// The server's `meta` as JSON, not NUL-terminated; NULL if there is none.
    pub meta: *const c_char,
    /// Its length in bytes.
    pub meta_len: usize,
    /// The number of the event: the client's events are counted from 1 in the order of delivery,
    /// without gaps.
    pub sequence: u64,
    /// The item's place in its server message.
    pub index: u32,
    /// The number of items in that message.
    pub count: u32,
}

/// Receives an event. Runs on the client's dispatcher thread, or inside
/// `drt_client_dispatch`; must not throw.
pub type drt_event_fn =
    Option<unsafe extern "C" fn(event: *const drt_event, user_data: *mut c_void)>;

pub(super) type EventFunction = unsafe extern "C" fn(*const drt_event, *mut c_void);

/// The callback of one subscription. Dropping it retires the handle.
pub(super) struct CEvent {
    pub number: RawHandle,
    /// No function where the events are taken as rows.
    pub callback: Callback<Option<EventFunction>>,
}

impl EventSink for CEvent {
    fn event(&self, event: &EventView<'_>) {
        let Some(function) = self.callback.function else {
            return;
        };
        let pointer = |text: Option<&str>| text.map_or(std::ptr::null(), |t| t.as_ptr().cast());
        let length = |text: Option<&str>| text.map_or(0, str::len);
        let (uid, collection) = (&event.subscription.uid, &event.subscription.collection);
        let event = drt_event {
            struct_size: size_of::<drt_event>(),
            kind: event.kind as drt_event_kind,
            flags: event.flags,
            subscription: self.number as *mut drt_subscription,
            uid: uid.as_ptr(),
            uid_len: uid.as_bytes().len(),
            collection: collection.as_ptr(),
            collection_len: collection.as_bytes().len(),
            data: pointer(event.data),
            data_len: length(event.data),
            meta: pointer(event.meta),
            meta_len: length(event.meta),
            sequence: event.sequence,
            index: event.index,
            count: event.count,
        };
        // SAFETY: the application's own function and data; the event lives.
        unsafe { function(&event, self.callback.user_data) }
    }
}

is_registration!(CEvent, callback, |sink| sink.callback.function.is_some());

impl Drop for CEvent {
    fn drop(&mut self) {
        handle::retire(self.number);
    }
}
