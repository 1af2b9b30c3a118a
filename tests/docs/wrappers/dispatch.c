/* Statements that dispatch. */
#include <directus_realtime.h>
#include <stdio.h>

static void on_event(const drt_event *event, void *user_data) {
    (void)user_data;
    printf("%.*s\n", (int)event->data_len, event->data);
}

int main(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    options.url = "http://localhost:8055";
    options.access_token = "my-token";
    options.delivery = DRT_DELIVER_POLL;
    drt_client *client;
    drt_subscription *subscription;
    drt_subscription_options posts = DRT_SUBSCRIPTION_OPTIONS_INIT;
    posts.collection = "posts";
    posts.query = "{\"fields\":[\"title\"]}";
    if (drt_client_new(&options, &client) != DRT_OK ||
        drt_subscribe(client, NULL, &posts, on_event, NULL, NULL, &subscription) != DRT_OK ||
        drt_subscription_wait(subscription, 10000) != DRT_OK) {
        fprintf(stderr, "%s\n", drt_last_error());
        return 1;
    }

    /* the fragment */

    drt_client_close(client, 5000);
    return 0;
}
