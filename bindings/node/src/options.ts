/** The options of clients and subscriptions, and how the C ABI writes them. */

import type { ClientFields, SubscriptionFields } from './abi/index.js';
import { DirectusRealtimeError } from './errors.js';

/** Where a token comes from. `error` says why the last one is of no use, where there was one. */
export type TokenProvider = (error: DirectusRealtimeError | undefined) => string | Promise<string>;

export interface ClientOptions {
    /** A static token or a JWT. */
    accessToken?: string | undefined;
    /** For a login, with `password`. */
    email?: string | undefined;
    password?: string | undefined;
    /** Good for one use; its successors are kept in memory. */
    refreshToken?: string | undefined;
    /** Asked for a token where none is set, ahead of a JWT's expiry, and after a refusal. */
    getToken?: TokenProvider | undefined;
    /** The server's `WEBSOCKETS_REST_AUTH`; `'handshake'`. */
    authMode?: keyof typeof AUTH_MODES | undefined;
    /** For DNS, TCP, TLS and upgrade together; 10 000. */
    connectTimeoutMs?: number | undefined;
    /** For every answer of the server; 10 000. */
    ackTimeoutMs?: number | undefined;
    /** The silence after which the client asks, and again after which the link is dead; 25 000. */
    heartbeatMs?: number | undefined;
    /** The first backoff's upper bound; 250. */
    reconnectMinMs?: number | undefined;
    /** Every backoff's upper bound; 30 000. */
    reconnectMaxMs?: number | undefined;
    /** Failed attempts before the client gives up; 0, the default, means never. */
    reconnectAttempts?: number | undefined;
    /** Bytes that may wait for the application; 64 MiB. */
    queueBytes?: number | undefined;
    /** A file of PEM roots to trust beside the system's. */
    caFile?: string | undefined;
    /** `http://[user:password@]host:port` */
    proxy?: string | undefined;
    /** A file with the PEM certificate chain to show, with `clientKeyFile`. */
    clientCertFile?: string | undefined;
    clientKeyFile?: string | undefined;
    /** More headers of the upgrade request. */
    headers?: Record<string, string> | undefined;
    userAgent?: string | undefined;
    /** Bytes of the largest message that is taken; 256 MiB. */
    maxMessageBytes?: number | undefined;
}

/** Kinds of changes. */
export type ChangeType = keyof typeof CHANGES;

export interface SubscriptionOptions {
    collection: string;
    /** `fields`, `filter`, `sort`, `limit`, `search`, `deep`, `alias`, `meta` … */
    query?: Record<string, any> | undefined;
    /** Names the subscription within its client; one is generated otherwise. */
    uid?: string | undefined;
    /** Survives its scope and the collective ways of unsubscribing. */
    persistent?: boolean | undefined;
    /** Only these changes; then the `init` event comes without a snapshot. */
    event?: ChangeType | readonly ChangeType[] | undefined;
    /** The primary key of the one item to watch. */
    item?: string | number | undefined;
    /** The name of the primary key; `id`. */
    primaryKey?: string | undefined;
    /** An event for each item (`'item'`), or for each message of the server. */
    granularity?: keyof typeof GRANULARITIES | undefined;
    /** Read after the subscription is registered (`'exact'`), or the server's own. */
    snapshot?: keyof typeof SNAPSHOTS | undefined;
    /** Ends the subscription when it is aborted. */
    signal?: AbortSignal | undefined;
}

const AUTH_MODES = { handshake: 0, public: 1, strict: 2 };
const CHANGES = { create: 1, update: 2, delete: 4 };
const GRANULARITIES = { item: 0, message: 1 };
const SNAPSHOTS = { exact: 0, server: 1 };

function choose(name: string, value: string | undefined, choices: Record<string, number>): number {
    if (value === undefined) {
        return 0;
    }
    const number = Object.hasOwn(choices, value) ? choices[value] : undefined;
    if (number === undefined) {
        const known = Object.keys(choices).join("', '");
        throw invalid(`\`${name}\` is '${value}': it is one of '${known}'`);
    }
    return number;
}

