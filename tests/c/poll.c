/* Dispatch, drain and the descriptor, in both kinds of delivery. */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>

static pthread_t dispatching;

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)reason, (void)message;
    CHECK(pthread_equal(pthread_self(), dispatching));
    CHECK(state >= DRT_STATE_IDLE && state <= DRT_STATE_CLOSED);
    atomic_fetch_add((_Atomic int *)user_data, 1);
}

static bool readable(int fd, int timeout_ms) {
    struct pollfd entry = {fd, POLLIN, 0};
    return poll(&entry, 1, timeout_ms) == 1 && (entry.revents & POLLIN) != 0;
}

static void thread_delivery_refuses_dispatch_and_drain(void) {
    drt_client *client = client_with(DRT_DELIVER_THREAD);
    size_t count = 7, len = 7;
    const char *json = "";
    CHECK(drt_client_fd(client) == -1);
    CHECK_STATUS(drt_client_dispatch(client, 0, 0, &count), DRT_ERR_INVALID_ARGUMENT);
    CHECK(count == 0);
    count = 7;
    CHECK_STATUS(drt_client_drain(client, 0, 0, &json, &len, &count), DRT_ERR_INVALID_ARGUMENT);
    CHECK(json == NULL && len == 0 && count == 0);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
}

static void callbacks_run_inside_dispatch(void) {
    _Atomic int states = 0;
    size_t count = 7;
    drt_client *client = client_with(DRT_DELIVER_POLL);
    int fd = drt_client_fd(client);
    CHECK(fd >= 0 && drt_client_fd(client) == fd);
    CHECK_STATUS(drt_client_dispatch(client, 0, 0, &count), DRT_OK);
    CHECK(count == 0 && !readable(fd, 0));
    CHECK_STATUS(drt_client_on_state(client, on_state, &states, count_release), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    CHECK(readable(fd, 60000));
    CHECK(atomic_load(&states) == 0);
    CHECK_STATUS(drt_client_dispatch(client, 0, 1, &count), DRT_OK);
    CHECK(count == 1 && atomic_load(&states) == 1);
    /* CONNECTING was first; BACKOFF is queued, or will be. */
    CHECK_STATUS(drt_client_dispatch(client, 60000, 0, NULL), DRT_OK);
    CHECK(atomic_load(&states) >= 2);
    CHECK_STATUS(drt_client_disconnect(client), DRT_OK);
    do {
        CHECK_STATUS(drt_client_dispatch(client, 0, 0, &count), DRT_OK);
    } while (count > 0);
    CHECK(!readable(fd, 50));
    int before = atomic_load(&states);
    /* The last state and the release run inside close. */
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    CHECK(atomic_load(&states) == before + 2);
}

static void a_batch_without_events_is_an_empty_array(void) {
    _Atomic int states = 0;
    const char *json = NULL;
    size_t len = 0, count = 7;
    drt_client *client = client_with(DRT_DELIVER_POLL);
    CHECK_STATUS(drt_client_drain(client, 0, 0, &json, &len, &count), DRT_OK);
    CHECK(json != NULL && len == 2 && memcmp(json, "[]", 2) == 0 && count == 0);
    CHECK_STATUS(drt_client_on_state(client, on_state, &states, NULL), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    CHECK_STATUS(drt_client_drain(client, 60000, 0, &json, &len, &count), DRT_OK);
    CHECK(json != NULL && len == 2 && memcmp(json, "[]", 2) == 0 && count >= 1);
    CHECK(atomic_load(&states) >= 1);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
}

static void *disconnect_later(void *client) {
    nap_ms(100);
    CHECK_STATUS(drt_client_disconnect(client), DRT_OK);
    return NULL;
}

static void a_negative_timeout_waits_without_limit(void) {
    pthread_t other;
    _Atomic int states = 0;
    size_t count = 0;
    drt_client *client = client_with(DRT_DELIVER_POLL);
    CHECK_STATUS(drt_client_on_state(client, on_state, &states, NULL), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    CHECK_STATUS(drt_client_dispatch(client, 0, 0, &count), DRT_OK);
    CHECK(pthread_create(&other, NULL, disconnect_later, client) == 0);
    while (drt_client_state(client) != DRT_STATE_IDLE || count == 0) {
        CHECK_STATUS(drt_client_dispatch(client, -1, 0, &count), DRT_OK);
    }
    pthread_join(other, NULL);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
}

/* Some event loops shut down every descriptor that they have watched. */
static void a_descriptor_that_was_shut_down_raises_no_signal(void) {
    _Atomic int states = 0;
    drt_client *client = client_with(DRT_DELIVER_POLL);
    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    CHECK_STATUS(drt_client_on_state(client, on_state, &states, NULL), DRT_OK);
    CHECK(shutdown(drt_client_fd(client), SHUT_RDWR) == 0);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    CHECK_STATUS(drt_client_dispatch(client, 60000, 0, NULL), DRT_OK);
    CHECK(atomic_load(&states) >= 1);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
}

int main(void) {
    dispatching = pthread_self();
    a_descriptor_that_was_shut_down_raises_no_signal();
    thread_delivery_refuses_dispatch_and_drain();
    callbacks_run_inside_dispatch();
    a_batch_without_events_is_an_empty_array();
    a_negative_timeout_waits_without_limit();
    return check_result();
}
