/* Every misuse of the C ABI returns an error code and a message (I8). */
#include "check.h"

#include <stdint.h>

typedef drt_status (*call_fn)(void *handle);

static void ignore_state(drt_client *client, drt_state state, drt_status reason,
                         const char *message, void *user_data) {
    (void)client, (void)state, (void)reason, (void)message, (void)user_data;
}

static void ignore_token(drt_client *client, drt_status reason, void *user_data) {
    (void)client, (void)reason, (void)user_data;
}

static void ignore_reply(drt_status status, const char *json, size_t json_len, void *user_data) {
    (void)status, (void)json, (void)json_len, (void)user_data;
}

static bool ignore_info(const drt_subscription_info *info, void *user_data) {
    (void)info, (void)user_data;
    return true;
}

/* Every function that takes a handle, called with otherwise valid arguments. */

static drt_status on_state(void *h) { return drt_client_on_state(h, ignore_state, NULL, NULL); }
static drt_status on_token(void *h) { return drt_client_on_token(h, ignore_token, NULL, NULL); }
static drt_status connect_(void *h) { return drt_client_connect(h); }
static drt_status reconnect(void *h) { return drt_client_reconnect(h); }
static drt_status disconnect(void *h) { return drt_client_disconnect(h); }
static drt_status set_token(void *h) { return drt_client_set_token(h, "token"); }
static drt_status wait_(void *h) { return drt_client_wait(h, DRT_STATE_IDLE, 0); }
static drt_status close_(void *h) { return drt_client_close(h, 1000); }
static drt_status unsubscribe(void *h) { return drt_unsubscribe(h, "uid"); }
static drt_status unsubscribe_all(void *h) { return drt_unsubscribe_all(h, NULL); }
static drt_status visit(void *h) { return drt_active_subscriptions(h, ignore_info, NULL); }
static drt_status send(void *h) { return drt_send_message(h, "{\"type\":\"ping\"}"); }
static drt_status dispatch(void *h) { return drt_client_dispatch(h, 0, 0, NULL); }
static drt_status scope_close(void *h) { return drt_scope_close(h); }
static drt_status sub_wait(void *h) { return drt_subscription_wait(h, 0); }
static drt_status sub_end(void *h) { return drt_subscription_unsubscribe(h); }

static drt_status stats(void *h) {
    drt_stats out = DRT_STATS_INIT;
    return drt_client_stats(h, &out);
}

static drt_status unsubscribe_collection(void *h) {
    return drt_unsubscribe_collection(h, "posts", NULL);
}

static drt_status request(void *h) {
    return drt_request(h, "{\"type\":\"ping\"}", 1, ignore_reply, NULL, NULL);
}

static drt_status drain(void *h) {
    const char *json = "";
    size_t len = 1;
    drt_status status = drt_client_drain(h, 0, 0, &json, &len, NULL);
    CHECK(status >= 0 || (json == NULL && len == 0));
    return status;
}

static drt_status next(void *h) {
    const char *json = "";
    size_t len = 1;
    drt_status status = drt_client_next(h, 0, 0, &json, &len, NULL);
    CHECK(status >= 0 || (json == NULL && len == 0));
    return status;
}

static drt_status next_indexed(void *h) {
    const char *text = "";
    size_t len = 1;
    drt_row_entry entry;
    drt_status status = drt_client_next_indexed(h, 0, 1, &entry, sizeof(entry), &text, &len, NULL);
    CHECK(status >= 0 || (text == NULL && len == 0));
    return status;
}

static drt_status control(void *h) { return drt_client_dispatch_control(h, 0, NULL); }

static drt_status close_begin(void *h) { return drt_client_close_begin(h, NULL, NULL, NULL); }

static drt_status resync(void *h) { return drt_subscription_resync(h); }

static drt_status visit_one(void *h) { return drt_subscription_visit(h, ignore_info, NULL); }

static drt_status scope_new(void *h) {
    drt_scope *out = (drt_scope *)(uintptr_t)1;
    drt_status status = drt_scope_new(h, &out);
    CHECK(status >= 0 || out == NULL);
    return status;
}

static drt_status subscribe_in(void *client, void *scope) {
    drt_subscription_options options = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_subscription *out = (drt_subscription *)(uintptr_t)1;
    options.collection = "posts";
    drt_status status = drt_subscribe(client, scope, &options, ignore_event, NULL, NULL, &out);
    CHECK(status >= 0 || out == NULL);
    return status;
}

