//! Custom messages and requests.

use std::ffi::{c_char, c_void};

use super::callback::{Callback, drt_release_fn, is_registration};
use super::client::{ms, needed};
use super::handle;
use super::last_error::fail;
use super::panic;
use super::status::drt_status;
use super::strings::required;
use super::types::drt_client;
use crate::delivery::ReplySink;
use crate::error::{Error, Status};
use crate::protocol::error_object;

/// Receives the reply to a request, once: `DRT_OK` with the server's reply, `DRT_ERR_SERVER` with
/// its error object, or `DRT_ERR_TIMEOUT`, `DRT_ERR_NOT_CONNECTED` (the link was lost) or
/// `DRT_ERR_CLOSED` without JSON. `json` is counted, not NUL-terminated, and valid during the
/// call. Unless `status` is `DRT_OK`, `drt_last_error()` and `drt_last_error_info()` say why.
pub type drt_reply_fn = Option<
    unsafe extern "C" fn(
        status: drt_status,
        json: *const c_char,
        json_len: usize,
        user_data: *mut c_void,
    ),
>;

pub(super) type Function = unsafe extern "C" fn(drt_status, *const c_char, usize, *mut c_void);

/// No function where the reply is taken as a row.
pub(super) struct CReply(pub Callback<Option<Function>>);

impl ReplySink for CReply {
    fn reply(&self, status: Status, json: &str, message: &str) {
        if status != Status::Ok {
            let mut error = Error::new(status, message);
            if status == Status::Server {
                error = error.with_server_error(error_object::parse(json));
            }
            fail(&error);
        }
        let Callback {
            function,
            user_data,
            ..
        } = &self.0;
        if let Some(function) = function {
            // SAFETY: the application's own function and data; the text lives.
            unsafe { function(status as i32, json.as_ptr().cast(), json.len(), *user_data) }
        }
    }
}

is_registration!(CReply, 0, |sink| sink.0.function.is_some());

/// Sends a message that expects no reply: a JSON object with a `type`. The types subscribe,
/// unsubscribe and auth are rejected: they have functions of their own.
///
/// Without a usable link it returns `DRT_ERR_NOT_CONNECTED`, or, if `send_queue_bytes` is set, the
/// message waits for a link; the first message then connects, as the first subscription does.
/// Messages are sent in order. A message that was given to a link is never sent on another. What
/// still waits when the client fails or is closed is lost, and the log has a warning with the
/// number.
///
/// Any thread; does not block. Errors: `DRT_ERR_INVALID_HANDLE`,
/// `DRT_ERR_INVALID_JSON`, `DRT_ERR_INVALID_ARGUMENT`, `DRT_ERR_INVALID_UTF8`,
/// `DRT_ERR_NOT_CONNECTED`, `DRT_ERR_QUEUE_FULL`, `DRT_ERR_CLOSED`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_send_message(
    client: *mut drt_client,
    json: *const c_char,
) -> drt_status {
    panic::run(|| {
        let client = handle::client(client, "client")?;
        // SAFETY: the header's contract.
        client.send_message(unsafe { required(json, "json") }?)
    })
}

/// Sends a message and passes the server's reply to `fn`, exactly once, unless this call fails. In
/// poll delivery `fn` may be NULL: the reply comes as a row of `drt_client_next`.
/// The message's uid is replaced by one of the library; the reply has the original one again.
/// `timeout_ms` 0 means `ack_timeout_ms`. If `send_queue_bytes` is set, the time for which a
/// request waits for a link counts. A request of type `items` with an empty list of `ids`, or of
/// `data` to create, is not sent: the server would take it for all items. It is answered with an
/// empty list.
///
/// Any thread; does not block. Errors: as `drt_send_message`; then `fn` does not
/// run, and `user_data` is released before the call returns.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_request(
    client: *mut drt_client,
    json: *const c_char,
    timeout_ms: u32,
    r#fn: drt_reply_fn,
    user_data: *mut c_void,
    release: drt_release_fn,
) -> drt_status {
    panic::run(|| {
        let callback = Callback::new(r#fn, user_data, release);
        let client = handle::client(client, "client")?;
        needed(r#fn, &client)?;
        // SAFETY: the header's contract.
        let json = unsafe { required(json, "json") }?;
        client.request(json, ms(timeout_ms), Box::new(CReply(callback)))
    })
}
