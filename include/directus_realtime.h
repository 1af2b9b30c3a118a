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
 * The result of a call: 0 is success, a positive value is success with a
 * remark, a negative value is an error, for which `drt_last_error` has words.
 */
typedef int32_t drt_status;

/** Success; as the reason of a state: nothing is wrong. */
#define DRT_OK 0
/** The uid is taken; the subscription that has it was returned. */
#define DRT_DUPLICATE 1
/** An argument has a value that the function cannot take. */
#define DRT_ERR_INVALID_ARGUMENT (-1)
/** A handle is NULL, stale, of another kind, or was never given out. */
#define DRT_ERR_INVALID_HANDLE (-2)
/** A string is not UTF-8. */
#define DRT_ERR_INVALID_UTF8 (-3)
/** A string is not the JSON that is asked for. */
#define DRT_ERR_INVALID_JSON (-4)
/** Nothing has that name. */
#define DRT_ERR_NOT_FOUND (-5)
/** There is no usable link at the moment. */
#define DRT_ERR_NOT_CONNECTED (-6)
/** The client is closed. */
#define DRT_ERR_CLOSED (-7)
/** It took longer than allowed. */
#define DRT_ERR_TIMEOUT (-8)
/** The server refused the credentials. */
#define DRT_ERR_AUTH (-9)
/** The server answered with an error. */
#define DRT_ERR_SERVER (-10)
/** Network or file input and output failed. */
#define DRT_ERR_IO (-11)
/** TLS failed, for instance because of an untrusted certificate. */
#define DRT_ERR_TLS (-12)
/** Too much is waiting already. */
#define DRT_ERR_QUEUE_FULL (-13)
/** The call blocks, and was made from inside a callback. */
#define DRT_ERR_WOULD_DEADLOCK (-14)
/** The handle was inherited through `fork`. */
#define DRT_ERR_FORKED (-15)
/** A fault of the library. It stays usable. */
#define DRT_ERR_INTERNAL (-127)

/**
 * The name of a status, for instance "DRT_ERR_TIMEOUT"; static, never NULL,
 * "DRT_UNKNOWN_STATUS" for a value that has none. Any thread.
 */
const char *drt_status_name(drt_status status);

/**
 * What was wrong with the calling thread's last failed call: one sentence that
 * names the argument. Never NULL; empty when no call has failed. Valid until the
 * thread's next failed call; calls that succeed leave it as it is. Any thread.
 */
const char *drt_last_error(void);

/** Major version of this header. */
#define DRT_VERSION_MAJOR 0
/** Minor version of this header. */
#define DRT_VERSION_MINOR 1
/** Patch version of this header. */
#define DRT_VERSION_PATCH 0
/** The ABI of this header, as `drt_abi_version` gives the library's. */
#define DRT_ABI_VERSION 1

/**
 * The ABI of the library: `(major << 16) | minor`. A program that was compiled
 * against this header can run with a library of the same major and the same or
 * a larger minor number than `DRT_ABI_VERSION`. Any thread.
 */
uint32_t drt_abi_version(void);

/** The version of the library, for instance "0.1.0"; static. Any thread. */
const char *drt_version(void);

/* ---- Handles and callbacks ----------------------------------------------------------------- */

/**
 * A connection to a server and everything that hangs on it. Made by
 * `drt_client_new`, ended by `drt_client_close`.
 */
typedef struct drt_client drt_client;

/**
 * Subscriptions that end together. Made by `drt_scope_new`, ended by
 * `drt_scope_close` or with its client.
 */
typedef struct drt_scope drt_scope;

/**
 * A subscription. Made by `drt_subscribe`; needs no freeing: the handle goes
 * stale when the subscription ends.
 */
typedef struct drt_subscription drt_subscription;

/**
 * Gives back a callback's `user_data`. Runs exactly once for each registration,
 * when the library will never touch `user_data` again; also when the call that
 * registers fails, and then before it returns. Otherwise it runs where the
 * client's callbacks run. May be NULL wherever it is asked for.
 */
typedef void (*drt_release_fn)(void *user_data);

/* ---- Log ----------------------------------------------------------------------------------- */

