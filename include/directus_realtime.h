/**
 * @file directus_realtime.h
 * @brief Live updates from a Directus server.
 *
 * A client keeps one link to the server, and opens it again whenever it is lost. Subscriptions
 * are wishes that outlive links. What the server changes reaches their callbacks as events, in
 * order; whatever may have cost one is followed by a fresh snapshot, marked DRT_FLAG_RESYNC.
 *
 *     drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
 *     options.url = "http://localhost:8055";
 *     options.access_token = "...";
 *     drt_client *client = NULL;
 *     if (drt_client_new(&options, &client) != DRT_OK) puts(drt_last_error());
 *     drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
 *     posts.collection = "posts";
 *     drt_subscribe(client, NULL, &posts, on_event, NULL, NULL, NULL);
 *     ...
 *     drt_client_close(client, 5000);
 *
 * What holds for every function:
 *
 * - Handles are numbers, never dereferenced. One that is NULL, stale, of another kind or made up
 *   is DRT_ERR_INVALID_HANDLE, from every function, on every thread.
 * - Results: 0 is success, positive is success with a remark, negative is an error, for which
 *   drt_last_error() has a sentence.
 * - Strings in are NUL-terminated UTF-8, and are copied before the function returns. Strings out
 *   are valid only during the callback that receives them, unless the function says otherwise.
 *   Names are NUL-terminated as well as counted; JSON is counted only.
 * - Option structs begin with `struct_size` and grow at their end only; the `..._INIT` macros
 *   initialise them, and a member that is all zero has its default.
 * - Callbacks come as `fn`, `user_data` and `release`: see drt_release_fn.
 * - Threads: every function may be called from any thread, at any time, also from inside a
 *   callback, except that those marked "Blocks" return DRT_ERR_WOULD_DEADLOCK there.
 * - Fork: in a forked child every inherited handle is DRT_ERR_FORKED. The child can make clients
 *   of its own.
 *
 * Made by cbindgen from src/ffi/; edits here are overwritten.
 */

#ifndef DIRECTUS_REALTIME_H
#define DIRECTUS_REALTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Results, errors, version -------------------------------------------------------------- */

/**
 * The result of a call: 0 is success, positive is success with a remark,
 * negative is an error, which `drt_last_error()` explains.
 */
typedef int32_t drt_status;

/** Success. */
#define DRT_OK 0
/** The uid is taken: the subscription that exists was returned. */
#define DRT_DUPLICATE 1
/** An argument has a value that the function cannot take. */
#define DRT_ERR_INVALID_ARGUMENT (-1)
/** The handle is NULL, stale, of another kind, or was never given out. */
#define DRT_ERR_INVALID_HANDLE (-2)
/** A string is not UTF-8. */
#define DRT_ERR_INVALID_UTF8 (-3)
/** A string is not the JSON that is asked for. */
#define DRT_ERR_INVALID_JSON (-4)
/** Nothing has that name. */
#define DRT_ERR_NOT_FOUND (-5)
/** There is no usable link to the server at the moment. */
#define DRT_ERR_NOT_CONNECTED (-6)
/** The client is closed. */
#define DRT_ERR_CLOSED (-7)
/** Not within the time allowed. */
#define DRT_ERR_TIMEOUT (-8)
/** The server refused the credentials, or there are none. */
#define DRT_ERR_AUTH (-9)
/** The server answered with an error. */
#define DRT_ERR_SERVER (-10)
/** Network or file input and output failed. */
#define DRT_ERR_IO (-11)
/** TLS failed, for instance an untrusted certificate. */
#define DRT_ERR_TLS (-12)
/** Too much waits to be sent. */
#define DRT_ERR_QUEUE_FULL (-13)
/** The call would wait for the callback that it was made from. */
#define DRT_ERR_WOULD_DEADLOCK (-14)
/** The handle was inherited through fork(). */
#define DRT_ERR_FORKED (-15)
/** A fault of the library itself; it stays usable. */
#define DRT_ERR_INTERNAL (-127)
/** Major version of this header. */
#define DRT_VERSION_MAJOR 0
/** Minor version of this header. */
#define DRT_VERSION_MINOR 1
/** Patch version of this header. */
#define DRT_VERSION_PATCH 0
/** The ABI of this header: `drt_abi_version()` gives the library's. */
#define DRT_ABI_VERSION 1

/**
 * The version of the ABI: `(major << 16) | minor`. Programs work with every
 * library of the same major version and the same or a later minor one.
 *
 * Any thread; cannot fail.
 */
