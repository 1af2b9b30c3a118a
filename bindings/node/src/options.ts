/** The options of clients and subscriptions, and how the C ABI writes them. */

import type { ClientFields, SubscriptionFields } from './abi/types.js';
import {
    choose,
    flag,
    invalid,
    isAbsent,
    keyText,
    optionalFunction,
    optionalSignal,
    record,
    requiredText,
    text,
    whole,
    type Key,
} from './checks.js';
import type { DirectusRealtimeError } from './errors.js';
import { knownOptions, type NamesOf } from './known-names.js';
import { plainQuery, QUERY_PARAMETERS, type Query } from './query.js';
import { unref } from './refs.js';

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
    /** Every backoff's upper bound; 10 000. */
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
    /**
     * Bytes of messages that may wait for a link; 1 MiB. 0: none, without a link they are refused.
     * `client.sendMessage` makes use of it only where it is set.
     */
    sendQueueBytes?: number | undefined;
}

/** Kinds of changes. */
export type ChangeType = keyof typeof CHANGES;

export interface SubscriptionOptions {
    collection: string;
    /** `fields`, `filter`, `sort`, `limit`, `search`, `deep`, `alias`, `meta` … */
    query?: Query | undefined;
    /** Names the subscription within its client; one is generated otherwise. */
    uid?: string | undefined;
    /** Survives its scope and the collective ways of unsubscribing. */
    persistent?: boolean | undefined;
    /** Only these changes. The `init` event, first and after each gap, has the data `null` then. */
    event?: ChangeType | readonly ChangeType[] | undefined;
    /** The primary key of the one item to watch. */
    item?: Key | undefined;
    /** The name of the primary key; `id`. */
    primaryKey?: string | undefined;
    /** An event for each item (`'item'`), or for each message of the server. */
    granularity?: keyof typeof GRANULARITIES | undefined;
    /** Read after the subscription is registered (`'exact'`), or the server's own. */
    snapshot?: keyof typeof SNAPSHOTS | undefined;
    /** Ends the subscription when it is aborted. */
    signal?: AbortSignal | undefined;
}

const CLIENT_OPTIONS: NamesOf<ClientOptions> = {
    accessToken: true,
    email: true,
    password: true,
    refreshToken: true,
    getToken: true,
    authMode: true,
    connectTimeoutMs: true,
    ackTimeoutMs: true,
    heartbeatMs: true,
    reconnectMinMs: true,
    reconnectMaxMs: true,
    reconnectAttempts: true,
    queueBytes: true,
    caFile: true,
    proxy: true,
    clientCertFile: true,
    clientKeyFile: true,
    headers: true,
    userAgent: true,
    maxMessageBytes: true,
    sendQueueBytes: true,
};

const SUBSCRIPTION_OPTIONS: NamesOf<SubscriptionOptions> = {
    collection: true,
    query: true,
    uid: true,
    persistent: true,
    event: true,
    item: true,
    primaryKey: true,
    granularity: true,
    snapshot: true,
    signal: true,
};

/** The options with refs unwrapped; one that does not exist is refused. */
export function clientOptions(options: ClientOptions): ClientOptions {
    const given = record('options', unref(options) as ClientOptions);
    return knownOptions('a client', given, CLIENT_OPTIONS);
}

/** The same of a subscription. */
export function subscriptionOptions(options: SubscriptionOptions): SubscriptionOptions {
    const given = record('options', unref(options) as SubscriptionOptions);
    const elsewhere = { names: QUERY_PARAMETERS, where: '`query`' };
    return knownOptions('a subscription', given, SUBSCRIPTION_OPTIONS, elsewhere);
}

const AUTH_MODES = { handshake: 0, public: 1, strict: 2 };
const CHANGES = { create: 1, update: 2, delete: 4 };
const GRANULARITIES = { item: 0, message: 1 };
const SNAPSHOTS = { exact: 0, server: 1 };

/** A server, or several that are tried in turn. */
export type ServerUrl = string | URL | readonly (string | URL)[];

function urlText(url: ServerUrl): string {
    const one = (name: string, value: string | URL) => {
        const written = value instanceof URL ? value.href : value;
        return requiredText(name, written);
    };
    const written = Array.isArray(url)
        ? url.map((each: string | URL, n) => one(`url[${n}]`, each)).join(',')
        : one('url', url as string | URL);
    if (written === '') {
        throw invalid('`url` is empty: give one such as https://directus.example.com');
    }
    return written;
}

/** A line break would begin another header. */
function header(name: string, value: unknown): string {
    const line = requiredText(`headers['${name}']`, value);
    if (/[\r\n]/.test(name + line)) {
        throw invalid(`\`headers['${name}']\` is not text of one line`);
    }
    return `${name}: ${line}`;
}

const MOST_U32 = 2 ** 32 - 1;

export function clientFields(url: ServerUrl, options: ClientOptions): ClientFields {
    optionalFunction('getToken', options.getToken);
    const u32 = (name: keyof ClientOptions) => whole(name, options[name], MOST_U32);
    const u64 = (name: keyof ClientOptions) => whole(name, options[name], Number.MAX_SAFE_INTEGER);
    const string = (name: keyof ClientOptions) => text(name, options[name]);
    const headers = Object.entries(record('headers', options.headers ?? {})).map(([name, value]) =>
        header(name, value),
    );
    return {
        url: urlText(url),
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

/** The library's defaults. */
const QUEUE_BYTES = 64 * 1024 * 1024;
const ACK_TIMEOUT_MS = 10_000;

export function queueBytes({ queueBytes }: ClientOptions): number {
    return queueBytes || QUEUE_BYTES;
}

export function ackTimeoutMs({ ackTimeoutMs }: ClientOptions): number {
    return ackTimeoutMs || ACK_TIMEOUT_MS;
}

/** Enough for what is said before the link is up. */
const SEND_QUEUE_BYTES = 1024 * 1024;

export function sendQueueBytes({ sendQueueBytes }: ClientOptions): number {
    return isAbsent(sendQueueBytes)
        ? SEND_QUEUE_BYTES
        : whole('sendQueueBytes', sendQueueBytes, Number.MAX_SAFE_INTEGER);
}

/** The changes that are wanted, as a mask; none is all of them. */
function changes(event: SubscriptionOptions['event'] | null): number {
    if (!Array.isArray(event)) {
        return choose('event', event, CHANGES);
    }
    if (event.length === 0) {
        throw invalid('`event` is an empty list: leave it out for all changes');
    }
    return event.reduce((mask, change: unknown) => mask | choose('event', change ?? '', CHANGES), 0);
}

export function subscriptionFields(options: SubscriptionOptions, uid: string): SubscriptionFields {
    const { item } = options;
    const query = plainQuery(options.query);
    optionalSignal(options.signal);
    return {
        collection: requiredText('collection', options.collection),
        query: query === undefined ? null : JSON.stringify(query),
        uid: requiredText('uid', uid),
        persistent: flag('persistent', options.persistent),
        events: changes(options.event),
        item: item === undefined || item === null ? null : keyText('item', item),
        primary_key: text('primaryKey', options.primaryKey),
        granularity: choose('granularity', options.granularity, GRANULARITIES),
        snapshot: choose('snapshot', options.snapshot, SNAPSHOTS),
    };
}
