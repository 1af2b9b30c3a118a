//! Events, as C sees them.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use super::callback::Callback;
use super::handle;
use super::types::drt_subscription;
use crate::delivery::{self, EventSink, EventView};

/// What happened.
pub type drt_event_kind = i32;

/// `data` is a snapshot: everything that matches the query, in one piece. An array, an
/// object for an item or a singleton, nothing where the subscription's `events` names
/// fewer than all kinds.
pub const DRT_EVENT_INIT: drt_event_kind = 0;
/// `data` is an item that was made.
pub const DRT_EVENT_CREATE: drt_event_kind = 1;
/// `data` is an item that was changed.
pub const DRT_EVENT_UPDATE: drt_event_kind = 2;
/// `data` is `{"<primary_key>": key}` of an item that was deleted.
pub const DRT_EVENT_DELETE: drt_event_kind = 3;
/// `data` is `{"code": ..., "message": ...}`. With `DRT_FLAG_ENDED` the server has refused
/// the subscription, which is over; without it one event was withheld, because of a
/// permission, say, and the subscription lives on.
pub const DRT_EVENT_ERROR: drt_event_kind = 4;

/// In `drt_event.flags`: this INIT follows a gap, such as a lost link. What was known
/// before is to be replaced by it.
pub const DRT_FLAG_RESYNC: u32 = 1;
/// In `drt_event.flags`: the subscription is over, this is its last event.
pub const DRT_FLAG_ENDED: u32 = 2;

/// An event. Everything in it is valid only during the callback that receives it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_event {
    /// Size of the struct in bytes, as the library knows it.
    pub struct_size: usize,
    /// What happened.
    pub kind: drt_event_kind,
    /// `DRT_FLAG_RESYNC`, `DRT_FLAG_ENDED`.
    pub flags: u32,
    /// Whose event it is.
    pub subscription: *mut drt_subscription,
    /// The subscription's uid, NUL-terminated.
    pub uid: *const c_char,
    /// Bytes in `uid`.
    pub uid_len: usize,
    /// The subscription's collection, NUL-terminated.
    pub collection: *const c_char,
    /// Bytes in `collection`.
    pub collection_len: usize,
    /// JSON, *not* NUL-terminated; NULL where there is none. One object for each item, or
    /// with `DRT_PER_MESSAGE` the server's own value.
    pub data: *const c_char,
    /// Bytes in `data`.
    pub data_len: usize,
    /// The server's `meta` as JSON, *not* NUL-terminated; NULL where there is none.
    pub meta: *const c_char,
    /// Bytes in `meta`.
    pub meta_len: usize,
    /// Counts the client's events from 1, without holes, in the order of delivery.
    pub sequence: u64,
    /// Place of the item within the server's message, from 0.
    pub index: u32,
    /// Number of items in the server's message.
    pub count: u32,
}

/// Takes an event.
pub type drt_event_fn =
    Option<unsafe extern "C" fn(event: *const drt_event, user_data: *mut c_void)>;

type EventCall = unsafe extern "C" fn(*const drt_event, *mut c_void);

/// The callback of a subscription, and its entry in the table of handles, which goes
/// with it.
pub(super) struct EventCallback {
    pub handle: *mut drt_subscription,
    pub callback: Callback<EventCall>,
}

// SAFETY: a handle is a number, and the callback is `Send`.
unsafe impl Send for EventCallback {}

impl EventSink for EventCallback {
    fn event(&self, event: &EventView<'_>) {
        let Callback {
            call, user_data, ..
        } = &self.callback;
        let event = c_event(self.handle, event);
        // SAFETY: the application says that `call` may be called with its
        // `user_data` until `release`; what the event points to outlives the call.
        unsafe { call(&event, *user_data) }
    }

    fn drain_key(&self) -> u64 {
        self.callback.user_data as usize as u64
    }
}

impl Drop for EventCallback {
    fn drop(&mut self) {
        handle::retire(self.handle);
    }
}

fn c_event(subscription: *mut drt_subscription, event: &EventView<'_>) -> drt_event {
    let (uid, uid_len) = name(&event.target.uid);
    let (collection, collection_len) = name(&event.target.collection);
    let (data, data_len) = json(event.data);
    let (meta, meta_len) = json(event.meta);
    drt_event {
        struct_size: size_of::<drt_event>(),
        kind: event.kind as drt_event_kind,
        flags: event.flags,
        subscription,
        uid,
        uid_len,
        collection,
        collection_len,
        data,
        data_len,
        meta,
        meta_len,
        sequence: event.sequence,
        index: event.index,
        count: event.count,
    }
}

pub(super) fn name(name: &CStr) -> (*const c_char, usize) {
    (name.as_ptr(), name.count_bytes())
}

fn json(json: Option<&str>) -> (*const c_char, usize) {
    json.map_or((ptr::null(), 0), |json| (json.as_ptr().cast(), json.len()))
}

const _: () = {
    use delivery::EventKind;
    assert!(EventKind::Init as i32 == DRT_EVENT_INIT);
    assert!(EventKind::Create as i32 == DRT_EVENT_CREATE);
    assert!(EventKind::Update as i32 == DRT_EVENT_UPDATE);
    assert!(EventKind::Delete as i32 == DRT_EVENT_DELETE);
    assert!(EventKind::Error as i32 == DRT_EVENT_ERROR);
    assert!(delivery::FLAG_RESYNC == DRT_FLAG_RESYNC);
    assert!(delivery::FLAG_ENDED == DRT_FLAG_ENDED);
};
