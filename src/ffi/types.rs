//! The types that every part of the header uses.

use std::ffi::c_void;

/// A connection to a server and everything that hangs on it. Made by
/// `drt_client_new`, ended by `drt_client_close`.
pub struct drt_client {
    _opaque: [u8; 0],
}

/// Subscriptions that end together. Made by `drt_scope_new`, ended by
/// `drt_scope_close` or with its client.
pub struct drt_scope {
    _opaque: [u8; 0],
}

/// A subscription. Made by `drt_subscribe`; needs no freeing: the handle goes
/// stale when the subscription ends.
pub struct drt_subscription {
    _opaque: [u8; 0],
}

/// Gives back a callback's `user_data`. Runs exactly once for each registration,
/// when the library will never touch `user_data` again; also when the call that
/// registers fails, and then before it returns. Otherwise it runs where the
/// client's callbacks run. May be NULL wherever it is asked for.
pub type drt_release_fn = Option<unsafe extern "C" fn(user_data: *mut c_void)>;