static drt_status subscribe_(void *h) { return subscribe_in(h, NULL); }

static drt_status state(void *h) {
    return drt_client_state(h) == DRT_STATE_CLOSED ? DRT_ERR_INVALID_HANDLE : DRT_OK;
}

static drt_status is_connected(void *h) {
    return drt_client_is_connected(h) ? DRT_OK : DRT_ERR_INVALID_HANDLE;
}

static drt_status has(void *h) {
    return drt_has_subscription(h, "uid") ? DRT_OK : DRT_ERR_INVALID_HANDLE;
}

static drt_status fd(void *h) { return drt_client_fd(h) >= 0 ? DRT_OK : DRT_ERR_INVALID_HANDLE; }

static drt_client *a_client;
static drt_status in_scope(void *h) { return subscribe_in(a_client, h); }

enum kind { CLIENT, SCOPE, SUBSCRIPTION };

/* `null_is_fine`: NULL is a valid value of this parameter. */
static const struct {
    const char *name;
    call_fn call;
    enum kind kind;
    bool null_is_fine;
} CALLS[] = {
    {"drt_client_on_state", on_state, CLIENT, false},
    {"drt_client_on_token", on_token, CLIENT, false},
    {"drt_client_connect", connect_, CLIENT, false},
    {"drt_client_reconnect", reconnect, CLIENT, false},
    {"drt_client_disconnect", disconnect, CLIENT, false},
    {"drt_client_set_token", set_token, CLIENT, false},
    {"drt_client_state", state, CLIENT, false},
    {"drt_client_is_connected", is_connected, CLIENT, false},
    {"drt_client_wait", wait_, CLIENT, false},
    {"drt_client_stats", stats, CLIENT, false},
    {"drt_client_close", close_, CLIENT, false},
    {"drt_scope_new", scope_new, CLIENT, false},
    {"drt_scope_close", scope_close, SCOPE, false},
    {"drt_subscribe", subscribe_, CLIENT, false},
    {"drt_subscribe in a scope", in_scope, SCOPE, true},
    {"drt_subscription_wait", sub_wait, SUBSCRIPTION, false},
    {"drt_subscription_unsubscribe", sub_end, SUBSCRIPTION, false},
    {"drt_unsubscribe", unsubscribe, CLIENT, false},
    {"drt_unsubscribe_collection", unsubscribe_collection, CLIENT, false},
    {"drt_unsubscribe_all", unsubscribe_all, CLIENT, false},
    {"drt_has_subscription", has, CLIENT, false},
    {"drt_active_subscriptions", visit, CLIENT, false},
    {"drt_send_message", send, CLIENT, false},
    {"drt_request", request, CLIENT, false},
    {"drt_client_fd", fd, CLIENT, false},
    {"drt_client_dispatch", dispatch, CLIENT, false},
    {"drt_client_drain", drain, CLIENT, false},
    {"drt_client_next", next, CLIENT, false},
    {"drt_client_next_indexed", next_indexed, CLIENT, false},
    {"drt_client_dispatch_control", control, CLIENT, false},
    {"drt_client_close_begin", close_begin, CLIENT, false},
    {"drt_subscription_resync", resync, SUBSCRIPTION, false},
    {"drt_subscription_visit", visit_one, SUBSCRIPTION, false},
};

/* Passes a bad handle to every function: to those of kind `only`, or to all but `except`. */
static void check_refused_by_all(void *handle, const enum kind *only, const enum kind *except,
                                 const char *what, const char *word) {
    for (size_t i = 0; i < sizeof(CALLS) / sizeof(CALLS[0]); i++) {
        if ((only != NULL && CALLS[i].kind != *only) ||
            (except != NULL && CALLS[i].kind == *except) ||
            (handle == NULL && CALLS[i].null_is_fine)) {
            continue;
        }
        /* Another call fails first, so that an old message cannot pass for the new one. */
        drt_client_new(NULL, NULL);
        drt_status status = CALLS[i].call(handle);
        if (status != DRT_ERR_INVALID_HANDLE || strstr(drt_last_error(), word) == NULL) {
            atomic_fetch_add(&check_failures, 1);
            fprintf(stderr, "%s with %s: %s (%s)\n", CALLS[i].name, what, drt_status_name(status),
                    drt_last_error());
        }
    }
}

