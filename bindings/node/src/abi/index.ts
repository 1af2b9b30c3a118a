/** The C ABI as methods: results are returned, and failures are thrown. */

import { isMainThread } from 'node:worker_threads';
import { decode, sizeof } from 'koffi';
import { DirectusRealtimeError, type ErrorCode } from '../errors.js';
import { declareFunctions, guardText, type Functions } from './functions.js';
import { Callbacks, Inbox } from './inbox.js';
import { loadLibrary } from './library.js';
import { translateMessage } from './messages.js';
import { ThreadExit } from './thread-exit.js';
import {
    DELIVER_POLL,
    DUPLICATE,
    TEXTS,
    declareTypes,
    type ClientFields,
    type Handle,
    type StatsFields,
    type SubscriptionFields,
    type Types,
} from './types.js';

export type { EventRow } from './event-row.js';
export type { Batch, Inbox, Notification } from './inbox.js';
export type { ClientFields, Handle, StatsFields, SubscriptionFields };

const NO_SCOPE = 0n;

function guardTexts(fields: Record<string, unknown>, texts: readonly string[]): void {
    for (const name of texts) {
        const value = fields[name];
        if (value !== undefined && value !== null) {
            guardText(value);
        }
    }
}

/** The loaded library. There is one for each copy of this package in each JavaScript thread. */
export class Abi {
    static #loaded: Abi | undefined;

    readonly #types: Types = declareTypes();
    readonly #c: Functions;
    readonly #callbacks: Callbacks;
    readonly #out = new BigUint64Array(1);
    readonly #json = new BigUint64Array(1);
    readonly #length = new BigUint64Array(1);
    readonly #drained = new BigUint64Array(1);
    /** Only in worker threads: the main thread ends with the process, and so do all links. */
    readonly #threadExit: ThreadExit | undefined;

    private constructor() {
        const library = loadLibrary();
        this.#c = declareFunctions(library, this.#types);
        this.#threadExit = isMainThread ? undefined : new ThreadExit(library);
        this.#callbacks = new Callbacks(this.#types, (status, message) => this.#error(status, message));
    }

    /** Loads the library at the first call. */
    static get(): Abi {
        return (this.#loaded ??= new Abi());
    }

    /** The error of a negative status. Without `message`, it has that of the thread's last failed call. */
    #error(status: number, message: string = this.#c.lastError()): DirectusRealtimeError {
        return new DirectusRealtimeError(this.#c.statusName(status) as ErrorCode, translateMessage(message));
    }

    #check(status: number): number {
        if (status < 0) {
            throw this.#error(status);
        }
        return status;
    }

    version(): string {
        return this.#c.version();
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

    listen(client: Handle, tokens: boolean): void {
        this.#check(this.#c.onState(client, this.#callbacks.state, 0, null));
        if (tokens) {
            this.#check(this.#c.onToken(client, this.#callbacks.token, 0, null));
        }
    }

    unlisten(client: Handle): void {
        this.#check(this.#c.onState(client, null, 0, null));
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
        const room = new Uint8Array(sizeof(this.#types.stats));
        new DataView(room.buffer).setBigUint64(0, BigInt(room.length), true);
        this.#check(this.#c.stats(client, room));
        return decode(room, this.#types.stats);
    }

    /** Blocks until the link is closed: only for when the thread is ending. */
    closeSync(client: Handle, timeoutMs: number): void {
        this.#c.close(client, timeoutMs);
    }

    /** Waits on another thread. No callbacks may be due any more, because they would run there. */
    close(client: Handle, timeoutMs: number): Promise<void> {
        this.#threadExit?.unwatch(client);
        return new Promise((resolve, reject) => {
            this.#c.close.async(client, timeoutMs, (failure: unknown, status: number) => {
                if (failure) {
                    reject(failure as Error);
                } else if (status < 0) {
                    reject(this.#error(status, 'the link was not closed in time'));
                } else {
                    resolve();
                }
            });
        });
    }

    /** What the library delivers to a client. */
    inbox(client: Handle): Inbox {
        return new Inbox(this.#c.fd(client), this.#callbacks, (maxEvents) => this.#drain(client, maxEvents));
    }

    #drain(client: Handle, maxEvents: number): { json: string; drained: number } {
        this.#check(this.#c.drain(client, 0, maxEvents, this.#json, this.#length, this.#drained));
        const json = decode.string(this.#json[0]!, this.#length[0]!);
        return { json, drained: Number(this.#drained[0]!) };
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
        const status = this.#check(
            this.#c.subscribe(
                client,
                scope ?? NO_SCOPE,
                { ...fields, struct_size },
                // The event callback: required, but never called, because events are drained.
                this.#callbacks.release,
                id,
                this.#callbacks.release,
                this.#out,
            ),
        );
        return status === DUPLICATE ? undefined : this.#out[0]!;
    }

    /** Does nothing where the subscription has ended already. */
    unsubscribe(subscription: Handle): void {
        this.#c.subscriptionUnsubscribe(subscription);
    }

    unsubscribeCollection(client: Handle, collection: string): number {
        this.#check(this.#c.unsubscribeCollection(client, collection, this.#out));
        return Number(this.#out[0]!);
    }

    unsubscribeAll(client: Handle): number {
        this.#check(this.#c.unsubscribeAll(client, this.#out));
        return Number(this.#out[0]!);
    }

    hasSubscription(client: Handle, uid: string): boolean {
        return this.#c.hasSubscription(client, uid);
    }

    /** The uids of the subscriptions, in the order in which they were made. */
    uids(client: Handle): string[] {
        const uids: string[] = [];
        const visit = (info: bigint): boolean => {
            uids.push((decode(info, this.#types.subscriptionInfo) as { uid: string }).uid);
            return true;
        };
        this.#check(this.#c.activeSubscriptions(client, visit, 0));
        return uids;
    }

    sendMessage(client: Handle, json: string): void {
        this.#check(this.#c.sendMessage(client, json));
    }

    request(client: Handle, json: string, timeoutMs: number, id: number): void {
        this.#check(this.#c.request(client, json, timeoutMs, this.#callbacks.reply, id, null));
    }
}
