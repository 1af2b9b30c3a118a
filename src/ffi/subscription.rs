//! Subscriptions.

use std::ffi::{c_char, c_void};
use std::ptr;

use super::callback::Callback;
use super::client::milliseconds;
use super::event::{EventCallback, drt_event_fn, name};
use super::out::store;
use super::status::{DRT_DUPLICATE, DRT_OK, drt_status};
use super::subscription_options::{drt_subscription_options, subscription_options};
use super::types::{drt_client, drt_release_fn, drt_scope, drt_subscription};
use super::{guard, handle, text};
use crate::client::{Subscribed, SubscriptionInfo};
use crate::delivery::enter_callback;

/// How far a subscription has come.
pub type drt_subscription_status = i32;

/// The server has not confirmed it on the present link.
pub const DRT_SUB_PENDING: drt_subscription_status = 0;
/// The server has confirmed it.
pub const DRT_SUB_ACTIVE: drt_subscription_status = 1;

/// A subscription, as `drt_active_subscriptions` shows it. Valid during the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_subscription_info {
    /// Size of the struct in bytes, as the library knows it.
    pub struct_size: usize,
    /// The subscription.
    pub handle: *mut drt_subscription,
    /// Its uid, NUL-terminated.
    pub uid: *const c_char,
    /// Bytes in `uid`.
    pub uid_len: usize,
    /// Its collection, NUL-terminated.
    pub collection: *const c_char,
    /// Bytes in `collection`.
    pub collection_len: usize,
    /// Whether it survives its scope.
    pub persistent: bool,
    /// How far it has come.
    pub status: drt_subscription_status,
    /// The `sequence` of its last event; 0 before the first.
    pub last_sequence: u64,
}

/// Takes one of the subscriptions; false ends the row.
pub type drt_subscription_visit_fn = Option<
    unsafe extern "C" fn(info: *const drt_subscription_info, user_data: *mut c_void) -> bool,
>;

/// Subscribes to a collection. Works in every state but FAILED and CLOSED; the first
/// subscription of a client connects it.
///
/// `fn` gets the subscription's events: an INIT first, and another one, marked
/// `DRT_FLAG_RESYNC`, after every gap. `scope` may be NULL. The options are copied.
/// `out` may be NULL; otherwise `*out` is the new subscription, with `DRT_DUPLICATE` the
/// one that has the uid already (`fn` is not used then, and is released), or NULL when
/// this fails. The handle needs no freeing. Any thread.
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
    let callback = Callback::new(r#fn, user_data, release);
    // SAFETY: `out` is NULL or the caller's variable.
    let tell = |handle| unsafe { store(out, handle) };
    guard::remark(|| {
        tell(ptr::null_mut());
        let open = handle::client(client)?;
        let scope = handle::scope_of(&open, scope)?;
        // SAFETY: the caller passes options that were initialised as documented.
        let options = unsafe { subscription_options(options) }?;
        let callback = callback.ok_or_else(|| text::null("fn"))?;
        let reserved = handle::reserve_subscription(&open)?;
        let (handle, tag) = (reserved.handle(), reserved.tag());
        let sink = Box::new(EventCallback { handle, callback });
        match open.client.subscribe(scope, options, tag, sink)? {
            Subscribed::New(id) => {
                reserved.fill(id);
                tell(handle);
                Ok(DRT_OK)
            }
            Subscribed::Duplicate { tag } => {
                tell(handle::of_tag(tag));
                Ok(DRT_DUPLICATE)
            }
        }
    })
}

/// Waits until the server has answered a subscription. *Blocks.*
///
/// Returns DRT_OK once it is active, `DRT_ERR_SERVER` when the server has refused it,
/// `DRT_ERR_TIMEOUT` after `timeout_ms` milliseconds (0 = look and don't wait), or, when
/// the client fails or is closed, the reason for that. It does not dispatch. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_subscription_wait(
    subscription: *mut drt_subscription,
    timeout_ms: u32,
) -> drt_status {
    guard::status(|| {
        let (open, id) = handle::subscription(subscription)?;
        guard::may_block()?;
        open.client.subscription_wait(id, milliseconds(timeout_ms))
    })
}

