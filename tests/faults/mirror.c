/*
 * Keeps a copy of a collection by folding INIT, the events and RESYNC by key. A test
 * drives it, and compares the copy with the database.
 *
 *     mirror URL TOKEN COLLECTION KEY HEARTBEAT_MS QUEUE_BYTES SLEEP_US
 *
 * SLEEP_US is how long it sleeps after each event. Commands come on standard input, one
 * per line. Each is answered with a line of counts, and "copy" with the items as well,
 * one per line. The program ends with its input.
 */
#include "directus_realtime.h"

#include <inttypes.h>
#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct item {
    char key[64];
    char *text;
};

static struct {
    pthread_mutex_t lock;
    struct item *items;
    size_t count, room;
    /* Violations: these stay 0. */
    uint64_t repeated, holes, unmarked, without_item;
    uint64_t events, resyncs, refused, failed, last_sequence;
} copy = {.lock = PTHREAD_MUTEX_INITIALIZER};

static drt_client *client;
static drt_subscription_options subscription_options = DRT_SUBSCRIPTION_OPTIONS_INIT;
static struct timespec pause_after_event;

static void *or_die(void *memory) {
    if (memory == NULL) {
        abort();
    }
    return memory;
}

static void expect(drt_status status, const char *what) {
    if (status != DRT_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, drt_status_name(status), drt_last_error());
        exit(1);
    }
}

static struct item *find(const char *key) {
    for (size_t i = copy.count; i-- > 0;) {
        if (strcmp(copy.items[i].key, key) == 0) {
            return &copy.items[i];
        }
    }
    return NULL;
}

/* A key is a number or a string, and the same key may come as either. */
static void key_of(const json_t *row, char key[64]) {
    const json_t *value = json_object_get(row, subscription_options.primary_key);
    if (json_is_integer(value)) {
        snprintf(key, 64, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else {
        const char *text = json_string_value(value);
        snprintf(key, 64, "%s", text ? text : "");
    }
}

static char *text_of(const json_t *row) {
    return or_die(json_dumps(row, JSON_COMPACT | JSON_ENCODE_ANY));
}

static void drop(const json_t *row) {
    char key[64];
    key_of(row, key);
    struct item *item = find(key);
    if (item != NULL) {
        free(item->text);
        *item = copy.items[--copy.count];
    }
}

static void put(const json_t *row) {
    if (row == NULL) {
        /* A proxy that changes bytes may have changed the name of the member that had it. */
        copy.without_item++;
        return;
    }
    char key[64];
    key_of(row, key);
    struct item *item = find(key);
    if (item != NULL) {
        free(item->text);
    } else {
        if (copy.count == copy.room) {
            copy.room = copy.room * 2 + 16;
            copy.items = or_die(realloc(copy.items, copy.room * sizeof(struct item)));
        }
        item = &copy.items[copy.count++];
        memcpy(item->key, key, sizeof(key));
    }
    item->text = text_of(row);
}

static void begin_again(const json_t *rows) {
    while (copy.count > 0) {
        free(copy.items[--copy.count].text);
    }
    size_t at;
    const json_t *row;
    json_array_foreach (rows, at, row) {
        put(row);
    }
}

static void subscribe(void);

static void fold(const drt_event *event, const json_t *data) {
    bool first = copy.events++ == 0;
    copy.holes += event->sequence != copy.last_sequence + 1;
    copy.last_sequence = event->sequence;
    switch (event->kind) {
    case DRT_EVENT_INIT:
        /* After a refusal the program has subscribed anew, which is no gap. */
        copy.unmarked += !first && copy.refused == 0 && !(event->flags & DRT_FLAG_RESYNC);
        copy.resyncs += (event->flags & DRT_FLAG_RESYNC) != 0;
        begin_again(data);
        break;
    case DRT_EVENT_CREATE: {
        char key[64];
        key_of(data, key);
        /* With other content it may be a new item of that key. */
        const struct item *known = find(key);
        char *text = data != NULL ? text_of(data) : NULL;
        copy.repeated += known != NULL && text != NULL && strcmp(known->text, text) == 0;
        free(text);
        put(data);
        break;
    }
    case DRT_EVENT_UPDATE:
        put(data);
        break;
    case DRT_EVENT_DELETE:
        drop(data);
        break;
    default:
        break;
    }
}

static void on_event(const drt_event *event, void *user_data) {
    (void)user_data;
    bool ended = (event->flags & DRT_FLAG_ENDED) != 0;
    pthread_mutex_lock(&copy.lock);
    json_t *data = json_loadb(event->data, event->data_len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    fold(event, data);
    json_decref(data);
    copy.refused += ended;
    pthread_mutex_unlock(&copy.lock);
    if (ended) {
        /* The request was corrupted on its way, and so refused. */
        subscribe();
    }
    nanosleep(&pause_after_event, NULL);
}

static void on_state(drt_client *which, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)reason;
    (void)message;
    (void)user_data;
    if (state == DRT_STATE_FAILED) {
        /* The credentials were corrupted on their way, and so refused. */
        pthread_mutex_lock(&copy.lock);
        copy.failed++;
        pthread_mutex_unlock(&copy.lock);
        drt_client_reconnect(which);
    }
}

static void subscribe(void) {
    expect(drt_subscribe(client, NULL, &subscription_options, on_event, NULL, NULL, NULL),
           "subscribe");
}

static void answer(bool with_items) {
    drt_stats stats = {.struct_size = sizeof(stats)};
    expect(drt_client_stats(client, &stats), "stats");
    pthread_mutex_lock(&copy.lock);
    size_t items = with_items ? copy.count : 0;
    printf("{\"items\":%zu", items);
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {
        {"events", copy.events},
        {"repeated", copy.repeated},
        {"holes", copy.holes},
        {"unmarked", copy.unmarked},
        {"without_item", copy.without_item},
        {"resyncs", copy.resyncs},
        {"refused", copy.refused},
        {"failed", copy.failed},
        {"reconnects", stats.reconnects},
        {"overflows", stats.overflows},
        {"queued_events", stats.queued_events},
        {"queued_bytes", stats.queued_bytes},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        printf(",\"%s\":%" PRIu64, counts[i].name, counts[i].value);
    }
    printf("}\n");
    for (size_t i = 0; i < items; i++) {
        printf("%s\n", copy.items[i].text);
    }
    pthread_mutex_unlock(&copy.lock);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 8) {
        fprintf(stderr, "see the source for the arguments\n");
        return 2;
    }
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = argv[1];
    options.access_token = argv[2];
    options.heartbeat_ms = (uint32_t)strtoul(argv[5], NULL, 10);
    options.queue_bytes = strtoull(argv[6], NULL, 10);
    options.reconnect_min_ms = 20;
    options.reconnect_max_ms = 200;
    long sleep_us = strtol(argv[7], NULL, 10);
    pause_after_event = (struct timespec){sleep_us / 1000000, sleep_us % 1000000 * 1000};
    subscription_options.collection = argv[3];
    subscription_options.primary_key = argv[4];
    subscription_options.query = "{\"limit\":-1}";
    expect(drt_client_new(&options, &client), "new");
    expect(drt_client_on_state(client, on_state, NULL, NULL), "on_state");
    subscribe();
    for (char order[64]; fgets(order, sizeof(order), stdin) != NULL;) {
        answer(strcmp(order, "copy\n") == 0);
    }
    expect(drt_client_close(client, 10000), "close");
    begin_again(NULL);
    free(copy.items);
    return 0;
}
