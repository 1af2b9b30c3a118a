/* What drt_last_error_info says of each failure. Argument: the URL of a server that refuses every
   request but "silent", and every subscription. */
#include "check.h"

#include <stddef.h>
#include <stdint.h>

static bool same(const char *one, const char *other) {
    return one == NULL || other == NULL ? one == other : strcmp(one, other) == 0;
}

static drt_error_info last(void) {
    drt_error_info info = DRT_ERROR_INFO_INIT;
    info.status = 99;
    CHECK_STATUS(drt_last_error_info(&info), DRT_OK);
    CHECK(info.struct_size == sizeof(info) && info.message == drt_last_error());
    return info;
}

/* The last error is of this status and argument, and not the server's. */
#define CHECK_LAST(status_, argument_)                                                             \
    do {                                                                                           \
        drt_error_info found = last();                                                             \
        CHECK(found.status == (status_) && same(found.argument, (argument_)));                     \
        CHECK(found.server_code == NULL && found.server_error == NULL);                            \
        CHECK(found.server_error_len == 0 && strstr(found.message, "drt_") == NULL);               \
    } while (0)

static void no_call_has_failed_yet(void) {
    CHECK_LAST(DRT_OK, NULL);
    CHECK(same(last().message, ""));
}

static void the_argument_at_fault_is_named(void) {
    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    options.url = "nonsense";
    CHECK_STATUS(drt_client_new(&options, &client), DRT_ERR_INVALID_ARGUMENT);
    CHECK_LAST(DRT_ERR_INVALID_ARGUMENT, "url");
    CHECK(strncmp(last().message, "`url` ", 6) == 0);
    CHECK_STATUS(drt_client_connect(NULL), DRT_ERR_INVALID_HANDLE);
    CHECK_LAST(DRT_ERR_INVALID_HANDLE, "client");
    CHECK_STATUS(drt_subscription_wait((drt_subscription *)(uintptr_t)8, 0),
                 DRT_ERR_INVALID_HANDLE);
    CHECK_LAST(DRT_ERR_INVALID_HANDLE, "s");
    options.struct_size = 3;
    CHECK_STATUS(drt_client_new(&options, &client), DRT_ERR_INVALID_ARGUMENT);
    CHECK_LAST(DRT_ERR_INVALID_ARGUMENT, "struct_size");
    client = client_with(DRT_DELIVER_THREAD);
    CHECK_STATUS(drt_client_dispatch(client, 0, 0, NULL), DRT_ERR_INVALID_ARGUMENT);
    CHECK_LAST(DRT_ERR_INVALID_ARGUMENT, "delivery");
    CHECK_STATUS(drt_send_message(client, "{\"type\":\"auth\"}"), DRT_ERR_INVALID_ARGUMENT);
    CHECK_LAST(DRT_ERR_INVALID_ARGUMENT, "json");
    CHECK_STATUS(drt_send_message(client, "{\"type\":\"x\"}"), DRT_ERR_NOT_CONNECTED);
    CHECK_LAST(DRT_ERR_NOT_CONNECTED, NULL);
    CHECK_STATUS(drt_client_close(client, 1000), DRT_OK);
}

static void infos_of_other_versions_are_filled(void) {
    struct {
        drt_error_info known;
        uint64_t later;
    } info;
    CHECK_STATUS(drt_client_connect(NULL), DRT_ERR_INVALID_HANDLE);
    memset(&info, 0xAA, sizeof(info));
    const drt_error_info untouched = info.known;
    info.known.struct_size = offsetof(drt_error_info, argument);
    CHECK_STATUS(drt_last_error_info(&info.known), DRT_OK);
    CHECK(info.known.status == DRT_ERR_INVALID_HANDLE);
    CHECK(info.known.argument == untouched.argument);
    info.known.struct_size = sizeof(info);
    CHECK_STATUS(drt_last_error_info(&info.known), DRT_OK);
    CHECK(same(info.known.argument, "client") && info.later == 0);
    CHECK(info.known.struct_size == sizeof(info));
}

