/* Waits for the descriptor of poll delivery by Windows' select, until a post was made. */
#include <directus_realtime.h>

#include <stdio.h>
#include <winsock2.h>

static int events;

static void on_event(const drt_event *event, void *user_data) {
    (void)user_data;
    printf("%s %.*s\n", event->kind == DRT_EVENT_INIT ? "init" : "create", (int)event->data_len,
           event->data);
    events++;
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    (void)client, (void)state, (void)reason, (void)user_data;
    puts(message);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        return 2;
    }
    WSADATA sockets;
    WSAStartup(MAKEWORD(2, 2), &sockets);
    setvbuf(stdout, NULL, _IONBF, 0);
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = argv[1];
    options.access_token = "token";
    options.delivery = DRT_DELIVER_POLL;
    drt_client *client = NULL;
    if (drt_client_new(&options, &client) != DRT_OK) {
        puts(drt_last_error());
        return 1;
    }
    drt_client_on_state(client, on_state, NULL, NULL);
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
    drt_subscribe(client, NULL, &posts, on_event, NULL, NULL, NULL);
    SOCKET descriptor = (SOCKET)drt_client_fd(client);
    while (events < 2) {
        fd_set readable;
        FD_ZERO(&readable);
        FD_SET(descriptor, &readable);
        if (select(0, &readable, NULL, NULL, NULL) != 1) {
            printf("select fails: %d\n", WSAGetLastError());
            return 1;
        }
        drt_client_dispatch(client, 0, 0, NULL);
    }
    return drt_client_close(client, 5000);
}
