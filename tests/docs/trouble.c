/*
 * Connects with these options, and prints everything that the library reports.
 *
 *     trouble NAME=VALUE …
 *
 * The names are those of OPTIONS. Ends with its standard input.
 */
#include <directus_realtime.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *value_of(char **words, const char *name) {
    size_t len = strlen(name);
    for (; *words; words++) {
        if (strncmp(*words, name, len) == 0 && (*words)[len] == '=') {
            return *words + len + 1;
        }
    }
    return NULL;
}

static uint32_t number_of(char **words, const char *name) {
    const char *value = value_of(words, name);
    return value ? (uint32_t)strtoul(value, NULL, 10) : 0;
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)state, (void)reason, (void)user_data;
    puts(message);
}

static void on_event(const drt_event *event, void *user_data) { (void)event, (void)user_data; }

/* Never answers. */
static void on_token(drt_client *client, drt_status reason, void *user_data) {
    (void)client, (void)reason, (void)user_data;
}

static void on_log(drt_log_level level, const char *target, const char *message, void *user_data) {
    (void)level, (void)target, (void)user_data;
    puts(message);
}

static void wait_for_stdin(void) {
    while (getchar() != EOF) {
    }
}

int main(int argc, char **argv) {
    (void)argc;
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = value_of(argv, "url");
    options.access_token = value_of(argv, "token");
    options.email = value_of(argv, "email");
    options.password = value_of(argv, "password");
    options.ca_file = value_of(argv, "ca_file");
    options.client_cert_file = value_of(argv, "cert");
    options.client_key_file = value_of(argv, "key");
    options.auth_mode = (drt_auth_mode)number_of(argv, "mode");
    options.connect_timeout_ms = number_of(argv, "connect");
    options.ack_timeout_ms = number_of(argv, "ack");
    options.heartbeat_ms = number_of(argv, "heartbeat");
    options.max_message_bytes = number_of(argv, "max");
    options.reconnect_attempts = number_of(argv, "attempts");
    options.reconnect_max_ms = 250;
    drt_set_log(DRT_LOG_WARN, on_log, NULL, NULL);
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK) {
        puts(drt_last_error());
        wait_for_stdin();
        return 0;
    }
    drt_client_on_state(client, on_state, NULL, NULL);
    if (value_of(argv, "ask")) {
        drt_client_on_token(client, on_token, NULL, NULL);
    }
    drt_subscription_options wanted = DRT_SUBSCRIPTION_OPTIONS_INIT;
    wanted.collection = value_of(argv, "collection");
    wanted.query = value_of(argv, "query");
    drt_subscription *subscription;
    if (value_of(argv, "idle")) {
        /* Only make the client, and do not connect. */
    } else if (!wanted.collection) {
        drt_client_connect(client);
    } else if (drt_subscribe(client, NULL, &wanted, on_event, NULL, NULL, &subscription) !=
                   DRT_OK ||
               drt_subscription_wait(subscription, 20000) != DRT_OK) {
        puts(drt_last_error());
    }
    wait_for_stdin();
    drt_client_close(client, 5000);
    return 0;
}
