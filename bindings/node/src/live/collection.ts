/** The rows of a query, held in memory as the server has them. */

import { inspect, type InspectOptions } from 'node:util';
import type { Key } from '../checks.js';
import type { ServerError } from '../errors.js';
import { bindMethods, inspected } from '../objects.js';
import type { RequestOptions } from '../requests.js';
import type { WaitOptions } from '../waiters.js';
import { LoopIterator } from '../loop.js';
import type { LiveLoop } from './iterator.js';
import type { LiveStatus, LiveUpdate, Verification } from './update.js';

/** The client's half of a live collection. */
interface State {
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    readonly status: LiveStatus;
    readonly error: ServerError | undefined;
    readonly ended: boolean;
    rows(): readonly unknown[];
    get(key: Key): unknown;
    ready(options?: WaitOptions): Promise<void>;
    verify(options?: RequestOptions): Promise<object>;
    watch(watcher: () => void): () => void;
    loop(): LiveLoop;
    close(): void;
}

/** The application's half. */
export class LiveCollection<T = any> implements AsyncIterable<LiveUpdate<T>>, Disposable, AsyncDisposable {
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    /** Ends it. The rows stay as they are. */
    readonly close: () => void;
    /** The same, by the name that subscriptions have for it. */
    readonly unsubscribe: () => void;
    readonly #state: State;
    /** Keeps the scope from the garbage collector for as long as the application holds this. */
    protected readonly scope: object | undefined;

    /** @internal */
    constructor(state: State, scope: object | undefined) {
        this.uid = state.uid;
        this.collection = state.collection;
        this.persistent = state.persistent;
        this.close = () => state.close();
        this.unsubscribe = this.close;
        this.#state = state;
        this.scope = scope;
        bindMethods(this, LiveCollection);
    }

    /**
     * The rows, in the server's order: a frozen array, another one after each update that has changed
     * something, in which unchanged rows are the same objects.
     */
    get rows(): readonly T[] {
        return this.#state.rows() as readonly unknown[] as readonly T[];
    }

    /** The row with that primary key. */
    get(key: Key): T | undefined {
        return this.#state.get(key) as T | undefined;
    }

    get status(): LiveStatus {
        return this.#state.status;
    }

    /** The server's error, where that is why the status is `'stale'` or `'ended'`. */
    get error(): ServerError | undefined {
        return this.#state.error;
    }

    /** Whether it is over: closed by itself, its scope or its client, or refused by the server. */
    get ended(): boolean {
        return this.#state.ended;
    }

    /** Resolves when the rows are the server's, rejects when the server has refused it. */
    async ready(options?: WaitOptions): Promise<this> {
        await this.#state.ready(options);
        return this;
    }

    /** Compares all rows with the server's answer now. What differs is repaired, by an ordinary update. */
    async verify(options?: RequestOptions): Promise<Verification> {
        return (await this.#state.verify(options)) as Verification;
    }

    /**
     * `watcher` is called after each update, and at the end. The function that it returns ends that.
     * @internal
     */
    watch(watcher: () => void): () => void {
        return this.#state.watch(watcher);
    }

    /**
     * The updates: the first one of a loop adds the rows that are there. Those that come while the loop is
     * busy are merged into one. Leaving the loop does not close the live collection. A refusal is thrown.
     */
    [Symbol.asyncIterator](): AsyncIterableIterator<LiveUpdate<T>> {
        return new LoopIterator(this.#state.loop(), this);
    }

    [Symbol.dispose](): void {
        this.close();
    }

    [Symbol.asyncDispose](): Promise<void> {
        this.close();
        return Promise.resolve();
    }

    [inspect.custom](_depth: number, options: InspectOptions): string {
        const { uid, collection, status } = this;
        return inspected(
            'LiveCollection',
            { uid, collection, status, rows: this.#state.rows().length },
            options,
        );
    }
}
