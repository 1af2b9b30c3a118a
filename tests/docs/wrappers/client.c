/* A part of `main`, with a client that is connected. */
#define _POSIX_C_SOURCE 200809L
#include <directus_realtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void on_event(const drt_event *event, void *user_data) { (void)event, (void)user_data; }

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.access_token = "my-token";
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK || drt_client_connect(client) != DRT_OK ||
        drt_client_wait(client, DRT_STATE_CONNECTED, 10000) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
    (void)on_event, (void)posts;

    /* the fragment */

    drt_client_close(client, 5000);
    return 0;
}
