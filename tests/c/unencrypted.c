/* Makes a client that logs at once: its token would be sent unencrypted. */
#include "check.h"

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    options.url = "ws://directus.example/websocket";
    options.access_token = "token";
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    return check_result();
}