static void an_info_that_cannot_be_filled_keeps_the_last_error(void) {
    drt_error_info info = DRT_ERROR_INFO_INIT;
    CHECK_STATUS(drt_client_connect(NULL), DRT_ERR_INVALID_HANDLE);
    CHECK_STATUS(drt_last_error_info(NULL), DRT_ERR_INVALID_ARGUMENT);
    info.struct_size = 0;
    CHECK_STATUS(drt_last_error_info(&info), DRT_ERR_INVALID_ARGUMENT);
    info.struct_size = SIZE_MAX;
    CHECK_STATUS(drt_last_error_info(&info), DRT_ERR_INVALID_ARGUMENT);
    CHECK_LAST(DRT_ERR_INVALID_HANDLE, "client");
}

/* What a reply callback has seen. */
typedef struct {
    drt_status status;
    char message[200], code[40], error[200];
    _Atomic int replies;
} reply;

static void on_reply(drt_status status, const char *json, size_t json_len, void *user_data) {
    reply *seen = user_data;
    drt_error_info info = last();
    seen->status = status;
    CHECK(info.status == status && info.argument == NULL);
    snprintf(seen->message, sizeof(seen->message), "%s", drt_last_error());
    if (info.server_code != NULL) {
        snprintf(seen->code, sizeof(seen->code), "%s", info.server_code);
    }
    CHECK(info.server_error_len == json_len);
    CHECK(json_len == 0 || memcmp(info.server_error, json, json_len) == 0);
    snprintf(seen->error, sizeof(seen->error), "%.*s", (int)json_len, json);
    atomic_fetch_add(&seen->replies, 1);
}

static void ask(drt_client *client, const char *type, uint32_t timeout_ms, reply *seen) {
    char json[80];
    snprintf(json, sizeof(json), "{\"type\":\"%s\",\"action\":\"x\"}", type);
    memset(seen, 0, sizeof(*seen));
    CHECK_STATUS(drt_request(client, json, timeout_ms, on_reply, seen, NULL), DRT_OK);
}

static void replies_without_an_answer_say_why(drt_client *client) {
    reply refused, late;
    ask(client, "items", 60000, &refused);
    EVENTUALLY(refused.replies == 1);
    CHECK(refused.status == DRT_ERR_SERVER);
    CHECK(same(refused.message, "the server answered with FORBIDDEN: not for you"));
    CHECK(same(refused.code, "FORBIDDEN"));
    CHECK(strstr(refused.error, "\"FORBIDDEN\"") != NULL);
    ask(client, "silent", 50, &late);
    EVENTUALLY(late.replies == 1);
    CHECK(late.status == DRT_ERR_TIMEOUT && same(late.code, ""));
    CHECK(same(late.message, "the server did not answer within 50 ms"));
}

static void a_refused_subscription_has_the_servers_error(drt_client *client) {
    drt_subscription *subscription = subscribe(client, NULL, "refused");
    CHECK_STATUS(drt_subscription_wait(subscription, 60000), DRT_ERR_SERVER);
    drt_error_info info = last();
    CHECK(same(info.message, "the server refused the subscription: FORBIDDEN: not for you"));
    CHECK(same(info.server_code, "FORBIDDEN") && info.argument == NULL);
    CHECK(info.server_error_len > 0 && info.server_error[0] == '{');
}

int main(int argc, char **argv) {
    CHECK(argc == 2);
    no_call_has_failed_yet();
    the_argument_at_fault_is_named();
    infos_of_other_versions_are_filled();
    an_info_that_cannot_be_filled_keeps_the_last_error();

    drt_client_options options = DRT_CLIENT_OPTIONS_INIT;
    drt_client *client = NULL;
    reply closed;
    options.url = argv[1];
    options.access_token = "token";
    CHECK_STATUS(drt_client_new(&options, &client), DRT_OK);
    CHECK_STATUS(drt_client_connect(client), DRT_OK);
    CHECK_STATUS(drt_client_wait(client, DRT_STATE_CONNECTED, 60000), DRT_OK);
    replies_without_an_answer_say_why(client);
    a_refused_subscription_has_the_servers_error(client);
    ask(client, "silent", 60000, &closed);
    CHECK_STATUS(drt_client_close(client, 5000), DRT_OK);
    CHECK(closed.replies == 1 && closed.status == DRT_ERR_CLOSED);
    CHECK(same(closed.message, "the client was closed before the server answered"));
    return check_result();
}
