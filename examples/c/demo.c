/*
 * Prints the posts of a Directus server, and then every change.
 *
 *     DIRECTUS_TOKEN=… demo http://localhost:8055
 *
 * Ends with its standard input: Ctrl-D in a terminal.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "items.h"

static void print_post(const char *mark, const json_t *post) {
    char title[60], status[20];
    text_of(post, "title", title, sizeof title);
    text_of(post, "status", status, sizeof status);
    printf("%-8s %4" JSON_INTEGER_FORMAT "  %-34s %s\n", mark, id_of(post), title, status);
}

static void on_event(const drt_event *event, void *user_data) {
    static const char *const marks[] = {"", "+ create", "~ update", "- delete"};
    (void)user_data;
    if (event->kind == DRT_EVENT_ERROR) {
        printf("! error  %.*s\n", (int)event->data_len, event->data);
        fflush(stdout);
        return;
    }
    json_t *data = data_of(event);
    if (event->kind == DRT_EVENT_INIT) {
        /* After a gap, such as a restart of the server, the snapshot replaces the old posts. */
        puts(event->flags & DRT_FLAG_RESYNC ? "= the posts now, after the gap:" : "= the posts:");
        size_t at;
        json_t *post;
        json_array_foreach (data, at, post) {
            print_post("", post);
        }
    } else {
        print_post(marks[event->kind], data);
    }
    json_decref(data);
    fflush(stdout);
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)reason, (void)user_data;
    printf("%s %s\n", state == DRT_STATE_CONNECTED ? "●" : "○", message);
    fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: DIRECTUS_TOKEN=... demo URL\n");
        return 2;
    }
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = argv[1];
    options.access_token = getenv("DIRECTUS_TOKEN");
    options.reconnect_min_ms = 1000;
    options.reconnect_max_ms = 2000;
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }
    drt_client_on_state(client, on_state, NULL, NULL);

    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
    posts.query = "{\"fields\":[\"id\",\"title\",\"status\"],\"sort\":[\"id\"]}";
    if (drt_subscribe(client, NULL, &posts, on_event, NULL, NULL, NULL) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
    }

    /* Callbacks run on a thread of the client; this thread is free for other work. */
    while (getchar() != EOF) {
    }
    drt_stats stats = DRT_STATS_INIT;
    drt_client_stats(client, &stats);
    drt_client_close(client, 5000);
    printf("closed after %" PRIu64 " events, %" PRIu64 " lost link(s), %" PRIu64 " gap(s) filled\n",
           stats.events, stats.reconnects, stats.resyncs);
    return 0;
}
