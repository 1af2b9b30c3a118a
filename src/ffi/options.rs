//! Option structs of any age.

use std::ffi::c_char;

use super::strings::{is_null, optional, optional_filled, required};
use crate::client::{AuthMode, ClientOptions, SnapshotMode, SubscriptionOptions};
use crate::delivery::Mode;
use crate::error::{Error, Result, Status};
use crate::secret::Secret;
use crate::subscriptions::spec::ON_ALL;

/// How credentials are shown to the server (its `WEBSOCKETS_REST_AUTH`).
pub type drt_auth_mode = i32;
/// The first message authenticates: the server's default.
pub const DRT_AUTH_HANDSHAKE: i32 = 0;
/// No credentials are needed; those that are set are shown.
pub const DRT_AUTH_PUBLIC: i32 = 1;
/// The token is a part of the URL.
pub const DRT_AUTH_STRICT: i32 = 2;

/// Who runs the callbacks.
pub type drt_delivery = i32;
/// A thread of the library's, one for each client, with 8 MiB of stack, as main
/// threads usually have.
///
/// It has the signal mask of the thread that makes the client, and blocks beside that
/// what is sent to a process as a whole: SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM,
/// SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU and SIGWINCH. Signals by which garbage
/// collectors and profilers stop threads get through. To keep another signal away,
/// SIGUSR1 for instance, block it in the thread that makes the client. A process that
/// a callback starts inherits the mask. The library's other threads, on which the log
/// function may run, have the mask of the thread that makes the process's first
/// client, and block SIGPIPE as well.
pub const DRT_DELIVER_THREAD: i32 = 0;
/// Whoever calls `drt_client_dispatch` or `drt_client_drain`.
pub const DRT_DELIVER_POLL: i32 = 1;

/// How changes are cut into events.
pub type drt_granularity = i32;
/// One event for each item.
pub const DRT_PER_ITEM: i32 = 0;
/// One event for each message of the server.
pub const DRT_PER_MESSAGE: i32 = 1;

/// Which snapshot an INIT carries.
pub type drt_snapshot = i32;
/// One that was read after the registration: nothing falls between it and the
/// events that follow.
pub const DRT_SNAPSHOT_EXACT: i32 = 0;
/// The server's own, which may miss what was written meanwhile, and saves a read.
pub const DRT_SNAPSHOT_SERVER: i32 = 1;

/// Kinds of events, to be combined; 0 stands for all.
pub type drt_event_mask = u32;
/// Items that are made.
pub const DRT_ON_CREATE: u32 = 1;
/// Items that are changed.
pub const DRT_ON_UPDATE: u32 = 2;
/// Items that are deleted.
pub const DRT_ON_DELETE: u32 = 4;

/// Options of a client. Begin with `DRT_CLIENT_OPTIONS_INIT`; a member that is
/// all zero means its default. Strings are copied before the call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_client_options {
    /// `sizeof(drt_client_options)`.
    pub struct_size: usize,
    /// Required. `ws(s)://host[:port]/path` is used as it is;
    /// `http(s)://host[:port][/base]` becomes `ws(s)://...[/base]/websocket`;
    /// several, with commas between, are replicas that are tried in turn.
    pub url: *const c_char,
    /// `DRT_AUTH_HANDSHAKE` by default.
    pub auth_mode: drt_auth_mode,
    /// A static token or a JWT.
    pub access_token: *const c_char,
    /// For a login, with `password`.
    pub email: *const c_char,
    /// For a login, with `email`.
    pub password: *const c_char,
    /// Good for one use; its successors are kept in memory.
    pub refresh_token: *const c_char,
    /// `DRT_DELIVER_THREAD` by default.
    pub delivery: drt_delivery,
    /// Milliseconds for DNS, TCP, TLS and upgrade together; 10 000.
    pub connect_timeout_ms: u32,
    /// Milliseconds for every answer of the server; 10 000.
    pub ack_timeout_ms: u32,
    /// Milliseconds of silence after which the client asks, and again after
    /// which the link is dead; 25 000.
    pub heartbeat_ms: u32,
    /// Milliseconds, the first backoff's upper bound; 250.
    pub reconnect_min_ms: u32,
    /// Milliseconds, every backoff's upper bound; 10 000.
    pub reconnect_max_ms: u32,
    /// Failed attempts to reconnect before `DRT_STATE_FAILED`; 0 = never.
    pub reconnect_attempts: u32,
    /// Bytes that may wait for the application; 64 MiB.
    pub queue_bytes: u64,
    /// A file of PEM certificates to trust beside the system's: of authorities, or a
    /// server's own, which may be self-signed; its name and dates are checked as well.
    /// It is read at once.
    pub ca_file: *const c_char,
    /// A proxy that tunnels by CONNECT: `http://[user:password@]host:port`, no other
    /// kind; NULL = none.
    pub proxy: *const c_char,
    /// A file with the PEM certificate chain to show, with `client_key_file`.
    pub client_cert_file: *const c_char,
    /// A file with its PEM key.
    pub client_key_file: *const c_char,
    /// More headers of the upgrade request, as lines `Name: value`.
    pub headers: *const c_char,
    /// The User-Agent header; `directus-realtime/VERSION`.
    pub user_agent: *const c_char,
    /// Bytes of the largest message that is taken; 256 MiB.
    pub max_message_bytes: u64,
    /// Bytes of messages and requests that may wait for a usable link, in the order in
    /// which they are sent once there is one; 0 = none: `drt_send_message` and
    /// `drt_request` are `DRT_ERR_NOT_CONNECTED` then.
    pub send_queue_bytes: u64,
}

