/** The C ABI with JavaScript's manners: values come back, and failures are thrown. */

import { isMainThread } from 'node:worker_threads';
import { decode, register, sizeof } from 'koffi';
import { DirectusRealtimeError, type ErrorCode } from '../errors.js';
import { declareFunctions, guardText, type Functions } from './functions.js';
import { loadLibrary } from './library.js';
import { ThreadEnd } from './thread.js';
import { inOurWords } from './words.js';
import {
    DELIVER_POLL,
    DUPLICATE,
    TEXTS,
    declareTypes,
    type ClientFields,
    type Handle,
    type Row,
    type StatsFields,
    type SubscriptionFields,
    type Types,
} from './types.js';

export type { ClientFields, Handle, Row, StatsFields, SubscriptionFields };
export { FLAG_ENDED, FLAG_RESYNC, OK } from './types.js';

const NO_SCOPE = 0n;

function guardTexts(fields: Record<string, unknown>, texts: readonly string[]): void {
    for (const name of texts) {
        const value = fields[name];
        if (value !== undefined && value !== null) {
            guardText(value, name);
        }
    }
}

/** Takes what is told while a client is drained. It must not throw, nor call the library. */
export interface Receiver {
    state(state: number, reason: number, message: string): void;
    tokenWanted(reason: number): void;
    reply(id: number, status: number, json: string | undefined): void;
    released(id: number): void;
}

/** The library: one per copy of this package and JavaScript thread. */
export class Abi {
    static #loaded: Abi | undefined;

    readonly #types: Types = declareTypes();
    readonly #c: Functions;
    readonly #callbacks: { state: bigint; token: bigint; reply: bigint; release: bigint };
    readonly #out = new BigUint64Array(1);
    readonly #json = new BigUint64Array(1);
    readonly #length = new BigUint64Array(1);
    readonly #drained = new BigUint64Array(1);
    /** The process ends with its main thread, and every link with the process. */
    readonly #threadEnd: ThreadEnd | undefined;
    #receiver: Receiver | undefined;

    private constructor() {
        const library = loadLibrary();
        this.#c = declareFunctions(library, this.#types);
        this.#threadEnd = isMainThread ? undefined : new ThreadEnd(library);
        const { onState, onToken, onReply, onRelease } = this.#types;
        this.#callbacks = {
            state: register((_: bigint, state: number, reason: number, message: string) => {
                this.#receiver?.state(state, reason, inOurWords(message));
            }, onState),
            token: register((_: bigint, reason: number) => {
                this.#receiver?.tokenWanted(reason);
            }, onToken),
            reply: register((status: number, json: bigint | null, length: number, id: number) => {
                this.#receiver?.reply(id, status, json === null ? undefined : decode.string(json, length));
            }, onReply),
            // Also runs outside of a drain, when a registration fails: there is nothing to release.
            release: register((id: number) => {
                this.#receiver?.released(id);
            }, onRelease),
        };
    }

    /** Loads the library if need be. */
    static get(): Abi {
        return (this.#loaded ??= new Abi());
    }

    /** The error of a negative status; the thread's last failed call has the sentence. */
    error(status: number, message: string = this.#c.lastError()): DirectusRealtimeError {
        return new DirectusRealtimeError(this.#c.statusName(status) as ErrorCode, inOurWords(message));
    }

    #check(status: number): number {
        if (status < 0) {
            throw this.error(status);
        }
        return status;
    }

    version(): string {
        return this.#c.version();
    }

    /** A descriptor to read the log from, as lines of `[level, target, message]`. */
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
        this.#threadEnd?.watch(client);
        return client;
    }

    listen(client: Handle, tokens: boolean): void {
        this.#check(this.#c.onState(client, this.#callbacks.state, 0, null));
        if (tokens) {
            this.#check(this.#c.onToken(client, this.#callbacks.token, 0, null));
        }
    }

    listenNoMore(client: Handle): void {
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

    /** Blocks: for the end of the process only. */
    closeNow(client: Handle, timeoutMs: number): void {
        this.#c.close(client, timeoutMs);
    }

    /** Waits on another thread, so no callback may be left that would have to run there. */
    close(client: Handle, timeoutMs: number): Promise<void> {
        this.#threadEnd?.unwatch(client);
        return new Promise((resolve, reject) => {
            this.#c.close.async(client, timeoutMs, (failure: unknown, status: number) => {
                if (failure) {
                    reject(failure as Error);
                } else if (status < 0) {
                    reject(this.error(status, 'the link could not be taken down in time'));
                } else {
                    resolve();
                }
            });
        });
    }

    fd(client: Handle): number {
        return this.#c.fd(client);
    }

    /** The events that wait, as JSON, and how much was there: 0 when nothing is left. */
    drain(client: Handle, most: number, receiver: Receiver): { json: string; drained: number } {
        this.#receiver = receiver;
        try {
            this.#check(this.#c.drain(client, 0, most, this.#json, this.#length, this.#drained));
        } finally {
            this.#receiver = undefined;
        }
        const json = decode.string(this.#json[0]!, this.#length[0]!);
        return { json, drained: Number(this.#drained[0]!) };
    }

    newScope(client: Handle): Handle {
        this.#check(this.#c.scopeNew(client, this.#out));
        return this.#out[0]!;
    }

    /** A scope that is gone already is closed. */
    closeScope(scope: Handle): void {
        this.#c.scopeClose(scope);
    }

    /** The subscription's handle, or none when its uid is taken. */
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
                // Never called, because events are drained; but it has to be there.
                this.#callbacks.release,
                id,
                this.#callbacks.release,
                this.#out,
            ),
        );
        return status === DUPLICATE ? undefined : this.#out[0]!;
    }

    /** A subscription that is gone already has ended. */
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