/** How important a log message is, or the least important that is wanted. */
typedef int32_t drt_log_level;

/** Nothing. */
#define DRT_LOG_OFF 0
/** Something failed that the application should know of. */
#define DRT_LOG_ERROR 1
/** Something is odd, and dealt with. */
#define DRT_LOG_WARN 2
/** The life of a link: connected, lost, authenticated. */
#define DRT_LOG_INFO 3
/** What the library does and why. */
#define DRT_LOG_DEBUG 4
/** Every frame's type. */
#define DRT_LOG_TRACE 5

/**
 * Takes a log message. `target` names the part of the library that speaks; both
 * texts are NUL-terminated, valid during the call, and never contain a token or a
 * password. Runs on any thread, also on several at once, and counts as a callback:
 * calls that block return `DRT_ERR_WOULD_DEADLOCK` in it. What calls made in it
 * would log is left out.
 */
typedef void (*drt_log_fn)(drt_log_level level,
                           const char *target,
                           const char *message,
                           void *user_data);

/**
 * Sets where the log messages of all clients of the process go, up to
 * `max_level`; nowhere at first. `fn` NULL or `DRT_LOG_OFF` turns logging off.
 * `release` of the one before runs when its last call has returned, which may be
 * after this function. A forked child keeps the setting. Any thread.
 */
drt_status drt_set_log(drt_log_level max_level,
                       drt_log_fn fn,
                       void *user_data,
                       drt_release_fn release);

/* ---- Client -------------------------------------------------------------------------------- */

/** How the client shows who it is. */
typedef int32_t drt_auth_mode;

/**
 * The server's `WEBSOCKETS_REST_AUTH` is "handshake", its default: the first
 * message authenticates.
 */
#define DRT_AUTH_HANDSHAKE 0
/** It is "public": the client is usable at once, and authenticates if it can. */
#define DRT_AUTH_PUBLIC 1
/** It is "strict": the token goes into the URL of the connection. */
#define DRT_AUTH_STRICT 2

/** Who runs the callbacks. */
typedef int32_t drt_delivery;

/** One thread of the library per client. */
#define DRT_DELIVER_THREAD 0
/** Whoever calls `drt_client_dispatch` or `drt_client_drain`. */
#define DRT_DELIVER_POLL 1

/**
 * Options of a client, for `drt_client_new`. Initialise with
 * `DRT_CLIENT_OPTIONS_INIT`; a member that is NULL or 0 has its default.
 */
typedef struct drt_client_options {
    /** Size of the struct in bytes; set by `DRT_CLIENT_OPTIONS_INIT`. */
    size_t struct_size;
    /**
     * Where the server is; required. `ws(s)://host[:port]/path` is used as it is,
     * `http(s)://host[:port][/base]` becomes `ws(s)://host[:port][/base]/websocket`.
     * Several, comma-separated, are replicas that are tried in turn.
     */
    const char *url;
    /** How the client shows who it is; default `DRT_AUTH_HANDSHAKE`. */
    drt_auth_mode auth_mode;
    /** A static token or a JWT; default none. */
    const char *access_token;
    /** Logs in together with `password`; default none. */
    const char *email;
    /** Logs in together with `email`; default none. */
    const char *password;
    /**
     * Gets the first access token. The server takes it once, and its successors stay with
     * the client. Default none.
     */
    const char *refresh_token;
    /** Who runs the callbacks; default `DRT_DELIVER_THREAD`. */
    drt_delivery delivery;
    /**
     * Milliseconds that opening a link may take, from the look-up of the name to the
     * end of the handshake; default 10,000.
     */
    uint32_t connect_timeout_ms;
    /** Milliseconds that an answer of the server may take; default 10,000. */
    uint32_t ack_timeout_ms;
    /**
     * After this many milliseconds of silence the client asks whether the server is
     * there; as much again without an answer is a dead link. Default 25,000.
     */
    uint32_t heartbeat_ms;
    /**
     * The first upper bound of the random delay before a lost link is opened again, in
     * milliseconds; it doubles from attempt to attempt. Default 250.
     */
    uint32_t reconnect_min_ms;
    /** The last upper bound of that delay, in milliseconds; default 30,000. */
    uint32_t reconnect_max_ms;
    /**
     * Failed attempts in a row after which the client gives up (`DRT_STATE_FAILED`);
     * default 0 = never.
     */
    uint32_t reconnect_attempts;
    /**
     * Bytes that may wait for the application; default 64 MiB. A subscription that overflows
     * loses what waits of it as a whole and is brought up to date by a RESYNC.
     */
    uint64_t queue_bytes;
    /** PEM file with roots to trust beside the system's; default none. */
    const char *ca_file;
    /** URL of a proxy to connect through; default none. */
    const char *proxy;
    /**
     * PEM file with the certificate chain to show to the server, together with
     * `client_key_file`; default none.
     */
    const char *client_cert_file;
    /** PEM file with the private key of `client_cert_file`; default none. */
    const char *client_key_file;
    /**
     * Headers to send when a link is opened: lines `Name: value` with line feeds between
     * them; default none.
     */
    const char *headers;
    /**
     * The User-Agent to send when a link is opened; default "directus-realtime/" and the
     * version.
     */
    const char *user_agent;
    /** The largest message taken from the server, in bytes; default 256 MiB. */
    uint64_t max_message_bytes;
} drt_client_options;

