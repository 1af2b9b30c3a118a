//! What a client is made with.

use std::ffi::c_char;
use std::mem::offset_of;

use super::{text, versioned};
use crate::client::{AuthMode, ClientOptions};
use crate::delivery::Mode;
use crate::error::Result;
use crate::secret::Secret;

/// How the client shows who it is.
pub type drt_auth_mode = i32;

/// The server's `WEBSOCKETS_REST_AUTH` is "handshake", its default: the first
/// message authenticates.
pub const DRT_AUTH_HANDSHAKE: drt_auth_mode = 0;
/// It is "public": the client is usable at once, and authenticates if it can.
pub const DRT_AUTH_PUBLIC: drt_auth_mode = 1;
/// It is "strict": the token goes into the URL of the connection.
pub const DRT_AUTH_STRICT: drt_auth_mode = 2;

/// Who runs the callbacks.
pub type drt_delivery = i32;

/// One thread of the library per client.
pub const DRT_DELIVER_THREAD: drt_delivery = 0;
/// Whoever calls `drt_client_dispatch` or `drt_client_drain`.
pub const DRT_DELIVER_POLL: drt_delivery = 1;

/// Options of a client, for `drt_client_new`. Initialise with
/// `DRT_CLIENT_OPTIONS_INIT`; a member that is NULL or 0 has its default.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_client_options {
    /// Size of the struct in bytes; set by `DRT_CLIENT_OPTIONS_INIT`.
    pub struct_size: usize,
    /// Where the server is; required. `ws(s)://host[:port]/path` is used as it is,
    /// `http(s)://host[:port][/base]` becomes `ws(s)://host[:port][/base]/websocket`.
    /// Several, comma-separated, are replicas that are tried in turn.
    pub url: *const c_char,
    /// How the client shows who it is; default `DRT_AUTH_HANDSHAKE`.
    pub auth_mode: drt_auth_mode,
    /// A static token or a JWT; default none.
    pub access_token: *const c_char,
    /// Logs in together with `password`; default none.
    pub email: *const c_char,
    /// Logs in together with `email`; default none.
    pub password: *const c_char,
    /// Gets the first access token. The server takes it once, and its successors stay with
    /// the client. Default none.
    pub refresh_token: *const c_char,
    /// Who runs the callbacks; default `DRT_DELIVER_THREAD`.
    pub delivery: drt_delivery,
    /// Milliseconds that opening a link may take, from the look-up of the name to the
    /// end of the handshake; default 10,000.
    pub connect_timeout_ms: u32,
    /// Milliseconds that an answer of the server may take; default 10,000.
    pub ack_timeout_ms: u32,
    /// After this many milliseconds of silence the client asks whether the server is
    /// there; as much again without an answer is a dead link. Default 25,000.
    pub heartbeat_ms: u32,
    /// The first upper bound of the random delay before a lost link is opened again, in
    /// milliseconds; it doubles from attempt to attempt. Default 250.
    pub reconnect_min_ms: u32,
    /// The last upper bound of that delay, in milliseconds; default 30,000.
    pub reconnect_max_ms: u32,
    /// Failed attempts in a row after which the client gives up (`DRT_STATE_FAILED`);
    /// default 0 = never.
    pub reconnect_attempts: u32,
    /// Bytes that may wait for the application; default 64 MiB. A subscription that overflows
    /// loses what waits of it as a whole and is brought up to date by a RESYNC.
    pub queue_bytes: u64,
    /// PEM file with roots to trust beside the system's; default none.
    pub ca_file: *const c_char,
    /// URL of a proxy to connect through; default none.
    pub proxy: *const c_char,
    /// PEM file with the certificate chain to show to the server, together with
    /// `client_key_file`; default none.
    pub client_cert_file: *const c_char,
    /// PEM file with the private key of `client_cert_file`; default none.
    pub client_key_file: *const c_char,
    /// Headers to send when a link is opened: lines `Name: value` with line feeds between
    /// them; default none.
    pub headers: *const c_char,
    /// The User-Agent to send when a link is opened; default "directus-realtime/" and the
    /// version.
    pub user_agent: *const c_char,
    /// The largest message taken from the server, in bytes; default 256 MiB.
    pub max_message_bytes: u64,
}

const INIT: &str = "DRT_CLIENT_OPTIONS_INIT";

