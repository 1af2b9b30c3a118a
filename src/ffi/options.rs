//! Option structs, also of older and newer headers.

use std::ffi::c_char;

use super::panic;
use super::status::drt_status;
use super::strings::{is_null, optional, optional_filled, required};
use crate::client::{AuthMode, ClientOptions, SnapshotMode, SubscriptionOptions};
use crate::delivery::Mode;
use crate::error::{Error, Result};
use crate::secret::Secret;
use crate::subscriptions::spec::ON_ALL;

/// How the client authenticates (the server's `WEBSOCKETS_REST_AUTH`).
pub type drt_auth_mode = i32;
/// By the first message: the server's default.
pub const DRT_AUTH_HANDSHAKE: i32 = 0;
/// Without credentials; if some are set, they are sent.
pub const DRT_AUTH_PUBLIC: i32 = 1;
/// By a token in the URL.
pub const DRT_AUTH_STRICT: i32 = 2;

/// On which thread callbacks run.
pub type drt_delivery = i32;
/// On a thread of the library, one for each client, with 8 MiB of stack.
///
/// It has the signal mask of the thread that creates the client, and also blocks the signals that
/// are sent to a process as a whole: SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGCHLD, SIGCONT,
/// SIGTSTP, SIGTTIN, SIGTTOU and SIGWINCH. It does not block signals by which garbage collectors
/// and profilers stop threads. To block another signal, such as SIGUSR1, block it in the thread
/// that creates the client. A process that a callback starts inherits the mask. The library's
/// other threads, on which the log function may run, have the mask of the thread that creates the
/// process's first client, and also block SIGPIPE.
pub const DRT_DELIVER_THREAD: i32 = 0;
/// On the thread that calls `drt_client_dispatch` or `drt_client_drain`.
pub const DRT_DELIVER_POLL: i32 = 1;

/// How changes are split into events.
pub type drt_granularity = i32;
/// One event for each item.
pub const DRT_PER_ITEM: i32 = 0;
/// One event for each message of the server.
pub const DRT_PER_MESSAGE: i32 = 1;

/// Which snapshot an INIT carries.
pub type drt_snapshot = i32;
/// One that is read after the server has registered the subscription: no change falls between it
/// and the first event.
pub const DRT_SNAPSHOT_EXACT: i32 = 0;
/// The server's own: it saves a read, and may miss what is written meanwhile.
pub const DRT_SNAPSHOT_SERVER: i32 = 1;

/// A combination of kinds of events; 0 means all.
pub type drt_event_mask = u32;
/// Items are created.
pub const DRT_ON_CREATE: u32 = 1;
/// Items are updated.
pub const DRT_ON_UPDATE: u32 = 2;
/// Items are deleted.
pub const DRT_ON_DELETE: u32 = 4;

