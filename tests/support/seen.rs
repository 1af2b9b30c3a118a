//! Events, recorded as a callback saw them.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_char, c_void};
use std::sync::Arc;

use directus_realtime::ffi::*;
use serde_json::Value;

use super::log::Log;

/// An event as a callback saw it.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub kind: u32,
    pub flags: u32,
    pub uid: String,
    pub collection: String,
    pub data: Value,
    pub meta: Value,
    pub sequence: u64,
    pub index: u32,
    pub count: u32,
}

impl Seen {
    pub fn is_init(&self) -> bool {
        self.kind == DRT_EVENT_INIT
    }

    pub fn is_resync(&self) -> bool {
        self.is_init() && self.flags & DRT_FLAG_RESYNC != 0
    }

    pub fn is_error(&self) -> bool {
        self.kind == DRT_EVENT_ERROR
    }

    pub fn is_end(&self) -> bool {
        self.flags & DRT_FLAG_ENDED != 0
    }

    /// "create", "update" …
    pub fn name(&self) -> &'static str {
        ["init", "create", "update", "delete", "error"][self.kind as usize]
    }
}

pub type EventLog = Arc<Log<Seen>>;

pub fn json(data: *const c_char, len: usize) -> Value {
    if data.is_null() {
        return Value::Null;
    }
    // SAFETY: the library gives a pointer and its length, valid in the callback.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), len) };
    serde_json::from_slice(bytes).unwrap_or_else(|e| {
        panic!(
            "event data is not JSON: {e}: {}",
            String::from_utf8_lossy(bytes)
        )
    })
}

pub unsafe extern "C" fn on_event(event: *const drt_event, user_data: *mut c_void) {
    // SAFETY: the library passes a live event and the pointer of an Arc<Log>.
    let (event, log) = unsafe { (&*event, &*user_data.cast::<Log<Seen>>()) };
    let name = |name: *const c_char, len: usize| {
        // SAFETY: names are NUL-terminated.
        let name = unsafe { CStr::from_ptr(name) };
        assert_eq!(name.to_bytes().len(), len, "names are counted as well");
        name.to_str().unwrap().to_owned()
    };
    assert_eq!(event.struct_size, size_of::<drt_event>());
    log.push(Seen {
        kind: event.kind,
        flags: event.flags,
        uid: name(event.uid, event.uid_len),
        collection: name(event.collection, event.collection_len),
        data: json(event.data, event.data_len),
        meta: json(event.meta, event.meta_len),
        sequence: event.sequence,
        index: event.index,
        count: event.count,
    });
}

/// The collection that results from folding these events, by key.
pub fn fold(events: &[Seen], key: &str) -> BTreeMap<String, Value> {
    fold_and_count(events, key).0
}

/// The same, and how many creates repeated an item that was known already. Only a create
/// with the same content counts: with other content it may be a new item of that key.
pub fn fold_and_count(events: &[Seen], key: &str) -> (BTreeMap<String, Value>, usize) {
    let (mut mirror, mut repeated) = (BTreeMap::new(), 0);
    for event in events {
        let id = |item: &Value| super::server::text(&item[key]);
        match event.name() {
            "init" => {
                mirror.clear();
                for item in event.data.as_array().into_iter().flatten() {
                    mirror.insert(id(item), item.clone());
                }
            }
            name @ ("create" | "update") => {
                let known = mirror.insert(id(&event.data), event.data.clone());
                let is_same = known.as_ref() == Some(&event.data);
                repeated += usize::from(name == "create" && is_same);
            }
            "delete" => {
                mirror.remove(&id(&event.data));
            }
            _ => {}
        }
    }
    (mirror, repeated)
}