uint32_t drt_abi_version(void);

/**
 * The version of the library, for instance `"0.1.0"`. A static string.
 *
 * Any thread; cannot fail.
 */
const char *drt_version(void);

/**
 * The name of a status, for instance `"DRT_ERR_TIMEOUT"`; `"DRT_ERR_UNKNOWN"`
 * for a number that is none. A static string, never NULL.
 *
 * Any thread; cannot fail.
 */
const char *drt_status_name(drt_status status);

/**
 * What was wrong with the calling thread's last failed call: one sentence that
 * names the argument. `""` when nothing has failed yet; never NULL.
 *
 * The string is the library's, valid until the thread's next failing call.
 * Any thread; cannot fail.
 */
const char *drt_last_error(void);

/* ---- Handles and callbacks ----------------------------------------------------------------- */

/**
 * A client: a link to a Directus server and the subscriptions on it. A number
 * in pointer's clothing, made by `drt_client_new`, ended by `drt_client_close`.
 */
typedef struct drt_client drt_client;

/**
 * A group of subscriptions that end together. A number in pointer's clothing,
 * made by `drt_scope_new`, ended by `drt_scope_close`.
 */
typedef struct drt_scope drt_scope;

/**
 * A subscription. A number in pointer's clothing that needs no freeing: it goes
 * stale when the subscription ends.
 */
typedef struct drt_subscription drt_subscription;

/**
 * Called exactly once for each registration, when the library will never touch
 * `user_data` again, also when the registering call fails. It runs where the
 * callbacks run; after a failed registration, before the call returns.
 */
typedef void (*drt_release_fn)(void *user_data);

/* ---- Log ----------------------------------------------------------------------------------- */

/** How important a log message is. */
typedef int32_t drt_log_level;

/** No messages. */
#define DRT_LOG_OFF 0
/**
 * Something failed that the application should know of: a client is FAILED, a
 * callback or the library itself has a fault.
 */
#define DRT_LOG_ERROR 1
/** Something is odd, and dealt with: a link could not be opened or was lost. */
#define DRT_LOG_WARN 2
/** The life of links: connected, lost, authenticated. */
#define DRT_LOG_INFO 3
/** What the library does, and why. */
#define DRT_LOG_DEBUG 4
/** Everything. */
#define DRT_LOG_TRACE 5

/**
 * Takes a log message; the strings are valid during the call. Runs on any
 * thread, on several at once, and may call back into the library, except for
 * the functions that block; what those calls would log is left out.
 */
typedef void (*drt_log_fn)(drt_log_level level,
                           const char *target,
                           const char *message,
                           void *user_data);

/**
 * Sets where the log messages of all clients go, up to `max_level`. No token or
 * password is ever in one. `DRT_LOG_OFF`, or NULL for `fn`, ends it.
 *
 * While no function is set, the environment decides: with `DRT_LOG=error`, `warn`,
 * `info`, `debug` or `trace`, messages up to that level are written to standard error;
 * without it there are none. The variable is read once, by the first
 * `drt_client_new` or `drt_set_log`, and ignored in setuid programs.
 *
 * The function that was set before is released when its last call has returned.
 * Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT`.
 */
drt_status drt_set_log(drt_log_level max_level,
                       drt_log_fn fn,
                       void *user_data,
                       drt_release_fn release);

/**
 * Sends the log messages of all clients, up to `max_level`, to a descriptor, in place
 * of a function: for languages in which calls from threads of the library are
 * unwelcome. `*fd` is the end to read from, a socket that does not block. Each message
 * is a line of JSON, `[level,"target","message"]`, followed by `\n`.
 *
 * The library never waits for the reader: what does not fit is dropped, and the
 * number of dropped messages is logged as soon as there is room again. A reader skips
 * what is no such line. The descriptor is the caller's to close, at any time. It comes
 * in place of whatever `drt_set_log` or `drt_log_open` had set, and ends by either.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT`, `DRT_ERR_IO` (too many open files,
 * or a platform without this function).
 */
drt_status drt_log_open(drt_log_level max_level, int *fd);

/* ---- Options ------------------------------------------------------------------------------- */

/** How credentials are shown to the server (its `WEBSOCKETS_REST_AUTH`). */
typedef int32_t drt_auth_mode;

/** The first message authenticates: the server's default. */
#define DRT_AUTH_HANDSHAKE 0
/** No credentials are needed; those that are set are shown. */
#define DRT_AUTH_PUBLIC 1
/** The token is a part of the URL. */
#define DRT_AUTH_STRICT 2