/** Initialises a drt_client_options. */
#define DRT_CLIENT_OPTIONS_INIT \
    { \
        sizeof(drt_client_options), \
        NULL, 0, NULL, NULL, NULL, NULL, 0, 0, \
        0, 0, 0, 0, 0, 0, NULL, NULL, \
        NULL, NULL, NULL, NULL, 0 \
    }

/** What a client is doing. */
typedef int32_t drt_state;

/** Not asked to connect, or asked to disconnect. */
#define DRT_STATE_IDLE 0
/** A link is being opened. */
#define DRT_STATE_CONNECTING 1
/** The link is open; the credentials are with the server, or are being asked for. */
#define DRT_STATE_AUTHENTICATING 2
/** Authenticated and usable. */
#define DRT_STATE_CONNECTED 3
/** Waiting before the next attempt. */
#define DRT_STATE_BACKOFF 4
/**
 * Something that retrying cannot mend: refused credentials, attempts used up, an
 * untrusted certificate. `drt_client_connect`, `drt_client_reconnect` and
 * `drt_client_set_token` leave it.
 */
#define DRT_STATE_FAILED 5
/** Closed. */
#define DRT_STATE_CLOSED 6

/**
 * Hears of each change of a client's state, once and in order. `reason` is DRT_OK
 * or the error that led there, `message` says it in words that a person can act on;
 * NUL-terminated, valid during the call.
 */
typedef void (*drt_state_fn)(drt_client *client,
                             drt_state state,
                             drt_status reason,
                             const char *message,
                             void *user_data);

/**
 * Is asked for a fresh access token: before the first link when none is set, ahead
 * of a JWT's expiry, and after the server has refused the one it had. `reason` is
 * DRT_OK or the error. Answer with `drt_client_set_token`, at once or later, or let
 * the attempt time out.
 */
typedef void (*drt_token_fn)(drt_client *client, drt_status reason, void *user_data);

/**
 * Counters of a client since it was made, for `drt_client_stats`. Initialise with
 * `DRT_STATS_INIT`.
 */
