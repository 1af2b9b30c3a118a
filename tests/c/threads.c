/* Calls from several threads at once. No thread of the library remains in the end. */
#include "check.h"
#include "tasks.h"

#include <pthread.h>

enum { THREADS = 8, CLIENTS = 50 };

static void *fail_with_its_own_uid(void *argument) {
    const int number = *(const int *)argument;
    char uid[32];
    snprintf(uid, sizeof(uid), "nobody-%d-", number);
    drt_client *client = client_with(DRT_DELIVER_POLL);
    CHECK(strcmp(drt_last_error(), "") == 0);
    for (int round = 0; round < 500; round++) {
        CHECK_FAILS(drt_unsubscribe(client, uid), DRT_ERR_NOT_FOUND, uid);
        CHECK_STATUS(drt_client_disconnect(client), DRT_OK);
        CHECK(strstr(drt_last_error(), uid) != NULL);
    }
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    return NULL;
}

static void last_errors_are_per_thread(void) {
    pthread_t threads[THREADS];
    int numbers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        CHECK(pthread_create(&threads[i], NULL, fail_with_its_own_uid, &numbers[i]) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static _Atomic int closed_by, refused_to;

static void *close_it(void *client) {
    drt_status status = drt_client_close(client, 5000);
    if (status == DRT_OK) {
        atomic_fetch_add(&closed_by, 1);
    } else {
        CHECK(status == DRT_ERR_INVALID_HANDLE || status == DRT_ERR_CLOSED);
        atomic_fetch_add(&refused_to, 1);
    }
    return NULL;
}

/* Uses a client while others close it. Any status is allowed, but no crash and no hang. */
static void *use_it(void *client) {
    for (drt_status status = DRT_OK; status == DRT_OK;) {
        drt_scope *scope = NULL;
        drt_subscription *sub = NULL;
        drt_subscription_options options = DRT_SUBSCRIPTION_OPTIONS_INIT;
        options.collection = "posts";
        status = drt_scope_new(client, &scope);
        drt_subscribe(client, scope, &options, ignore_event, NULL, NULL, &sub);
        drt_client_reconnect(client);
        drt_subscription_unsubscribe(sub);
        drt_scope_close(scope);
    }
    return NULL;
}

static void one_of_many_closing_threads_closes_the_client(void) {
    for (int round = 0; round < 20; round++) {
        pthread_t closers[THREADS], users[2];
        drt_client *client = client_with(DRT_DELIVER_THREAD);
        subscribe(client, NULL, "one");
        closed_by = refused_to = 0;
        for (int i = 0; i < 2; i++) {
            pthread_create(&users[i], NULL, use_it, client);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_create(&closers[i], NULL, close_it, client);
        }
        for (int i = 0; i < THREADS; i++) {
            pthread_join(closers[i], NULL);
        }
        for (int i = 0; i < 2; i++) {
            pthread_join(users[i], NULL);
        }
        CHECK(closed_by == 1 && refused_to == THREADS - 1);
        CHECK_STATUS(drt_client_close(client, 0), DRT_ERR_INVALID_HANDLE);
    }
    CHECK(threads_named("drt-") == 0);
}

static void no_thread_remains_after_many_clients(void) {
    drt_client *clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = client_with(i % 2 == 0 ? DRT_DELIVER_THREAD : DRT_DELIVER_POLL);
        subscribe(clients[i], NULL, "one");
    }
    /* A thread has its name only once it runs. */
    int named = 0;
    for (int i = 0; i < 30000 && named == 0; i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
        named = threads_named("drt-");
    }
    CHECK(named > 0 && named <= CLIENTS / 2 + 8);
    for (int i = 0; i < CLIENTS; i++) {
        CHECK_STATUS(drt_client_close(clients[i], 5000), DRT_OK);
    }
    CHECK(threads_named("drt-") == 0);
}

/* The last client ends the I/O thread, for which close allows 100 ms more than its timeout. A busy
   machine may need longer; any other DRT_ERR_TIMEOUT would mean that a callback still runs. */
static void closing_without_a_timeout_succeeds_when_no_callback_runs(void) {
    int closed_in_time = 0;
    for (int round = 0; round < 50; round++) {
        drt_client *client = client_with(round % 2 == 0 ? DRT_DELIVER_THREAD : DRT_DELIVER_POLL);
        if (round % 3 == 0) {
            subscribe(client, NULL, "one");
        }
        drt_status status = drt_client_close(client, 0);
        closed_in_time += status == DRT_OK;
        if (status != DRT_OK) {
            CHECK_STATUS(status, DRT_ERR_TIMEOUT);
            CHECK(strstr(drt_last_error(), "I/O thread") != NULL);
        }
    }
    CHECK(closed_in_time > 0);
    EVENTUALLY(threads_named("drt-") == 0);
}

int main(void) {
    closing_without_a_timeout_succeeds_when_no_callback_runs();
    last_errors_are_per_thread();
    CHECK(threads_named("drt-") == 0);
    one_of_many_closing_threads_closes_the_client();
    no_thread_remains_after_many_clients();
    return check_result();
}