static uint64_t next_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static void bad_handles_are_refused(void) {
    const enum kind client_kind = CLIENT, scope_kind = SCOPE, sub_kind = SUBSCRIPTION;
    drt_client *closed = client_with(DRT_DELIVER_POLL);
    drt_scope *orphan = NULL, *ended = NULL, *scope = NULL;
    a_client = client_with(DRT_DELIVER_POLL);
    CHECK_STATUS(drt_scope_new(closed, &orphan), DRT_OK);
    drt_subscription *lost = subscribe(closed, orphan, "lost");
    CHECK_STATUS(drt_client_close(closed, 1000), DRT_OK);
    CHECK_STATUS(drt_scope_new(a_client, &ended), DRT_OK);
    CHECK_STATUS(drt_scope_new(a_client, &scope), DRT_OK);
    drt_subscription *over = subscribe(a_client, ended, "over");
    drt_subscription *sub = subscribe(a_client, scope, "sub");
    CHECK_STATUS(drt_scope_close(ended), DRT_OK);

    check_refused_by_all(NULL, NULL, NULL, "NULL", "NULL");
    check_refused_by_all(closed, &client_kind, NULL, "a closed client", "stale");
    check_refused_by_all(orphan, &scope_kind, NULL, "a closed client's scope", "stale");
    check_refused_by_all(lost, &sub_kind, NULL, "a closed client's subscription", "stale");
    check_refused_by_all(ended, &scope_kind, NULL, "a closed scope", "stale");
    check_refused_by_all(over, &sub_kind, NULL, "an ended subscription", "stale");
    check_refused_by_all(a_client, NULL, &client_kind, "a client", "client");
    check_refused_by_all(scope, NULL, &scope_kind, "a scope", "scope");
    check_refused_by_all(sub, NULL, &sub_kind, "a subscription", "subscription");

    int on_the_stack = 0;
    void *on_the_heap = malloc(1);
    check_refused_by_all(&on_the_stack, NULL, NULL, "the address of a variable", "handle");
    check_refused_by_all(on_the_heap, NULL, NULL, "an allocation", "handle");
    check_refused_by_all((void *)UINTPTR_MAX, NULL, NULL, "the largest address", "handle");
    free(on_the_heap);
    for (uintptr_t small = 1; small < 300; small++) {
        check_refused_by_all((void *)small, NULL, NULL, "a small number", "handle");
    }
    for (unsigned bit = 0; bit < 8 * sizeof(void *); bit++) {
        void *near = (void *)((uintptr_t)a_client ^ ((uintptr_t)1 << bit));
        if (near != (void *)scope && near != (void *)sub) {
            check_refused_by_all(near, NULL, NULL, "nearly a client", "`");
        }
    }
    uint64_t seed = 88172645463325252U;
    for (int round = 0; round < 1000; round++) {
        check_refused_by_all((void *)(uintptr_t)next_random(&seed), NULL, NULL, "a random number",
                             "handle");
    }

    drt_client *other = client_with(DRT_DELIVER_THREAD);
    CHECK_STATUS(subscribe_in(other, scope), DRT_ERR_INVALID_HANDLE);
    CHECK(strstr(drt_last_error(), "another client") != NULL);
    CHECK_STATUS(drt_client_close(other, 1000), DRT_OK);
    /* The valid handles still work. */
    CHECK(drt_has_subscription(a_client, "sub"));
    CHECK_STATUS(drt_subscription_unsubscribe(sub), DRT_OK);
    CHECK_STATUS(drt_scope_close(scope), DRT_OK);
    CHECK_STATUS(drt_client_close(a_client, 1000), DRT_OK);
    CHECK_STATUS(drt_client_close(a_client, 1000), DRT_ERR_INVALID_HANDLE);
}

#define NOT_UTF8 "abc\xff"