/** Who runs the callbacks. */
typedef int32_t drt_delivery;

/**
 * A thread of the library's, one for each client, with 8 MiB of stack, as main
 * threads usually have.
 *
 * It has the signal mask of the thread that makes the client, and blocks beside that
 * what is sent to a process as a whole: SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM,
 * SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU and SIGWINCH. Signals by which garbage
 * collectors and profilers stop threads get through. To keep another signal away,
 * SIGUSR1 for instance, block it in the thread that makes the client. A process that
 * a callback starts inherits the mask. The library's other threads, on which the log
 * function may run, have the mask of the thread that makes the process's first
 * client, and block SIGPIPE as well.
 */
#define DRT_DELIVER_THREAD 0
/** Whoever calls `drt_client_dispatch` or `drt_client_drain`. */
#define DRT_DELIVER_POLL 1

/** How changes are cut into events. */
typedef int32_t drt_granularity;

/** One event for each item. */
#define DRT_PER_ITEM 0
/** One event for each message of the server. */
#define DRT_PER_MESSAGE 1

/** Which snapshot an INIT carries. */
typedef int32_t drt_snapshot;

/**
 * One that was read after the registration: nothing falls between it and the
 * events that follow.
 */
#define DRT_SNAPSHOT_EXACT 0
/** The server's own, which may miss what was written meanwhile, and saves a read. */
#define DRT_SNAPSHOT_SERVER 1

/** Kinds of events, to be combined; 0 stands for all. */
typedef uint32_t drt_event_mask;

/** Items that are made. */
#define DRT_ON_CREATE 1
/** Items that are changed. */
#define DRT_ON_UPDATE 2
/** Items that are deleted. */
#define DRT_ON_DELETE 4

/**
 * Options of a client. Begin with `DRT_CLIENT_OPTIONS_INIT`; a member that is
 * all zero means its default. Strings are copied before the call returns.
 */
typedef struct drt_client_options {
    /** `sizeof(drt_client_options)`. */
    size_t struct_size;
    /**
     * Required. `ws(s)://host[:port]/path` is used as it is;
     * `http(s)://host[:port][/base]` becomes `ws(s)://...[/base]/websocket`;
     * several, with commas between, are replicas that are tried in turn.
     */
    const char *url;
    /** `DRT_AUTH_HANDSHAKE` by default. */
    drt_auth_mode auth_mode;
    /** A static token or a JWT. */
    const char *access_token;
    /** For a login, with `password`. */
    const char *email;
    /** For a login, with `email`. */
    const char *password;
    /** Good for one use; its successors are kept in memory. */
    const char *refresh_token;
    /** `DRT_DELIVER_THREAD` by default. */
    drt_delivery delivery;
    /** Milliseconds for DNS, TCP, TLS and upgrade together; 10 000. */
    uint32_t connect_timeout_ms;
    /** Milliseconds for every answer of the server; 10 000. */
    uint32_t ack_timeout_ms;
    /**
     * Milliseconds of silence after which the client asks, and again after
     * which the link is dead; 25 000.
     */
    uint32_t heartbeat_ms;
    /** Milliseconds, the first backoff's upper bound; 250. */
    uint32_t reconnect_min_ms;
    /** Milliseconds, every backoff's upper bound; 10 000. */
    uint32_t reconnect_max_ms;
    /** Failed attempts to reconnect before `DRT_STATE_FAILED`; 0 = never. */
    uint32_t reconnect_attempts;
    /** Bytes that may wait for the application; 64 MiB. */
    uint64_t queue_bytes;
    /**
     * A file of PEM certificates to trust beside the system's: of authorities, or a
     * server's own, which may be self-signed; its name and dates are checked as well.
     * It is read at once.
     */
    const char *ca_file;
    /**
     * A proxy that tunnels by CONNECT: `http://[user:password@]host:port`, no other
     * kind; NULL = none.
     */
    const char *proxy;
    /** A file with the PEM certificate chain to show, with `client_key_file`. */
    const char *client_cert_file;
    /** A file with its PEM key. */
    const char *client_key_file;
    /** More headers of the upgrade request, as lines `Name: value`. */
    const char *headers;
    /** The User-Agent header; `directus-realtime/VERSION`. */
    const char *user_agent;
    /** Bytes of the largest message that is taken; 256 MiB. */
    uint64_t max_message_bytes;
    /**
     * Bytes of messages and requests that may wait for a usable link, in the order in
     * which they are sent once there is one; 0 = none: `drt_send_message` and
     * `drt_request` are `DRT_ERR_NOT_CONNECTED` then.
     */
    uint64_t send_queue_bytes;
} drt_client_options;