/// Options of a subscription. Begin with `DRT_SUBSCRIPTION_OPTIONS_INIT`; a
/// member that is all zero means its default. Strings are copied before the
/// call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_subscription_options {
    /// `sizeof(drt_subscription_options)`.
    pub struct_size: usize,
    /// Required.
    pub collection: *const c_char,
    /// A JSON object: fields, filter, sort, limit, search, deep, alias, meta ...
    /// `aggregate` and `groupBy` are refused: of changes, the server would aggregate the
    /// changed items alone.
    pub query: *const c_char,
    /// Names the subscription within its client; NULL = one is generated.
    pub uid: *const c_char,
    /// Survives its scope and the collective ways of unsubscribing.
    pub persistent: bool,
    /// With fewer than all kinds, an INIT without data still comes first, and after each
    /// gap: a callback looks at the kind before the data (`drt_event_is_change`).
    /// Any of the `DRT_ON_` kinds; 0 = all.
    pub events: drt_event_mask,
    /// The primary key of the one item to watch, as text; NULL = the collection. In any
    /// spelling that the database takes for that item's; events have the item's own.
    pub item: *const c_char,
    /// The name of the primary key; `id`.
    pub primary_key: *const c_char,
    /// `DRT_PER_ITEM` by default.
    pub granularity: drt_granularity,
    /// `DRT_SNAPSHOT_EXACT` by default.
    pub snapshot: drt_snapshot,
}

/// No struct of ours will ever be as large.
pub(super) const LARGEST_STRUCT: usize = 4096;

/// Structs that applications fill grow at the end only, so that those of an
/// older or a newer header can be read.
///
/// # Safety
///
/// `options` is NULL or points to `struct_size` bytes, which the struct's first
/// member says; all-zero is a value of `T`.
unsafe fn read<T: Copy>(options: *const T, least: usize, init: &str) -> Result<T> {
    if options.is_null() {
        return Err(is_null("options"));
    }
    // SAFETY: a struct begins with its size, whatever its age.
    let given = unsafe { options.cast::<usize>().read_unaligned() };
    let invalid = |message: String| Err(Error::new(Status::InvalidArgument, message));
    // No header ends within a pointer, which half of would be a wild one.
    if given < least || given > LARGEST_STRUCT || given % align_of::<T>() != 0 {
        return invalid(format!(
            "`options.struct_size` is {given}: begin with {init}"
        ));
    }
    let size = size_of::<T>();
    if given > size {
        // SAFETY: within the bytes that the caller says are there.
        let rest =
            unsafe { std::slice::from_raw_parts(options.cast::<u8>().add(size), given - size) };
        if rest.iter().any(|byte| *byte != 0) {
            return invalid(
                "`options` sets something that this version of the library does not know: use \
                 the library that belongs to the header, or a later one"
                    .to_owned(),
            );
        }
    }
    let mut known = std::mem::MaybeUninit::<T>::zeroed();
    // SAFETY: both have so many bytes; what is not copied is zero, a value of T.
    unsafe {
        let (from, to) = (options.cast::<u8>(), known.as_mut_ptr().cast::<u8>());
        std::ptr::copy_nonoverlapping(from, to, given.min(size));
        Ok(known.assume_init())
    }
}

fn unknown<T>(name: &str, value: i64) -> Result<T> {
    let message = format!("`options.{name}` is {value}, which is none of its constants");
    Err(Error::new(Status::InvalidArgument, message))
}

