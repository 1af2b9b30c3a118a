/*
 * Shows each new notification of the current user for five seconds.
 *
 *     DIRECTUS_TOKEN=… notifications http://localhost:8055
 *
 * Notifications made while the link was down are shown once it is back: the snapshot
 * after a gap has them. Ends by Ctrl-C.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "example.h"
#include "ids.h"
#include "items.h"

enum { SHOWN_MS = 5000 };

struct notice {
    long long id, until; /* until: milliseconds of the clock */
    char message[160];
};

struct board {
    struct notice *notices; /* oldest first */
    size_t count, capacity, drawn;
    struct ids known; /* shown already, or there at the start */
    bool stale, over;
};

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void drop(struct board *board, size_t at) {
    struct notice *place = board->notices + at;
    board->count--;
    memmove(place, place + 1, (board->count - at) * sizeof *place);
    board->stale = true;
}

static void show(struct board *board, const json_t *item) {
    long long id = id_of(item);
    if (!ids_add(&board->known, id)) {
        return;
    }
    if (board->count == board->capacity) {
        board->capacity = board->capacity ? 2 * board->capacity : 16;
        board->notices = realloc(board->notices, board->capacity * sizeof *board->notices);
        if (!board->notices) {
            perror("notifications");
            exit(1);
        }
    }
    struct notice *notice = &board->notices[board->count++];
    notice->id = id;
    notice->until = now_ms() + SHOWN_MS;
    text_of(item, "message", notice->message, sizeof notice->message);
    board->stale = true;
}

static void on_event(const drt_event *event, void *user_data) {
    struct board *board = user_data;
    if (event->kind == DRT_EVENT_ERROR) {
        fprintf(stderr, "the server says: %.*s\n", (int)event->data_len, event->data);
        board->over = event->flags & DRT_FLAG_ENDED;
        return;
    }
    json_t *data = data_of(event);
    if (event->kind == DRT_EVENT_INIT) {
        size_t at;
        json_t *item;
        json_array_foreach (data, at, item) {
            /* New are those made in the gap, not those in the first snapshot. */
            if (event->flags & DRT_FLAG_RESYNC) {
                show(board, item);
            } else {
                ids_add(&board->known, id_of(item));
            }
        }
    } else if (event->kind == DRT_EVENT_CREATE) {
        show(board, data);
    } else if (event->kind == DRT_EVENT_DELETE) {
        for (size_t i = board->count; i-- > 0;) {
            if (board->notices[i].id == id_of(data)) {
                drop(board, i);
            }
        }
    }
    json_decref(data);
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    struct board *board = user_data;
    (void)client, (void)reason;
    if (state == DRT_STATE_FAILED) {
        fprintf(stderr, "%s\n", message);
        board->over = true;
    }
}

/* Draws over the last output in a terminal, otherwise below it. */
static void draw(struct board *board) {
    if (isatty(STDOUT_FILENO) && board->drawn > 0) {
        printf("\033[%zuA\033[J", board->drawn);
    }
    board->drawn = board->count > 0 ? board->count : 1;
    for (size_t i = 0; i < board->count; i++) {
        printf("* %s\n", board->notices[i].message);
    }
    if (board->count == 0) {
        puts("(nothing new)");
    }
    fflush(stdout);
    board->stale = false;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: DIRECTUS_TOKEN=... notifications URL\n");
        return 2;
    }
    struct board board = {.stale = true};
    struct pollfd waits[2] = {{.fd = stop_fd(), .events = POLLIN}, {.events = POLLIN}};
    drt_client *client = open_client(argv[1], on_state, &board);

    drt_subscription_options mine = DRT_SUBSCRIPTION_OPTIONS_INIT;
    mine.collection = "notifications";
    mine.uid = "global-notifications";
    mine.persistent = true; /* in a larger program: outlives the scope of a page */
    mine.query = "{\"fields\":[\"id\",\"message\"],\"sort\":[\"id\"],\"limit\":-1,"
                 "\"filter\":{\"user_id\":{\"_eq\":\"$CURRENT_USER\"}}}";
    must(drt_subscribe(client, NULL, &mine, on_event, &board, NULL, NULL), "drt_subscribe");

    waits[1].fd = drt_client_fd(client);
    while (!board.over && !waits[0].revents) {
        if (board.stale) {
            draw(&board);
        }
        long long left = board.count > 0 ? board.notices[0].until - now_ms() : -1;
        int timeout = board.count == 0 ? -1 : left > 0 ? (int)left : 0;
        if (poll(waits, 2, timeout) > 0 && waits[1].revents) {
            must(drt_client_dispatch(client, 0, 0, NULL), "drt_client_dispatch");
        }
        while (board.count > 0 && board.notices[0].until <= now_ms()) {
            drop(&board, 0);
        }
    }
    drt_client_close(client, 5000);
    free(board.notices);
    free(board.known.sorted);
    return board.over;
}
