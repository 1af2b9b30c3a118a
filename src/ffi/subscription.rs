//! `drt_subscription`.

use std::ffi::{c_char, c_void};

use super::callback::{Callback, drt_release_fn};
use super::client::{may_block, ms, needed};
use super::events::{CEvent, drt_event_fn};
use super::handle::{self, Object, RawHandle};
use super::options::{drt_subscription_options, subscription_options};
use super::panic;
use super::status::{DRT_DUPLICATE, DRT_OK, drt_status};
use super::strings::{filled, is_null};
use super::types::{drt_client, drt_scope, drt_subscription};
use crate::client::{Subscribed, SubscriptionInfo};
use crate::delivery::enter_callback;

/// Whether the server has confirmed a subscription.
pub type drt_subscription_status = i32;
/// Not confirmed by the server on the present link.
pub const DRT_SUB_PENDING: i32 = 0;
/// Confirmed by the server on the present link.
pub const DRT_SUB_ACTIVE: i32 = 1;

/// A subscription, as `drt_active_subscriptions` shows it. Valid only during the visit.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_subscription_info {
    /// `sizeof(drt_subscription_info)` of the library.
    pub struct_size: usize,
    /// The subscription.
    pub handle: *mut drt_subscription,
    /// Its uid, NUL-terminated.
    pub uid: *const c_char,
    /// The uid's length in bytes.
    pub uid_len: usize,
    /// Its collection, NUL-terminated.
    pub collection: *const c_char,
    /// The collection's length in bytes.
    pub collection_len: usize,
    /// Whether it survives its scope.
    pub persistent: bool,
    /// `DRT_SUB_PENDING` or `DRT_SUB_ACTIVE`.
    pub status: drt_subscription_status,
    /// The sequence number of its last event; 0 = none yet.
    pub last_sequence: u64,
}

/// Visits a subscription; returns whether to continue with the next one. No lock is held while it
/// runs.
pub type drt_subscription_visit_fn = Option<
    unsafe extern "C" fn(info: *const drt_subscription_info, user_data: *mut c_void) -> bool,
>;

/// Subscribes to a collection or to one item; the first subscription connects. Subscriptions
/// survive reconnects: they are sent again on each link, and the snapshot (INIT) that follows a
/// gap is marked `DRT_FLAG_RESYNC`.
///
/// `scope`, if it is not NULL, ends the subscription when it is closed. `*out`, if `out` is not
/// NULL, receives the subscription. If the uid is in use, that is the existing subscription:
/// `fn` is not used, and `user_data` is released. In poll delivery `fn` may be NULL: the events
/// come as rows of `drt_client_next` or `drt_client_drain`.
///
/// Any thread. Success: `DRT_OK`, `DRT_DUPLICATE`. Errors:
/// `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`, `DRT_ERR_INVALID_UTF8`,
/// `DRT_ERR_INVALID_JSON`, `DRT_ERR_NOT_CONNECTED` (the client has failed),
/// `DRT_ERR_CLOSED`. If the server rejects the subscription, an event with `DRT_FLAG_ENDED` and
/// `drt_subscription_wait` report that.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_subscribe(
    client: *mut drt_client,
    scope: *mut drt_scope,
    options: *const drt_subscription_options,
    r#fn: drt_event_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
    out: *mut *mut drt_subscription,
) -> drt_status {
    panic::status(|| {
        let callback = Callback::new(r#fn, user_data, release);
        // SAFETY: NULL or valid for writing, by the header's contract.
        let out = unsafe { out.as_mut() };
        let mut unused = std::ptr::null_mut();
        let out = out.unwrap_or(&mut unused);
        *out = std::ptr::null_mut();
        let owner = client as RawHandle;
        let client = handle::client(client, "client")?;
        let scope = handle::scope_of(scope, &client)?;
        needed(r#fn, &client)?;
        // SAFETY: the header's contract.
        let options = unsafe { subscription_options(options) }?;
        // The handle names the subscription before that exists: its first event, on another
        // thread, can arrive before this call returns.
        let id = client.reserve_subscription();
        let number = handle::insert(owner, Object::Subscription(client.clone(), id))
            .inspect_err(|_| client.cancel_subscription(id))?;
        let sink = Box::new(CEvent { number, callback });
        let made = client.subscribe(id, scope, options, number, sink);
        if !matches!(made, Ok(Subscribed::New)) {
            handle::remove(number);
        }
        match made? {
            Subscribed::New => {
                *out = number as *mut drt_subscription;
                Ok(DRT_OK)
            }
            Subscribed::Duplicate { tag } => {
                *out = tag as *mut drt_subscription;
                Ok(DRT_DUPLICATE)
            }
        }
    })
}

/// Blocks until the server has confirmed the subscription, for at most `timeout_ms` milliseconds.
/// The snapshot is queued for the callback by then.
///
/// Any thread, but not inside a callback. Errors: `DRT_ERR_TIMEOUT`,
/// `DRT_ERR_SERVER` with the server's error if it rejected the subscription,
/// `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`, `DRT_ERR_WOULD_DEADLOCK`, and the reason if the
/// client fails.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_subscription_wait(
    s: *mut drt_subscription,
    timeout_ms: u32,
) -> drt_status {
    panic::run(|| {
        let (client, id) = handle::subscription(s, "s")?;
        may_block()?;
        client.subscription_wait(id, ms(timeout_ms))
    })
}

/// Ends a subscription. When it returns, no callback of it is running or will run, except for the
/// callback that it was called from.
///
/// Any thread; hold no lock that the callback takes. Errors:
/// `DRT_ERR_INVALID_HANDLE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_subscription_unsubscribe(s: *mut drt_subscription) -> drt_status {
    panic::run(|| {
        let (client, id) = handle::subscription(s, "s")?;
        client.unsubscribe(id)
    })
}

