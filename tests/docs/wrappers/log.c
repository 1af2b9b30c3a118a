/* A log function. */
#include <directus_realtime.h>
#include <stdio.h>

/* the fragment */

int main(void) {
    log_everything();
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.access_token = "my-token";
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK || drt_client_connect(client) != DRT_OK ||
        drt_client_wait(client, DRT_STATE_CONNECTED, 10000) != DRT_OK) {
        return 1;
    }
    drt_client_close(client, 5000);
    return 0;
}
