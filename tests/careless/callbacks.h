/* The callbacks, which make calls of their own now and then. */
#ifndef CALLBACKS_H
#define CALLBACKS_H

#include "handles.h"

static _Thread_local int callbacks_deep;
static _Atomic long calls_made, calls_refused;

static void call_at_random(void);

/* A status is one of the published ones, none of them an internal error; a failure is explained. */
static inline drt_status expected(drt_status status) {
    atomic_fetch_add(&calls_made, 1);
    CHECK(strcmp(drt_status_name(status), "DRT_ERR_UNKNOWN") != 0);
    CHECK(status != DRT_ERR_INTERNAL && status != DRT_ERR_FORKED);
    if (status < 0) {
        atomic_fetch_add(&calls_refused, 1);
        CHECK(drt_last_error()[0] != '\0');
    }
    return status;
}

/* What a callback does: often nothing, now and then a few calls, not without an end. */
static inline void act(void *user_data) {
    const uint64_t outside = registration_enter(user_data);
    callbacks_deep++;
    while (callbacks_deep < 4 && one_in(4)) {
        call_at_random();
    }
    callbacks_deep--;
    dice_seed(outside);
}

static void on_event(const drt_event *event, void *user_data) {
    CHECK(event->uid[event->uid_len] == '\0' && event->sequence > 0);
    act(user_data);
}

static void on_update(const drt_live_update *update, void *user_data) {
    CHECK(update->uid[update->uid_len] == '\0');
    act(user_data);
}

static void on_reply(drt_status status, const char *json, size_t len, void *user_data) {
    CHECK((status == DRT_OK || status == DRT_ERR_SERVER) == (json != NULL && len > 0));
    act(user_data);
}

static void on_state(drt_client *client, drt_state state, drt_status reason, const char *message,
                     void *user_data) {
    CHECK(client != NULL && state >= DRT_STATE_IDLE && state <= DRT_STATE_CLOSED);
    CHECK(reason <= 0 && message != NULL);
    act(user_data);
}

static void on_token(drt_client *client, drt_status reason, void *user_data) {
    CHECK(reason == DRT_OK || reason == DRT_ERR_AUTH);
    if (one_in(2)) {
        expected(drt_client_set_token(client, "another"));
    }
    act(user_data);
}

static void on_closed(drt_status status, void *user_data) {
    CHECK(status <= 0);
    act(user_data);
}

static void on_log(drt_log_level level, const char *target, const char *message, void *user_data) {
    CHECK(level > DRT_LOG_OFF && target != NULL && message != NULL);
    act(user_data);
}

/* A visit runs on the caller's thread, with its dice. Returns whether it goes on. */
static inline bool act_in_visit(void) {
    if (callbacks_deep < 2 && one_in(4)) {
        callbacks_deep += 2;
        call_at_random();
        callbacks_deep -= 2;
    }
    return !one_in(8);
}

static bool visit_subscription(const drt_subscription_info *info, void *user_data) {
    (void)user_data;
    CHECK(info->handle != NULL && info->uid[info->uid_len] == '\0');
    return act_in_visit();
}

static bool visit_row(const drt_row *row, void *user_data) {
    (void)user_data;
    CHECK(row->data != NULL && row->data_len > 0 && row->key_len > 0);
    return act_in_visit();
}

#endif
