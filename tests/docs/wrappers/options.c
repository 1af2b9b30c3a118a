/* The options of a client, which must connect with them. */
#include <directus_realtime.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";

    /* the fragment */

    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK || drt_client_connect(client) != DRT_OK ||
        drt_client_wait(client, DRT_STATE_CONNECTED, 10000) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }
    puts("connected");
    drt_client_close(client, 5000);
    return 0;
}
