/**
 * A subscription in two halves: `SubscriptionState`, which the client keeps until the subscription
 * ends, and `Subscription`, which the application holds. Only the state refers to consumers, so that
 * a `Subscription` (and the scope that it keeps alive) can be garbage-collected while events flow.
 */

import { inspect, type InspectOptions } from 'node:util';
import type { Handle } from './abi/index.js';
import type { Batch } from './abi/rows.js';
import type { Consumer, WaitingEvents } from './consumer.js';
import { CallbackConsumer } from './callback-consumer.js';
import type { Connection } from './connection.js';
import { DirectusRealtimeError, serverError } from './errors.js';
import type { AnyCallback, RealtimeEvent } from './events.js';
import { EventQueue, type QueueOwner } from './iterator.js';
import { LoopIterator } from './loop.js';
import { bindMethods, inspected } from './objects.js';
import { toEvent } from './received-event.js';
import { waitOptions, Waiters, type WaitOptions } from './waiters.js';

/** What a subscription needs of its client. */
export interface SubscriptionHost {
    readonly connection: Pick<Connection, 'failure' | 'unreachableReason' | 'timeoutError'>;
    readonly waiting: WaitingEvents;
    unsubscribe(subscription: SubscriptionState): void;
    /** Asks for a fresh snapshot. */
    resync(subscription: SubscriptionState): void;
    /** The subscription has ended. */
    forget(subscription: SubscriptionState): void;
}

/** A scope, as the client keeps it. */
export interface ScopeState {
    closed: boolean;
}

export interface SubscriptionIdentity {
    /** The number with which the library delivers events. */
    readonly id: number;
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    /** Ends the subscription when it is closed, unless the subscription is persistent. */
    readonly scope: ScopeState | undefined;
    readonly handle: Handle;
}

/** The client's half: delivers events to consumers, and knows whether and why the subscription is over. */
export class SubscriptionState implements SubscriptionIdentity {
    readonly id: number;
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    readonly scope: ScopeState | undefined;
    readonly handle: Handle;
    /** Removes the listener of the subscription's abort signal. */
    detach: () => void = () => {};
    /** A scope without any other reference, kept from the garbage collector until the subscription ends. */
    retainedScope: object | undefined;
    readonly #host: SubscriptionHost;
    readonly #consumers = new Set<Consumer>();
    readonly #readyWaiters = new Waiters();
    /** Weak, because the application's half keeps its scope alive. */
    #view: WeakRef<Subscription<any, any>> | undefined;
    /** The queue of a subscription without a callback, until the first loop takes it. */
    #unclaimed: EventQueue | undefined;
    #isActive = false;
    #isEnded = false;
    #endReason: DirectusRealtimeError | undefined;

    constructor(host: SubscriptionHost, identity: SubscriptionIdentity, callback: AnyCallback | undefined) {
        this.id = identity.id;
        this.uid = identity.uid;
        this.collection = identity.collection;
        this.persistent = identity.persistent;
        this.scope = identity.scope;
        this.handle = identity.handle;
        this.#host = host;
        if (callback) {
            this.#consumers.add(new CallbackConsumer(callback, host.waiting, () => host.resync(this)));
        } else {
            this.#unclaimed = this.queue();
        }
    }

    /** The application's half: the same object for as long as the application holds it. */
    view(scope?: object): Subscription<any, any> {
        let view = this.#view?.deref();
        if (view === undefined) {
            view = new Subscription<any, any>(this, scope);
            this.#view = new WeakRef(view);
        }
        return view;
    }

    get ended(): boolean {
        return this.#isEnded;
    }

    unsubscribe(): void {
        this.#host.unsubscribe(this);
    }

    resync(): void {
        if (this.#isEnded) {
            throw this.#endedError();
        }
        this.#host.resync(this);
    }

    /** Delivers the event in a row of a batch. */
    deliver(batch: Batch, at: number): void {
        const event = toEvent(batch, at, this);
        const { weight } = batch;
        if (event.type === 'error' && event.ended) {
            this.#refuse(event, weight);
            return;
        }
        for (const consumer of this.#consumers) {
            consumer.push(event, weight);
        }
        // An error that does not end the subscription, such as a late reply, does not confirm it either.
        if (!this.#isActive && event.type !== 'error') {
            this.#isActive = true;
            this.#readyWaiters.resolve();
        }
    }

