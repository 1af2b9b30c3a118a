/*
 * Prints the events of a server as lines of JSON, {"uid": …, "kind": …, "flags": …, "data": …}.
 * The test that drives it keeps a copy by them.
 *
 *     mirror URL TOKEN
 *
 * Orders come on standard input, one per line, with tabs between the words:
 *
 *     subscribe UID COLLECTION KEY SETTLE_MS QUERY
 *     unsubscribe UID
 *     request MESSAGE
 *
 * A request is answered with {"status": …}.
 *
 * The program ends with its input.
 */
#define _DEFAULT_SOURCE
#include "directus_realtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void expect(drt_status status, const char *what) {
    if (status != DRT_OK) {
        fprintf(stderr, "%s: %s: %s\n", what, drt_status_name(status), drt_last_error());
        exit(1);
    }
}

static void on_event(const drt_event *event, void *user_data) {
    (void)user_data;
    /* Text from a server has no line breaks, but a delivered value might. */
    printf("{\"uid\":\"%s\",\"kind\":%d,\"flags\":%u,\"data\":", event->uid, (int)event->kind,
           (unsigned)event->flags);
    if (event->data == NULL) {
        printf("null");
    }
    for (size_t i = 0; event->data != NULL && i < event->data_len; i++) {
        putchar(event->data[i] == '\n' ? ' ' : event->data[i]);
    }
    printf("}\n");
    fflush(stdout);
}

static void on_reply(drt_status status, const char *json, size_t len, void *user_data) {
    (void)json;
    (void)len;
    (void)user_data;
    printf("{\"status\":%d}\n", (int)status);
    fflush(stdout);
}

static void subscribe(drt_client *client, char *words) {
    drt_subscription_options options = DRT_SUBSCRIPTION_OPTIONS_INIT;
    options.uid = strsep(&words, "\t");
    options.collection = strsep(&words, "\t");
    options.primary_key = strsep(&words, "\t");
    options.settle_ms = (uint32_t)strtoul(strsep(&words, "\t"), NULL, 10);
    options.query = words;
    expect(drt_subscribe(client, NULL, &options, on_event, NULL, NULL, NULL), "subscribe");
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "see the source for the arguments\n");
        return 2;
    }
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = argv[1];
    options.access_token = argv[2];
    drt_client *client;
    expect(drt_client_new(&options, &client), "new");
    static char line[65536];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *words = line;
        const char *order = strsep(&words, "\t");
        if (strcmp(order, "subscribe") == 0) {
            subscribe(client, words);
        } else if (strcmp(order, "request") == 0) {
            expect(drt_request(client, words, 60000, on_reply, NULL, NULL), "request");
        } else {
            expect(drt_unsubscribe(client, words), "unsubscribe");
        }
    }
    expect(drt_client_close(client, 10000), "close");
    return 0;
}
