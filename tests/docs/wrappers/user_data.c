/* A subscription that owns its user data. */
#include <directus_realtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

/* the fragment */

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.access_token = "my-token";
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK) {
        return 1;
    }
    follow(client);
    while (getchar() != EOF) {
    }
    drt_client_close(client, 5000);
    return 0;
}