    #refuse(event: RealtimeEvent, weight: number): void {
        const server = serverError(event.data);
        const sentence = `the server refused the subscription '${this.uid}': ${server.code}: ${server.message}`;
        const error = new DirectusRealtimeError('DRT_ERR_SERVER', sentence, { server });
        this.#endReason = error;
        this.#finish();
        for (const consumer of this.#consumers) {
            consumer.refuse(event, weight, error);
        }
        this.#readyWaiters.reject(error);
    }

    /** Delivers no more events. Promises of `ready()` that are pending reject with `reason`. */
    end(reason?: DirectusRealtimeError): void {
        if (this.#isEnded) {
            return;
        }
        this.#endReason = reason;
        this.#finish();
        for (const consumer of this.#consumers) {
            consumer.end();
        }
        this.#readyWaiters.reject(this.#endedError());
    }

    #finish(): void {
        this.#isEnded = true;
        this.retainedScope = undefined;
        this.detach();
        this.#host.forget(this);
    }

    #endedError(): DirectusRealtimeError {
        const sentence = `the subscription '${this.uid}' has ended`;
        return this.#endReason ?? new DirectusRealtimeError('DRT_ERR_CLOSED', sentence);
    }

    /** Waits until the server has confirmed the subscription. */
    async ready(options?: WaitOptions): Promise<void> {
        const wait = waitOptions(options);
        if (this.#isEnded) {
            throw this.#endedError();
        }
        if (this.#isActive) {
            return;
        }
        const { connection } = this.#host;
        const reason = connection.unreachableReason();
        if (reason !== undefined) {
            throw reason;
        }
        const what = `the server has not confirmed the subscription '${this.uid}'`;
        await this.#readyWaiters.wait((timeoutMs) => connection.timeoutError(what, timeoutMs), wait);
    }

    /** The server cannot be reached: `ready()` rejects. When the client has failed, loops end as well. */
    fail(reason: DirectusRealtimeError): void {
        this.#readyWaiters.reject(reason);
        if (this.#host.connection.failure() !== undefined) {
            for (const consumer of [...this.#consumers]) {
                consumer.fail(reason);
            }
        }
    }

    /**
     * A queue for a loop: of the events from now on, or, for the first loop over a subscription without
     * a callback, of all events.
     */
    queue(): EventQueue {
        const unclaimed = this.#unclaimed;
        if (unclaimed !== undefined) {
            this.#unclaimed = undefined;
            return unclaimed;
        }
        const owner: QueueOwner = {
            failure: () => this.#host.connection.failure(),
            left: (queue) => this.#remove(queue),
            failed: (queue) => this.#reclaim(queue),
            resync: () => this.#host.resync(this),
        };
        const queue = new EventQueue(this.#host.waiting, owner);
        if (this.#isEnded) {
            queue.end();
        } else {
            this.#consumers.add(queue);
        }
        return queue;
    }

    /** A loop was ended by an error: the next loop takes its queue over, unless there are other consumers. */
    #reclaim(queue: EventQueue): void {
        if (this.#consumers.size > 1) {
            this.#consumers.delete(queue);
            queue.end();
        } else if (!this.#isEnded) {
            this.#unclaimed = queue;
        }
    }

    /** A loop was left. Without any other consumer, the subscription ends. */
    #remove(queue: EventQueue): void {
        this.#consumers.delete(queue);
        if (this.#consumers.size === 0) {
            this.unsubscribe();
        }
    }
}

/** What `subscribe` returns, as the composable has it. */
export interface SubscriptionHandler {
    uid: string;
    collection: string;
    unsubscribe: () => void;
    persistent: boolean;
}

/** The application's half. */
export class Subscription<T = any, Init = T[], Event = RealtimeEvent<T, Init>>
    implements SubscriptionHandler, AsyncIterable<Event>, Disposable, AsyncDisposable
{
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    /** Ends the subscription. Works when destructured, like the composable's functions. */
    readonly unsubscribe: () => void;
    readonly #state: SubscriptionState;
    /** Keeps the scope from the garbage collector for as long as the application holds this. */
    protected readonly scope: object | undefined;

    /** @internal */
    constructor(state: SubscriptionState, scope: object | undefined) {
        this.uid = state.uid;
        this.collection = state.collection;
        this.persistent = state.persistent;
        this.unsubscribe = () => state.unsubscribe();
        this.#state = state;
        this.scope = scope;
        bindMethods(this, Subscription);
    }

    /** Whether it is over: unsubscribed, refused by the server, or closed with its scope or client. */
    get ended(): boolean {
        return this.#state.ended;
    }

    /** Resolves when the server has confirmed the subscription, rejects when the server has refused it. */
    async ready(options?: WaitOptions): Promise<this> {
        await this.#state.ready(options);
        return this;
    }

    /**
     * Asks for a fresh snapshot, for changes of which the server does not tell: an `init` with `resync`
     * follows, at once or on the next link. Throws when the subscription is over.
     */
    resync(): void {
        this.#state.resync();
    }

    /**
     * The events: all of them where there is no callback, else those from now on. Leaving the loop ends
     * a subscription without a callback or another loop. A refusal is thrown.
     */
    [Symbol.asyncIterator](): AsyncIterableIterator<Event> {
        const iterator = new LoopIterator(this.#state.queue(), this);
        return iterator as AsyncIterableIterator<unknown> as AsyncIterableIterator<Event>;
    }

    [Symbol.dispose](): void {
        this.unsubscribe();
    }

    [Symbol.asyncDispose](): Promise<void> {
        this.unsubscribe();
        return Promise.resolve();
    }

    [inspect.custom](_depth: number, options: InspectOptions): string {
        const { uid, collection, persistent, ended } = this;
        return inspected('Subscription', { uid, collection, persistent, ended }, options);
    }
}
