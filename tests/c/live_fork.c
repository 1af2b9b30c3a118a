/* A fork with an open link: the link stays with the parent, and the child cannot use it.
   Arguments: a server's URL, a token for it. */
#include "check.h"

#include <sys/wait.h>
#include <unistd.h>

static const char *url, *token;

struct seen {
    _Atomic int inits, creates, replies, connected, others;
};

static void on_event(const drt_event *event, void *user_data) {
    struct seen *seen = user_data;
    switch (event->kind) {
    case DRT_EVENT_INIT:
        atomic_fetch_add(&seen->inits, 1);
        break;
    case DRT_EVENT_CREATE:
        atomic_fetch_add(&seen->creates, 1);
        break;
    default:
        atomic_fetch_add(&seen->others, 1);
    }
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    struct seen *seen = user_data;
    (void)client, (void)reason, (void)message;
    if (state == DRT_STATE_CONNECTED) {
        atomic_fetch_add(&seen->connected, 1);
    }
}

static void on_reply(drt_status status, const char *json, size_t json_len, void *user_data) {
    struct seen *seen = user_data;
    (void)json, (void)json_len;
    CHECK_STATUS(status, DRT_OK);
    atomic_fetch_add(&seen->replies, 1);
}

/* Makes a client with a subscription to the posts of one title. */
static drt_client *follow(struct seen *seen, const char *query, drt_subscription **sub) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_client *client = NULL;
    options.url = url;
    options.access_token = token;
    posts.collection = "posts";
    posts.query = query;
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK_STATUS(drt_client_on_state(client, on_state, seen, NULL), DRT_OK);
    CHECK_STATUS(drt_subscribe(client, NULL, &posts, on_event, seen, NULL, sub), DRT_OK);
    CHECK_STATUS(drt_subscription_wait(*sub, 60000), DRT_OK);
    EVENTUALLY(atomic_load(&seen->inits) == 1);
    return client;
}

static void create(drt_client *client, struct seen *seen, const char *title) {
    char json[300];
    int before = atomic_load(&seen->creates);
    snprintf(json, sizeof(json),
             "{\"type\":\"items\",\"action\":\"create\",\"collection\":\"posts\","
             "\"data\":{\"title\":\"%s\"}}",
             title);
    CHECK_STATUS(drt_request(client, json, 60000, on_reply, seen, NULL), DRT_OK);
    EVENTUALLY(atomic_load(&seen->creates) == before + 1);
    EVENTUALLY(atomic_load(&seen->replies) == before + 1);
}

static int in_child(drt_client *inherited, drt_subscription *sub, const char *title) {
    struct seen seen = {0};
    drt_subscription *own_sub = NULL;
    drt_stats stats = DRT_STATS_INIT;
    char query[300];
    CHECK_FAILS(drt_client_disconnect(inherited), DRT_ERR_FORKED, "fork");
    CHECK_STATUS(drt_client_stats(inherited, &stats), DRT_ERR_FORKED);
    CHECK_STATUS(drt_client_close(inherited, 1000), DRT_ERR_FORKED);
    CHECK_STATUS(drt_subscription_unsubscribe(sub), DRT_ERR_FORKED);
    CHECK_STATUS(drt_subscription_wait(sub, 1000), DRT_ERR_FORKED);
    CHECK_STATUS(drt_request(inherited, "{\"type\":\"ping\"}", 1, on_reply, NULL, NULL),
                 DRT_ERR_FORKED);
    snprintf(query, sizeof(query), "{\"filter\":{\"title\":{\"_eq\":\"child of %s\"}}}", title);
    drt_client *own = follow(&seen, query, &own_sub);
    snprintf(query, sizeof(query), "child of %s", title);
    create(own, &seen, query);
    CHECK_STATUS(drt_client_close(own, 60000), DRT_OK);
    CHECK(atomic_load(&seen.connected) == 1 && atomic_load(&seen.others) == 0);
    return check_result();
}

int main(int argc, char **argv) {
    struct seen seen = {0};
    drt_subscription *sub = NULL;
    drt_stats stats = DRT_STATS_INIT;
    char title[100], query[300];
    CHECK(argc == 3);
    url = argv[1], token = argv[2];
    /* A title of this run: other tests use the same server. */
    snprintf(title, sizeof(title), "fork %ld", (long)getpid());
    snprintf(query, sizeof(query), "{\"filter\":{\"title\":{\"_eq\":\"%s\"}}}", title);
    drt_client *client = follow(&seen, query, &sub);
    for (int round = 0; round < 3; round++) {
        pid_t child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(240); /* a child that hangs fails */
            int result = in_child(client, sub, title);
            /* Once by exit(), which runs the exit handlers. */
            if (round == 0) {
                exit(result);
            }
            _exit(result);
        }
        create(client, &seen, title); /* while the child lives */
        int status = -1;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
        create(client, &seen, title); /* and after its end */
    }
    CHECK_STATUS(drt_client_stats(client, &stats), DRT_OK);
    CHECK(stats.connects == 1 && stats.resyncs == 0 && stats.active_subscriptions == 1);
    CHECK(atomic_load(&seen.connected) == 1 && atomic_load(&seen.inits) == 1);
    CHECK(atomic_load(&seen.creates) == 6 && atomic_load(&seen.others) == 0);
    CHECK_STATUS(drt_client_close(client, 60000), DRT_OK);
    return check_result();
}
