/* Callbacks run with as much stack as main has by default. */
#include "check.h"

#include <pthread.h>

/* Uses a little less than 8 MiB. */
static int use_stack(int depth) {
    volatile char room[64 * 1024];
    memset((void *)room, depth, sizeof(room));
    return depth == 0 ? room[0] : use_stack(depth - 1) + room[sizeof(room) - 1];
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)state, (void)reason, (void)message;
    CHECK(use_stack(120) != 0);
    atomic_fetch_add((_Atomic int *)user_data, 1);
}

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    _Atomic int states = 0;
    options.url = "ws://127.0.0.1:1/";
    options.access_token = "token";
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK_STATUS(drt_client_on_state(client, on_state, &states, NULL), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    EVENTUALLY(states >= 2);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    return check_result();
}
