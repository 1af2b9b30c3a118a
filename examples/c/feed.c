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
#include <stdlib.h>
#include <string.h>

#include "example.h"
#include "json.h"

enum { SHOWN = 20 };

struct post {
    char id[40], title[60], status[20];
};

struct feed {
    struct post *posts; /* newest first */
    size_t count, room;
    bool online, stale, over;
};

static struct post read_post(struct json data) {
    struct post post;
    json_text(json_get(data, "id"), post.id, sizeof post.id);
    json_text(json_get(data, "title"), post.title, sizeof post.title);
    json_text(json_get(data, "status"), post.status, sizeof post.status);
    return post;
}

static void insert(struct feed *feed, size_t at, const struct post *post) {
    if (feed->count == feed->room) {
        feed->room = feed->room ? 2 * feed->room : 64;
        feed->posts = realloc(feed->posts, feed->room * sizeof *feed->posts);
        if (!feed->posts) {
            perror("feed");
            exit(1);
        }
    }
    struct post *place = feed->posts + at;
    memmove(place + 1, place, (feed->count - at) * sizeof *place);
    *place = *post;
    feed->count++;
}

static void remove_at(struct feed *feed, size_t at) {
    struct post *place = feed->posts + at;
    feed->count--;
    memmove(place, place + 1, (feed->count - at) * sizeof *place);
}

static size_t find(const struct feed *feed, const char *id) {
    size_t at = 0;
    while (at < feed->count && strcmp(feed->posts[at].id, id) != 0) {
        at++;
    }
    return at;
}

static void fold(const drt_event *event, void *user_data) {
    struct feed *feed = user_data;
    struct json data = {event->data, event->data_len}, item;
    if (event->kind == DRT_EVENT_ERROR) {
        fprintf(stderr, "the server says: %.*s\n", (int)event->data_len, event->data);
        feed->over = event->flags & DRT_FLAG_ENDED;
        return;
    }
    feed->stale = true;
    if (event->kind == DRT_EVENT_INIT) {
        feed->count = 0;
        while (json_next(&data, &item)) {
            struct post post = read_post(item);
            insert(feed, feed->count, &post);
        }
        return;
    }
    struct post post = read_post(data);
    size_t at = find(feed, post.id);
    bool known = at < feed->count;
    if (event->kind == DRT_EVENT_DELETE) {
        if (known) {
            remove_at(feed, at);
        }
    } else if (known) {
        feed->posts[at] = post;
    } else {
        insert(feed, 0, &post);
    }
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
    printf("%s   %zu posts\n\n", feed->online ? "● online" : "○ offline", feed->count);
    for (size_t i = 0; i < feed->count && i < SHOWN; i++) {
        const struct post *post = feed->posts + i;
        printf("%6s  %s  (%s)\n", post->id, post->title, post->status);
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
    struct feed feed = {0};
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
    free(feed.posts);
    return feed.over;
}
