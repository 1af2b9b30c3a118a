/* The header alone, in C99 and (through init_macros.cpp) in C++17: its declarations compile
 * without warnings, and its macros initialise every member. */
#include <directus_realtime.h>

static int options_are_default(void) {
    drt_client_options client = DRT_CLIENT_OPTIONS_INIT;
    drt_subscription_options subscription = DRT_SUBSCRIPTION_OPTIONS_INIT;
    drt_stats stats = DRT_STATS_INIT;
    return client.struct_size == sizeof(client) && client.url == NULL &&
           client.auth_mode == DRT_AUTH_HANDSHAKE && client.delivery == DRT_DELIVER_THREAD &&
           client.queue_bytes == 0 && client.ca_file == NULL && client.proxy == NULL &&
           client.client_cert_file == NULL && client.client_key_file == NULL &&
           client.headers == NULL && client.user_agent == NULL && client.max_message_bytes == 0 &&
           client.send_queue_bytes == 0 && subscription.struct_size == sizeof(subscription) &&
           !subscription.persistent && subscription.events == 0 &&
           subscription.granularity == DRT_PER_ITEM &&
           subscription.snapshot == DRT_SNAPSHOT_EXACT && stats.struct_size == sizeof(stats) &&
           stats.connects == 0 && stats.last_rtt_us == 0;
}

static int is_error(drt_status status) {
    switch (status) {
    case DRT_OK:
    case DRT_DUPLICATE:
        return 0;
    case DRT_ERR_INVALID_ARGUMENT:
    case DRT_ERR_INVALID_HANDLE:
    case DRT_ERR_INVALID_UTF8:
    case DRT_ERR_INVALID_JSON:
    case DRT_ERR_NOT_FOUND:
    case DRT_ERR_NOT_CONNECTED:
    case DRT_ERR_CLOSED:
    case DRT_ERR_TIMEOUT:
    case DRT_ERR_AUTH:
    case DRT_ERR_SERVER:
    case DRT_ERR_IO:
    case DRT_ERR_TLS:
    case DRT_ERR_QUEUE_FULL:
    case DRT_ERR_WOULD_DEADLOCK:
    case DRT_ERR_FORKED:
    case DRT_ERR_INTERNAL:
    default:
        return 1;
    }
}

static int is_up(drt_state state) {
    switch (state) {
    case DRT_STATE_CONNECTED:
        return 1;
    case DRT_STATE_IDLE:
    case DRT_STATE_CONNECTING:
    case DRT_STATE_AUTHENTICATING:
    case DRT_STATE_BACKOFF:
    case DRT_STATE_FAILED:
    case DRT_STATE_CLOSED:
    default:
        return 0;
    }
}

static int is_change(const drt_event *event) {
    const drt_event_mask all = DRT_ON_CREATE | DRT_ON_UPDATE | DRT_ON_DELETE;
    if (all != 7 || (event->flags & (DRT_FLAG_RESYNC | DRT_FLAG_ENDED)) != 0) {
        return 0;
    }
    switch (event->kind) {
    case DRT_EVENT_CREATE:
    case DRT_EVENT_UPDATE:
    case DRT_EVENT_DELETE:
        return 1;
    case DRT_EVENT_INIT:
    case DRT_EVENT_ERROR:
    default:
        return 0;
    }
}

static drt_log_level most_verbose(void) {
    const drt_log_level levels[] = {DRT_LOG_OFF,  DRT_LOG_ERROR, DRT_LOG_WARN,
                                    DRT_LOG_INFO, DRT_LOG_DEBUG, DRT_LOG_TRACE};
    return levels[sizeof(levels) / sizeof(levels[0]) - 1];
}

int main(void) {
    drt_event event;
    event.kind = DRT_EVENT_UPDATE;
    event.flags = 0;
    if (!options_are_default() || is_error(DRT_DUPLICATE) || !is_error(DRT_ERR_TLS)) {
        return 1;
    }
    if (is_up(DRT_STATE_CLOSED) || !is_change(&event) || most_verbose() != 5) {
        return 2;
    }
    return 5 - DRT_ERR_INVALID_ARGUMENT == 6 && DRT_SUB_PENDING == 0 && DRT_SUB_ACTIVE == 1 ? 0 : 3;
}
