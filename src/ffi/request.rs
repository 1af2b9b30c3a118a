//! Messages of the application's own.

use std::ffi::{c_char, c_void};

use super::callback::Callback;
use super::client::milliseconds;
use super::status::{code, drt_status};
use super::types::{drt_client, drt_release_fn};
use super::{guard, handle, text};
use crate::delivery::ReplySink;
use crate::error::Status;

/// Takes the outcome of a request. `json` is the server's answer or, with
/// `DRT_ERR_SERVER`, its error object; *not* NUL-terminated, empty where there is none,
/// valid during the call.
pub type drt_reply_fn = Option<
    unsafe extern "C" fn(
        status: drt_status,
        json: *const c_char,
        json_len: usize,
        user_data: *mut c_void,
    ),
>;

/// Sends a message that no answer is expected to: a JSON object with a `type`.
/// `DRT_ERR_NOT_CONNECTED` when the client is not connected, `DRT_ERR_QUEUE_FULL` when
/// too much waits to be sent. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_send_message(
    client: *mut drt_client,
    json: *const c_char,
) -> drt_status {
    guard::status(|| {
        let open = handle::client(client)?;
        // SAFETY: the caller passes NULL or a NUL-terminated text.
        let json = unsafe { text::required(json, "json") }?;
        open.client.send_message(json)
    })
}

/// Sends a message and gives its answer to `fn`: a JSON object with a `type`. A uid is
/// added where it has none.
///
/// When this returns DRT_OK, `fn` runs exactly once: with the server's answer, its error
/// (`DRT_ERR_SERVER`), `DRT_ERR_TIMEOUT` after `timeout_ms` milliseconds (0 = the client's
/// `ack_timeout_ms`), `DRT_ERR_NOT_CONNECTED` when the link is lost, or `DRT_ERR_CLOSED`.
/// When this fails, `fn` does not run. Any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_request(
    client: *mut drt_client,
    json: *const c_char,
    timeout_ms: u32,
    r#fn: drt_reply_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    let callback = Callback::new(r#fn, user_data, release);
    guard::status(|| {
        let open = handle::client(client)?;
        // SAFETY: the caller passes NULL or a NUL-terminated text.
        let json = unsafe { text::required(json, "json") }?;
        let callback = callback.ok_or_else(|| text::null("fn"))?;
        let sink = Box::new(ReplyCallback { callback });
        open.client.request(json, milliseconds(timeout_ms), sink)
    })
}

type ReplyCall = unsafe extern "C" fn(drt_status, *const c_char, usize, *mut c_void);

struct ReplyCallback {
    callback: Callback<ReplyCall>,
}

impl ReplySink for ReplyCallback {
    fn reply(&self, status: Status, json: &str) {
        let Callback {
            call, user_data, ..
        } = &self.callback;
        // SAFETY: the application says that `call` may be called with its
        // `user_data` until `release`; the text outlives the call.
        unsafe { call(code(status), json.as_ptr().cast(), json.len(), *user_data) }
    }
}