/// Options of a client. Initialise it with `DRT_CLIENT_OPTIONS_INIT`; a member that is zero means
/// its default. Strings are copied before the call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_client_options {
    /// `sizeof(drt_client_options)`.
    pub struct_size: usize,
    /// Required. `ws(s)://host[:port]/path` is used as it is;
    /// `http(s)://host[:port][/base]` becomes `ws(s)://...[/base]/websocket`.
    /// Several URLs, separated by commas, are replicas that are tried in turn.
    pub url: *const c_char,
    /// How to authenticate. Default: `DRT_AUTH_HANDSHAKE`.
    pub auth_mode: drt_auth_mode,
    /// A static token or a JWT.
    pub access_token: *const c_char,
    /// For a login, with `password`.
    pub email: *const c_char,
    /// For a login, with `email`.
    pub password: *const c_char,
    /// Valid for one use; its successors are kept in memory.
    pub refresh_token: *const c_char,
    /// On which thread callbacks run. Default: `DRT_DELIVER_THREAD`.
    pub delivery: drt_delivery,
    /// How long a connection attempt may take, from DNS to the upgrade, in milliseconds.
    /// Default: 10 000.
    pub connect_timeout_ms: u32,
    /// How long to wait for a server reply, in milliseconds. Default: 10 000.
    pub ack_timeout_ms: u32,
    /// The silence after which the client sends a ping, and the further silence after which the
    /// link counts as lost, in milliseconds. Default: 25 000.
    pub heartbeat_ms: u32,
    /// The upper bound of the first backoff, in milliseconds. Default: 250.
    pub reconnect_min_ms: u32,
    /// The upper bound of every backoff, in milliseconds. Default: 10 000.
    pub reconnect_max_ms: u32,
    /// The number of failed attempts in a row that leads to `DRT_STATE_FAILED`; 0 = no limit.
    pub reconnect_attempts: u32,
    /// The bytes of events that may wait for the application. Default: 64 MiB.
    pub queue_bytes: u64,
    /// A file of PEM certificates to trust beside the system's: of authorities, or a server's own,
    /// which may be self-signed; its name and dates are checked, too. The file is read at once.
    pub ca_file: *const c_char,
    /// A proxy to go through: `http://[user:password@]host:port` (HTTP, which has to support
    /// CONNECT), `socks5://...` (SOCKS5, names are resolved here) or `socks5h://...` (SOCKS5, the
    /// proxy resolves names). `env` takes it from the environment as curl does, which is read
    /// once: `HTTPS_PROXY` for `wss://`, `HTTP_PROXY` for `ws://`, else `ALL_PROXY`, with
    /// `NO_PROXY` for exceptions (`example.com`, `.example.com`, `10.0.0.0/8`, `host:port`, `*`);
    /// names in lower case come first. NULL = none, whatever the environment says.
    pub proxy: *const c_char,
    /// A file with the client's PEM certificate chain; needs `client_key_file`.
    pub client_cert_file: *const c_char,
    /// A file with the PEM key of the client's certificate.
    pub client_key_file: *const c_char,
    /// Additional headers of the upgrade request, as lines `Name: value`.
    pub headers: *const c_char,
    /// The User-Agent header. Default: `directus-realtime/VERSION`.
    pub user_agent: *const c_char,
    /// The size of the largest message that is accepted, in bytes. Default: 256 MiB.
    pub max_message_bytes: u64,
    /// The bytes of messages and requests that may wait for a usable link, on which they are sent
    /// in order. Default: 0, which means that `drt_send_message` and `drt_request` return
    /// `DRT_ERR_NOT_CONNECTED` without a link.
    pub send_queue_bytes: u64,
}

/// Options of a subscription. Initialise it with `DRT_SUBSCRIPTION_OPTIONS_INIT`; a member that
/// is zero means its default. Strings are copied before the call returns.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct drt_subscription_options {
    /// `sizeof(drt_subscription_options)`.
    pub struct_size: usize,
    /// Required: the collection's name.
    pub collection: *const c_char,
    /// A JSON object: fields, filter, sort, limit, search, deep, alias, meta ...
    /// `aggregate` and `groupBy` are rejected: the server would aggregate only the items that
    /// changed.
    pub query: *const c_char,
    /// The subscription's name within its client; NULL = one is generated.
    pub uid: *const c_char,
    /// Whether it survives its scope, and unsubscribing by collection or of all.
    pub persistent: bool,
    /// Any combination of the `DRT_ON_` kinds; 0 = all. With fewer than all kinds, an INIT without
    /// data is still delivered before any change and after each gap, so a callback must check the
    /// kind before it uses the data (`drt_event_is_change`).
    pub events: drt_event_mask,
    /// The primary key of the one item to watch, as text, in any spelling that the database
    /// accepts for it; NULL = the whole collection. Events carry the key as the item has it.
    pub item: *const c_char,
    /// The name of the primary key's field. Default: `id`.
    pub primary_key: *const c_char,
    /// How changes are split into events. Default: `DRT_PER_ITEM`.
    pub granularity: drt_granularity,
    /// Which snapshot an INIT carries. Default: `DRT_SNAPSHOT_EXACT`.
    pub snapshot: drt_snapshot,
    /// For how long it must be quiet, in milliseconds, before rows are read once more whose last
    /// event may be wrong: several updates close together, or two events of one row; and before rows
    /// are looked for that an import has created without reporting them. What differs is reported by
    /// an event with `DRT_FLAG_SETTLED`. Default: 250; `UINT32_MAX` = never.
    pub settle_ms: u32,
}

/// Initialises the options of a client, as `DRT_CLIENT_OPTIONS_INIT` does: for languages without C
/// macros. `size` is the size of the struct that the caller has.
///
/// Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_client_options_init(
    options: *mut drt_client_options,
    size: usize,
) -> drt_status {
    // SAFETY: the header's contract.
    panic::run(|| unsafe { init(options.cast(), size) })
}

