//! Scopes.

use std::ptr;

use super::out::store;
use super::status::drt_status;
use super::types::{drt_client, drt_scope};
use super::{guard, handle, text};

/// Opens a scope: a group of subscriptions that end together, such as those of one page
/// of a user interface. Stores its handle in `*out`, or NULL when it fails. End it with
/// `drt_scope_close`, or with its client. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_scope_new(
    client: *mut drt_client,
    out: *mut *mut drt_scope,
) -> drt_status {
    guard::status(|| {
        // SAFETY: `out` is NULL or the caller's variable.
        let tell = |scope| unsafe { store(out, scope) };
        tell(ptr::null_mut());
        let open = handle::client(client)?;
        if out.is_null() {
            return Err(text::null("out"));
        }
        tell(handle::add_scope(&open)?);
        Ok(())
    })
}

/// Ends a scope and its subscriptions; persistent ones live on, outside of any scope.
/// When it returns, no callback of the ended subscriptions runs or will run, unless
/// this was called from inside that callback. It may wait for a running one: hold no
/// lock that the callback takes. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_scope_close(scope: *mut drt_scope) -> drt_status {
    guard::status(|| {
        let (open, id) = handle::take_scope(scope)?;
        open.client.close_scope(id)
    })
}
