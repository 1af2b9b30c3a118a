//! `drt_scope`.

use super::handle::{self, Object, RawHandle};
use super::panic;
use super::status::drt_status;
use super::strings::is_null;
use super::types::{drt_client, drt_scope};

/// Opens a scope. On success `*out` receives it; release it with `drt_scope_close`. After an
/// error `*out` is NULL.
///
/// Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
/// `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_scope_new(
    client: *mut drt_client,
    out: *mut *mut drt_scope,
) -> drt_status {
    panic::run(|| {
        // SAFETY: NULL or valid for writing, by the header's contract.
        let mut out = unsafe { out.as_mut() };
        if let Some(out) = out.as_deref_mut() {
            *out = std::ptr::null_mut();
        }
        let owner = client as RawHandle;
        let client = handle::client(client, "client")?;
        let out = out.ok_or_else(|| is_null("out"))?;
        let id = client.new_scope()?;
        *out = handle::insert(owner, Object::Scope(client, id))? as *mut drt_scope;
        Ok(())
    })
}

/// Closes a scope and ends its subscriptions, except persistent ones. When it returns, no callback
/// of those that ended is running or will run, except for the callback that it was called from.
///
/// Any thread; hold no lock that such a callback takes. Errors:
/// `DRT_ERR_INVALID_HANDLE`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_scope_close(scope: *mut drt_scope) -> drt_status {
    panic::run(|| {
        let (client, id) = handle::scope(scope, "scope")?;
        let closed = client.close_scope(id);
        handle::remove(scope as RawHandle);
        closed
    })
}
