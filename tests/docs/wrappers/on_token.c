/* A token callback, which reads tokens from standard input. */
#define _POSIX_C_SOURCE 200809L
#include <directus_realtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *fetch_token(void) {
    static char token[4096];
    if (!fgets(token, sizeof token, stdin)) {
        return NULL;
    }
    token[strcspn(token, "\n")] = '\0';
    return token;
}

/* the fragment */

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)reason, (void)user_data;
    if (state == DRT_STATE_CONNECTED || state == DRT_STATE_FAILED) {
        puts(message);
    }
}

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.delivery = DRT_DELIVER_POLL;
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK) {
        return 1;
    }
    drt_client_on_state(client, on_state, NULL, NULL);
    drt_client_on_token(client, on_token, NULL, NULL);
    drt_client_connect(client);
    /* Connecting, a token is wanted, authenticating, connected, a token is wanted. */
    for (size_t ran = 0, all = 0; all < 5; all += ran) {
        drt_client_dispatch(client, 10000, 1, &ran);
    }
    /* The first token expires meanwhile. */
    drt_client_dispatch(client, 2000, 1, NULL);
    printf("%s\n", drt_client_is_connected(client) ? "still connected" : "lost");
    drt_client_on_state(client, NULL, NULL, NULL);
    drt_client_close(client, 5000);
    return 0;
}
