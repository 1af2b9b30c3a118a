/* Follows a collection until so many changes have come, and writes one byte for each if the sender
 * waits for it: program URL CHANGES paced|flood */
#include <directus_realtime.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tally {
    unsigned long wanted, seen;
    int acknowledges, done;
};

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, drt_last_error());
    exit(1);
}

static void count(const drt_event *event, void *user_data) {
    struct tally *tally = user_data;
    if (!drt_event_is_change(event))
        return;
    tally->seen++;
    if (tally->acknowledges && write(STDOUT_FILENO, ".", 1) != 1)
        exit(1);
    if (tally->seen == tally->wanted && write(tally->done, ".", 1) != 1)
        exit(1);
}

int main(int argc, char **argv) {
    struct tally tally = {0};
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_client *client = NULL;
    int done[2];
    char byte;

    if (argc != 4 || pipe(done) != 0)
        return 1;
    tally.wanted = strtoul(argv[2], NULL, 10);
    tally.acknowledges = strcmp(argv[3], "paced") == 0;
    tally.done = done[1];
    options.url = argv[1];
    options.access_token = "t";
    options.queue_bytes = 1 << 30;
    posts.collection = "posts";
    /* In a flood, how many rows are looked at depends on the time. */
    if (!tally.acknowledges)
        posts.settle_ms = UINT32_MAX;
    if (drt_client_new(&options, &client) != DRT_OK || drt_client_connect(client) != DRT_OK)
        fail("connect");
    if (drt_subscribe(client, NULL, &posts, count, &tally, NULL, NULL) != DRT_OK)
        fail("subscribe");
    if (read(done[0], &byte, 1) != 1)
        return 1;
    if (drt_client_close(client, 60000) != DRT_OK)
        fail("close");
    return 0;
}