/// Initialises the options of a subscription, as `DRT_SUBSCRIPTION_OPTIONS_INIT` does: for
/// languages without C macros. `size` is the size of the struct that the caller has.
///
/// Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drt_subscription_options_init(
    options: *mut drt_subscription_options,
    size: usize,
) -> drt_status {
    // SAFETY: the header's contract.
    panic::run(|| unsafe { init(options.cast(), size) })
}

/// Makes a struct all zero but for its size, which is its first member.
///
/// # Safety
///
/// `options` is NULL or has `size` bytes.
pub(super) unsafe fn init(options: *mut u8, size: usize) -> Result<()> {
    if options.is_null() {
        return Err(is_null("options"));
    }
    if !(size_of::<usize>()..=LARGEST_STRUCT).contains(&size) {
        let message = format!("`size` is {size}: give the size of the struct");
        return Err(Error::invalid("size", message));
    }
    // SAFETY: the caller's promise; the size fits.
    unsafe {
        options.write_bytes(0, size);
        options.cast::<usize>().write_unaligned(size);
    }
    Ok(())
}

/// No struct of this library will ever be as large.
pub(super) const LARGEST_STRUCT: usize = 4096;

/// Copies an option struct. These structs grow only at the end, so those of an older or a newer
/// header can be read.
///
/// # Safety
///
/// `options` is NULL or points to `struct_size` bytes, which the struct's first
/// member says; all-zero is a value of `T`.
pub(super) unsafe fn read<T: Copy>(options: *const T, least: usize, init: &str) -> Result<T> {
    if options.is_null() {
        return Err(is_null("options"));
    }
    // SAFETY: a struct begins with its size, whatever its age.
    let given = unsafe { options.cast::<usize>().read_unaligned() };
    // No header's struct ends within a pointer; half a pointer would be a wild one.
    if given < least || given > LARGEST_STRUCT || given % align_of::<T>() != 0 {
        return Err(wrong_size(given, init));
    }
    let size = size_of::<T>();
    if given > size {
        // SAFETY: within the bytes that the caller says are there.
        let rest =
            unsafe { std::slice::from_raw_parts(options.cast::<u8>().add(size), given - size) };
        if rest.iter().any(|byte| *byte != 0) {
            let message = "`options` sets something that this version of the library does not \
                           know: use the library that belongs to the header, or a later one";
            return Err(Error::invalid("options", message));
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

fn unknown<T>(name: &'static str, value: i64) -> Result<T> {
    let message = format!("`{name}` is {value}, which is none of its constants");
    Err(Error::invalid(name, message))
}

/// The error for a struct that does not begin with a possible size of its own.
pub(super) fn wrong_size(given: usize, init: &str) -> Error {
    let message = format!("`struct_size` is {given}: begin with {init}");
    Error::invalid("struct_size", message)
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
        url: unsafe { required(o.url, "url") }?.to_owned(),
        auth_mode: match o.auth_mode {
            DRT_AUTH_HANDSHAKE => AuthMode::Handshake,
            DRT_AUTH_PUBLIC => AuthMode::Public,
            DRT_AUTH_STRICT => AuthMode::Strict,
            other => return unknown("auth_mode", other.into()),
        },
        access_token: secret(o.access_token, "access_token")?,
        email: text(o.email, "email")?,
        password: secret(o.password, "password")?,
        refresh_token: secret(o.refresh_token, "refresh_token")?,
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
        ca_file: text(o.ca_file, "ca_file")?,
        proxy: text(o.proxy, "proxy")?,
        client_cert_file: text(o.client_cert_file, "client_cert_file")?,
        client_key_file: text(o.client_key_file, "client_key_file")?,
        headers: text(o.headers, "headers")?,
        user_agent: text(o.user_agent, "user_agent")?,
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
    // SAFETY: the caller's promise; the raw struct has the same layout.
    let o = unsafe {
        read(
            options.cast::<RawSubscriptionOptions>(),
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
        collection: unsafe { required(o.collection, "collection") }?.to_owned(),
        query: text(o.query, "query")?,
        uid: text(o.uid, "uid")?,
        persistent: o.persistent != 0,
        events: o.events,
        item: text(o.item, "item")?,
        primary_key: text(o.primary_key, "primary_key")?,
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
        settle_ms: o.settle_ms,
    })
}

/// `drt_subscription_options` with a byte in place of the bool, because C may pass a byte that is
/// no valid `bool`.
#[repr(C)]
#[derive(Clone, Copy)]
struct RawSubscriptionOptions {
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
    settle_ms: u32,
}

const _: () = assert!(size_of::<RawSubscriptionOptions>() == size_of::<drt_subscription_options>());
