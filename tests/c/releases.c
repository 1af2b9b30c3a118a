/* `release` runs exactly once for every registration, failed ones included (I4). */
#include "check.h"

#include <stdint.h>

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

static void ignore_log(drt_log_level level, const char *target, const char *message,
                       void *user_data) {
    (void)level, (void)target, (void)message, (void)user_data;
}

/* Before the call returns. */
static void failed_registrations_are_released_at_once(void) {
    _Atomic int n = 0;
    int expected = 0;
    drt_client *client = client_with(DRT_DELIVER_POLL);
    drt_client *threaded = client_with(DRT_DELIVER_THREAD);
    drt_client *bad[] = {NULL, (drt_client *)(uintptr_t)12345};
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_subscription_options nothing = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
#define RELEASED(call)                                                                             \
    do {                                                                                           \
        CHECK((call) < 0);                                                                         \
        CHECK(atomic_load(&n) == ++expected);                                                      \
    } while (0)
    for (size_t i = 0; i < 2; i++) {
        RELEASED(drt_client_on_state(bad[i], ignore_state, &n, count_release));
        RELEASED(drt_client_on_token(bad[i], ignore_token, &n, count_release));
        RELEASED(drt_subscribe(bad[i], NULL, &posts, ignore_event, &n, count_release, NULL));
        RELEASED(drt_request(bad[i], "{\"type\":\"x\"}", 1, ignore_reply, &n, count_release));
    }
    RELEASED(
        drt_subscribe(client, (drt_scope *)client, &posts, ignore_event, &n, count_release, NULL));
    RELEASED(drt_subscribe(client, NULL, NULL, ignore_event, &n, count_release, NULL));
    RELEASED(drt_subscribe(client, NULL, &nothing, ignore_event, &n, count_release, NULL));
    RELEASED(drt_subscribe(threaded, NULL, &posts, NULL, &n, count_release, NULL));
    posts.query = "{";
    RELEASED(drt_subscribe(client, NULL, &posts, ignore_event, &n, count_release, NULL));
    RELEASED(drt_request(client, NULL, 1, ignore_reply, &n, count_release));
    RELEASED(drt_request(client, "no JSON", 1, ignore_reply, &n, count_release));
    RELEASED(drt_request(client, "{\"type\":\"x\"}", 1, ignore_reply, &n, count_release));
    RELEASED(drt_request(threaded, "{\"type\":\"x\"}", 1, NULL, &n, count_release));
    RELEASED(drt_set_log(77, ignore_log, &n, count_release));
#undef RELEASED
    CHECK_STATUS(drt_client_close(threaded, 1000), DRT_OK);
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);
    CHECK(atomic_load(&n) == expected);
}

static void log_functions_are_released_when_they_are_replaced(void) {
    _Atomic int first = 0, second = 0, third = 0;
    CHECK_STATUS(drt_set_log(DRT_LOG_TRACE, ignore_log, &first, count_release), DRT_OK);
    CHECK(atomic_load(&first) == 0);
    CHECK_STATUS(drt_set_log(DRT_LOG_WARN, ignore_log, &second, count_release), DRT_OK);
    EVENTUALLY(atomic_load(&first) == 1);
    CHECK_STATUS(drt_set_log(DRT_LOG_OFF, ignore_log, &third, count_release), DRT_OK);
    CHECK(atomic_load(&third) == 1);
    EVENTUALLY(atomic_load(&second) == 1);
    CHECK_STATUS(drt_set_log(DRT_LOG_TRACE, NULL, &third, count_release), DRT_OK);
    CHECK(atomic_load(&third) == 2);
    CHECK_STATUS(drt_set_log(DRT_LOG_OFF, NULL, NULL, NULL), DRT_OK);
    CHECK(atomic_load(&first) == 1 && atomic_load(&second) == 1);
}

/* Where callbacks run, once they were replaced or ended; all others before close returns. */
static void accepted_registrations_are_released_when_they_end(drt_delivery delivery) {
    _Atomic int state[3] = {0}, token[3] = {0}, kept = 0, duplicate = 0, ended[3] = {0};
    drt_client *client = client_with(delivery);
    drt_scope *scope = NULL;
    drt_subscription *sub = NULL, *same = NULL;
    drt_subscription_options options = DRT_SUBSCRIPTION_OPTIONS_INIT;
    options.collection = "posts";

    CHECK_STATUS(drt_client_on_state(client, ignore_state, &state[0], count_release), DRT_OK);
    CHECK_STATUS(drt_client_on_state(client, ignore_state, &state[1], count_release), DRT_OK);
    CHECK_STATUS(drt_client_on_token(client, ignore_token, &token[0], count_release), DRT_OK);
    CHECK_STATUS(drt_client_on_token(client, NULL, &token[1], count_release), DRT_OK);
    CHECK(atomic_load(&token[1]) == 1);
    CHECK_STATUS(drt_client_on_token(client, ignore_token, &token[2], count_release), DRT_OK);

    CHECK_STATUS(drt_scope_new(client, &scope), DRT_OK);
    CHECK_STATUS(
        drt_subscribe(client, scope, &options, ignore_event, &ended[0], count_release, NULL),
        DRT_OK);
    CHECK_STATUS(
        drt_subscribe(client, NULL, &options, ignore_event, &ended[1], count_release, &sub),
        DRT_OK);
    CHECK_STATUS(
        drt_subscribe(client, NULL, &options, ignore_event, &ended[2], count_release, NULL),
        DRT_OK);
    options.uid = "kept";
    options.persistent = true;
    CHECK_STATUS(drt_subscribe(client, scope, &options, ignore_event, &kept, count_release, &sub),
                 DRT_OK);
    CHECK_STATUS(
        drt_subscribe(client, NULL, &options, ignore_event, &duplicate, count_release, &same),
        DRT_DUPLICATE);
    CHECK(same == sub && atomic_load(&duplicate) == 1);

    size_t count = 0;
    CHECK_STATUS(drt_scope_close(scope), DRT_OK);
    CHECK_STATUS(drt_unsubscribe_collection(client, "posts", &count), DRT_OK);
    CHECK(count == 2);
    if (delivery == DRT_DELIVER_POLL) {
        CHECK_STATUS(drt_client_dispatch(client, 1000, 0, NULL), DRT_OK);
    }
    EVENTUALLY(atomic_load(&ended[0]) == 1 && atomic_load(&ended[1]) == 1 &&
               atomic_load(&ended[2]) == 1);
    EVENTUALLY(atomic_load(&state[0]) == 1 && atomic_load(&token[0]) == 1);
    CHECK(atomic_load(&kept) == 0 && atomic_load(&state[1]) == 0 && atomic_load(&token[2]) == 0);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    CHECK(atomic_load(&kept) == 1 && atomic_load(&state[1]) == 1 && atomic_load(&token[2]) == 1);
    CHECK(atomic_load(&state[0]) == 1 && atomic_load(&token[0]) == 1);
    CHECK(atomic_load(&ended[0]) == 1 && atomic_load(&duplicate) == 1);
}

int main(void) {
    failed_registrations_are_released_at_once();
    log_functions_are_released_when_they_are_replaced();
    accepted_registrations_are_released_when_they_end(DRT_DELIVER_THREAD);
    accepted_registrations_are_released_when_they_end(DRT_DELIVER_POLL);
    return check_result();
}
