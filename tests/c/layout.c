/*
 * The published layout of every struct of the ABI on 64-bit machines. Changing a line breaks
 * compiled programs. New members are appended to the end of a struct: add their lines, and
 * increase the size.
 */
#include <directus_realtime.h>

#include <stddef.h>

#define SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), "the size of " #type)
#define AT(type, member, offset)                                                                   \
    _Static_assert(offsetof(type, member) == (offset), "the offset of " #type "." #member)

int main(void) {
#if UINTPTR_MAX == UINT64_MAX
    /* drt_client_options */
    SIZE(drt_client_options, 160);
    AT(drt_client_options, struct_size, 0);
    AT(drt_client_options, url, 8);
    AT(drt_client_options, auth_mode, 16);
    AT(drt_client_options, access_token, 24);
    AT(drt_client_options, email, 32);
    AT(drt_client_options, password, 40);
    AT(drt_client_options, refresh_token, 48);
    AT(drt_client_options, delivery, 56);
    AT(drt_client_options, connect_timeout_ms, 60);
    AT(drt_client_options, ack_timeout_ms, 64);
    AT(drt_client_options, heartbeat_ms, 68);
    AT(drt_client_options, reconnect_min_ms, 72);
    AT(drt_client_options, reconnect_max_ms, 76);
    AT(drt_client_options, reconnect_attempts, 80);
    AT(drt_client_options, queue_bytes, 88);
    AT(drt_client_options, ca_file, 96);
    AT(drt_client_options, proxy, 104);
    AT(drt_client_options, client_cert_file, 112);
    AT(drt_client_options, client_key_file, 120);
    AT(drt_client_options, headers, 128);
    AT(drt_client_options, user_agent, 136);
    AT(drt_client_options, max_message_bytes, 144);
    AT(drt_client_options, send_queue_bytes, 152);
    /* drt_subscription_options */
    SIZE(drt_subscription_options, 72);
    AT(drt_subscription_options, struct_size, 0);
    AT(drt_subscription_options, collection, 8);
    AT(drt_subscription_options, query, 16);
    AT(drt_subscription_options, uid, 24);
    AT(drt_subscription_options, persistent, 32);
    AT(drt_subscription_options, events, 36);
    AT(drt_subscription_options, item, 40);
    AT(drt_subscription_options, primary_key, 48);
    AT(drt_subscription_options, granularity, 56);
    AT(drt_subscription_options, snapshot, 60);
    AT(drt_subscription_options, settle_ms, 64);
    /* drt_error_info */
    SIZE(drt_error_info, 56);
    AT(drt_error_info, struct_size, 0);
    AT(drt_error_info, status, 8);
    AT(drt_error_info, argument, 16);
    AT(drt_error_info, message, 24);
    AT(drt_error_info, server_code, 32);
    AT(drt_error_info, server_error, 40);
    AT(drt_error_info, server_error_len, 48);
    /* drt_stats */
    SIZE(drt_stats, 120);
    AT(drt_stats, struct_size, 0);
    AT(drt_stats, connects, 8);
    AT(drt_stats, reconnects, 16);
    AT(drt_stats, frames_in, 24);
    AT(drt_stats, bytes_in, 32);
    AT(drt_stats, frames_out, 40);
    AT(drt_stats, bytes_out, 48);
    AT(drt_stats, events, 56);
    AT(drt_stats, resyncs, 64);
    AT(drt_stats, overflows, 72);
    AT(drt_stats, queued_events, 80);
    AT(drt_stats, queued_bytes, 88);
    AT(drt_stats, subscriptions, 96);
    AT(drt_stats, active_subscriptions, 104);
    AT(drt_stats, last_rtt_us, 112);
    /* drt_event */
    SIZE(drt_event, 104);
    AT(drt_event, struct_size, 0);
    AT(drt_event, kind, 8);
    AT(drt_event, flags, 12);
    AT(drt_event, subscription, 16);
    AT(drt_event, uid, 24);
    AT(drt_event, uid_len, 32);
    AT(drt_event, collection, 40);
    AT(drt_event, collection_len, 48);
    AT(drt_event, data, 56);
    AT(drt_event, data_len, 64);
    AT(drt_event, meta, 72);
    AT(drt_event, meta_len, 80);
    AT(drt_event, sequence, 88);
    AT(drt_event, index, 96);
    AT(drt_event, count, 100);
    /* drt_row_entry */
    SIZE(drt_row_entry, 64);
    AT(drt_row_entry, user_data, 0);
    AT(drt_row_entry, sequence, 8);
    AT(drt_row_entry, begin, 16);
    AT(drt_row_entry, data_end, 24);
    AT(drt_row_entry, end, 32);
    AT(drt_row_entry, row, 40);
    AT(drt_row_entry, kind, 44);
    AT(drt_row_entry, flags, 48);
    AT(drt_row_entry, index, 52);
    AT(drt_row_entry, count, 56);
    AT(drt_row_entry, reserved, 60);
    /* drt_subscription_info */
    SIZE(drt_subscription_info, 64);
    AT(drt_subscription_info, struct_size, 0);
    AT(drt_subscription_info, handle, 8);
    AT(drt_subscription_info, uid, 16);
    AT(drt_subscription_info, uid_len, 24);
    AT(drt_subscription_info, collection, 32);
    AT(drt_subscription_info, collection_len, 40);
    AT(drt_subscription_info, persistent, 48);
    AT(drt_subscription_info, status, 52);
    AT(drt_subscription_info, last_sequence, 56);
    /* drt_live_options */
    SIZE(drt_live_options, 64);
    AT(drt_live_options, struct_size, 0);
    AT(drt_live_options, collection, 8);
    AT(drt_live_options, query, 16);
    AT(drt_live_options, uid, 24);
    AT(drt_live_options, persistent, 32);
    AT(drt_live_options, primary_key, 40);
    AT(drt_live_options, depends_on, 48);
    AT(drt_live_options, verify_ms, 56);
    /* drt_live_update */
    SIZE(drt_live_update, 104);
    AT(drt_live_update, struct_size, 0);
    AT(drt_live_update, live, 8);
    AT(drt_live_update, uid, 16);
    AT(drt_live_update, uid_len, 24);
    AT(drt_live_update, collection, 32);
    AT(drt_live_update, collection_len, 40);
    AT(drt_live_update, status, 48);
    AT(drt_live_update, revision, 56);
    AT(drt_live_update, count, 64);
    AT(drt_live_update, changes, 72);
    AT(drt_live_update, changes_len, 80);
    AT(drt_live_update, error, 88);
    AT(drt_live_update, error_len, 96);
    /* drt_live_change */
    SIZE(drt_live_change, 56);
    AT(drt_live_change, kind, 0);
    AT(drt_live_change, key, 8);
    AT(drt_live_change, key_len, 16);
    AT(drt_live_change, data, 24);
    AT(drt_live_change, data_len, 32);
    AT(drt_live_change, old_index, 40);
    AT(drt_live_change, new_index, 48);
    /* drt_row */
    SIZE(drt_row, 48);
    AT(drt_row, struct_size, 0);
    AT(drt_row, index, 8);
    AT(drt_row, key, 16);
    AT(drt_row, key_len, 24);
    AT(drt_row, data, 32);
    AT(drt_row, data_len, 40);
#endif
    return 0;
}
