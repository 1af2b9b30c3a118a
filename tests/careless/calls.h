/* The functions of the header, with arguments at random. */
#ifndef CALLS_H
#define CALLS_H

#include "callbacks.h"
#include "input.h"

#include <unistd.h>

static void mark_made(struct registration *of) {
    if (!registrations_are_freed) {
        atomic_store(&of->made, true);
    }
}

/* A call that ends something has returned. Inside a callback that may be the callback's own. */
static void mark_ended(struct handle of, drt_status status) {
    if (status == DRT_OK && of.registration != NULL && callbacks_deep == 0) {
        atomic_store(&of.registration->ended, true);
    }
}

static void open_client(void) {
    drt_client_options options = any_client_options();
    drt_client *client = NULL;
    drt_status status =
        expected(drt_client_new(one_in(64) ? NULL : &options, one_in(64) ? NULL : &client));
    CHECK((client != NULL) == (status == DRT_OK));
    if (client != NULL) {
        void *before = put_handle(CLIENT, client, NULL).handle;
        /* A client that nothing names any more would stay for ever. */
        if (before != NULL) {
            expected(drt_client_close_begin(before, NULL, NULL, NULL));
        }
    }
}

static void end_made(struct registration *of) {
    if (atomic_load(&of->made)) {
        atomic_store(&of->ended, true);
    }
}

static void check_released(struct registration *of) {
    CHECK(!atomic_load(&of->ended) || atomic_load(&of->released) == 1);
}

static void close_client(void *client) {
    drt_status status = expected(drt_client_close(client, any_time()));
    CHECK(callbacks_deep == 0 || status != DRT_OK);
    if (status == DRT_OK && !registrations_are_freed) {
        registrations_each(client, end_made);
        registrations_each(client, check_released);
    }
}

static void begin_to_close(void *client) {
    struct registration *of = registration_new(NULL);
    expected(
        drt_client_close_begin(client, one_in(2) ? on_closed : NULL, of, registration_release));
}

static void subscribe_at_random(void *client, void *scope) {
    drt_subscription_options options = any_subscription_options();
    drt_subscription *out = NULL;
    struct registration *of = registration_new(client);
    drt_status status = expected(drt_subscribe(client, one_in(2) ? NULL : scope, &options,
                                               one_in(16) ? NULL : on_event, of,
                                               registration_release, one_in(16) ? NULL : &out));
    mark_made(of);
    if (out != NULL) {
        put_handle(SUBSCRIPTION, out, status == DRT_OK ? of : NULL);
    }
}

static void open_live(void *client, void *scope) {
    drt_live_options options = any_live_options();
    drt_live *out = NULL;
    struct registration *of = registration_new(client);
    drt_status status = expected(drt_live_open(client, one_in(2) ? NULL : scope, &options,
                                               one_in(8) ? NULL : on_update, of,
                                               registration_release, one_in(16) ? NULL : &out));
    mark_made(of);
    if (out != NULL) {
        put_handle(LIVE, out, status == DRT_OK ? of : NULL);
    }
}

static void request_at_random(void *client) {
    struct registration *of = registration_new(client);
    expected(drt_request(client, any_message(), any_time(), one_in(16) ? NULL : on_reply, of,
                         registration_release));
    mark_made(of);
}

static void set_callback(void *client) {
    struct registration *of = registration_new(client);
    if (one_in(2)) {
        expected(
            drt_client_on_state(client, one_in(4) ? NULL : on_state, of, registration_release));
    } else {
        expected(
            drt_client_on_token(client, one_in(4) ? NULL : on_token, of, registration_release));
    }
    mark_made(of);
}

