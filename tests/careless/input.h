/* Strings and options, good and bad. */
#ifndef INPUT_H
#define INPUT_H

#include "dice.h"

#include <directus_realtime.h>

static const char *url_of_server;
static char long_text[70000], deep_text[70000];

static inline void prepare_input(const char *url) {
    url_of_server = url;
    memset(long_text, 'x', sizeof(long_text) - 1);
    memset(deep_text, '[', sizeof(deep_text) - 1);
}

static inline const char *bad_text(void) {
    const char *const texts[] = {NULL, "",       "\xFF\xFE", "a\xC3",   long_text, deep_text, "{}",
                                 "[",  "{\"a\"", "null",     "\x01\n,", "%s%n",    "1e999"};
    return ANY_OF(texts);
}

/* One of these, or now and then a bad one. */
#define TEXT(...) (one_in(16) ? bad_text() : ANY_OF(((const char *const[]){__VA_ARGS__})))

static inline const char *any_uid(void) { return TEXT(NULL, NULL, "one", "two", "three", "four"); }

static inline const char *any_collection(void) { return TEXT("posts", "posts", "pages"); }

static inline const char *any_query(void) {
    return TEXT(NULL, NULL, "{\"fields\":[\"id\"]}", "{\"limit\":2,\"sort\":[\"-id\"]}",
                "{\"filter\":{\"id\":{\"_gt\":1}}}", "{\"aggregate\":{\"count\":\"*\"}}");
}

static inline const char *any_message(void) {
    return TEXT("{\"type\":\"ping\"}", "{\"type\":\"items\",\"action\":\"read\"}",
                "{\"type\":\"silent\",\"uid\":\"mine\"}", "{\"type\":\"subscribe\"}",
                "{\"type\":7}");
}

static inline uint32_t any_time(void) { return one_in(8) ? 20 : dice(3); }

/* The size of a struct, or a smaller one, as an older program would have it. */
static inline size_t any_size(size_t size) { return one_in(32) ? dice((uint32_t)size) : size; }

static inline drt_client_options any_client_options(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.struct_size = any_size(sizeof(options));
    options.url =
        one_in(8) ? TEXT("ws://127.0.0.1:1/", "ftp://a", "ws://[::1", "http://") : url_of_server;
    options.access_token = TEXT("token", "token", NULL);
    options.auth_mode = one_in(16) ? (drt_auth_mode)dice_next() : (drt_auth_mode)dice(3);
    options.delivery = one_in(32) ? 7 : (drt_delivery)dice(2);
    options.connect_timeout_ms = one_in(8) ? 1 : 2000;
    options.ack_timeout_ms = one_in(8) ? 1 : 500;
    options.heartbeat_ms = 50 + dice(1000);
    options.reconnect_min_ms = 1;
    options.reconnect_max_ms = 1 + dice(20);
    options.reconnect_attempts = dice(8);
    options.queue_bytes = one_in(4) ? dice(4000) : 0;
    options.send_queue_bytes = dice(2000);
    options.max_message_bytes = one_in(16) ? dice(400) : 0;
    options.headers = one_in(16) ? bad_text() : NULL;
    options.proxy = one_in(32) ? bad_text() : NULL;
    options.ca_file = one_in(32) ? bad_text() : NULL;
    return options;
}

static inline drt_subscription_options any_subscription_options(void) {
    drt_subscription_options options = DRT_SUBSCRIPTION_OPTIONS_INIT;
    options.struct_size = any_size(sizeof(options));
    options.collection = any_collection();
    options.query = any_query();
    options.uid = any_uid();
    options.persistent = one_in(2);
    options.events = one_in(16) ? (drt_event_mask)dice_next() : dice(8);
    options.item = one_in(4) ? TEXT("1", "2") : NULL;
    options.primary_key = one_in(16) ? bad_text() : NULL;
    options.granularity = one_in(32) ? -1 : (drt_granularity)dice(2);
    options.snapshot = one_in(32) ? 9 : (drt_snapshot)dice(2);
    options.settle_ms = one_in(2) ? UINT32_MAX : dice(20);
    return options;
}

static inline drt_live_options any_live_options(void) {
    drt_live_options options = DRT_LIVE_OPTIONS_INIT;
    options.struct_size = any_size(sizeof(options));
    options.collection = any_collection();
    options.query = any_query();
    options.uid = any_uid();
    options.persistent = one_in(2);
    options.primary_key = one_in(16) ? bad_text() : NULL;
    options.depends_on = one_in(4) ? TEXT("pages", "authors,pages", ",,") : NULL;
    options.verify_ms = one_in(2) ? dice(50) : 0;
    return options;
}

#endif
