/** The options of clients and subscriptions, and their conversion to those of the C ABI. */

import { snake, type Camel } from './abi/messages.js';
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
import { knownOptions } from './known-names.js';
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
    /**
     * Items whose last event may be wrong are read once more when it has been quiet for so many milliseconds;
     * `Infinity`: never. Default: 250.
     */
    settleMs?: number | undefined;
    /** Ends the subscription when it is aborted. */
    signal?: AbortSignal | undefined;
}

/** Checks an option, and returns it as the library has it. */
export type Check = (name: string, value: any) => string | number | boolean | null | undefined | object;

const AUTH_MODES = { handshake: 0, public: 1, strict: 2 };
const CHANGES = { create: 1, update: 2, delete: 4 };
const GRANULARITIES = { item: 0, message: 1 };
const SNAPSHOTS = { exact: 0, server: 1 };

const u32: Check = (name, value) => whole(name, value, 2 ** 32 - 1);
const u64: Check = (name, value) => whole(name, value, Number.MAX_SAFE_INTEGER);
/** A time in milliseconds; `Infinity` stands for never. */
export const orNever: Check = (name, value) => (value === Infinity ? 2 ** 32 - 1 : u32(name, value));
const oneOf =
    (choices: Record<string, number>): Check =>
    (name, value) =>
        choose(name, value, choices);

const CLIENT_OPTIONS: Record<Camel<Exclude<keyof ClientFields, 'delivery' | 'url'>> | 'getToken', Check> = {
    accessToken: text,
    email: text,
    password: text,
    refreshToken: text,
    getToken: optionalFunction,
    authMode: oneOf(AUTH_MODES),
    connectTimeoutMs: u32,
    ackTimeoutMs: u32,
    heartbeatMs: u32,
    reconnectMinMs: u32,
    reconnectMaxMs: u32,
    reconnectAttempts: u32,
    queueBytes: u64,
    caFile: text,
    proxy: text,
    clientCertFile: text,
    clientKeyFile: text,
    headers: headerLines,
    userAgent: text,
    maxMessageBytes: u64,
    sendQueueBytes: (name, value) => (isAbsent(value) ? SEND_QUEUE_BYTES : u64(name, value)),
} satisfies Record<keyof ClientOptions, Check>;

const SUBSCRIPTION_OPTIONS: Record<keyof SubscriptionOptions, Check> = {
    collection: requiredText,
    query: queryText,
    uid: requiredText,
    persistent: flag,
    event: changes,
    item: (name, value) => (isAbsent(value) ? null : keyText(name, value)),
    primaryKey: text,
    granularity: oneOf(GRANULARITIES),
    snapshot: oneOf(SNAPSHOTS),
    settleMs: orNever,
    signal: (_, value) => optionalSignal(value),
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
        throw invalid('url', '`url` is empty: pass one such as https://directus.example.com');
    }
    return written;
}

/** One header line. A line break in it would begin another header, and is refused. */
function header(name: string, value: unknown): string {
    const line = requiredText(`headers['${name}']`, value);
    if (/[\r\n]/.test(name + line)) {
        throw invalid('headers', `\`headers['${name}']\` must not contain line breaks`);
    }
    return `${name}: ${line}`;
}

function headerLines(name: string, value: unknown): string | null {
    const lines = Object.entries(record(name, value ?? {})).map((each) => header(...each));
    return lines.length > 0 ? lines.join('\n') : null;
}

export function queryText(_name: string, value: unknown): string | null {
    const query = plainQuery(value);
    return query === undefined ? null : JSON.stringify(query);
}

/** The options as the library has them. */
export function fieldsOf(options: object, checks: Record<string, Check>): Record<string, any> {
    const given = options as Record<string, unknown>;
    return Object.fromEntries(
        Object.entries(checks).map(([name, check]) => [snake(name), check(name, given[name])]),
    );
}

export function clientFields(url: ServerUrl, options: ClientOptions): ClientFields {
    const { get_token: _, ...fields } = fieldsOf(options, CLIENT_OPTIONS);
    return { ...fields, url: urlText(url) };
}

export function subscriptionFields(options: SubscriptionOptions, uid: string): SubscriptionFields {
    const { event, signal: _, ...fields } = fieldsOf({ ...options, uid }, SUBSCRIPTION_OPTIONS);
    return { ...fields, events: event };
}

/** The library's defaults, where this package has to know them. */
const QUEUE_BYTES = 64 * 1024 * 1024;
const ACK_TIMEOUT_MS = 10_000;
/** The default of `sendQueueBytes` in this package. */
const SEND_QUEUE_BYTES = 1024 * 1024;

export function queueBytes({ queueBytes }: ClientOptions): number {
    return queueBytes || QUEUE_BYTES;
}

export function ackTimeoutMs({ ackTimeoutMs }: ClientOptions): number {
    return ackTimeoutMs || ACK_TIMEOUT_MS;
}

/** The mask of the changes that are wanted. 0 stands for all of them. */
function changes(name: string, event: unknown): number {
    if (!Array.isArray(event)) {
        return choose(name, event, CHANGES);
    }
    if (event.length === 0) {
        throw invalid(name, '`event` is an empty list: leave it out for all changes');
    }
    return event.reduce((mask: number, change: unknown) => mask | choose(name, change ?? '', CHANGES), 0);
}
