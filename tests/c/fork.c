/* In a forked child every inherited handle reports the fork; the child may make own clients. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static drt_client *client, *closed;
static drt_scope *scope;
static drt_subscription *sub;

static void inherited_handles(void) {
    drt_stats stats = DRT_STATS_INIT;
    CHECK_FAILS(drt_client_connect(client), DRT_ERR_FORKED, "fork");
    CHECK_STATUS(drt_client_stats(client, &stats), DRT_ERR_FORKED);
    CHECK_STATUS(drt_client_wait(client, DRT_STATE_CONNECTED, 1000), DRT_ERR_FORKED);
    CHECK_STATUS(drt_client_close(client, 1000), DRT_ERR_FORKED);
    CHECK_STATUS(drt_scope_close(scope), DRT_ERR_FORKED);
    CHECK_STATUS(drt_subscription_unsubscribe(sub), DRT_ERR_FORKED);
    CHECK(drt_client_state(client) == DRT_STATE_CLOSED && drt_client_fd(client) == -1);
    /* An invalid handle is still reported as one. */
    CHECK_STATUS(drt_client_connect(closed), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_client_connect(NULL), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_client_connect((drt_client *)(void *)&client), DRT_ERR_INVALID_HANDLE);
}

static int in_child(int depth) {
    inherited_handles();
    drt_client *own = client_with(depth % 2 == 0 ? DRT_DELIVER_POLL : DRT_DELIVER_THREAD);
    drt_subscription *mine = subscribe(own, NULL, "mine");
    CHECK_STATUS(drt_subscribe(own, scope, NULL, ignore_event, NULL, NULL, NULL), DRT_ERR_FORKED);
    CHECK_STATUS(drt_client_wait(own, DRT_STATE_CONNECTED, 50), DRT_ERR_TIMEOUT);
    CHECK_STATUS(drt_subscription_unsubscribe(mine), DRT_OK);
    if (depth < 3) {
        pid_t child = fork();
        if (child == 0) {
            CHECK_STATUS(drt_client_connect(own), DRT_ERR_FORKED);
            _exit(in_child(depth + 1));
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    CHECK_STATUS(drt_client_reconnect(own), DRT_OK);
    CHECK_STATUS(drt_client_close(own, 5000), DRT_OK);
    CHECK_STATUS(drt_client_close(own, 5000), DRT_ERR_INVALID_HANDLE);
    return check_result();
}

static void log_line(drt_log_level level, const char *target, const char *message,
                     void *user_data) {
    (void)level, (void)target, (void)message;
    atomic_fetch_add((_Atomic int *)user_data, 1);
}

int main(void) {
    _Atomic int lines = 0;
    CHECK_STATUS(drt_set_log(DRT_LOG_DEBUG, log_line, &lines, NULL), DRT_OK);
    closed = client_with(DRT_DELIVER_THREAD);
    CHECK_STATUS(drt_client_close(closed, 5000), DRT_OK);
    client = client_with(DRT_DELIVER_THREAD);
    CHECK_STATUS(drt_scope_new(client, &scope), DRT_OK);
    sub = subscribe(client, scope, "one");
    for (int round = 0; round < 5; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(240); /* a child that hangs fails */
            atomic_store(&lines, 0);
            int result = in_child(0);
            CHECK(atomic_load(&lines) > 0); /* the log function was inherited */
            _exit(result | check_result());
        }
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    /* The parent's client is not affected. */
    CHECK_STATUS(drt_client_reconnect(client), DRT_OK);
    CHECK(drt_has_subscription(client, "one"));
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    CHECK_STATUS(drt_set_log(DRT_LOG_OFF, NULL, NULL, NULL), DRT_OK);
    return check_result();
}
