/* Makes every wrong call of docs/troubleshooting.md, and prints the errors. */
#define _POSIX_C_SOURCE 200809L
#include <directus_realtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void expect(drt_status wanted, drt_status status) {
    printf("%s\n", drt_last_error());
    if (status != wanted) {
        printf("that is %s, not %s\n", drt_status_name(status), drt_status_name(wanted));
        exit(1);
    }
}

static drt_client *new_client(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.access_token = "my-token";
    drt_client *client;
    if (drt_client_new(&options, &client) != DRT_OK) {
        exit(1);
    }
    return client;
}

static void on_event(const drt_event *event, void *user_data) { (void)event, (void)user_data; }

static void wait_inside(drt_client *client, drt_state state, drt_status reason, const char *message,
                        void *user_data) {
    (void)state, (void)reason, (void)message;
    if (*(int *)user_data == 0) {
        expect(DRT_ERR_WOULD_DEADLOCK, drt_client_close(client, 0));
        *(int *)user_data = 1;
    }
}

static void handles(drt_client *client) {
    int no_handle = 0;
    drt_scope *scope = NULL;
    drt_scope_new(client, &scope);
    expect(DRT_ERR_INVALID_HANDLE, drt_client_connect(NULL));
    expect(DRT_ERR_INVALID_HANDLE, drt_client_connect((drt_client *)&no_handle));
    expect(DRT_ERR_INVALID_HANDLE, drt_client_connect((drt_client *)scope));
    drt_client *closed = new_client();
    drt_client_close(closed, 1000);
    expect(DRT_ERR_INVALID_HANDLE, drt_client_close(closed, 1000));
    pid_t child = fork();
    if (child == 0) {
        expect(DRT_ERR_FORKED, drt_client_connect(client));
        fflush(stdout);
        _exit(0);
    }
    int status = 1;
    waitpid(child, &status, 0);
    if (status != 0) {
        exit(1);
    }
}

static void options(void) {
    struct {
        drt_client_options known;
        const char *later;
    } newer = {.known = DRT_CLIENT_OPTIONS_INIT, .later = "something"};
    drt_client *client;
    newer.known.struct_size = sizeof newer;
    newer.known.url = "http://localhost:8055";
    expect(DRT_ERR_INVALID_ARGUMENT, drt_client_new(&newer.known, &client));
    drt_client_options empty = {0};
    expect(DRT_ERR_INVALID_ARGUMENT, drt_client_new(&empty, &client));
    drt_client_options wrong = DRT_CLIENT_OPTIONS_INIT;
    wrong.url = "localhost:8055";
    expect(DRT_ERR_INVALID_ARGUMENT, drt_client_new(&wrong, &client));
    wrong.url = "http://localhost:8055?access_token=x";
    expect(DRT_ERR_INVALID_ARGUMENT, drt_client_new(&wrong, &client));
    wrong.url = "http://localhost:8055";
    wrong.auth_mode = DRT_AUTH_STRICT;
    wrong.email = "me@example.com";
    wrong.password = "my-password";
    expect(DRT_ERR_INVALID_ARGUMENT, drt_client_new(&wrong, &client));
}

static void messages(drt_client *client) {
    expect(DRT_ERR_NOT_CONNECTED, drt_send_message(client, "{\"type\":\"items\"}"));
    expect(DRT_ERR_INVALID_ARGUMENT, drt_send_message(client, "{\"type\":\"subscribe\"}"));
    expect(DRT_ERR_INVALID_ARGUMENT, drt_client_dispatch(client, 0, 0, NULL));
    expect(DRT_ERR_TIMEOUT, drt_client_wait(client, DRT_STATE_CONNECTED, 10));
    expect(DRT_ERR_NOT_FOUND, drt_unsubscribe(client, "posts"));
}

static void subscriptions(drt_client *client) {
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
    posts.query = "{";
    expect(DRT_ERR_INVALID_JSON, drt_subscribe(client, NULL, &posts, on_event, NULL, NULL, NULL));
    posts.query = "[]";
    expect(DRT_ERR_INVALID_JSON, drt_subscribe(client, NULL, &posts, on_event, NULL, NULL, NULL));
    posts.query = NULL;
    drt_subscription *subscription = NULL;
    drt_subscribe(client, NULL, &posts, on_event, NULL, NULL, &subscription);
    drt_subscription_unsubscribe(subscription);
    expect(DRT_ERR_INVALID_HANDLE, drt_subscription_unsubscribe(subscription));
}

static void failed(void) {
    drt_client_options guest = DRT_CLIENT_OPTIONS_INIT;
    guest.url = "http://localhost:8055";
    drt_client *client;
    drt_client_new(&guest, &client);
    drt_client_connect(client);
    expect(DRT_ERR_AUTH, drt_client_wait(client, DRT_STATE_CONNECTED, 1000));
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
    expect(DRT_ERR_NOT_CONNECTED, drt_subscribe(client, NULL, &posts, on_event, NULL, NULL, NULL));
    drt_client_close(client, 1000);
}

int main(void) {
    int waited = 0;
    drt_client *client = new_client();
    options();
    handles(client);
    messages(client);
    drt_client_on_state(client, wait_inside, &waited, NULL);
    subscriptions(client);
    failed();
    drt_client_close(client, 5000);
    return waited ? 0 : 1;
}
