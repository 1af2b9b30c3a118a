/* An event callback, whose user data is the client. */
#include <directus_realtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* the fragment */

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.access_token = "my-token";
    drt_client *client;
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
    posts.query = "{\"fields\":[\"id\",\"title\"]}";
    if (drt_client_new(&options, &client) != DRT_OK ||
        drt_subscribe(client, NULL, &posts, on_event, client, NULL, NULL) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }
    while (getchar() != EOF) {
    }
    drt_client_close(client, 5000);
    return 0;
}
