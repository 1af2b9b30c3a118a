/** The client's half of a live collection: holds the rows, and passes the updates on. */

import { isDeepStrictEqual } from 'node:util';
import type { ChangeRow, UpdateRow } from '../abi/live.js';
import type { Handle } from '../abi/index.js';
import { keyText, type Key } from '../checks.js';
import type { WaitingEvents } from '../consumer.js';
import type { Connection } from '../connection.js';
import { DirectusRealtimeError, reportUncaught, serverError, type ServerError } from '../errors.js';
import type { RequestOptions } from '../requests.js';
import type { ScopeState, SubscriptionIdentity } from '../subscription.js';
import { waitOptions, Waiters, type WaitOptions } from '../waiters.js';
import { LiveCallbackConsumer } from './callback.js';
import { LiveCollection } from './collection.js';
import type { LiveConsumer, LiveSource } from './consumer.js';
import { difference } from './difference.js';
import { LiveLoop } from './iterator.js';
import { Rows } from './rows.js';
import { STATUSES, type LiveCallback, type LiveChange, type LiveStatus, type LiveUpdate } from './update.js';

/** What a live collection needs of its client. */
export interface LiveHost {
    readonly connection: Pick<Connection, 'failure' | 'unreachableReason' | 'timeoutError'>;
    readonly waiting: WaitingEvents;
    unsubscribe(live: LiveState): void;
    verify(live: LiveState, options?: RequestOptions): Promise<object>;
    /** The server has ended it. */
    release(live: LiveState): void;
    /** It has ended. */
    forget(live: LiveState): void;
}

export interface LiveIdentity extends SubscriptionIdentity {
    readonly primaryKey: string;
}

type Item = Record<string, unknown>;

const ADDED = 0;
const MODIFIED = 1;

export class LiveState implements LiveIdentity, LiveSource {
    readonly id: number;
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    readonly scope: ScopeState | undefined;
    readonly handle: Handle;
    readonly primaryKey: string;
    /** Removes the listener of the abort signal. */
    detach: () => void = () => {};
    /** A scope without any other reference, kept from the garbage collector until this ends. */
    retainedScope: object | undefined;
    readonly #host: LiveHost;
    readonly #rows = new Rows<Item>();
    /** By the text of the primary key; made when it is used for the first time. */
    #byKey: Map<string, Item> | undefined;
    #status: LiveStatus = 'loading';
    #error: ServerError | undefined;
    /** The last update so far, without its changes. */
    #last: LiveUpdate | undefined;
    readonly #consumers = new Set<LiveConsumer>();
    readonly #watchers = new Set<() => void>();
    readonly #currentWaiters = new Waiters();
    /** Weak, because the application's half keeps its scope alive. */
    #view: WeakRef<LiveCollection<any>> | undefined;
    #isEnded = false;
    #endReason: DirectusRealtimeError | undefined;

    constructor(host: LiveHost, identity: LiveIdentity, callback: LiveCallback | undefined) {
        this.id = identity.id;
        this.uid = identity.uid;
        this.collection = identity.collection;
        this.persistent = identity.persistent;
        this.scope = identity.scope;
        this.handle = identity.handle;
        this.primaryKey = identity.primaryKey;
        this.#host = host;
        if (callback) {
            this.#consumers.add(new LiveCallbackConsumer(callback, this));
        }
    }

    /** The application's half: the same object for as long as the application holds it. */
    view(scope?: object): LiveCollection<any> {
        let view = this.#view?.deref();
        if (view === undefined) {
            view = new LiveCollection<any>(this, scope);
            this.#view = new WeakRef(view);
        }
        return view;
    }

    get ended(): boolean {
        return this.#isEnded;
    }

    get status(): LiveStatus {
        return this.#status;
    }

    get error(): ServerError | undefined {
        return this.#error;
    }

    get waiting(): WaitingEvents {
        return this.#host.waiting;
    }

    rows(): readonly Item[] {
        return this.#rows.all();
    }

    changesFrom(before: readonly Item[]): LiveChange[] {
        return difference(before, this.rows(), (row) => row[this.primaryKey] as string | number);
    }

    get(key: Key): Item | undefined {
        const text = keyText('key', key);
        this.#byKey ??= new Map(this.rows().map((row) => [String(row[this.primaryKey]), row]));
        return this.#byKey.get(text);
    }

    /** `watcher` is called after each update, and at the end. The function that it returns ends that. */
    watch(watcher: () => void): () => void {
        this.#watchers.add(watcher);
        return () => void this.#watchers.delete(watcher);
    }

    close(): void {
        this.#host.unsubscribe(this);
    }

