/* A state callback. */
#include <directus_realtime.h>
#include <stdio.h>

/* the fragment */

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.access_token = "my-token";
    options.reconnect_max_ms = 500;
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK ||
        drt_client_on_state(client, on_state, NULL, NULL) != DRT_OK ||
        drt_client_connect(client) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }
    while (getchar() != EOF) {
    }
    drt_client_on_state(client, NULL, NULL, NULL);
    drt_client_close(client, 5000);
    return 0;
}
