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
#include "json.h"

struct chat {
    drt_client *client;
    const char *channel, *name;
    char typed[4096]; /* the line so far, if it is not longer */
    size_t length;
    struct ids printed;
    size_t unanswered;
    bool online, ready, closed, over;
};

static long long id_of(struct json message) {
    char id[24];
    json_text(json_get(message, "id"), id, sizeof id);
    return atoll(id);
}

static void print_message(struct chat *chat, struct json message) {
    char name[40], text[4096];
    if (!ids_add(&chat->printed, id_of(message))) {
        return;
    }
    json_text(json_get(message, "user_name"), name, sizeof name);
    json_text(json_get(message, "text"), text, sizeof text);
    printf("%s%s %s\n", name, strcmp(name, chat->name) == 0 ? " (you):" : ":", text);
}

static void on_event(const drt_event *event, void *user_data) {
    struct chat *chat = user_data;
    struct json data = {event->data, event->data_len}, message;
    if (event->kind == DRT_EVENT_INIT) {
        /* After a gap, most of these were printed before. */
        while (json_next(&data, &message)) {
            print_message(chat, message);
        }
        chat->ready = true;
    } else if (event->kind == DRT_EVENT_CREATE) {
        print_message(chat, data);
    } else if (event->kind == DRT_EVENT_ERROR) {
        fprintf(stderr, "the server says: %.*s\n", (int)event->data_len, event->data);
        chat->over = event->flags & DRT_FLAG_ENDED;
    }
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
    char channel[200], name[200], text[6 * sizeof chat->typed], message[sizeof text + 600];
    size_t length = chat->length;
    chat->length = 0;
    if (length == 0) {
        return;
    }
    if (length < sizeof chat->typed) {
        chat->typed[length] = '\0';
    }
    if (length >= sizeof chat->typed || !json_quote(chat->typed, text, sizeof text) ||
        !json_quote(chat->channel, channel, sizeof channel) ||
        !json_quote(chat->name, name, sizeof name)) {
        fprintf(stderr, "not sent: too long\n");
        return;
    }
    snprintf(message, sizeof message,
             "{\"type\":\"items\",\"collection\":\"messages\",\"action\":\"create\","
             "\"data\":{\"channel_id\":%s,\"user_name\":%s,\"text\":%s}}",
             channel, name, text);
    if (drt_request(chat->client, message, 0, on_reply, chat, NULL) != DRT_OK) {
        fprintf(stderr, "not sent: %s\n", drt_last_error());
        return;
    }
    chat->unanswered++;
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
    char channel[200], query[600];
    if (!json_quote(chat->channel, channel, sizeof channel)) {
        fprintf(stderr, "the channel's name is too long\n");
        exit(2);
    }
    /* No limit: it would cut messages sent in a gap, and the server's batches of changes. */
    snprintf(query, sizeof query,
             "{\"fields\":[\"id\",\"user_name\",\"text\"],\"filter\":{\"channel_id\":{\"_eq\":%s}},"
             "\"sort\":[\"date_created\",\"id\"],\"limit\":-1}",
             channel);
    drt_subscription_options messages = DRT_SUBSCRIPTION_OPTIONS_INIT;
    messages.collection = "messages";
    messages.query = query;
    drt_status status = drt_subscribe(chat->client, NULL, &messages, on_event, chat, NULL, NULL);
    must(status, "drt_subscribe");
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
