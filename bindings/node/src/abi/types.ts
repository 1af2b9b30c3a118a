/** The C ABI's structs and numbers. */

import { struct } from 'koffi';

/** An opaque integer handle, which C has in a pointer type. It is never dereferenced. */
export type Handle = bigint;

export const OK = 0;
export const DUPLICATE = 1;
export const DELIVER_POLL = 1;

export const HANDLE = 'uint64_t';

const CLIENT_OPTIONS = {
    struct_size: 'size_t',
    url: 'str',
    auth_mode: 'int32_t',
    access_token: 'str',
    email: 'str',
    password: 'str',
    refresh_token: 'str',
    delivery: 'int32_t',
    connect_timeout_ms: 'uint32_t',
    ack_timeout_ms: 'uint32_t',
    heartbeat_ms: 'uint32_t',
    reconnect_min_ms: 'uint32_t',
    reconnect_max_ms: 'uint32_t',
    reconnect_attempts: 'uint32_t',
    queue_bytes: 'uint64_t',
    ca_file: 'str',
    proxy: 'str',
    client_cert_file: 'str',
    client_key_file: 'str',
    headers: 'str',
    user_agent: 'str',
    max_message_bytes: 'uint64_t',
    send_queue_bytes: 'uint64_t',
};

const SUBSCRIPTION_OPTIONS = {
    struct_size: 'size_t',
    collection: 'str',
    query: 'str',
    uid: 'str',
    persistent: 'bool',
    events: 'uint32_t',
    item: 'str',
    primary_key: 'str',
    granularity: 'int32_t',
    snapshot: 'int32_t',
    settle_ms: 'uint32_t',
};

const STATS = {
    struct_size: 'size_t',
    connects: 'uint64_t',
    reconnects: 'uint64_t',
    frames_in: 'uint64_t',
    bytes_in: 'uint64_t',
    frames_out: 'uint64_t',
    bytes_out: 'uint64_t',
    events: 'uint64_t',
    resyncs: 'uint64_t',
    overflows: 'uint64_t',
    queued_events: 'uint64_t',
    queued_bytes: 'uint64_t',
    subscriptions: 'uint64_t',
    active_subscriptions: 'uint64_t',
    last_rtt_us: 'uint64_t',
};

const ERROR_INFO = {
    struct_size: 'size_t',
    status: 'int32_t',
    argument: 'str',
    message: 'str',
    server_code: 'str',
    server_error: 'void *',
    server_error_len: 'size_t',
};

/** The members of a struct, but for `struct_size`, as JavaScript values. */
export type Fields<Definition> = {
    [Name in Exclude<keyof Definition, 'struct_size'>]?: string | number | bigint | boolean | null;
};

export type ClientFields = Fields<typeof CLIENT_OPTIONS>;
export type SubscriptionFields = Fields<typeof SUBSCRIPTION_OPTIONS>;
export type StatsFields = Record<Exclude<keyof typeof STATS, 'struct_size'>, number | bigint>;
export interface ErrorInfo {
    status: number;
    argument: string | null;
    message: string;
}

export const textsOf = (definition: Record<string, string>): string[] =>
    Object.keys(definition).filter((name) => definition[name] === 'str');

/** The names of the members that are strings, or NULL. */
export const TEXTS = { client: textsOf(CLIENT_OPTIONS), subscription: textsOf(SUBSCRIPTION_OPTIONS) };

/** The types have no names: koffi shares named types with every other copy of this package. */
export function declareTypes() {
    return {
        clientOptions: struct(CLIENT_OPTIONS),
        subscriptionOptions: struct(SUBSCRIPTION_OPTIONS),
        stats: struct(STATS),
        errorInfo: struct(ERROR_INFO),
    };
}

export type Types = ReturnType<typeof declareTypes>;
