/* Links this library and another one in Rust: connects to a port on which nothing listens, and
   calls the other library before, meanwhile and afterwards. */
#include <directus_realtime.h>

#include <stdio.h>

int other_answer(void);

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client;
    (void)message;
    if (state == DRT_STATE_BACKOFF) {
        snprintf(user_data, 64, "%s %d", drt_status_name(reason), other_answer());
    }
}

int main(int argc, char **argv) {
    if (argc != 2 || other_answer() != 42) {
        return 2;
    }
    char reported[64] = "";
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = argv[1];
    options.auth_mode = DRT_AUTH_PUBLIC;
    drt_client *client = NULL;
    if (drt_client_new(&options, &client) != DRT_OK ||
        drt_client_on_state(client, on_state, reported, NULL) != DRT_OK ||
        drt_client_connect(client) != DRT_OK ||
        drt_client_wait(client, DRT_STATE_BACKOFF, 10000) != DRT_OK ||
        drt_client_close(client, 5000) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }
    printf("%s %d\n", reported, other_answer());
    return 0;
}
