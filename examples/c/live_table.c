/*
 * A table of posts in the terminal, which is always as the server has it: a live collection.
 *
 *     DIRECTUS_TOKEN=... live_table http://localhost:8055
 *
 * The library keeps the rows, in the server's order; the program shows them whenever something has
 * changed. Ends by Ctrl-C.
 */
#include <stdio.h>
#include <stdlib.h>

#include <directus_realtime.h>

static const char *const words[] = {"loading", "current", "stale", "ended"};

static bool print_row(const drt_row *row, void *user_data) {
    (void)user_data;
    printf("%3llu  %.*s\n", (unsigned long long)row->index, (int)row->data_len, row->data);
    return true;
}

static void on_update(const drt_live_update *update, void *user_data) {
    (void)user_data;
    printf("\n%s, %llu rows, %zu changes\n", words[update->status],
           (unsigned long long)update->count, update->changes_len);
    if (update->error) {
        printf("%.*s\n", (int)update->error_len, update->error);
    }
    drt_live_rows(update->live, 0, 20, print_row, NULL, NULL);
    fflush(stdout);
}

int main(int argc, char **argv) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = argc > 1 ? argv[1] : "http://localhost:8055";
    options.access_token = getenv("DIRECTUS_TOKEN");
    options.delivery = DRT_DELIVER_POLL;
    drt_client *client = NULL;
    if (drt_client_new(&options, &client) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }
    drt_live_options posts = DRT_LIVE_OPTIONS_INIT;
    posts.collection = "posts";
    posts.query = "{\"fields\":[\"id\",\"title\",\"status\"],\"sort\":[\"-id\"]}";
    drt_live *live = NULL;
    if (drt_live_open(client, NULL, &posts, on_update, NULL, NULL, &live) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        drt_client_close(client, 1000);
        return 1;
    }
    while (drt_client_dispatch(client, -1, 0, NULL) == DRT_OK) {
    }
    drt_client_close(client, 1000);
    return 0;
}