/** Initialises a drt_client_options. */
#define DRT_CLIENT_OPTIONS_INIT \
    { \
        sizeof(drt_client_options), \
        NULL, 0, NULL, NULL, NULL, NULL, 0, 0, \
        0, 0, 0, 0, 0, 0, NULL, NULL, \
        NULL, NULL, NULL, NULL, 0, 0 \
    }

/**
 * Options of a subscription. Begin with `DRT_SUBSCRIPTION_OPTIONS_INIT`; a
 * member that is all zero means its default. Strings are copied before the
 * call returns.
 */
typedef struct drt_subscription_options {
    /** `sizeof(drt_subscription_options)`. */
    size_t struct_size;
    /** Required. */
    const char *collection;
    /**
     * A JSON object: fields, filter, sort, limit, search, deep, alias, meta ...
     * `aggregate` and `groupBy` are refused: of changes, the server would aggregate the
     * changed items alone.
     */
    const char *query;
    /** Names the subscription within its client; NULL = one is generated. */
    const char *uid;
    /** Survives its scope and the collective ways of unsubscribing. */
    bool persistent;
    /**
     * With fewer than all kinds, an INIT without data still comes first, and after each
     * gap: a callback looks at the kind before the data (`drt_event_is_change`).
     * Any of the `DRT_ON_` kinds; 0 = all.
     */
    drt_event_mask events;
    /**
     * The primary key of the one item to watch, as text; NULL = the collection. In any
     * spelling that the database takes for that item's; events have the item's own.
     */
    const char *item;
    /** The name of the primary key; `id`. */
    const char *primary_key;
    /** `DRT_PER_ITEM` by default. */
    drt_granularity granularity;
    /** `DRT_SNAPSHOT_EXACT` by default. */
    drt_snapshot snapshot;
} drt_subscription_options;

/** Initialises a drt_subscription_options. */
#define DRT_SUBSCRIPTION_OPTIONS_INIT \
    { \
        sizeof(drt_subscription_options), \
        NULL, NULL, NULL, false, 0, NULL, NULL, 0, \
        0 \
    }

/* ---- Client -------------------------------------------------------------------------------- */

/** The state of a client. */
typedef int32_t drt_state;

/** Not asked to connect, or asked to disconnect. */
#define DRT_STATE_IDLE 0
/** A link is being opened. */
#define DRT_STATE_CONNECTING 1
/** The link is open, the server does not know us yet. */
#define DRT_STATE_AUTHENTICATING 2
/** Authenticated and usable. */
#define DRT_STATE_CONNECTED 3
/** Waiting before the next attempt. */
#define DRT_STATE_BACKOFF 4
/**
 * Something that retrying cannot repair: credentials that the server has never
 * accepted, a password that it has accepted and then refused six times in a row, an
 * untrusted certificate, used-up attempts. connect, reconnect and set_token leave it.
 */
#define DRT_STATE_FAILED 5
/** Closed. */
#define DRT_STATE_CLOSED 6

/**
 * The state has changed, for that reason (`DRT_OK` when nothing went wrong);
 * `message` says why in words and is valid during the call.
 */
typedef void (*drt_state_fn)(drt_client *client,
                             drt_state state,
                             drt_status reason,
                             const char *message,
                             void *user_data);

/**
 * A fresh token is wanted: before the first link when none is set and ahead of
 * a JWT's expiry (`DRT_OK`), after a refusal or an expiry (`DRT_ERR_AUTH`).
 * Answer with `drt_client_set_token`, at once or later, or let the attempt time
 * out. It is not called again while it runs, however long that takes; its answer is
 * used then. Once it has returned without an answer, the next attempt asks again.
 */
typedef void (*drt_token_fn)(drt_client *client, drt_status reason, void *user_data);