/// Ends a subscription. When it returns, no callback of it runs or will run, unless this
/// was called from inside that callback. It may wait for a running one: hold no lock that
/// the callback takes. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_subscription_unsubscribe(
    subscription: *mut drt_subscription,
) -> drt_status {
    guard::status(|| {
        let (open, id) = handle::subscription(subscription)?;
        open.client.unsubscribe(id)
    })
}

/// Ends the subscription with that uid, persistent or not, in whichever scope, as
/// `drt_subscription_unsubscribe` does; `DRT_ERR_NOT_FOUND` if there is none. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_unsubscribe(
    client: *mut drt_client,
    uid: *const c_char,
) -> drt_status {
    guard::status(|| {
        let open = handle::client(client)?;
        // SAFETY: the caller passes NULL or a NUL-terminated text.
        let uid = unsafe { text::filled(uid, "uid") }?;
        open.client.unsubscribe_uid(uid)
    })
}

/// Ends all subscriptions to a collection but the persistent ones, in every scope, as
/// `drt_subscription_unsubscribe` does. `*ended` is their number; `ended` may be NULL.
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_unsubscribe_collection(
    client: *mut drt_client,
    collection: *const c_char,
    ended: *mut usize,
) -> drt_status {
    guard::status(|| {
        // SAFETY: `ended` is NULL or the caller's variable.
        let tell = |count| unsafe { store(ended, count) };
        tell(0);
        let open = handle::client(client)?;
        // SAFETY: the caller passes NULL or a NUL-terminated text.
        let collection = unsafe { text::filled(collection, "collection") }?;
        tell(open.client.unsubscribe_collection(collection)?);
        Ok(())
    })
}

/// Ends all subscriptions but the persistent ones, in every scope, as
/// `drt_subscription_unsubscribe` does. `*ended` is their number; `ended` may be NULL.
/// Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_unsubscribe_all(
    client: *mut drt_client,
    ended: *mut usize,
) -> drt_status {
    guard::status(|| {
        // SAFETY: `ended` is NULL or the caller's variable.
        let tell = |count| unsafe { store(ended, count) };
        tell(0);
        tell(handle::client(client)?.client.unsubscribe_all()?);
        Ok(())
    })
}

/// Whether a subscription with that uid exists, confirmed or not; false for an invalid
/// handle. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_has_subscription(client: *mut drt_client, uid: *const c_char) -> bool {
    guard::value(false, || {
        let open = handle::client(client)?;
        // SAFETY: the caller passes NULL or a NUL-terminated text.
        let uid = unsafe { text::filled(uid, "uid") }?;
        Ok(open.client.has_subscription(uid))
    })
}

/// Shows `fn` each subscription of the client, in the order in which they were made,
/// before it returns. `fn` may call every function, except those that block. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_active_subscriptions(
    client: *mut drt_client,
    r#fn: drt_subscription_visit_fn,
    user_data: *mut c_void,
) -> drt_status {
    guard::status(|| {
        let open = handle::client(client)?;
        let visit = r#fn.ok_or_else(|| text::null("fn"))?;
        open.client.visit_subscriptions(&mut |info| {
            let info = c_info(info);
            let _inside = enter_callback();
            // SAFETY: the caller says that `fn` may be called with its `user_data`
            // during this call; what the info points to outlives it.
            unsafe { visit(&info, user_data) }
        })
    })
}

fn c_info(info: &SubscriptionInfo<'_>) -> drt_subscription_info {
    let (uid, uid_len) = name(info.uid);
    let (collection, collection_len) = name(info.collection);
    drt_subscription_info {
        struct_size: size_of::<drt_subscription_info>(),
        handle: handle::of_tag(info.tag),
        uid,
        uid_len,
        collection,
        collection_len,
        persistent: info.persistent,
        status: if info.active {
            DRT_SUB_ACTIVE
        } else {
            DRT_SUB_PENDING
        },
        last_sequence: info.last_sequence,
    }
}