    /** Takes an update; `weight` is its share of the batch that has left the library's queue. */
    deliver([, , , , status, revision, steps, error]: UpdateRow, weight: number): void {
        for (const consumer of this.#consumers) {
            consumer.prepare();
        }
        const changes = this.#apply(steps);
        this.#status = STATUSES[status]!;
        this.#error = error === null ? undefined : serverError(error);
        const { uid, collection } = this;
        const count = this.#rows.length;
        const more = { status: this.#status, revision, count, error: this.#error };
        this.#last = { uid, collection, ...more, changes: [] };
        const update: LiveUpdate = { uid, collection, ...more, changes };
        if (this.#status === 'ended') {
            this.#refuse(update);
            return;
        }
        for (const consumer of [...this.#consumers]) {
            // A callback may have closed it.
            if (!this.#isEnded) {
                consumer.push(update, weight);
            }
        }
        this.#changed();
        if (this.#status === 'current') {
            this.#currentWaiters.resolve();
        }
    }

    /** Takes the steps, and returns them where there is a consumer. */
    #apply(steps: readonly ChangeRow[]): LiveChange[] {
        const isWanted = this.#consumers.size > 0;
        const changes: LiveChange[] = [];
        for (const step of steps) {
            const change = this.#applyOne(step);
            if (isWanted) {
                changes.push(change);
            }
        }
        return changes;
    }

    #applyOne([kind, key, oldIndex, newIndex, data]: ChangeRow): LiveChange {
        const before = oldIndex === null ? undefined : this.#rows.remove(oldIndex);
        if (newIndex === null) {
            this.#byKey?.delete(String(key));
            return { kind: 'removed', key, row: before, oldIndex: oldIndex!, newIndex: undefined };
        }
        // One that has only moved stays the same object.
        const isSame = kind === MODIFIED && oldIndex !== newIndex && isDeepStrictEqual(before, data);
        const row = (isSame ? before : data) as Item;
        this.#rows.insert(newIndex, row);
        this.#byKey?.set(String(key), row);
        return kind === ADDED
            ? { kind: 'added', key, row, oldIndex: undefined, newIndex }
            : { kind: 'modified', key, row, oldIndex: oldIndex!, newIndex };
    }

    #changed(): void {
        for (const watcher of [...this.#watchers]) {
            try {
                watcher();
            } catch (error) {
                reportUncaught(error);
            }
        }
    }

    /** The server has refused it. */
    #refuse(update: LiveUpdate): void {
        const server = update.error ?? { code: 'UNKNOWN', message: '' };
        const sentence = `the server refused the live collection '${this.uid}': ${server.code}: ${server.message}`;
        const error = new DirectusRealtimeError('DRT_ERR_SERVER', sentence, { server });
        this.#endReason = error;
        this.#host.release(this);
        this.#finish();
        for (const consumer of [...this.#consumers]) {
            consumer.refuse(update, error);
        }
        this.#changed();
        this.#currentWaiters.reject(error);
    }

    /** Delivers no more updates. The rows stay as they are. Promises of `ready()` reject with `reason`. */
    end(reason?: DirectusRealtimeError): void {
        if (this.#isEnded) {
            return;
        }
        this.#endReason = reason;
        this.#status = 'ended';
        this.#finish();
        for (const consumer of [...this.#consumers]) {
            consumer.end();
        }
        this.#changed();
        this.#currentWaiters.reject(this.#endedError());
    }

    #finish(): void {
        this.#isEnded = true;
        this.retainedScope = undefined;
        this.detach();
        this.#host.forget(this);
    }

    #endedError(): DirectusRealtimeError {
        const sentence = `the live collection '${this.uid}' has ended`;
        return this.#endReason ?? new DirectusRealtimeError('DRT_ERR_CLOSED', sentence);
    }

    /** Waits until the rows are the server's. */
    async ready(options?: WaitOptions): Promise<void> {
        const wait = waitOptions(options);
        if (this.#isEnded) {
            throw this.#endedError();
        }
        if (this.#status === 'current') {
            return;
        }
        const { connection } = this.#host;
        const reason = connection.unreachableReason();
        if (reason !== undefined) {
            throw reason;
        }
        const what = `the rows of the live collection '${this.uid}' were not there`;
        await this.#currentWaiters.wait((timeoutMs) => connection.timeoutError(what, timeoutMs), wait);
    }

    /** Compares the rows with the server's answer. */
    async verify(options?: RequestOptions): Promise<object> {
        if (this.#isEnded) {
            throw this.#endedError();
        }
        return this.#host.verify(this, options);
    }

    /** The server cannot be reached: `ready()` rejects. When the client has failed, loops end as well. */
    fail(reason: DirectusRealtimeError): void {
        this.#currentWaiters.reject(reason);
        if (this.#host.connection.failure() !== undefined) {
            for (const consumer of [...this.#consumers]) {
                consumer.fail(reason);
            }
        }
    }

    /** A loop over the updates, the first of which adds the rows that are there. */
    loop(): LiveLoop {
        const owner = {
            failure: () => this.#host.connection.failure(),
            left: (loop: LiveLoop) => void this.#consumers.delete(loop),
        };
        const loop = new LiveLoop(this, owner, this.#last);
        if (this.#isEnded) {
            loop.end();
        } else {
            this.#consumers.add(loop);
        }
        return loop;
    }
}