/// Takes over a program's options.
///
/// # Safety
/// `options` is NULL, or as [`versioned::read`] wants it, with texts in it that
/// are NULL or NUL-terminated.
pub(super) unsafe fn client_options(options: *const drt_client_options) -> Result<ClientOptions> {
    if options.is_null() {
        return Err(text::null("options"));
    }
    // SAFETY: as the caller promises; every bit pattern is valid for the members.
    let given = unsafe { versioned::read(options, "options", INIT)?.assume_init() };
    let owned = |text: Option<&str>| text.map(str::to_owned);
    // SAFETY: the texts are NUL-terminated or NULL, as the caller promises.
    unsafe {
        use text::{filled, optional, optional_filled as some};
        Ok(ClientOptions {
            url: filled(given.url, "options.url")?.to_owned(),
            auth_mode: auth_mode(given.auth_mode)?,
            access_token: some(given.access_token, "options.access_token")?.map(Secret::new),
            email: owned(some(given.email, "options.email")?),
            password: some(given.password, "options.password")?.map(Secret::new),
            refresh_token: some(given.refresh_token, "options.refresh_token")?.map(Secret::new),
            delivery: delivery(given.delivery)?,
            connect_timeout_ms: given.connect_timeout_ms,
            ack_timeout_ms: given.ack_timeout_ms,
            heartbeat_ms: given.heartbeat_ms,
            reconnect_min_ms: given.reconnect_min_ms,
            reconnect_max_ms: given.reconnect_max_ms,
            reconnect_attempts: given.reconnect_attempts,
            queue_bytes: given.queue_bytes,
            ca_file: owned(some(given.ca_file, "options.ca_file")?),
            client_cert_file: owned(some(given.client_cert_file, "options.client_cert_file")?),
            client_key_file: owned(some(given.client_key_file, "options.client_key_file")?),
            proxy: owned(some(given.proxy, "options.proxy")?),
            headers: owned(optional(given.headers, "options.headers")?),
            user_agent: owned(some(given.user_agent, "options.user_agent")?),
            max_message_bytes: given.max_message_bytes,
        })
    }
}

fn auth_mode(value: drt_auth_mode) -> Result<AuthMode> {
    Ok(match value {
        DRT_AUTH_HANDSHAKE => AuthMode::Handshake,
        DRT_AUTH_PUBLIC => AuthMode::Public,
        DRT_AUTH_STRICT => AuthMode::Strict,
        _ => return Err(text::unknown_value("options.auth_mode", value)),
    })
}

fn delivery(value: drt_delivery) -> Result<Mode> {
    Ok(match value {
        DRT_DELIVER_THREAD => Mode::Thread,
        DRT_DELIVER_POLL => Mode::Poll,
        _ => return Err(text::unknown_value("options.delivery", value)),
    })
}

// The order is the ABI: members are appended only.
const _: () = {
    assert!(offset_of!(drt_client_options, url) == size_of::<usize>());
    assert!(offset_of!(drt_client_options, ca_file) < offset_of!(drt_client_options, proxy));
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Status;

    fn blank() -> drt_client_options {
        // SAFETY: all-zero is the default of every option.
        let mut options: drt_client_options = unsafe { std::mem::zeroed() };
        options.struct_size = size_of::<drt_client_options>();
        options.url = c"ws://localhost/websocket".as_ptr();
        options
    }

    fn refusal(options: &drt_client_options) -> String {
        // SAFETY: a live struct with literals in it.
        let error = unsafe { client_options(options) }.expect_err("refused");
        assert_eq!(error.status, Status::InvalidArgument);
        error.message
    }

    #[test]
    fn an_unknown_choice_is_named_with_its_value() {
        let options = drt_client_options {
            auth_mode: 3,
            ..blank()
        };
        assert_eq!(
            refusal(&options),
            "`options.auth_mode` has the unknown value 3"
        );
        let options = drt_client_options {
            delivery: -1,
            ..blank()
        };
        assert_eq!(
            refusal(&options),
            "`options.delivery` has the unknown value -1"
        );
    }

    #[test]
    fn an_empty_credential_is_not_taken_for_none() {
        let options = drt_client_options {
            access_token: c"".as_ptr(),
            ..blank()
        };
        assert!(refusal(&options).contains("`options.access_token` is empty"));
    }

    #[test]
    fn everything_left_out_is_the_default() {
        // SAFETY: a live struct with a literal in it.
        let options = unsafe { client_options(&blank()) }.expect("taken");
        assert_eq!(options.url, "ws://localhost/websocket");
        assert!(options.access_token.is_none() && options.proxy.is_none());
        assert_eq!(
            (options.delivery, options.auth_mode),
            (Mode::Thread, AuthMode::Handshake)
        );
    }
}