function whole(name: string, value: number | undefined, most: number): number {
    if (value === undefined) {
        return 0;
    }
    if (!Number.isInteger(value) || value < 0 || value > most) {
        throw invalid(`\`${name}\` is ${value}: it is a whole number from 0 to ${most}`);
    }
    return value;
}

/** For what only this language can get wrong; the library finds the rest. */
export function invalid(message: string): DirectusRealtimeError {
    return new DirectusRealtimeError('DRT_ERR_INVALID_ARGUMENT', message);
}

export function text(name: string, value: unknown): string | null {
    if (value === undefined || value === null) {
        return null;
    }
    if (typeof value !== 'string' || value.includes('\0')) {
        throw invalid(`\`${name}\` is not a string without NUL characters`);
    }
    return value;
}

/** A line break would begin another header. */
function header(name: string, value: string): string {
    const line = text(`headers['${name}']`, value);
    if (line === null || /[\r\n]/.test(name + line)) {
        throw invalid(`\`headers['${name}']\` is not text of one line`);
    }
    return `${name}: ${line}`;
}

const MOST_U32 = 2 ** 32 - 1;

export function clientFields(url: string | readonly string[], options: ClientOptions): ClientFields {
    const u32 = (name: keyof ClientOptions) => whole(name, options[name] as number | undefined, MOST_U32);
    const u64 = (name: keyof ClientOptions) =>
        whole(name, options[name] as number | undefined, Number.MAX_SAFE_INTEGER);
    const string = (name: keyof ClientOptions) => text(name, options[name]);
    const headers = Object.entries(options.headers ?? {}).map(([name, value]) => header(name, value));
    return {
        url: text('url', typeof url === 'string' || !url ? url : url.join(',')),
        auth_mode: choose('authMode', options.authMode, AUTH_MODES),
        access_token: string('accessToken'),
        email: string('email'),
        password: string('password'),
        refresh_token: string('refreshToken'),
        connect_timeout_ms: u32('connectTimeoutMs'),
        ack_timeout_ms: u32('ackTimeoutMs'),
        heartbeat_ms: u32('heartbeatMs'),
        reconnect_min_ms: u32('reconnectMinMs'),
        reconnect_max_ms: u32('reconnectMaxMs'),
        reconnect_attempts: u32('reconnectAttempts'),
        queue_bytes: u64('queueBytes'),
        ca_file: string('caFile'),
        proxy: string('proxy'),
        client_cert_file: string('clientCertFile'),
        client_key_file: string('clientKeyFile'),
        headers: headers.length > 0 ? headers.join('\n') : null,
        user_agent: string('userAgent'),
        max_message_bytes: u64('maxMessageBytes'),
    };
}

export function subscriptionFields(options: SubscriptionOptions, uid: string): SubscriptionFields {
    const changes = typeof options.event === 'string' ? [options.event] : (options.event ?? []);
    const { item, query } = options;
    return {
        collection: text('collection', options.collection),
        query: query === undefined || query === null ? null : json('query', query),
        uid: text('uid', uid),
        persistent: options.persistent ?? false,
        events: changes.reduce((mask, change) => mask | choose('event', change, CHANGES), 0),
        item: text('item', typeof item === 'number' ? String(item) : item),
        primary_key: text('primaryKey', options.primaryKey),
        granularity: choose('granularity', options.granularity, GRANULARITIES),
        snapshot: choose('snapshot', options.snapshot, SNAPSHOTS),
    };
}

/** Milliseconds for an answer; 0 is the library's default. */
export function timeoutMs(value: number | undefined): number {
    return whole('timeoutMs', value, MOST_U32);
}

export function json(name: string, value: unknown): string {
    let written: string | undefined;
    try {
        written = JSON.stringify(value);
    } catch (error) {
        throw invalid(`\`${name}\` cannot be written as JSON: ${(error as Error).message}`);
    }
    if (written === undefined) {
        throw invalid(`\`${name}\` cannot be written as JSON: it is ${typeof value}`);
    }
    return written;
}
