/* The checks of the C programs, and functions that most of them use. */
#ifndef CHECK_H
#define CHECK_H

#include <directus_realtime.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static _Atomic int check_failures;

/* Counts a failure and goes on. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            atomic_fetch_add(&check_failures, 1);                                                  \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition);                \
        }                                                                                          \
    } while (0)

#define CHECK_STATUS(call, expected)                                                               \
    do {                                                                                           \
        drt_status check_got = (call);                                                             \
        if (check_got != (expected)) {                                                             \
            atomic_fetch_add(&check_failures, 1);                                                  \
            fprintf(stderr, "%s:%d: %s is %s instead of %s (%s)\n", __FILE__, __LINE__, #call,     \
                    drt_status_name(check_got), drt_status_name(expected), drt_last_error());      \
        }                                                                                          \
    } while (0)

/* The call fails with this status, and the thread's last error names `word`. */
#define CHECK_FAILS(call, expected, word)                                                          \
    do {                                                                                           \
        CHECK_STATUS(call, expected);                                                              \
        if (strstr(drt_last_error(), (word)) == NULL) {                                            \
            atomic_fetch_add(&check_failures, 1);                                                  \
            fprintf(stderr, "%s:%d: %s: \"%s\" does not name \"%s\"\n", __FILE__, __LINE__, #call, \
                    drt_last_error(), (word));                                                     \
        }                                                                                          \
    } while (0)

/* The same; the last error's argument is this one. */
#define CHECK_REFUSES(call, expected, name)                                                        \
    do {                                                                                           \
        drt_error_info check_info = DRT_ERROR_INFO_INIT;                                           \
        CHECK_FAILS(call, expected, "`" name "`");                                                 \
        CHECK_STATUS(drt_last_error_info(&check_info), DRT_OK);                                    \
        CHECK(check_info.argument != NULL && strcmp(check_info.argument, name) == 0);              \
    } while (0)

static inline int check_result(void) { return atomic_load(&check_failures) == 0 ? 0 : 1; }

static inline void nap_ms(long ms) {
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
}

/* Waits until the condition holds, for a minute at most: machines may be busy. */
#define EVENTUALLY(condition)                                                                      \
    do {                                                                                           \
        for (int check_round = 0; !(condition) && check_round < 6000; check_round++) {             \
            nap_ms(10);                                                                            \
        }                                                                                          \
        CHECK(condition);                                                                          \
    } while (0)

/* Nothing listens on this port, so a client fails to connect at once. */
#define NOWHERE "ws://127.0.0.1:1/"

static inline drt_client *client_with(drt_delivery delivery) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    options.url = NOWHERE;
    options.access_token = "token";
    options.delivery = delivery;
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK(client != NULL);
    return client;
}

/* A release function that counts in its user data. */
static inline void count_release(void *user_data) { atomic_fetch_add((_Atomic int *)user_data, 1); }

static inline void ignore_event(const drt_event *event, void *user_data) {
    (void)event;
    (void)user_data;
}

static inline drt_subscription *subscribe(drt_client *client, drt_scope *scope, const char *uid) {
    drt_subscription_options options = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_subscription *subscription = NULL;
    options.collection = "posts";
    options.uid = uid;
    CHECK_STATUS(drt_subscribe(client, scope, &options, ignore_event, NULL, NULL, &subscription),
                 DRT_OK);
    CHECK(subscription != NULL);
    return subscription;
}

#endif
