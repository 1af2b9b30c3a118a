/** The C ABI as methods: results are returned, and failures are thrown. */

import { isMainThread } from 'node:worker_threads';
import { decode, sizeof } from 'koffi';
import { DirectusRealtimeError, type ErrorCode, type ServerError } from '../errors.js';
import { declareFunctions, guardText, type Functions } from './functions.js';
import { loadLibrary } from './library.js';
import { camel, translateMessage } from './messages.js';
import type { Row } from './rows.js';
import { ThreadExit } from './thread-exit.js';
import {
    DELIVER_POLL,
    DUPLICATE,
    OK,
    TEXTS,
    declareTypes,
    type ClientFields,
    type ErrorInfo,
    type Handle,
    type StatsFields,
    type SubscriptionFields,
    type Types,
} from './types.js';

export type { ClientFields, Handle, StatsFields, SubscriptionFields };

const NO_SCOPE = 0n;

/** What waits for a client. */
export interface Batch {
    readonly rows: readonly Row[];
    /** The average size of a row, in characters of JSON. */
    readonly weight: number;
}

function guardTexts(fields: Record<string, unknown>, texts: readonly string[]): void {
    for (const name of texts) {
        const value = fields[name];
        if (value !== undefined && value !== null) {
            guardText(value);
        }
    }
}

/** Room for a struct that the library fills; it begins with its size. */
function room(size: number): Uint8Array {
    const bytes = new Uint8Array(size);
    new DataView(bytes.buffer).setBigUint64(0, BigInt(size), true);
    return bytes;
}

/** The loaded library. There is one for each copy of this package in each JavaScript thread. */
export class Abi {
    static #loaded: Abi | undefined;

    readonly #types: Types = declareTypes();
    readonly #c: Functions;
    readonly #out = new BigUint64Array(1);
    readonly #length = new BigUint64Array(1);
    readonly #count = new BigUint64Array(1);
    /** Only in worker threads: the main thread ends with the process, and so do all links. */
    readonly #threadExit: ThreadExit | undefined;

    private constructor() {
        const library = loadLibrary();
        this.#c = declareFunctions(library, this.#types);
        this.#threadExit = isMainThread ? undefined : new ThreadExit(library);
    }

    /** Loads the library at the first call. */
    static get(): Abi {
        return (this.#loaded ??= new Abi());
    }

    /** The error that a row reports; none where its status is no error. */
    error(status: number, message: string, server?: ServerError): DirectusRealtimeError | undefined {
        if (status === OK) {
            return undefined;
        }
        const code = this.#c.statusName(status) as ErrorCode;
        return new DirectusRealtimeError(code, translateMessage(message), server && { server });
    }

    #check(status: number): number {
        if (status >= OK) {
            return status;
        }
        const bytes = room(sizeof(this.#types.errorInfo));
        this.#c.lastErrorInfo(bytes);
        const { argument, message } = decode(bytes, this.#types.errorInfo) as ErrorInfo;
        const code = this.#c.statusName(status) as ErrorCode;
        const more = argument === null ? {} : { argument: camel(argument) };
        throw new DirectusRealtimeError(code, translateMessage(message), more);
    }

    /** A file descriptor from which to read the log, as lines of `[level, target, message]`. */
    openLog(level: number): number {
        const fd = new Int32Array(1);
        this.#check(this.#c.logOpen(level, fd));
        return fd[0]!;
    }

    endLog(): void {
        this.#check(this.#c.setLog(0, null, 0, null));
    }

    newClient(fields: ClientFields): Handle {
        guardTexts(fields, TEXTS.client);
        const struct_size = sizeof(this.#types.clientOptions);
        this.#check(this.#c.clientNew({ ...fields, struct_size, delivery: DELIVER_POLL }, this.#out));
        const client = this.#out[0]!;
        this.#threadExit?.watch(client);
        return client;
    }

    /** Has requests for tokens come as rows. Only once: a second call would end that. */
    askForTokens(client: Handle): void {
        this.#check(this.#c.onToken(client, null, 0, null));
    }

    connect(client: Handle): void {
        this.#check(this.#c.connect(client));
    }

    reconnect(client: Handle): void {
        this.#check(this.#c.reconnect(client));
    }

    disconnect(client: Handle): void {
        this.#check(this.#c.disconnect(client));
    }

    setToken(client: Handle, token: string): void {
        this.#check(this.#c.setToken(client, token));
    }

    state(client: Handle): number {
        return this.#c.state(client);
    }

    stats(client: Handle): StatsFields {
        const bytes = room(sizeof(this.#types.stats));
        this.#check(this.#c.stats(client, bytes));
        return decode(bytes, this.#types.stats) as StatsFields;
    }

    /** Blocks until the link is closed: only for when the thread is ending. */
    closeSync(client: Handle, timeoutMs: number): void {
        this.#c.close(client, timeoutMs);
    }

    /** Waits on another thread. */
    close(client: Handle, timeoutMs: number): Promise<void> {
        this.#threadExit?.unwatch(client);
        return new Promise((resolve, reject) => {
            this.#c.close.async(client, timeoutMs, (failure: unknown, status: number) => {
                const error = failure ?? this.error(status, 'the link was not closed in time');
                if (error) {
                    reject(error as Error);
                } else {
                    resolve();
                }
            });
        });
    }

    /** Readable while something waits for the client. */
    fd(client: Handle): number {
        return this.#c.fd(client);
    }

    /** What waits for the client, at most `maxRows` rows; 0 stands for all. */
    next(client: Handle, maxRows: number): Batch {
        const status = this.#c.next(client, 0, maxRows, this.#out, this.#length, this.#count);
        this.#check(status);
        const json = decode.string(this.#out[0]!, this.#length[0]!);
        const rows = JSON.parse(json) as Row[];
        return { rows, weight: Math.ceil(json.length / Math.max(1, rows.length)) };
    }

    newScope(client: Handle): Handle {
        this.#check(this.#c.scopeNew(client, this.#out));
        return this.#out[0]!;
    }

    /** Does nothing where the scope is closed already. */
    closeScope(scope: Handle): void {
        this.#c.scopeClose(scope);
    }

    /** The subscription's handle, or `undefined` when its uid is taken. */
    subscribe(
        client: Handle,
        scope: Handle | undefined,
        fields: SubscriptionFields,
        id: number,
    ): Handle | undefined {
        guardTexts(fields, TEXTS.subscription);
        const struct_size = sizeof(this.#types.subscriptionOptions);
        const options = { ...fields, struct_size };
        const status = this.#check(
            this.#c.subscribe(client, scope ?? NO_SCOPE, options, null, id, null, this.#out),
        );
        return status === DUPLICATE ? undefined : this.#out[0]!;
    }

    /** Does nothing where the subscription has ended already. */
    unsubscribe(subscription: Handle): void {
        this.#c.unsubscribe(subscription);
    }

    /** Has a fresh snapshot come. Does nothing where the subscription has ended already. */
    resync(subscription: Handle): void {
        this.#c.resync(subscription);
    }

    sendMessage(client: Handle, json: string): void {
        this.#check(this.#c.sendMessage(client, json));
    }

    request(client: Handle, json: string, timeoutMs: number, id: number): void {
        this.#check(this.#c.request(client, json, timeoutMs, null, id, null));
    }
}