/** Counters of a client, from its beginning. Begin with `DRT_STATS_INIT`. */
typedef struct drt_stats {
    /** `sizeof(drt_stats)`. */
    size_t struct_size;
    /** Links that became usable. */
    uint64_t connects;
    /** Those after the first. */
    uint64_t reconnects;
    /** Frames received. */
    uint64_t frames_in;
    /** Bytes in them. */
    uint64_t bytes_in;
    /** Frames sent. */
    uint64_t frames_out;
    /** Bytes in them. */
    uint64_t bytes_out;
    /** Events delivered. */
    uint64_t events;
    /** INIT events marked `DRT_FLAG_RESYNC`. */
    uint64_t resyncs;
    /** Times that a subscription lost what waited, for want of room. */
    uint64_t overflows;
    /** Server messages that wait for the application now. */
    uint64_t queued_events;
    /** Their bytes. */
    uint64_t queued_bytes;
    /** Subscriptions now. */
    uint64_t subscriptions;
    /** Those that the server has confirmed. */
    uint64_t active_subscriptions;
    /** The last heartbeat's round trip in microseconds; 0 = none yet. */
    uint64_t last_rtt_us;
} drt_stats;

/** Initialises a drt_stats. */
#define DRT_STATS_INIT \
    { \
        sizeof(drt_stats), \
        0, 0, 0, 0, 0, 0, 0, 0, \
        0, 0, 0, 0, 0, 0 \
    }

/**
 * Makes a client. Nothing goes out before `drt_client_connect` or the first
 * `drt_subscribe`. `*out` is to be ended with `drt_client_close`; it is NULL
 * after an error.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_ARGUMENT` (also for a URL, with a message
 * that says what is wrong with it), `DRT_ERR_INVALID_UTF8`, `DRT_ERR_TLS` (files
 * that cannot be used), `DRT_ERR_IO`.
 */
drt_status drt_client_new(const drt_client_options *options, drt_client **out);

/**
 * Sets the callback for changes of state; NULL for `fn` removes it. The one that
 * was set before is released in the place where it would have run next.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
 */
drt_status drt_client_on_state(drt_client *client,
                               drt_state_fn fn,
                               void *user_data,
                               drt_release_fn release);

/**
 * Starts to connect and returns at once; nothing where that is under way. Leaves
 * `DRT_STATE_FAILED`, with the backoff reset.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
 */
drt_status drt_client_connect(drt_client *client);

/**
 * Drops the link, if there is one, and connects now, with the backoff reset.
 * Every subscription comes back with a RESYNC.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
 */
drt_status drt_client_reconnect(drt_client *client);

/**
 * Takes the link down, and stays down until `drt_client_connect` or
 * `drt_client_reconnect`. Subscriptions are kept.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
 */
drt_status drt_client_disconnect(drt_client *client);

/**
 * Sets the access token. A live link is authenticated anew with it, an attempt
 * that waits for one goes on, `DRT_STATE_FAILED` is left.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
 * `DRT_ERR_INVALID_UTF8`, `DRT_ERR_CLOSED`.
 */
drt_status drt_client_set_token(drt_client *client, const char *access_token);

/**
 * Sets the callback that is asked for tokens; NULL for `fn` removes it.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
 */
drt_status drt_client_on_token(drt_client *client,
                               drt_token_fn fn,
                               void *user_data,
                               drt_release_fn release);

/**
 * The state now; `DRT_STATE_CLOSED` for a handle that is none.
 *
 * Any thread.
 */
drt_state drt_client_state(drt_client *client);

/**
 * Whether the state is `DRT_STATE_CONNECTED`.
 *
 * Any thread.
 */
bool drt_client_is_connected(drt_client *client);

/**
 * Blocks until the state is, or was meanwhile, `state`; for `timeout_ms`
 * milliseconds at most. When `DRT_STATE_FAILED` or `DRT_STATE_CLOSED` is entered
 * instead, returns its reason at once.
 *
 * Any thread, but not inside a callback. Errors: `DRT_ERR_TIMEOUT`,
 * `DRT_ERR_WOULD_DEADLOCK`, `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
 * and the reason of the state that was entered.
 */
drt_status drt_client_wait(drt_client *client, drt_state state, uint32_t timeout_ms);

/**
 * Copies the counters; `out->struct_size` says how much room there is.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`.
 */
drt_status drt_client_stats(drt_client *client, drt_stats *out);

/**
 * Closes a client: its subscriptions and scopes end, callbacks that are due run
 * (not events any more), every release function runs, the link is taken down
 * politely. Afterwards every handle of it is stale, and after the last client of
 * the process no thread of the library is left.
 *
 * Blocks for `timeout_ms` milliseconds at most, and the moment that threads take to
 * end: 0 is fine where no callback runs. After `DRT_ERR_TIMEOUT`, which means that a
 * callback is still running (or a name being looked up), the rest happens when it
 * returns; the handles are stale all the same.
 *
 * Any thread, but not inside a callback. Errors: `DRT_ERR_INVALID_HANDLE`,
 * `DRT_ERR_CLOSED` (another thread is closing it), `DRT_ERR_WOULD_DEADLOCK`,
 * `DRT_ERR_TIMEOUT`.
 */