static void set_log(void) {
    struct registration *of = registration_new(NULL);
    expected(drt_set_log(one_in(16) ? 99 : (drt_log_level)dice(6), one_in(4) ? NULL : on_log, of,
                         registration_release));
    int fd = -1;
    if (one_in(4)) {
        expected(drt_log_open((drt_log_level)dice(6), one_in(8) ? NULL : &fd));
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* Takes rows; row 4 comes in place of a release. */
static void take_rows(void *client) {
    drt_row_entry entries[64];
    const char *text = NULL;
    size_t len = 0, rows = 0;
    drt_status status = expected(
        drt_client_next_indexed(client, (int32_t)any_time(), 64, one_in(32) ? NULL : entries,
                                one_in(32) ? 3 : sizeof(entries[0]), &text, &len, &rows));
    for (size_t i = 0; status == DRT_OK && i < rows; i++) {
        CHECK(entries[i].begin <= entries[i].end && entries[i].end <= len);
        if (entries[i].row == 4) {
            registration_release((void *)(uintptr_t)entries[i].user_data);
        }
    }
}

static void drain(void *client) {
    const char *json = NULL;
    size_t len = 0, taken = 0;
    drt_status status = expected(drt_client_drain(client, (int32_t)any_time(), dice(20),
                                                  one_in(32) ? NULL : &json, &len, &taken));
    /* Another thread may take meanwhile: the text is not looked at. */
    CHECK(status != DRT_OK || json == NULL || len >= 2);
}

static void ask_client(void *client) {
    drt_stats stats = DRT_STATS_INIT;
    stats.struct_size = any_size(sizeof(stats));
    switch (dice(7)) {
    case 0:
        expected(drt_client_stats(client, one_in(16) ? NULL : &stats));
        break;
    case 1:
        CHECK(drt_client_state(client) >= DRT_STATE_IDLE);
        break;
    case 2:
        (void)drt_client_is_connected(client);
        break;
    case 3:
        (void)drt_client_fd(client);
        break;
    case 4:
        (void)drt_has_subscription(client, any_uid());
        break;
    case 5:
        expected(drt_active_subscriptions(client, one_in(32) ? NULL : visit_subscription, NULL));
        break;
    default:
        expected(drt_client_wait(client, (drt_state)dice(9), any_time()));
    }
}

static void move_client(void *client) {
    switch (dice(8)) {
    case 0:
        expected(drt_client_reconnect(client));
        break;
    case 1:
        expected(drt_client_disconnect(client));
        break;
    case 2:
        expected(drt_client_set_token(client, TEXT("token", "other")));
        break;
    case 3:
        expected(drt_send_message(client, any_message()));
        break;
    default:
        expected(drt_client_connect(client));
    }
}

static void use_subscription(struct handle of) {
    switch (dice(4)) {
    case 0:
        expected(drt_subscription_wait(of.handle, any_time()));
        break;
    case 1:
        expected(drt_subscription_resync(of.handle));
        break;
    case 2:
        expected(drt_subscription_visit(of.handle, one_in(32) ? NULL : visit_subscription, NULL));
        break;
    default:
        mark_ended(of, expected(drt_subscription_unsubscribe(of.handle)));
    }
}

static void verify(void *live) {
    struct registration *of = registration_new(NULL);
    expected(
        drt_live_verify(live, any_time(), one_in(16) ? NULL : on_reply, of, registration_release));
}

static void use_live(struct handle of) {
    uint64_t count = 0;
    switch (dice(7)) {
    case 0:
        (void)drt_live_get_status(of.handle);
        break;
    case 1:
        expected(drt_live_count(of.handle, one_in(32) ? NULL : &count));
        break;
    case 2:
        expected(drt_live_get(of.handle, TEXT("1", "\"2\""), one_in(32) ? NULL : visit_row, NULL));
        break;
    case 3:
        expected(drt_live_rows(of.handle, dice(4), dice(4), one_in(32) ? NULL : visit_row, NULL,
                               &count));
        break;
    case 4:
        expected(drt_live_wait(of.handle, any_time()));
        break;
    case 5:
        verify(of.handle);
        break;
    default:
        mark_ended(of, expected(drt_live_close(of.handle)));
    }
}

static void end_many(void *client) {
    size_t ended = 0;
    switch (dice(4)) {
    case 0:
        expected(drt_unsubscribe_all(client, one_in(2) ? NULL : &ended));
        break;
    case 1:
        expected(drt_unsubscribe_collection(client, any_collection(), &ended));
        break;
    default:
        expected(drt_unsubscribe(client, any_uid()));
    }
}

static void open_scope(void *client) {
    drt_scope *scope = NULL;
    expected(drt_scope_new(client, one_in(32) ? NULL : &scope));
    if (scope != NULL) {
        put_handle(SCOPE, scope, NULL);
    }
}

static void initialise(void) {
    drt_client_options client;
    drt_subscription_options subscription;
    drt_live_options live;
    drt_error_info info = DRT_ERROR_INFO_INIT;
    expected(drt_client_options_init(one_in(8) ? NULL : &client, any_size(sizeof(client))));
    expected(drt_subscription_options_init(one_in(8) ? NULL : &subscription,
                                           any_size(sizeof(subscription))));
    expected(drt_live_options_init(one_in(8) ? NULL : &live, any_size(sizeof(live))));
    info.struct_size = any_size(sizeof(info));
    (void)drt_last_error_info(one_in(8) ? NULL : &info);
    CHECK(drt_version() != NULL && drt_abi_version() > 0);
    (void)drt_status_name((drt_status)dice_next());
}

static void call_at_random(void) {
    void *const client = any_handle(CLIENT).handle;
    void *const scope = any_handle(SCOPE).handle;
    size_t count = 0;
    const uint32_t call = dice(100);
    if (call < 4) {
        open_client();
    } else if (call < 5) {
        close_client(client);
    } else if (call < 6) {
        begin_to_close(client);
    } else if (call < 20) {
        subscribe_at_random(client, scope);
    } else if (call < 28) {
        open_live(client, scope);
    } else if (call < 36) {
        request_at_random(client);
    } else if (call < 39) {
        set_callback(client);
    } else if (call < 40) {
        set_log();
    } else if (call < 46) {
        expected(drt_client_dispatch(client, (int32_t)any_time(), dice(20), &count));
    } else if (call < 48) {
        expected(drt_client_dispatch_control(client, dice(20), one_in(2) ? NULL : &count));
    } else if (call < 52) {
        take_rows(client);
    } else if (call < 54) {
        drain(client);
    } else if (call < 62) {
        ask_client(client);
    } else if (call < 68) {
        move_client(client);
    } else if (call < 80) {
        use_subscription(any_handle(SUBSCRIPTION));
    } else if (call < 91) {
        use_live(any_handle(LIVE));
    } else if (call < 94) {
        end_many(client);
    } else if (call < 96) {
        open_scope(client);
    } else if (call < 98) {
        expected(drt_scope_close(scope));
    } else {
        initialise();
    }
}

#endif