/// # Safety
///
/// As the header says of `drt_client_new`.
pub(super) unsafe fn client_options(options: *const drt_client_options) -> Result<ClientOptions> {
    let least = std::mem::offset_of!(drt_client_options, auth_mode);
    // SAFETY: the caller's promise.
    let o = unsafe { read(options, least, "DRT_CLIENT_OPTIONS_INIT") }?;
    // SAFETY: NULL or NUL-terminated, by the caller's promise.
    let text = |text, name| unsafe { optional(text, name) }.map(|t| t.map(str::to_owned));
    let secret = |secret, name| {
        // SAFETY: as above.
        unsafe { optional_filled(secret, name) }.map(|s| s.map(Secret::new))
    };
    Ok(ClientOptions {
        // SAFETY: as above.
        url: unsafe { required(o.url, "options.url") }?.to_owned(),
        auth_mode: match o.auth_mode {
            DRT_AUTH_HANDSHAKE => AuthMode::Handshake,
            DRT_AUTH_PUBLIC => AuthMode::Public,
            DRT_AUTH_STRICT => AuthMode::Strict,
            other => return unknown("auth_mode", other.into()),
        },
        access_token: secret(o.access_token, "options.access_token")?,
        email: text(o.email, "options.email")?,
        password: secret(o.password, "options.password")?,
        refresh_token: secret(o.refresh_token, "options.refresh_token")?,
        delivery: match o.delivery {
            DRT_DELIVER_THREAD => Mode::Thread,
            DRT_DELIVER_POLL => Mode::Poll,
            other => return unknown("delivery", other.into()),
        },
        connect_timeout_ms: o.connect_timeout_ms,
        ack_timeout_ms: o.ack_timeout_ms,
        heartbeat_ms: o.heartbeat_ms,
        reconnect_min_ms: o.reconnect_min_ms,
        reconnect_max_ms: o.reconnect_max_ms,
        reconnect_attempts: o.reconnect_attempts,
        queue_bytes: o.queue_bytes,
        ca_file: text(o.ca_file, "options.ca_file")?,
        proxy: text(o.proxy, "options.proxy")?,
        client_cert_file: text(o.client_cert_file, "options.client_cert_file")?,
        client_key_file: text(o.client_key_file, "options.client_key_file")?,
        headers: text(o.headers, "options.headers")?,
        user_agent: text(o.user_agent, "options.user_agent")?,
        max_message_bytes: o.max_message_bytes,
        send_queue_bytes: o.send_queue_bytes,
    })
}

/// # Safety
///
/// As the header says of `drt_subscribe`.
pub(super) unsafe fn subscription_options(
    options: *const drt_subscription_options,
) -> Result<SubscriptionOptions> {
    let least = std::mem::offset_of!(drt_subscription_options, query);
    // `persistent` is a bool: its byte must be 0 or 1 before it is read as one.
    // SAFETY: the caller's promise; the twin has the same layout.
    let o = unsafe {
        read(
            options.cast::<Twin>(),
            least,
            "DRT_SUBSCRIPTION_OPTIONS_INIT",
        )
    }?;
    // SAFETY: NULL or NUL-terminated, by the caller's promise.
    let text = |text, name| unsafe { optional(text, name) }.map(|t| t.map(str::to_owned));
    if o.events & !ON_ALL != 0 {
        return unknown("events", o.events.into());
    }
    Ok(SubscriptionOptions {
        // SAFETY: as above.
        collection: unsafe { required(o.collection, "options.collection") }?.to_owned(),
        query: text(o.query, "options.query")?,
        uid: text(o.uid, "options.uid")?,
        persistent: o.persistent != 0,
        events: o.events,
        item: text(o.item, "options.item")?,
        primary_key: text(o.primary_key, "options.primary_key")?,
        per_message: match o.granularity {
            DRT_PER_ITEM => false,
            DRT_PER_MESSAGE => true,
            other => return unknown("granularity", other.into()),
        },
        snapshot: match o.snapshot {
            DRT_SNAPSHOT_EXACT => SnapshotMode::Exact,
            DRT_SNAPSHOT_SERVER => SnapshotMode::Server,
            other => return unknown("snapshot", other.into()),
        },
    })
}

/// `drt_subscription_options` with a byte for the bool.
#[repr(C)]
#[derive(Clone, Copy)]
struct Twin {
    struct_size: usize,
    collection: *const c_char,
    query: *const c_char,
    uid: *const c_char,
    persistent: u8,
    events: drt_event_mask,
    item: *const c_char,
    primary_key: *const c_char,
    granularity: drt_granularity,
    snapshot: drt_snapshot,
}

const _: () = assert!(size_of::<Twin>() == size_of::<drt_subscription_options>());
