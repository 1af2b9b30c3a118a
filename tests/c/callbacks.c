/* Inside a callback every function may be called; those that block are refused. */
#include "check.h"

struct seen {
    _Atomic int entered, states, logs, visits, releases;
    drt_client *client;
    drt_subscription *sub;
};

static void check_that_blocking_calls_are_refused(drt_client *client, drt_subscription *sub) {
    const char *json = NULL;
    size_t len = 0;
    CHECK_FAILS(drt_client_wait(client, DRT_STATE_CONNECTED, 1000), DRT_ERR_WOULD_DEADLOCK,
                "callback");
    CHECK_STATUS(drt_subscription_wait(sub, 1000), DRT_ERR_WOULD_DEADLOCK);
    CHECK_STATUS(drt_client_close(client, 1000), DRT_ERR_WOULD_DEADLOCK);
    CHECK_STATUS(drt_client_dispatch(client, -1, 0, NULL), DRT_ERR_WOULD_DEADLOCK);
    CHECK_STATUS(drt_client_drain(client, -1, 0, &json, &len, NULL), DRT_ERR_WOULD_DEADLOCK);
    /* An invalid handle is reported as such, also inside a callback. */
    CHECK_STATUS(drt_client_wait(NULL, DRT_STATE_IDLE, 0), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_client_close((drt_client *)sub, 0), DRT_ERR_INVALID_HANDLE);
}

static bool visit(const drt_subscription_info *info, void *user_data) {
    struct seen *seen = user_data;
    CHECK(info->struct_size >= sizeof(*info) && info->handle == seen->sub);
    CHECK(strlen(info->uid) == info->uid_len && strcmp(info->uid, "one") == 0);
    CHECK(strcmp(info->collection, "posts") == 0 && info->collection_len == 5);
    CHECK(info->status == DRT_SUB_PENDING && !info->persistent && info->last_sequence == 0);
    check_that_blocking_calls_are_refused(seen->client, info->handle);
    atomic_fetch_add(&seen->visits, 1);
    return false;
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    struct seen *seen = user_data;
    CHECK(client == seen->client && message != NULL);
    CHECK(state != DRT_STATE_BACKOFF || (reason < 0 && strlen(message) > 0));
    /* Only the first two: the client may be closed while a third one runs. */
    if (atomic_fetch_add(&seen->entered, 1) >= 2) {
        return;
    }
    check_that_blocking_calls_are_refused(client, seen->sub);
    CHECK_STATUS(drt_active_subscriptions(client, visit, seen), DRT_OK);
    drt_stats stats = DRT_STATS_INIT;
    CHECK_STATUS(drt_client_stats(client, &stats), DRT_OK);
    CHECK(drt_has_subscription(client, "one") && !drt_client_is_connected(client));
    drt_scope *scope = NULL;
    CHECK_STATUS(drt_scope_new(client, &scope), DRT_OK);
    drt_subscription *two = subscribe(client, scope, "two");
    CHECK_STATUS(drt_subscription_unsubscribe(two), DRT_OK);
    CHECK_STATUS(drt_subscription_unsubscribe(two), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_scope_close(scope), DRT_OK);
    atomic_fetch_add(&seen->states, 1);
}

static void on_release(void *user_data) {
    struct seen *seen = user_data;
    CHECK_STATUS(drt_client_wait(seen->client, DRT_STATE_IDLE, 1), DRT_ERR_WOULD_DEADLOCK);
    atomic_fetch_add(&seen->releases, 1);
}

static void on_log(drt_log_level level, const char *target, const char *message, void *user_data) {
    struct seen *seen = user_data;
    CHECK(level > DRT_LOG_OFF && level <= DRT_LOG_TRACE);
    CHECK(strlen(target) > 0 && strlen(message) > 0 && strstr(message, "token-s3cret") == NULL);
    if (seen->client != NULL) {
        /* Calls of the library inside its log function must not call that again. */
        drt_client_reconnect(NULL);
        CHECK_STATUS(drt_client_wait(seen->client, DRT_STATE_IDLE, 1), DRT_ERR_WOULD_DEADLOCK);
        CHECK(drt_has_subscription(seen->client, "nobody") == false);
        drt_client_connect(seen->client);
    }
    atomic_fetch_add(&seen->logs, 1);
}

static void blocking_calls_are_refused_inside_callbacks(drt_delivery delivery) {
    struct seen seen = {0};
    seen.client = client_with(delivery);
    seen.sub = subscribe(seen.client, NULL, "one");
    CHECK_STATUS(drt_client_on_state(seen.client, on_state, &seen, on_release), DRT_OK);
    CHECK_STATUS(drt_client_reconnect(seen.client), DRT_OK);
    for (int round = 0; round < 3000 && atomic_load(&seen.states) < 2; round++) {
        if (delivery == DRT_DELIVER_POLL) {
            CHECK_STATUS(drt_client_dispatch(seen.client, 20, 0, NULL), DRT_OK);
        } else {
            nap_ms(20);
        }
    }
    CHECK(atomic_load(&seen.states) >= 2 && atomic_load(&seen.visits) >= 2);
    /* A failed registration is released inside the call; that release is a callback, too. */
    CHECK_STATUS(drt_client_on_state(NULL, on_state, &seen, on_release), DRT_ERR_INVALID_HANDLE);
    CHECK(atomic_load(&seen.releases) == 1);
    CHECK_STATUS(drt_active_subscriptions(seen.client, visit, &seen), DRT_OK);
    CHECK_STATUS(drt_client_close(seen.client, 5000), DRT_OK);
    CHECK(atomic_load(&seen.releases) == 2 || delivery == DRT_DELIVER_THREAD);
    EVENTUALLY(atomic_load(&seen.releases) == 2);
}

static void the_library_can_be_called_inside_a_log_function(void) {
    static struct seen seen;
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    CHECK_STATUS(drt_set_log(DRT_LOG_TRACE, on_log, &seen, NULL), DRT_OK);
    options.url = NOWHERE;
    options.access_token = "token-s3cret";
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    seen.client = client;
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    EVENTUALLY(atomic_load(&seen.logs) > 0);
    CHECK_STATUS(drt_client_wait(client, DRT_STATE_CONNECTED, 100), DRT_ERR_TIMEOUT);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    CHECK_STATUS(drt_set_log(DRT_LOG_OFF, NULL, NULL, NULL), DRT_OK);
}

int main(void) {
    blocking_calls_are_refused_inside_callbacks(DRT_DELIVER_THREAD);
    blocking_calls_are_refused_inside_callbacks(DRT_DELIVER_POLL);
    the_library_can_be_called_inside_a_log_function();
    return check_result();
}
