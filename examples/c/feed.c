/*
 * A live feed: the list of posts in the terminal, kept up to date.
 *
 *     DIRECTUS_TOKEN=… feed http://localhost:8055
 *
 * The list is built from events only: INIT replaces it; CREATE, UPDATE and DELETE
 * change it. Ends by Ctrl-C.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>

#include "example.h"
#include "items.h"

enum { SHOWN = 20 };

struct feed {
    json_t *posts; /* newest first */
    bool online, stale, over;
};

/* The place of a post, or the number of posts if it isn't there. */
static size_t find(const struct feed *feed, json_int_t id) {
    size_t at;
    json_t *post;
    json_array_foreach (feed->posts, at, post) {
        if (id_of(post) == id) {
            break;
        }
    }
    return at;
}

static void fold(const drt_event *event, void *user_data) {
    struct feed *feed = user_data;
    if (event->kind == DRT_EVENT_ERROR) {
        fprintf(stderr, "the server says: %.*s\n", (int)event->data_len, event->data);
        feed->over = event->flags & DRT_FLAG_ENDED;
        return;
    }
    feed->stale = true;
    json_t *data = data_of(event);
    if (event->kind == DRT_EVENT_INIT) {
        json_decref(feed->posts);
        feed->posts = data;
        return;
    }
    size_t at = find(feed, id_of(data));
    bool known = at < json_array_size(feed->posts);
    if (event->kind == DRT_EVENT_DELETE && known) {
        json_array_remove(feed->posts, at);
    } else if (event->kind != DRT_EVENT_DELETE && known) {
        json_array_set(feed->posts, at, data);
    } else if (event->kind != DRT_EVENT_DELETE) {
        json_array_insert(feed->posts, 0, data);
    }
    json_decref(data);
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    struct feed *feed = user_data;
    (void)client, (void)reason;
    feed->stale = feed->stale || feed->online != (state == DRT_STATE_CONNECTED);
    feed->online = state == DRT_STATE_CONNECTED;
    if (state == DRT_STATE_FAILED) {
        fprintf(stderr, "%s\n", message);
        feed->over = true;
    }
}

static void draw(struct feed *feed) {
    if (isatty(STDOUT_FILENO)) {
        fputs("\033[H\033[J", stdout);
    }
    printf("%s   %zu posts\n\n", feed->online ? "● online" : "○ offline",
           json_array_size(feed->posts));
    for (size_t i = 0; i < json_array_size(feed->posts) && i < SHOWN; i++) {
        const json_t *post = json_array_get(feed->posts, i);
        char title[60], status[20];
        text_of(post, "title", title, sizeof title);
        text_of(post, "status", status, sizeof status);
        printf("%6" JSON_INTEGER_FORMAT "  %s  (%s)\n", id_of(post), title, status);
    }
    putchar('\n');
    fflush(stdout);
    feed->stale = false;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: DIRECTUS_TOKEN=... feed URL\n");
        return 2;
    }
    struct feed feed = {.posts = json_array()};
    struct pollfd waits[2] = {{.fd = stop_fd(), .events = POLLIN}, {.events = POLLIN}};
    drt_client *client = open_client(argv[1], on_state, &feed);

    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
    posts.uid = "live-posts-feed";
    /* No limit: it would also cut the server's batches of changes. */
    posts.query = "{\"fields\":[\"id\",\"title\",\"status\"],\"sort\":[\"-id\"],\"limit\":-1}";
    must(drt_subscribe(client, NULL, &posts, fold, &feed, NULL, NULL), "drt_subscribe");

    waits[1].fd = drt_client_fd(client);
    while (!feed.over && !waits[0].revents) {
        if (poll(waits, 2, -1) > 0 && waits[1].revents) {
            must(drt_client_dispatch(client, 0, 0, NULL), "drt_client_dispatch");
        }
        if (feed.stale) {
            draw(&feed);
        }
    }
    drt_client_close(client, 5000);
    json_decref(feed.posts);
    return feed.over;
}