static void bad_client_options_are_refused(void) {
    const enum { BASE_SIZE = 3 * sizeof(void *) } least = BASE_SIZE;
    drt_client_options good = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = (drt_client *)(uintptr_t)1;
    good.url = NOWHERE;
    CHECK_REFUSES(drt_client_new(&good, NULL), DRT_ERR_INVALID_ARGUMENT, "out");
    CHECK_REFUSES(drt_client_new(NULL, &client), DRT_ERR_INVALID_ARGUMENT, "options");
    CHECK(client == NULL);

#define REFUSED(member, value, status)                                                             \
    do {                                                                                           \
        drt_client_options bad = good;                                                             \
        bad.member = (value);                                                                      \
        client = (drt_client *)(uintptr_t)1;                                                       \
        CHECK_REFUSES(drt_client_new(&bad, &client), status, #member);                             \
        CHECK(client == NULL);                                                                     \
    } while (0)
    REFUSED(url, NULL, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(auth_mode, 3, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(auth_mode, -1, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(delivery, 2, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(email, "no password", DRT_ERR_INVALID_ARGUMENT);
    REFUSED(access_token, "", DRT_ERR_INVALID_ARGUMENT);
    /* Refused although this client's URL needs no TLS. */
    REFUSED(ca_file, "/no/such.pem", DRT_ERR_IO);
    REFUSED(client_key_file, "/no/such.pem", DRT_ERR_INVALID_ARGUMENT);
    REFUSED(url, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(access_token, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(email, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(password, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(refresh_token, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(ca_file, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(proxy, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(client_cert_file, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(client_key_file, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(headers, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(user_agent, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(struct_size, 0, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(struct_size, 1, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(struct_size, sizeof(size_t), DRT_ERR_INVALID_ARGUMENT);
    /* No version of the header has a size that ends inside a member. */
    REFUSED(struct_size, sizeof(good) - 1, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(struct_size, least + sizeof(void *) / 2, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(struct_size, 1U << 20, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(struct_size, SIZE_MAX, DRT_ERR_INVALID_ARGUMENT);
#undef REFUSED

    drt_client_options older = good;
    older.struct_size = least;
    older.access_token = NOT_UTF8; /* beyond its end: not read */
    CHECK_STATUS(drt_client_new(&older, &client), DRT_OK);
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);

    struct {
        drt_client_options known;
        uint64_t unknown;
    } newer = {good, 0};
    newer.known.struct_size = sizeof(newer);
    CHECK_STATUS(drt_client_new(&newer.known, &client), DRT_OK);
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);
    newer.unknown = 1;
    CHECK_REFUSES(drt_client_new(&newer.known, &client), DRT_ERR_INVALID_ARGUMENT, "options");
    CHECK(client == NULL);
}

static void bad_subscription_options_are_refused(drt_client *client) {
    drt_subscription_options good = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_subscription *sub = NULL;
    good.collection = "posts";
    CHECK_REFUSES(drt_subscribe(client, NULL, NULL, ignore_event, NULL, NULL, &sub),
                  DRT_ERR_INVALID_ARGUMENT, "options");

#define REFUSED(member, value, status)                                                             \
    do {                                                                                           \
        drt_subscription_options bad = good;                                                       \
        bad.member = (value);                                                                      \
        sub = (drt_subscription *)(uintptr_t)1;                                                    \
        CHECK_REFUSES(drt_subscribe(client, NULL, &bad, ignore_event, NULL, NULL, &sub), status,   \
                      #member);                                                                    \
        CHECK(sub == NULL);                                                                        \
    } while (0)
    REFUSED(collection, NULL, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(collection, "", DRT_ERR_INVALID_ARGUMENT);
    REFUSED(collection, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(uid, "", DRT_ERR_INVALID_ARGUMENT);
    REFUSED(uid, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(item, "", DRT_ERR_INVALID_ARGUMENT);
    REFUSED(item, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(primary_key, "", DRT_ERR_INVALID_ARGUMENT);
    REFUSED(primary_key, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(query, NOT_UTF8, DRT_ERR_INVALID_UTF8);
    REFUSED(query, "", DRT_ERR_INVALID_JSON);
    REFUSED(query, "{", DRT_ERR_INVALID_JSON);
    REFUSED(query, "[1]", DRT_ERR_INVALID_JSON);
    REFUSED(query, "{} {}", DRT_ERR_INVALID_JSON);
    REFUSED(events, 8U, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(events, UINT32_MAX, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(granularity, 2, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(snapshot, -7, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(struct_size, 0, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(struct_size, sizeof(good) - 1, DRT_ERR_INVALID_ARGUMENT);
    REFUSED(struct_size, SIZE_MAX, DRT_ERR_INVALID_ARGUMENT);
#undef REFUSED

    CHECK_STATUS(drt_subscribe(client, NULL, &good, ignore_event, NULL, NULL, NULL), DRT_OK);
}

static void bad_arguments_are_refused(void) {
    drt_client *client = client_with(DRT_DELIVER_POLL);
    drt_stats stats_ = DRT_STATS_INIT;
    const char *json = NULL;
    size_t len = 0;
    bad_subscription_options_are_refused(client);
    CHECK_REFUSES(drt_scope_new(client, NULL), DRT_ERR_INVALID_ARGUMENT, "out");
    CHECK_REFUSES(drt_client_stats(client, NULL), DRT_ERR_INVALID_ARGUMENT, "out");
    stats_.struct_size = 0;
    CHECK_REFUSES(drt_client_stats(client, &stats_), DRT_ERR_INVALID_ARGUMENT, "struct_size");
    CHECK_REFUSES(drt_client_set_token(client, NULL), DRT_ERR_INVALID_ARGUMENT, "access_token");
    CHECK_REFUSES(drt_client_set_token(client, ""), DRT_ERR_INVALID_ARGUMENT, "access_token");
    CHECK_REFUSES(drt_client_set_token(client, NOT_UTF8), DRT_ERR_INVALID_UTF8, "access_token");
    CHECK(strstr(drt_last_error(), "0xff at offset 3") != NULL);
    CHECK_REFUSES(drt_client_wait(client, 7, 0), DRT_ERR_INVALID_ARGUMENT, "state");
    CHECK_REFUSES(drt_client_wait(client, -1, 0), DRT_ERR_INVALID_ARGUMENT, "state");
    CHECK_REFUSES(drt_unsubscribe(client, NULL), DRT_ERR_INVALID_ARGUMENT, "uid");
    CHECK_REFUSES(drt_unsubscribe(client, ""), DRT_ERR_INVALID_ARGUMENT, "uid");
    CHECK_REFUSES(drt_unsubscribe(client, NOT_UTF8), DRT_ERR_INVALID_UTF8, "uid");
    CHECK_FAILS(drt_unsubscribe(client, "nobody"), DRT_ERR_NOT_FOUND, "nobody");
    size_t ended = 7;
    CHECK_REFUSES(drt_unsubscribe_collection(client, NULL, &ended), DRT_ERR_INVALID_ARGUMENT,
                  "collection");
    CHECK(ended == 0);
    CHECK_REFUSES(drt_unsubscribe_collection(client, NOT_UTF8, NULL), DRT_ERR_INVALID_UTF8,
                  "collection");
    CHECK(!drt_has_subscription(client, NULL) && strstr(drt_last_error(), "uid") != NULL);
    CHECK(!drt_has_subscription(client, NOT_UTF8));
    CHECK_REFUSES(drt_active_subscriptions(client, NULL, NULL), DRT_ERR_INVALID_ARGUMENT, "fn");
    CHECK_REFUSES(drt_send_message(client, NULL), DRT_ERR_INVALID_ARGUMENT, "json");
    CHECK_STATUS(drt_send_message(client, NOT_UTF8), DRT_ERR_INVALID_UTF8);
    CHECK_STATUS(drt_send_message(client, "{\"type\":"), DRT_ERR_INVALID_JSON);
    CHECK_STATUS(drt_send_message(client, "{\"type\":\"x\"}"), DRT_ERR_NOT_CONNECTED);
    CHECK_STATUS(drt_request(client, "no", 1, ignore_reply, NULL, NULL), DRT_ERR_INVALID_JSON);
    CHECK_REFUSES(drt_client_drain(client, 0, 0, NULL, &len, NULL), DRT_ERR_INVALID_ARGUMENT,
                  "json");
    CHECK_REFUSES(drt_client_drain(client, 0, 0, &json, NULL, NULL), DRT_ERR_INVALID_ARGUMENT,
                  "json_len");
    CHECK_REFUSES(drt_set_log(6, NULL, NULL, NULL), DRT_ERR_INVALID_ARGUMENT, "max_level");
    CHECK_REFUSES(drt_set_log(-1, NULL, NULL, NULL), DRT_ERR_INVALID_ARGUMENT, "max_level");
    int fd = 7;
    CHECK_REFUSES(drt_log_open(6, &fd), DRT_ERR_INVALID_ARGUMENT, "max_level");
    CHECK(fd == -1);
    CHECK_REFUSES(drt_log_open(DRT_LOG_INFO, NULL), DRT_ERR_INVALID_ARGUMENT, "fd");
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);
}

static void stats_structs_of_other_versions_are_filled(void) {
    drt_client *client = client_with(DRT_DELIVER_POLL);
    subscribe(client, NULL, NULL);
    struct {
        drt_stats known;
        uint64_t later;
    } stats_;
    memset(&stats_, 0xAA, sizeof(stats_));
    stats_.known.struct_size = 2 * sizeof(uint64_t);
    CHECK_STATUS(drt_client_stats(client, &stats_.known), DRT_OK);
    CHECK(stats_.known.connects == 0 && stats_.known.reconnects == 0xAAAAAAAAAAAAAAAAU);
    stats_.known.struct_size = sizeof(stats_);
    CHECK_STATUS(drt_client_stats(client, &stats_.known), DRT_OK);
    CHECK(stats_.known.subscriptions == 1 && stats_.known.last_rtt_us == 0);
    CHECK(stats_.known.struct_size == sizeof(stats_) && stats_.later == 0);
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);
}

/* printf(..., drt_last_error(), call()) may evaluate its arguments in any order, so the next
   failure must not free the message. */
static void an_error_message_stays_valid_after_the_next_failure(void) {
    drt_client *client = client_with(DRT_DELIVER_POLL);
    CHECK_STATUS(drt_unsubscribe(client, "the first"), DRT_ERR_NOT_FOUND);
    const char *first = drt_last_error();
    CHECK_STATUS(drt_unsubscribe(client, "the second"), DRT_ERR_NOT_FOUND);
    CHECK(strstr(first, "the first") != NULL);
    CHECK(strstr(drt_last_error(), "the second") != NULL);
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);
}

/* In poll delivery, events and replies can be taken as rows. */
static void thread_delivery_needs_functions(void) {
    drt_client *client = client_with(DRT_DELIVER_THREAD);
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_subscription *sub = NULL;
    posts.collection = "posts";
    CHECK_REFUSES(drt_subscribe(client, NULL, &posts, NULL, NULL, NULL, &sub),
                  DRT_ERR_INVALID_ARGUMENT, "fn");
    CHECK_REFUSES(drt_request(client, "{\"type\":\"x\"}", 1, NULL, NULL, NULL),
                  DRT_ERR_INVALID_ARGUMENT, "fn");
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);
}

/* Before the next dispatch the library still knows the ended subscription. */
static void an_error_names_the_parameter_of_a_stale_subscription(void) {
    drt_client *client = client_with(DRT_DELIVER_POLL);
    drt_subscription *sub = subscribe(client, NULL, "ended");
    CHECK_STATUS(drt_subscription_unsubscribe(sub), DRT_OK);
    CHECK_FAILS(drt_subscription_unsubscribe(sub), DRT_ERR_INVALID_HANDLE, "`s` is stale");
    CHECK_FAILS(drt_subscription_wait(sub, 0), DRT_ERR_INVALID_HANDLE, "`s` is stale");
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);
}

static void statuses_have_names_and_the_library_a_version(void) {
    CHECK(strcmp(drt_status_name(DRT_ERR_TIMEOUT), "DRT_ERR_TIMEOUT") == 0);
    CHECK(strcmp(drt_status_name(DRT_DUPLICATE), "DRT_DUPLICATE") == 0);
    CHECK(drt_status_name(4711) != NULL && strlen(drt_status_name(-4711)) > 0);
    CHECK(drt_abi_version() == 2 && strlen(drt_version()) >= 5);
}

int main(void) {
    CHECK(strcmp(drt_last_error(), "") == 0);
    statuses_have_names_and_the_library_a_version();
    bad_handles_are_refused();
    bad_client_options_are_refused();
    bad_arguments_are_refused();
    thread_delivery_needs_functions();
    an_error_names_the_parameter_of_a_stale_subscription();
    an_error_message_stays_valid_after_the_next_failure();
    stats_structs_of_other_versions_are_filled();
    return check_result();
}
