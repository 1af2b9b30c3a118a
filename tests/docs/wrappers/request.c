/* A request, and its callback. */
#include <directus_realtime.h>
#include <stdio.h>

/* the fragment */

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.access_token = "my-token";
    options.delivery = DRT_DELIVER_POLL;
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK || drt_client_connect(client) != DRT_OK ||
        drt_client_wait(client, DRT_STATE_CONNECTED, 10000) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }
    publish(client);
    for (size_t ran = 0; ran == 0;) {
        drt_client_dispatch(client, 10000, 0, &ran);
    }
    drt_client_close(client, 5000);
    return 0;
}
