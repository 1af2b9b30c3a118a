/*
 * Shared by the examples with poll delivery: making a client with the token of the
 * environment, and ending by Ctrl-C.
 */
#ifndef EXAMPLES_EXAMPLE_H
#define EXAMPLES_EXAMPLE_H

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <directus_realtime.h>

static int stop_pipe[2];

/* A signal handler may call only a few functions; write() is one of them. */
static inline void stop_on_signal(int number) {
    (void)number;
    if (write(stop_pipe[1], "", 1) < 0) {
        _exit(1);
    }
}

/*
 * Returns a descriptor for poll() that becomes readable when the program is to end.
 * Call it once. A second signal ends the program at once.
 */
static inline int stop_fd(void) {
    struct sigaction action = {.sa_handler = stop_on_signal};
    action.sa_flags = (int)SA_RESETHAND;
    if (pipe(stop_pipe) != 0 || fcntl(stop_pipe[0], F_SETFD, FD_CLOEXEC) != 0 ||
        fcntl(stop_pipe[1], F_SETFD, FD_CLOEXEC) != 0 || sigemptyset(&action.sa_mask) != 0 ||
        sigaction(SIGINT, &action, NULL) != 0 || sigaction(SIGTERM, &action, NULL) != 0) {
        perror("cannot arrange for signals");
        exit(1);
    }
    return stop_pipe[0];
}

/* Ends the program if a necessary call has failed. */
static inline void must(drt_status status, const char *what) {
    if (status < 0) {
        fprintf(stderr, "%s: %s\n", what, drt_last_error());
        exit(1);
    }
}

/*
 * Makes a client with poll delivery: its callbacks run in drt_client_dispatch(). The
 * token comes from DIRECTUS_TOKEN; without one the client uses public mode.
 */
static inline drt_client *open_client(const char *url, drt_state_fn on_state, void *user_data) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = url;
    options.access_token = getenv("DIRECTUS_TOKEN");
    options.auth_mode = options.access_token ? DRT_AUTH_HANDSHAKE : DRT_AUTH_PUBLIC;
    options.delivery = DRT_DELIVER_POLL;
    options.reconnect_max_ms = 5000;
    drt_client *client;
    must(drt_client_new(&options, &client), "drt_client_new");
    must(drt_client_on_state(client, on_state, user_data, NULL), "drt_client_on_state");
    return client;
}

#endif
