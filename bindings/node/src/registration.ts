/** A subscription as its client knows it, from subscribing to its end. */

import { FLAG_ENDED, type Handle, type Row } from './abi/index.js';
import { DirectusRealtimeError } from './errors.js';
import { toEvent } from './events.js';
import { EventIterator } from './iterator.js';
import { Lane, type Consumer, type Ledger } from './lane.js';
import type { ScopeCore } from './registrations.js';
import type { SubscriptionCallback, Subscription } from './subscription.js';
import { Waiters, type WaitOptions } from './waiters.js';

/** What a registration needs of its client. */
export interface Host extends Ledger {
    /** How many more wait for something that only the queue can bring, or fewer. */
    expect(by: number): void;
    unsubscribe(registration: Registration): void;
    /** The subscription has ended. */
    forget(registration: Registration): void;
}

export interface Identity {
    id: number;
    uid: string;
    collection: string;
    persistent: boolean;
    /** What ends it, unless it is persistent. */
    scope: ScopeCore | undefined;
    handle: Handle;
}

export class Registration {
    readonly id: number;
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    readonly scope: ScopeCore | undefined;
    readonly handle: Handle;
    /** Takes back what listens for the end. */
    detach: () => void = () => {};
    /** What the application has; a scope that it forgets is not kept alive from here. */
    view: WeakRef<Subscription<any, any>> | undefined;
    readonly #host: Host;
    readonly #consumers = new Set<Consumer>();
    readonly #ready: Waiters<void>;
    /** Without a callback, events wait here until they are iterated over. */
    #unclaimed: EventIterator | undefined;
    #active = false;
    #ended = false;
    #refusal: DirectusRealtimeError | undefined;

    constructor(host: Host, identity: Identity, callback: SubscriptionCallback | undefined) {
        this.id = identity.id;
        this.uid = identity.uid;
        this.collection = identity.collection;
        this.persistent = identity.persistent;
        this.scope = identity.scope;
        this.handle = identity.handle;
        this.#host = host;
        this.#ready = new Waiters((by) => host.expect(by));
        if (callback) {
            this.#consumers.add(new Lane(callback, host));
        } else {
            this.#unclaimed = this.iterate();
        }
    }

    get ended(): boolean {
        return this.#ended;
    }

    /** An event has come; `weight` is its share of what has left the library's queue. */
    deliver(row: Row, weight: number): void {
        const event = toEvent(row, this);
        if (event.type === 'error' && (row[2] & FLAG_ENDED) !== 0) {
            const error = DirectusRealtimeError.fromServer(`the subscription '${this.uid}'`, event.data);
            this.#refusal = error;
            this.#finish();
            for (const consumer of this.#consumers) {
                consumer.refuse(event, weight, error);
            }
            this.#ready.reject(error);
            return;
        }
        for (const consumer of this.#consumers) {
            consumer.push(event, weight);
        }
        if (!this.#active) {
            this.#active = true;
            this.#ready.resolve();
        }
    }

    /** No event is delivered any more. */
    end(): void {
        if (this.#ended) {
            return;
        }
        this.#finish();
        for (const consumer of this.#consumers) {
            consumer.end();
        }
        this.#ready.reject(this.#overError());
    }

    #finish(): void {
        this.#ended = true;
        this.detach();
        this.#host.forget(this);
    }

    #overError(): DirectusRealtimeError {
        const sentence = `the subscription '${this.uid}' has ended`;
        return this.#refusal ?? new DirectusRealtimeError('DRT_ERR_CLOSED', sentence);
    }

    /** Waits for the server's first answer. */
    ready(options?: WaitOptions): Promise<void> {
        if (this.#ended) {
            return Promise.reject(this.#overError());
        }
        if (this.#active) {
            return Promise.resolve();
        }
        return this.#ready.wait(`the server's answer to the subscription '${this.uid}'`, options);
    }

    /** The client cannot reach the server: nobody need wait. */
    fail(error: DirectusRealtimeError): void {
        this.#ready.reject(error);
    }

    /** Events from now on; the first one of a subscription without a callback has them all. */
    iterate(): EventIterator {
        const unclaimed = this.#unclaimed;
        if (unclaimed !== undefined) {
            this.#unclaimed = undefined;
            return unclaimed;
        }
        const iterator = new EventIterator(this.#host, () => this.#leave(iterator));
        if (this.#ended) {
            iterator.end();
        } else {
            this.#consumers.add(iterator);
        }
        return iterator;
    }

    /** A loop was left: without anybody else, events would wait for nobody. */
    #leave(iterator: EventIterator): void {
        this.#consumers.delete(iterator);
        if (this.#consumers.size === 0) {
            this.#host.unsubscribe(this);
        }
    }
}