drt_status drt_client_close(drt_client *client, uint32_t timeout_ms);

/* ---- Scopes -------------------------------------------------------------------------------- */

/**
 * Opens a scope. `*out` is to be ended with `drt_scope_close`; it is NULL after
 * an error.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
 * `DRT_ERR_CLOSED`.
 */
drt_status drt_scope_new(drt_client *client, drt_scope **out);

/**
 * Closes a scope: its subscriptions end, but for the persistent ones, which live
 * on. When it returns, no callback of those that ended is running or will run,
 * unless this was called from inside that very callback.
 *
 * Any thread; hold no lock that such a callback takes. Errors:
 * `DRT_ERR_INVALID_HANDLE`.
 */
drt_status drt_scope_close(drt_scope *scope);

/* ---- Events and subscriptions -------------------------------------------------------------- */

/** What happened. */
typedef uint32_t drt_event_kind;

/**
 * A snapshot: an array of items, an object for one item or a singleton (null
 * where there is no such item), nothing where fewer than all kinds are wanted. It comes
 * first, whatever kinds are wanted, and after each gap: see `drt_event_is_change`.
 */
#define DRT_EVENT_INIT 0
/** An item was made. */
#define DRT_EVENT_CREATE 1
/** An item was changed. */
#define DRT_EVENT_UPDATE 2
/**
 * An item was deleted: `{"<primary_key>": key}`, with the key as the collection's
 * items have it, however the request spelled it: 7 for `007` or `" 7"` where they have
 * numbers, `"1.50000"` for 1.5, a UUID in the items' case. The library knows how they
 * have it once the client was shown an item of that collection with its key, in an INIT
 * or an event; until then the key is as the request spelled it, text where it stood in
 * a URL. The places of decimals and the case of UUIDs it learns from this subscription's
 * own items. Other text keys that a collation takes for the same (`ABC`, `abc`) stay as
 * the request spelled them. The key is null where the server does not name it (a field
 * of `directus_fields`).
 */
#define DRT_EVENT_DELETE 3
/**
 * `{"code": ..., "message": ...}`: with `DRT_FLAG_ENDED` the server has refused the
 * subscription; without it, something was withheld and the subscription lives on.
 */
#define DRT_EVENT_ERROR 4
/** An INIT that follows a gap: it replaces what was known before. */
#define DRT_FLAG_RESYNC 1
/** The subscription is over; this is its last event. */
#define DRT_FLAG_ENDED 2

/** An event. Everything in it is the library's and valid during the call only. */
typedef struct drt_event {
    /** `sizeof(drt_event)` of the library. */
    size_t struct_size;
    /** What happened. */
    drt_event_kind kind;
    /** Any of the `DRT_FLAG_` bits. */
    uint32_t flags;
    /** Whose event it is. */
    drt_subscription *subscription;
    /** The subscription's uid, NUL-terminated. */
    const char *uid;
    /** Its length in bytes. */
    size_t uid_len;
    /** The subscription's collection, NUL-terminated. */
    const char *collection;
    /** Its length in bytes. */
    size_t collection_len;
    /** JSON, not NUL-terminated; NULL where there is none. */
    const char *data;
    /** Its length in bytes. */
    size_t data_len;
    /** The server's `meta` as JSON, not NUL-terminated; NULL where there is none. */
    const char *meta;
    /** Its length in bytes. */
    size_t meta_len;
    /** Counts the client's events from 1 in the order of delivery, without holes. */
    uint64_t sequence;
    /** The item's place in its server message. */
    uint32_t index;
    /** The number of items in that message. */
    uint32_t count;
} drt_event;

/**
 * Whether an item was made, changed or deleted: for callbacks that are interested in nothing
 * else. Not so the INIT that comes first and after each gap, nor an ERROR:
 *
 *     if (!drt_event_is_change(event)) return;
 */
static inline bool drt_event_is_change(const drt_event *event) {
    return event->kind == DRT_EVENT_CREATE || event->kind == DRT_EVENT_UPDATE ||
           event->kind == DRT_EVENT_DELETE;
}

/**
 * Takes an event. Runs on the client's delivery thread, or inside
 * `drt_client_dispatch`; must not throw.
 */
typedef void (*drt_event_fn)(const drt_event *event, void *user_data);

/** How far a subscription has come. */
typedef int32_t drt_subscription_status;