/// Ends the subscription with that uid; see `drt_subscription_unsubscribe`.
///
/// Any thread. Errors: `DRT_ERR_NOT_FOUND`, `DRT_ERR_INVALID_HANDLE`,
/// `DRT_ERR_INVALID_ARGUMENT`, `DRT_ERR_INVALID_UTF8`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_unsubscribe(
    client: *mut drt_client,
    uid: *const c_char,
) -> drt_status {
    panic::run(|| {
        let client = handle::client(client, "client")?;
        // SAFETY: the header's contract.
        client.unsubscribe_uid(unsafe { filled(uid, "uid") }?)
    })
}

/// Ends a collection's subscriptions in every scope, except persistent ones. `*ended`, if `ended`
/// is not NULL, receives their number. See `drt_subscription_unsubscribe`.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
/// `DRT_ERR_INVALID_UTF8`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_unsubscribe_collection(
    client: *mut drt_client,
    collection: *const c_char,
    ended: *mut usize,
) -> drt_status {
    panic::run(|| {
        let mut unused = 0;
        // SAFETY: NULL or valid for writing, by the header's contract.
        let ended = unsafe { ended.as_mut() }.unwrap_or(&mut unused);
        *ended = 0;
        let client = handle::client(client, "client")?;
        // SAFETY: the header's contract.
        let collection = unsafe { filled(collection, "collection") }?;
        *ended = client.unsubscribe_collection(collection)?;
        Ok(())
    })
}

/// Ends all subscriptions in every scope, except persistent ones. `*ended`, if `ended` is not
/// NULL, receives their number. See `drt_subscription_unsubscribe`.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_unsubscribe_all(
    client: *mut drt_client,
    ended: *mut usize,
) -> drt_status {
    panic::run(|| {
        let mut unused = 0;
        // SAFETY: NULL or valid for writing, by the header's contract.
        let ended = unsafe { ended.as_mut() }.unwrap_or(&mut unused);
        *ended = 0;
        *ended = handle::client(client, "client")?.unsubscribe_all()?;
        Ok(())
    })
}

/// Whether a subscription has this uid; also false after an error.
///
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_has_subscription(client: *mut drt_client, uid: *const c_char) -> bool {
    panic::value(false, || {
        let client = handle::client(client, "client")?;
        // SAFETY: the header's contract.
        Ok(client.has_subscription(unsafe { filled(uid, "uid") }?))
    })
}

/// Visits all subscriptions, pending ones included (`drt_subscription_info.status`), in the order
/// in which they were made, on the calling thread. `fn` may call every function that does not
/// block.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
/// `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_active_subscriptions(
    client: *mut drt_client,
    r#fn: drt_subscription_visit_fn,
    user_data: *mut c_void,
) -> drt_status {
    panic::run(|| {
        let client = handle::client(client, "client")?;
        let function = r#fn.ok_or_else(|| is_null("fn"))?;
        client.visit_subscriptions(&mut |seen| {
            let info = info_of(seen);
            let _inside = enter_callback();
            // SAFETY: the application's own function and data; the info lives.
            unsafe { function(&info, user_data) }
        })
    })
}

/// Visits one subscription: `fn` is called once, on the calling thread, with what is known of it.
/// What it returns does not matter.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_subscription_visit(
    s: *mut drt_subscription,
    r#fn: drt_subscription_visit_fn,
    user_data: *mut c_void,
) -> drt_status {
    panic::run(|| {
        let (client, id) = handle::subscription(s, "s")?;
        let function = r#fn.ok_or_else(|| is_null("fn"))?;
        client.visit_subscription(id, |seen| {
            let info = info_of(seen);
            let _inside = enter_callback();
            // SAFETY: the application's own function and data; the info lives.
            unsafe { function(&info, user_data) };
        })
    })
}

/// Asks for a fresh snapshot: an INIT marked `DRT_FLAG_RESYNC`, which replaces everything that is
/// known. What waits of the subscription is dropped, because that INIT shows it. Without a link it
/// comes on the next one.
///
/// Any thread; does not block. Errors: `DRT_ERR_INVALID_HANDLE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_subscription_resync(s: *mut drt_subscription) -> drt_status {
    panic::run(|| {
        let (client, id) = handle::subscription(s, "s")?;
        client.resync_subscription(id)
    })
}

fn info_of(seen: &SubscriptionInfo<'_>) -> drt_subscription_info {
    drt_subscription_info {
        struct_size: size_of::<drt_subscription_info>(),
        handle: seen.tag as *mut drt_subscription,
        uid: seen.uid.as_ptr(),
        uid_len: seen.uid.to_bytes().len(),
        collection: seen.collection.as_ptr(),
        collection_len: seen.collection.to_bytes().len(),
        persistent: seen.persistent,
        status: if seen.active {
            DRT_SUB_ACTIVE
        } else {
            DRT_SUB_PENDING
        },
        last_sequence: seen.last_sequence,
    }
}
