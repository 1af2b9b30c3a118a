/** The options of clients and subscriptions, and their conversion to those of the C ABI. */

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

/** Returns a token. `error` is why the last one cannot be used, if there was one. */
export type TokenProvider = (error: DirectusRealtimeError | undefined) => string | Promise<string>;

export interface ClientOptions {
    /** A static token or a JWT. */
    accessToken?: string | undefined;
    /** Logs in, together with `password`. */
    email?: string | undefined;
    password?: string | undefined;
    /** Used once, then replaced by the one that the server returns, which is kept in memory. */
    refreshToken?: string | undefined;
    /** Called when no token is set, before a JWT expires, and after the server has refused a token. */
    getToken?: TokenProvider | undefined;
    /** The server's setting `WEBSOCKETS_REST_AUTH`. Default: `'handshake'`. */
    authMode?: keyof typeof AUTH_MODES | undefined;
    /** How long DNS, TCP, TLS and upgrade may take together, in milliseconds. Default: 10 000. */
    connectTimeoutMs?: number | undefined;
    /** How long to wait for a server reply, in milliseconds. Default: 10 000. */
    ackTimeoutMs?: number | undefined;
    /**
     * After so many milliseconds of silence the client sends a ping, and after as many again without an
     * answer it drops the link. Default: 25 000.
     */
    heartbeatMs?: number | undefined;
    /** The upper bound of the first backoff, in milliseconds. Default: 250. */
    reconnectMinMs?: number | undefined;
    /** The upper bound of every backoff, in milliseconds. Default: 10 000. */
    reconnectMaxMs?: number | undefined;
    /** After so many failed attempts the client gives up. Default: 0, which means never. */
    reconnectAttempts?: number | undefined;
    /** How many bytes of events may wait for the application. Default: 64 MiB. */
    queueBytes?: number | undefined;
    /** A PEM file of root certificates to trust in addition to the system's. */
    caFile?: string | undefined;
    /**
     * The URL of a proxy: `http://[user:password@]host:port`, the same with `socks5://` or
     * `socks5h://`, or `"env"`: the environment's `HTTPS_PROXY` and its kind.
     */
    proxy?: string | undefined;
    /** A PEM file with the client's certificate chain, together with `clientKeyFile`. */
    clientCertFile?: string | undefined;
    clientKeyFile?: string | undefined;
    /** Additional headers of the upgrade request. */
    headers?: Record<string, string> | undefined;
    userAgent?: string | undefined;
    /** The size of the largest message that is accepted, in bytes. Default: 256 MiB. */
    maxMessageBytes?: number | undefined;
    /**
     * How many bytes of messages may wait for a link. Default: 1 MiB. With 0, messages are refused without a
     * link. `client.sendMessage` queues messages only if this is set.
     */
    sendQueueBytes?: number | undefined;
}

/** Kinds of changes. */
export type ChangeType = keyof typeof CHANGES;

export interface SubscriptionOptions {
    collection: string;
    /** `fields`, `filter`, `sort`, `limit`, `search`, `deep`, `alias`, `meta` … */
    query?: Query | undefined;
    /** Identifies the subscription within its client. Default: a generated one. */
    uid?: string | undefined;
    /** Not ended by its scope, `unsubscribeCollection` or `unsubscribeAll`. Default: false. */
    persistent?: boolean | undefined;
    /** Only these changes. The `data` of `init` is then `null`, unless all three are named. */
    event?: ChangeType | readonly ChangeType[] | undefined;
    /** The primary key of the one item to watch. Default: the whole collection. */
    item?: Key | undefined;
    /** The name of the primary key's field. Default: `'id'`. */
    primaryKey?: string | undefined;
    /** One event for each item (`'item'`, the default), or for each message of the server (`'message'`). */
    granularity?: keyof typeof GRANULARITIES | undefined;
    /** A snapshot read once the subscription is registered (`'exact'`, the default), or the server's own. */
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

/** The options of a client with refs unwrapped. Unknown options are refused. */
export function clientOptions(options: ClientOptions): ClientOptions {
    const given = record('options', unref(options) as ClientOptions);
    return knownOptions('a client', given, CLIENT_OPTIONS);
}

/** The options of a subscription with refs unwrapped. Unknown options are refused. */
export function subscriptionOptions(options: SubscriptionOptions): SubscriptionOptions {
    const given = record('options', unref(options) as SubscriptionOptions);
    const elsewhere = { names: QUERY_PARAMETERS, where: '`query`' };
    return knownOptions('a subscription', given, SUBSCRIPTION_OPTIONS, elsewhere);
}

const AUTH_MODES = { handshake: 0, public: 1, strict: 2 };
const CHANGES = { create: 1, update: 2, delete: 4 };
const GRANULARITIES = { item: 0, message: 1 };
const SNAPSHOTS = { exact: 0, server: 1 };

/** The URL of a server, or of several replicas, which are tried in turn. */
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
        throw invalid('`url` is empty: pass one such as https://directus.example.com');
    }
    return written;
}

/** One header line. A line break in it would begin another header, and is refused. */
function header(name: string, value: unknown): string {
    const line = requiredText(`headers['${name}']`, value);
    if (/[\r\n]/.test(name + line)) {
        throw invalid(`\`headers['${name}']\` must not contain line breaks`);
    }
    return `${name}: ${line}`;
}

const MAX_U32 = 2 ** 32 - 1;

export function clientFields(url: ServerUrl, options: ClientOptions): ClientFields {
    optionalFunction('getToken', options.getToken);
    const u32 = (name: keyof ClientOptions) => whole(name, options[name], MAX_U32);
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

/** The library's defaults, where this package has to know them. */
const QUEUE_BYTES = 64 * 1024 * 1024;
const ACK_TIMEOUT_MS = 10_000;

export function queueBytes({ queueBytes }: ClientOptions): number {
    return queueBytes || QUEUE_BYTES;
}

export function ackTimeoutMs({ ackTimeoutMs }: ClientOptions): number {
    return ackTimeoutMs || ACK_TIMEOUT_MS;
}

/** The default of `sendQueueBytes`. */
const SEND_QUEUE_BYTES = 1024 * 1024;

export function sendQueueBytes({ sendQueueBytes }: ClientOptions): number {
    return isAbsent(sendQueueBytes)
        ? SEND_QUEUE_BYTES
        : whole('sendQueueBytes', sendQueueBytes, Number.MAX_SAFE_INTEGER);
}

/** The mask of the changes that are wanted. 0 stands for all of them. */
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
