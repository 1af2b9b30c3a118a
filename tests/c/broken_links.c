/* Links that break while the library writes to them: the state is reported, and no signal
   ends the program. Arguments: a server's URL, a file with its authority. */
#include "check.h"

#include <signal.h>

enum { BREAKS = 8 };

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)reason, (void)message;
    if (state == DRT_STATE_BACKOFF) {
        atomic_fetch_add((_Atomic int *)user_data, 1);
    }
}

int main(int argc, char **argv) {
    CHECK(argc == 3);
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    _Atomic int breaks = 0;
    options.url = argv[1];
    options.ca_file = argv[2];
    options.access_token = "token";
    options.reconnect_min_ms = 1;
    options.reconnect_max_ms = 10;
    /* The default disposition, which ends the program. */
    CHECK(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK_STATUS(drt_client_on_state(client, on_state, &breaks, NULL), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    for (int round = 0; breaks < BREAKS && round < 30000; round++) {
        drt_send_message(client, "{\"type\":\"ping\"}");
        nap_ms(1);
    }
    CHECK(breaks >= BREAKS);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    return check_result();
}
