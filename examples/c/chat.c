/*
 * A chat for two terminals.
 *
 *     DIRECTUS_TOKEN=… chat http://localhost:8055 CHANNEL NAME
 *
 * One loop waits for the keyboard and the library. Ends by Ctrl-D or Ctrl-C.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "example.h"
#include "ids.h"
#include "items.h"

struct chat {
    drt_client *client;
    const char *channel, *name;
    char typed[4096]; /* the line so far, if it is not longer */
    size_t length;
    struct ids printed;
    size_t unanswered;
    bool online, ready, closed, over;
};

static void print_message(struct chat *chat, const json_t *message) {
    char name[40], text[4096];
    if (!ids_add(&chat->printed, id_of(message))) {
        return;
    }
    text_of(message, "user_name", name, sizeof name);
    text_of(message, "text", text, sizeof text);
    printf("%s%s %s\n", name, strcmp(name, chat->name) == 0 ? " (you):" : ":", text);
}

static void on_event(const drt_event *event, void *user_data) {
    struct chat *chat = user_data;
    if (event->kind == DRT_EVENT_ERROR) {
        fprintf(stderr, "the server says: %.*s\n", (int)event->data_len, event->data);
        chat->over = event->flags & DRT_FLAG_ENDED;
        return;
    }
    json_t *data = data_of(event);
    if (event->kind == DRT_EVENT_INIT) {
        size_t at;
        json_t *message;
        /* After a gap, most of these were printed before. */
        json_array_foreach (data, at, message) {
            print_message(chat, message);
        }
        chat->ready = true;
    } else if (event->kind == DRT_EVENT_CREATE) {
        print_message(chat, data);
    }
    json_decref(data);
    fflush(stdout);
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    struct chat *chat = user_data;
    (void)client, (void)reason;
    chat->online = state == DRT_STATE_CONNECTED;
    fprintf(stderr, "%s %s\n", chat->online ? "●" : "○", message);
    if (state == DRT_STATE_FAILED) {
        chat->over = true;
    }
}

static void on_reply(drt_status status, const char *json, size_t len, void *user_data) {
    struct chat *chat = user_data;
    chat->unanswered--;
    /* A message that was sent is printed when it comes back as an event. */
    if (status != DRT_OK) {
        fprintf(stderr, "not sent: %s %.*s\n", drt_status_name(status), (int)len, len ? json : "");
    }
}

static void send_line(struct chat *chat) {
    size_t length = chat->length;
    chat->length = 0;
    if (length == 0) {
        return;
    }
    if (length >= sizeof chat->typed) {
        fprintf(stderr, "not sent: too long\n");
        return;
    }
    chat->typed[length] = '\0';
    json_t *request = json_pack("{s:s, s:s, s:s, s:{s:s, s:s, s:s}}", "type", "items", "collection",
                                "messages", "action", "create", "data", "channel_id", chat->channel,
                                "user_name", chat->name, "text", chat->typed);
    char *message = json_dumps(request, JSON_COMPACT);
    json_decref(request);
    if (!message) {
        fprintf(stderr, "not sent: not UTF-8\n");
    } else if (drt_request(chat->client, message, 0, on_reply, chat, NULL) == DRT_OK) {
        chat->unanswered++;
    } else {
        fprintf(stderr, "not sent: %s\n", drt_last_error());
    }
    free(message);
}

/* Reads typed input, which a terminal passes on line by line. */
static void read_keyboard(struct chat *chat) {
    char bytes[512];
    ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    chat->closed = count <= 0;
    for (ssize_t i = 0; i < count; i++) {
        if (bytes[i] == '\n') {
            send_line(chat);
        } else {
            if (chat->length < sizeof chat->typed) {
                chat->typed[chat->length] = bytes[i];
            }
            chat->length++;
        }
    }
    if (chat->closed) {
        send_line(chat);
    }
}

static void subscribe(struct chat *chat) {
    /* No limit: it would cut messages sent in a gap, and the server's batches of changes. */
    json_t *wanted = json_pack("{s:[s,s,s], s:{s:{s:s}}, s:[s,s], s:i}", "fields", "id",
                               "user_name", "text", "filter", "channel_id", "_eq", chat->channel,
                               "sort", "date_created", "id", "limit", -1);
    char *query = json_dumps(wanted, JSON_COMPACT);
    json_decref(wanted);
    if (!query) {
        fprintf(stderr, "the channel's name is not UTF-8\n");
        exit(2);
    }
    drt_subscription_options messages = DRT_SUBSCRIPTION_OPTIONS_INIT;
    messages.collection = "messages";
    messages.query = query;
    drt_status status = drt_subscribe(chat->client, NULL, &messages, on_event, chat, NULL, NULL);
    must(status, "drt_subscribe");
    free(query);
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: DIRECTUS_TOKEN=... chat URL CHANNEL NAME\n");
        return 2;
    }
    struct chat chat = {.channel = argv[2], .name = argv[3]};
    int stop = stop_fd();
    chat.client = open_client(argv[1], on_state, &chat);
    subscribe(&chat);

    while (!chat.over && !(chat.closed && chat.unanswered == 0)) {
        /* While offline, input is not read and waits in the terminal. */
        bool listening = chat.online && chat.ready && !chat.closed;
        struct pollfd waits[] = {
            {.fd = stop, .events = POLLIN},
            {.fd = drt_client_fd(chat.client), .events = POLLIN},
            {.fd = listening ? STDIN_FILENO : -1, .events = POLLIN},
        };
        if (poll(waits, 3, -1) <= 0) {
            continue;
        }
        if (waits[0].revents) {
            break;
        }
        if (waits[1].revents) {
            must(drt_client_dispatch(chat.client, 0, 0, NULL), "drt_client_dispatch");
        }
        if (waits[2].revents) {
            read_keyboard(&chat);
        }
    }
    drt_client_close(chat.client, 5000);
    free(chat.printed.sorted);
    return chat.over;
}
