/*
 * A program of one version with a library of another: `ages URL TOKEN COLLECTION`. It uses every
 * struct, and prints the sizes that its header and the library give for them. Compiled with a newer
 * header, `ages --unknown` sets a member that today's library does not know.
 */
#include <directus_realtime.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static atomic_size_t seen;

static void on_event(const drt_event *event, void *user_data) {
    (void)user_data;
    if (event->kind == DRT_EVENT_INIT && event->data_len > 0 && event->count == 1) {
        atomic_store(&seen, event->struct_size);
    }
}

static bool on_subscription(const drt_subscription_info *info, void *user_data) {
    size_t *size = user_data;
    *size = strcmp(info->uid, "ages") == 0 ? info->struct_size : 0;
    return true;
}

static int failed(const char *what) {
    fprintf(stderr, "%s: %s\n", what, drt_last_error());
    return 1;
}

#ifdef DRT_TOMORROW
static int set_what_is_unknown(void) {
    drt_client *client = NULL;
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "ws://127.0.0.1:1/websocket";
    options.tomorrow = 1;
    drt_status status = drt_client_new(&options, &client);
    printf("%s: %s\n", drt_status_name(status), drt_last_error());
    return 0;
}
#endif

#ifdef DRT_ERROR_INFO_INIT
/* Since ABI 0.2. The library must not write its additional members behind the program's struct. */
static int fill_error_info(void) {
    struct {
        drt_error_info error;
        unsigned char behind[64];
    } last = {DRT_ERROR_INFO_INIT, {0}};
    memset(last.behind, 0xA5, sizeof last.behind);
    if (drt_client_connect(NULL) == DRT_OK || drt_last_error_info(&last.error) != DRT_OK) {
        return failed("drt_last_error_info");
    }
    for (size_t i = 0; i < sizeof last.behind; i++) {
        if (last.behind[i] != 0xA5) {
            fprintf(stderr, "drt_last_error_info wrote behind the struct\n");
            return 1;
        }
    }
    if (last.error.argument == NULL || strcmp(last.error.argument, "client") != 0) {
        fprintf(stderr, "drt_last_error_info names another argument\n");
        return 1;
    }
    return 0;
}
#endif

int main(int argc, char **argv) {
#ifdef DRT_TOMORROW
    if (argc == 2 && strcmp(argv[1], "--unknown") == 0) {
        return set_what_is_unknown();
    }
#endif
    if (argc != 4) {
        fprintf(stderr, "usage: ages URL TOKEN COLLECTION\n");
        return 2;
    }
    drt_client *client = NULL;
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = argv[1];
    options.access_token = argv[2];
    if (drt_client_new(&options, &client) != DRT_OK) {
        return failed("drt_client_new");
    }
    drt_subscription *subscription = NULL;
    drt_subscription_options wanted = DRT_SUBSCRIPTION_OPTIONS_INIT;
    wanted.collection = argv[3];
    wanted.uid = "ages";
    if (drt_subscribe(client, NULL, &wanted, on_event, NULL, NULL, &subscription) != DRT_OK) {
        return failed("drt_subscribe");
    }
    if (drt_subscription_wait(subscription, 30000) != DRT_OK) {
        return failed("drt_subscription_wait");
    }
    size_t info = 0;
    if (drt_active_subscriptions(client, on_subscription, &info) != DRT_OK) {
        return failed("drt_active_subscriptions");
    }
    /* The library must not write its additional members behind the program's struct. */
    struct {
        drt_stats stats;
        unsigned char behind[64];
    } room = {DRT_STATS_INIT, {0}};
    memset(room.behind, 0xA5, sizeof room.behind);
    if (drt_client_stats(client, &room.stats) != DRT_OK) {
        return failed("drt_client_stats");
    }
    for (size_t i = 0; i < sizeof room.behind; i++) {
        if (room.behind[i] != 0xA5) {
            fprintf(stderr, "drt_client_stats wrote behind the struct\n");
            return 1;
        }
    }
    if (room.stats.connects != 1 || room.stats.active_subscriptions != 1) {
        fprintf(stderr, "drt_client_stats counts wrong\n");
        return 1;
    }
#ifdef DRT_ERROR_INFO_INIT
    if (fill_error_info() != 0) {
        return 1;
    }
#endif
    for (int i = 0; atomic_load(&seen) == 0 && i < 30000; i++) {
        nanosleep(&(struct timespec){0, 1000000}, NULL);
    }
    if (drt_client_close(client, 10000) != DRT_OK) {
        return failed("drt_client_close");
    }
    printf("event %zu of %zu, info %zu of %zu\n", sizeof(drt_event), atomic_load(&seen),
           sizeof(drt_subscription_info), info);
    return 0;
}