/** The server has not confirmed it on the present link. */
#define DRT_SUB_PENDING 0
/** The server has confirmed it. */
#define DRT_SUB_ACTIVE 1

/** What is known of a subscription. Valid during the visit only. */
typedef struct drt_subscription_info {
    /** `sizeof(drt_subscription_info)` of the library. */
    size_t struct_size;
    /** The subscription. */
    drt_subscription *handle;
    /** Its uid, NUL-terminated. */
    const char *uid;
    /** The uid's length in bytes. */
    size_t uid_len;
    /** Its collection, NUL-terminated. */
    const char *collection;
    /** The collection's length in bytes. */
    size_t collection_len;
    /** Whether it survives its scope. */
    bool persistent;
    /** `DRT_SUB_PENDING` or `DRT_SUB_ACTIVE`. */
    drt_subscription_status status;
    /** The sequence number of its last event; 0 = none yet. */
    uint64_t last_sequence;
} drt_subscription_info;

/** Visits a subscription; false ends the visits. No lock is held meanwhile. */
typedef bool (*drt_subscription_visit_fn)(const drt_subscription_info *info, void *user_data);

/**
 * Subscribes to a collection or an item of it; the first one connects. It is a
 * wish that outlives links: it is sent again after each reconnect, and the
 * snapshot (INIT) that follows a gap is marked `DRT_FLAG_RESYNC`.
 *
 * `scope` ends it when it is closed, or is NULL. `*out`, where `out` is not
 * NULL, is the subscription: when its uid is taken, the one that exists, and
 * `fn` is not used but `user_data` released.
 *
 * Any thread. Success: `DRT_OK`, `DRT_DUPLICATE`. Errors:
 * `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`, `DRT_ERR_INVALID_UTF8`,
 * `DRT_ERR_INVALID_JSON`, `DRT_ERR_NOT_CONNECTED` (the client has failed),
 * `DRT_ERR_CLOSED`. What the server refuses comes as an event with
 * `DRT_FLAG_ENDED`, and from `drt_subscription_wait`.
 */
drt_status drt_subscribe(drt_client *client,
                         drt_scope *scope,
                         const drt_subscription_options *options,
                         drt_event_fn fn,
                         void *user_data,
                         drt_release_fn release,
                         drt_subscription **out);

/**
 * Blocks until the server has answered, for `timeout_ms` milliseconds at most:
 * its snapshot is on the way to the callback then.
 *
 * Any thread, but not inside a callback. Errors: `DRT_ERR_TIMEOUT`,
 * `DRT_ERR_SERVER` with the server's words when it refused,
 * `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`, `DRT_ERR_WOULD_DEADLOCK`, and the
 * reason when the client fails.
 */
drt_status drt_subscription_wait(drt_subscription *s, uint32_t timeout_ms);

/**
 * Ends a subscription. When it returns, no callback of it is running or will
 * run, unless this was called from inside that very callback.
 *
 * Any thread; hold no lock that the callback takes. Errors:
 * `DRT_ERR_INVALID_HANDLE`.
 */
drt_status drt_subscription_unsubscribe(drt_subscription *s);

/**
 * Ends the subscription with that uid; see `drt_subscription_unsubscribe`.
 *
 * Any thread. Errors: `DRT_ERR_NOT_FOUND`, `DRT_ERR_INVALID_HANDLE`,
 * `DRT_ERR_INVALID_ARGUMENT`, `DRT_ERR_INVALID_UTF8`, `DRT_ERR_CLOSED`.
 */
drt_status drt_unsubscribe(drt_client *client, const char *uid);

/**
 * Ends a collection's subscriptions in every scope, but for the persistent ones;
 * `*ended`, where it is not NULL, is their number. See
 * `drt_subscription_unsubscribe`.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
 * `DRT_ERR_INVALID_UTF8`, `DRT_ERR_CLOSED`.
 */
drt_status drt_unsubscribe_collection(drt_client *client, const char *collection, size_t *ended);

/**
 * Ends all subscriptions in every scope, but for the persistent ones; `*ended`,
 * where it is not NULL, is their number. See `drt_subscription_unsubscribe`.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_CLOSED`.
 */
drt_status drt_unsubscribe_all(drt_client *client, size_t *ended);

/**
 * Whether a subscription has that uid; false also after an error.
 *
 * Any thread.
 */
bool drt_has_subscription(drt_client *client, const char *uid);