typedef struct drt_stats {
    /** Size of the struct in bytes; set by `DRT_STATS_INIT`. */
    size_t struct_size;
    /** Links that became usable. */
    uint64_t connects;
    /** Those after the first. */
    uint64_t reconnects;
    /** Messages received. */
    uint64_t frames_in;
    /** Bytes received in messages. */
    uint64_t bytes_in;
    /** Messages sent. */
    uint64_t frames_out;
    /** Bytes sent in messages. */
    uint64_t bytes_out;
    /** Events delivered to the application. */
    uint64_t events;
    /** INIT events marked `DRT_FLAG_RESYNC`. */
    uint64_t resyncs;
    /** Times that a subscription lost what waited because `queue_bytes` were used up. */
    uint64_t overflows;
    /** Events that wait for the application now. */
    uint64_t queued_events;
    /** Bytes that wait for the application now. */
    uint64_t queued_bytes;
    /** Subscriptions now. */
    uint64_t subscriptions;
    /** Subscriptions that the server has confirmed on the present link. */
    uint64_t active_subscriptions;
    /** Round trip of the last heartbeat in microseconds; 0 before the first. */
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
 * Makes a client and stores its handle in `*out`, or NULL when it fails. Nothing is
 * sent before `drt_client_connect` or the first `drt_subscribe`. The options are
 * copied. End the client with `drt_client_close`. Any thread.
 */
drt_status drt_client_new(const drt_client_options *options, drt_client **out);

/**
 * Sets the callback that hears of changes of state, in place of the one before,
 * which is released. `fn` NULL removes it. Any thread.
 */
drt_status drt_client_on_state(drt_client *client,
                               drt_state_fn fn,
                               void *user_data,
                               drt_release_fn release);

/**
 * Sets the callback that is asked for access tokens, in place of the one before,
 * which is released. `fn` NULL removes it. Any thread.
 */
drt_status drt_client_on_token(drt_client *client,
                               drt_token_fn fn,
                               void *user_data,
                               drt_release_fn release);

/** Starts to connect, unless that is under way; returns at once. Any thread. */
drt_status drt_client_connect(drt_client *client);

/**
 * Drops the link, if there is one, and connects now, without a delay; returns at
 * once. Any thread.
 */
drt_status drt_client_reconnect(drt_client *client);

/**
 * Drops the link and stays down until `drt_client_connect` or
 * `drt_client_reconnect`; subscriptions are kept. Returns at once. Any thread.
 */
drt_status drt_client_disconnect(drt_client *client);

/**
 * Sets the access token. A live link is authenticated with it at once, a failed
 * client tries again. Any thread.
 */
drt_status drt_client_set_token(drt_client *client, const char *access_token);

/** The state of a client; `DRT_STATE_CLOSED` for an invalid handle. Any thread. */
drt_state drt_client_state(drt_client *client);

/**
 * Whether the client is authenticated and usable; false for an invalid handle. Any
 * thread.
 */
bool drt_client_is_connected(drt_client *client);

/**
 * Waits until the client enters a state, or is in it. *Blocks.*
 *
 * Returns `DRT_ERR_TIMEOUT` after `timeout_ms` milliseconds (0 = look and don't wait),
 * or as soon as the client fails or is closed instead, the reason for that. It does not
 * dispatch: in poll delivery a token callback, say, runs only if another thread does. Any
 * thread.
 */
drt_status drt_client_wait(drt_client *client, drt_state state, uint32_t timeout_ms);

/**
 * Fills `*out` with the client's counters. `out->struct_size` says how much room there
 * is. Any thread.
 */
drt_status drt_client_stats(drt_client *client, drt_stats *out);

/**
 * Ends a client: its subscriptions end, callbacks that are due run and are released,
 * the link is closed politely, all within `timeout_ms` milliseconds; then every handle
 * of the client is stale. *Blocks.*
 *
 * Returns after the last callback and the last release, which in poll delivery run
 * inside this call; or with `DRT_ERR_TIMEOUT`, if a callback does not return in time,
 * and then the rest happens when it does. Of several threads that close a client at
 * once, one does; the others get `DRT_ERR_INVALID_HANDLE`. Any thread.
 */
drt_status drt_client_close(drt_client *client, uint32_t timeout_ms);

/* ---- Scopes -------------------------------------------------------------------------------- */

/**
 * Opens a scope: a group of subscriptions that end together, such as those of one page
 * of a user interface. Stores its handle in `*out`, or NULL when it fails. End it with
 * `drt_scope_close`, or with its client. Any thread.
 */
drt_status drt_scope_new(drt_client *client, drt_scope **out);

/**
 * Ends a scope and its subscriptions; persistent ones live on, outside of any scope.
 * When it returns, no callback of the ended subscriptions runs or will run, unless
 * this was called from inside that callback. It may wait for a running one: hold no
 * lock that the callback takes. Any thread.
 */
drt_status drt_scope_close(drt_scope *scope);

/* ---- Events -------------------------------------------------------------------------------- */

/** What happened. */
typedef int32_t drt_event_kind;

/**
 * `data` is a snapshot: everything that matches the query, in one piece. An array, an
 * object for an item or a singleton, nothing where the subscription's `events` names
 * fewer than all kinds.
 */
#define DRT_EVENT_INIT 0
/** `data` is an item that was made. */
#define DRT_EVENT_CREATE 1
/** `data` is an item that was changed. */
#define DRT_EVENT_UPDATE 2
/** `data` is `{"<primary_key>": key}` of an item that was deleted. */
#define DRT_EVENT_DELETE 3
/**
 * `data` is `{"code": ..., "message": ...}`. With `DRT_FLAG_ENDED` the server has refused
 * the subscription, which is over; without it one event was withheld, because of a
 * permission, say, and the subscription lives on.
 */
#define DRT_EVENT_ERROR 4
/**
 * In `drt_event.flags`: this INIT follows a gap, such as a lost link. What was known
 * before is to be replaced by it.
 */
#define DRT_FLAG_RESYNC 1
/** In `drt_event.flags`: the subscription is over, this is its last event. */
#define DRT_FLAG_ENDED 2

/** An event. Everything in it is valid only during the callback that receives it. */
typedef struct drt_event {
    /** Size of the struct in bytes, as the library knows it. */
    size_t struct_size;
    /** What happened. */
    drt_event_kind kind;
    /** `DRT_FLAG_RESYNC`, `DRT_FLAG_ENDED`. */
    uint32_t flags;
    /** Whose event it is. */
    drt_subscription *subscription;
    /** The subscription's uid, NUL-terminated. */
    const char *uid;
    /** Bytes in `uid`. */
    size_t uid_len;
    /** The subscription's collection, NUL-terminated. */
    const char *collection;
    /** Bytes in `collection`. */
    size_t collection_len;
    /**
     * JSON, *not* NUL-terminated; NULL where there is none. One object for each item, or
     * with `DRT_PER_MESSAGE` the server's own value.
     */
    const char *data;
    /** Bytes in `data`. */
    size_t data_len;
    /** The server's `meta` as JSON, *not* NUL-terminated; NULL where there is none. */
    const char *meta;
    /** Bytes in `meta`. */
    size_t meta_len;
    /** Counts the client's events from 1, without holes, in the order of delivery. */
    uint64_t sequence;
    /** Place of the item within the server's message, from 0. */
    uint32_t index;
    /** Number of items in the server's message. */
    uint32_t count;
} drt_event;

/** Takes an event. */
typedef void (*drt_event_fn)(const drt_event *event, void *user_data);

/* ---- Subscriptions ------------------------------------------------------------------------- */

/** The kinds of event that are wanted: 0 for all, or any of `DRT_ON_...`, or-ed. */
typedef uint32_t drt_event_mask;

/** Items that are made. */
#define DRT_ON_CREATE 1
/** Items that are changed. */
#define DRT_ON_UPDATE 2
/** Items that are deleted. */
#define DRT_ON_DELETE 4

/** How changes are cut into callbacks. */
typedef int32_t drt_granularity;

/** One callback per item; a message with n items makes n callbacks in a row. */
#define DRT_PER_ITEM 0
/** One callback per message of the server. */
#define DRT_PER_MESSAGE 1

/** Which snapshot an INIT carries. */
typedef int32_t drt_snapshot;

/**
 * One that was read after the server registered the subscription, so that no change
 * falls between the snapshot and the events.
 */
#define DRT_SNAPSHOT_EXACT 0
/** The server's own, which it reads before; saves the second read. */
#define DRT_SNAPSHOT_SERVER 1

/**
 * Options of a subscription, for `drt_subscribe`. Initialise with
 * `DRT_SUBSCRIPTION_OPTIONS_INIT`; a member that is NULL, false or 0 has its default.
 */
typedef struct drt_subscription_options {
    /** Size of the struct in bytes; set by `DRT_SUBSCRIPTION_OPTIONS_INIT`. */
    size_t struct_size;
    /** The collection's name; required. */
    const char *collection;
    /**
     * JSON object: `fields`, `filter`, `sort`, `limit`, `search`, `deep`, `alias`,
     * `meta` ...; default none.
     */
    const char *query;
    /**
     * A name of the application's choice, unique within the client; by default one is
     * generated.
     */
    const char *uid;
    /**
     * Whether the subscription survives its scope, `drt_unsubscribe_collection` and
     * `drt_unsubscribe_all`; default false.
     */
    bool persistent;
    /** The kinds of event that are wanted; default 0 = all. */
    drt_event_mask events;
    /**
     * Primary key of the one item to watch, also where it is a number; default NULL = all
     * that the query matches.
     */
    const char *item;
    /** Name of the collection's primary key; default "id". */
    const char *primary_key;
    /** How changes are cut into callbacks; default `DRT_PER_ITEM`. */
    drt_granularity granularity;
    /** Which snapshot an INIT carries; default `DRT_SNAPSHOT_EXACT`. */
    drt_snapshot snapshot;
} drt_subscription_options;

/** Initialises a drt_subscription_options. */
#define DRT_SUBSCRIPTION_OPTIONS_INIT \
    { \
        sizeof(drt_subscription_options), \
        NULL, NULL, NULL, false, 0, NULL, NULL, 0, \
        0 \
    }

/** How far a subscription has come. */
typedef int32_t drt_subscription_status;

/** The server has not confirmed it on the present link. */
#define DRT_SUB_PENDING 0
/** The server has confirmed it. */
#define DRT_SUB_ACTIVE 1

/** A subscription, as `drt_active_subscriptions` shows it. Valid during the call. */
typedef struct drt_subscription_info {
    /** Size of the struct in bytes, as the library knows it. */
    size_t struct_size;
    /** The subscription. */
    drt_subscription *handle;
    /** Its uid, NUL-terminated. */
    const char *uid;
    /** Bytes in `uid`. */
    size_t uid_len;
    /** Its collection, NUL-terminated. */
    const char *collection;
    /** Bytes in `collection`. */
    size_t collection_len;
    /** Whether it survives its scope. */
    bool persistent;
    /** How far it has come. */
    drt_subscription_status status;
    /** The `sequence` of its last event; 0 before the first. */
    uint64_t last_sequence;
} drt_subscription_info;

/** Takes one of the subscriptions; false ends the row. */
typedef bool (*drt_subscription_visit_fn)(const drt_subscription_info *info, void *user_data);

/**
 * Subscribes to a collection. Works in every state but FAILED and CLOSED; the first
 * subscription of a client connects it.
 *
 * `fn` gets the subscription's events: an INIT first, and another one, marked
 * `DRT_FLAG_RESYNC`, after every gap. `scope` may be NULL. The options are copied.
 * `out` may be NULL; otherwise `*out` is the new subscription, with `DRT_DUPLICATE` the
 * one that has the uid already (`fn` is not used then, and is released), or NULL when
 * this fails. The handle needs no freeing. Any thread.
 */
drt_status drt_subscribe(drt_client *client,
                         drt_scope *scope,
                         const drt_subscription_options *options,
                         drt_event_fn fn,
                         void *user_data,
                         drt_release_fn release,
                         drt_subscription **out);

/**
 * Waits until the server has answered a subscription. *Blocks.*
 *
 * Returns DRT_OK once it is active, `DRT_ERR_SERVER` when the server has refused it,
 * `DRT_ERR_TIMEOUT` after `timeout_ms` milliseconds (0 = look and don't wait), or, when
 * the client fails or is closed, the reason for that. It does not dispatch. Any thread.
 */
drt_status drt_subscription_wait(drt_subscription *subscription, uint32_t timeout_ms);

/**
 * Ends a subscription. When it returns, no callback of it runs or will run, unless this
 * was called from inside that callback. It may wait for a running one: hold no lock that
 * the callback takes. Any thread.
 */
drt_status drt_subscription_unsubscribe(drt_subscription *subscription);

/**
 * Ends the subscription with that uid, persistent or not, in whichever scope, as
 * `drt_subscription_unsubscribe` does; `DRT_ERR_NOT_FOUND` if there is none. Any thread.
 */
drt_status drt_unsubscribe(drt_client *client, const char *uid);

/**
 * Ends all subscriptions to a collection but the persistent ones, in every scope, as
 * `drt_subscription_unsubscribe` does. `*ended` is their number; `ended` may be NULL.
 * Any thread.
 */
drt_status drt_unsubscribe_collection(drt_client *client, const char *collection, size_t *ended);

/**
 * Ends all subscriptions but the persistent ones, in every scope, as
 * `drt_subscription_unsubscribe` does. `*ended` is their number; `ended` may be NULL.
 * Any thread.
 */
drt_status drt_unsubscribe_all(drt_client *client, size_t *ended);

/**
 * Whether a subscription with that uid exists, confirmed or not; false for an invalid
 * handle. Any thread.
 */
bool drt_has_subscription(drt_client *client, const char *uid);

/**
 * Shows `fn` each subscription of the client, in the order in which they were made,
 * before it returns. `fn` may call every function, except those that block. Any thread.
 */
drt_status drt_active_subscriptions(drt_client *client,
                                    drt_subscription_visit_fn fn,
                                    void *user_data);

/* ---- Messages ------------------------------------------------------------------------------ */

/**
 * Takes the outcome of a request. `json` is the server's answer or, with
 * `DRT_ERR_SERVER`, its error object; *not* NUL-terminated, empty where there is none,
 * valid during the call.
 */
typedef void (*drt_reply_fn)(drt_status status, const char *json, size_t json_len, void *user_data);

/**
 * Sends a message that no answer is expected to: a JSON object with a `type`.
 * `DRT_ERR_NOT_CONNECTED` when the client is not connected, `DRT_ERR_QUEUE_FULL` when
 * too much waits to be sent. Any thread.
 */
drt_status drt_send_message(drt_client *client, const char *json);

/**
 * Sends a message and gives its answer to `fn`: a JSON object with a `type`. A uid is
 * added where it has none.
 *
 * When this returns DRT_OK, `fn` runs exactly once: with the server's answer, its error
 * (`DRT_ERR_SERVER`), `DRT_ERR_TIMEOUT` after `timeout_ms` milliseconds (0 = the client's
 * `ack_timeout_ms`), `DRT_ERR_NOT_CONNECTED` when the link is lost, or `DRT_ERR_CLOSED`.
 * When this fails, `fn` does not run. Any thread.
 */
drt_status drt_request(drt_client *client,
                       const char *json,
                       uint32_t timeout_ms,
                       drt_reply_fn fn,
                       void *user_data,
                       drt_release_fn release);

/* ---- Poll delivery ------------------------------------------------------------------------- */

/**
 * A descriptor that is readable while something waits to be dispatched, for `poll`,
 * `epoll`, `select` or an event loop. Only wait on it: it is the library's, which reads
 * from it and closes it. Whoever finds it readable dispatches until nothing is left.
 * -1 in thread delivery and for an invalid handle. Any thread.
 */
int drt_client_fd(drt_client *client);

/**
 * In poll delivery, runs the callbacks that wait, on this thread. *Blocks.*
 *
 * Waits for something for up to `timeout_ms` milliseconds (0 = not at all, negative = for
 * ever), then runs at most `max_events` callbacks (0 = all that wait) and stores how many
 * in `*dispatched`, unless that is NULL. Returns DRT_OK also when nothing came;
 * `DRT_ERR_INVALID_ARGUMENT` in thread delivery. One thread at a time dispatches, others
 * wait for it. Any thread.
 */
drt_status drt_client_dispatch(drt_client *client,
                               int32_t timeout_ms,
                               size_t max_events,
                               size_t *dispatched);

/**
 * Dispatch for languages in which a call per event costs more than parsing: no event
 * callback runs; the events come as one JSON array. *Blocks.*
 *
 * Each element is `[user_data as a number, kind, flags, sequence, index, count, data]`,
 * and `meta` as an eighth where there is some; `data` is `null` where there is none.
 * `*json` has `*json_len` bytes, is *not* NUL-terminated, and is valid until the next
 * drain or dispatch of this client, or its close; on failure it is NULL. `*drained` is the
 * number of events and of other callbacks that ran, unless it is NULL.
 * State, token, reply and release callbacks run as in `drt_client_dispatch`, in
 * their place: a batch ends before one. `timeout_ms` and `max_events` are as there. Any
 * thread.
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
