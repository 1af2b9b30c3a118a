/* When the system allows no more threads, that is the reported reason, and nothing panics. */
#include "check.h"

#include <sys/resource.h>
#include <unistd.h>

static _Atomic int named, states;

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)reason, (void)user_data;
    if (state == DRT_STATE_BACKOFF) {
        CHECK(strstr(message, "no more threads") != NULL && strstr(message, "ulimit") != NULL);
        named++;
    }
    states++;
}

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL, *another = NULL;
    struct rlimit limit = {1, 1};
    /* The limit does not apply to root. */
    CHECK(geteuid() != 0 || setuid(65534) == 0);
    options.url = "ws://localhost:1/"; /* a name: a thread looks it up */
    options.access_token = "token";
    options.reconnect_max_ms = 200;
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK_STATUS(drt_client_on_state(client, on_state, NULL, NULL), DRT_OK);
    CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    EVENTUALLY(named >= 2);
    CHECK_FAILS(drt_client_new(&options, &another), DRT_ERR_IO, "no more threads");
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    /* The library's first thread cannot be started either. */
    CHECK_FAILS(drt_client_new(&options, &another), DRT_ERR_IO, "no more threads");
    return check_result();
}