/**
 * Visits the subscriptions in the order in which they were made, on the calling
 * thread. `fn` may call every function, except for those that block.
 *
 * Any thread. Errors: `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT`,
 * `DRT_ERR_CLOSED`.
 */
drt_status drt_active_subscriptions(drt_client *client,
                                    drt_subscription_visit_fn fn,
                                    void *user_data);

/* ---- Messages ------------------------------------------------------------------------------ */

/**
 * Takes the answer to a request, once: `DRT_OK` with the server's answer,
 * `DRT_ERR_SERVER` with its error object, `DRT_ERR_TIMEOUT`,
 * `DRT_ERR_NOT_CONNECTED` (the link was lost) or `DRT_ERR_CLOSED` with nothing.
 * `json` is counted, not NUL-terminated, and valid during the call.
 */
typedef void (*drt_reply_fn)(drt_status status, const char *json, size_t json_len, void *user_data);

/**
 * Sends a message that expects no answer: a JSON object with a `type`. Those of
 * type subscribe, unsubscribe and auth have functions of their own and are
 * refused here.
 *
 * Without a usable link it is `DRT_ERR_NOT_CONNECTED`, or waits for one where
 * `send_queue_bytes` is set; then the first message connects as the first subscribe
 * does. Messages are sent in order. None that was handed to a link is sent on another;
 * what still waits when the client fails or is closed is lost, and the log has a
 * warning with the count.
 *
 * Any thread; does not block. Errors: `DRT_ERR_INVALID_HANDLE`,
 * `DRT_ERR_INVALID_JSON`, `DRT_ERR_INVALID_ARGUMENT`, `DRT_ERR_INVALID_UTF8`,
 * `DRT_ERR_NOT_CONNECTED`, `DRT_ERR_QUEUE_FULL`, `DRT_ERR_CLOSED`.
 */
drt_status drt_send_message(drt_client *client, const char *json);

/**
 * Sends a message and hands the server's answer to `fn`, exactly once, unless
 * this call fails. A uid of the library's own takes the place of the message's,
 * which the answer bears again. `timeout_ms` 0 means `ack_timeout_ms`. Where
 * `send_queue_bytes` is set, the time in which a request waits for a link counts.
 *
 * Any thread; does not block. Errors: as `drt_send_message`; then `fn` does not
 * run, and `user_data` is released before the call returns.
 */
drt_status drt_request(drt_client *client,
                       const char *json,
                       uint32_t timeout_ms,
                       drt_reply_fn fn,
                       void *user_data,
                       drt_release_fn release);

/* ---- Poll delivery ------------------------------------------------------------------------- */

/**
 * A descriptor that is readable while something waits to be dispatched, for
 * `poll`, `epoll` and every event loop; -1 in thread delivery and after an error.
 * It is the library's: do not close it. Whoever reads from it dispatches until
 * nothing is left.
 *
 * Any thread.
 */
int drt_client_fd(drt_client *client);

/**
 * Runs the callbacks that wait, on the calling thread, in poll delivery; when
 * none does, waits for `timeout_ms` milliseconds at most (0 = not at all,
 * negative = for ever). `max_events` 0 means all that wait. `*dispatched`, where
 * it is not NULL, is the number of callbacks that ran; 0 is no error.
 *
 * Any thread, one at a time, but not inside a callback. Errors:
 * `DRT_ERR_INVALID_HANDLE`, `DRT_ERR_INVALID_ARGUMENT` (thread delivery),
 * `DRT_ERR_WOULD_DEADLOCK`, `DRT_ERR_CLOSED`.
 */
drt_status drt_client_dispatch(drt_client *client,
                               int32_t timeout_ms,
                               size_t max_events,
                               size_t *dispatched);

/**
 * Like `drt_client_dispatch`, for languages in which a call for each event costs
 * more than parsing: no event callback runs, the events come as one JSON array of
 * `[user_data as a number, kind, flags, sequence, index, count, data, meta]`,
 * without the meta where there is none. Callbacks of other kinds still run, in
 * their place: a batch ends before one. `*json` is the library's, not
 * NUL-terminated, and valid until the next drain or dispatch of
 * this client, or its close.
 * `*drained`, where it is not NULL, counts the events and the callbacks.
 *
 * Threads and errors as `drt_client_dispatch`.
 */
drt_status drt_client_drain(drt_client *client,
                            int32_t timeout_ms,
                            size_t max_events,
                            const char **json,
                            size_t *json_len,
                            size_t *drained);

#ifdef __cplusplus
}
#endif

#endif /* DIRECTUS_REALTIME_H */
