/** A subscription as its client knows it, from subscribing to its end. */

import { FLAG_ENDED, type Handle, type Row, type SubscriptionFields } from './abi/index.js';
import type { Connection } from './connection.js';
import { DirectusRealtimeError } from './errors.js';
import { toEvent, type ErrorEvent, type RealtimeEvent } from './events.js';
import { EventQueue, type QueueOwner } from './iterator.js';
import { Lane, type Consumer, type Ledger } from './lane.js';
import type { ScopeCore } from './registrations.js';
import type { AnyCallback, Subscription } from './subscription.js';
import { waitOptions, Waiters, type WaitOptions } from './waiters.js';

/** What a registration needs of its client. */
export interface Host extends Ledger {
    /** How many more wait for something that only the queue can bring, or fewer. */
    expect(by: number): void;
    unsubscribe(registration: Registration): void;
    readonly connection: Pick<Connection, 'failure' | 'unreachableReason' | 'timeoutError'>;
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
    /** What was asked for, to ask for it again. */
    fields: SubscriptionFields;
}

export class Registration {
    id: number;
    handle: Handle;
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    readonly scope: ScopeCore | undefined;
    readonly fields: SubscriptionFields;
    /** Takes back what listens for the end. */
    detach: () => void = () => {};
    /** What the application has; a scope that it forgets is not kept alive from here. */
    view: WeakRef<Subscription<any, any>> | undefined;
    /** A scope that nobody has, to be kept from the garbage collector until the end. */
    keeps: object | undefined;
    readonly #host: Host;
    readonly #consumers = new Set<Consumer>();
    readonly #ready: Waiters<void>;
    /** Without a callback, events wait here until they are iterated over. */
    #unclaimed: EventQueue | undefined;
    #active = false;
    /** What waited was discarded: the next snapshot makes up for it. */
    #gap = false;
    #ended = false;
    #refusal: DirectusRealtimeError | undefined;

    constructor(host: Host, identity: Identity, callback: AnyCallback | undefined) {
        this.id = identity.id;
        this.uid = identity.uid;
        this.collection = identity.collection;
        this.persistent = identity.persistent;
        this.scope = identity.scope;
        this.handle = identity.handle;
        this.fields = identity.fields;
        this.#host = host;
        this.#ready = new Waiters((by) => host.expect(by));
        if (callback) {
            this.#consumers.add(new Lane(callback, host));
        } else {
            this.#unclaimed = this.queue();
        }
    }

    get ended(): boolean {
        return this.#ended;
    }

    /** An event has come; `weight` is its share of what has left the library's queue. */
    deliver(row: Row, weight: number): void {
        const event = toEvent(row, this);
        if (event.type === 'error' && (row[2] & FLAG_ENDED) !== 0) {
            const what = `the subscription '${this.uid}'`;
            this.#refuse(event, weight, DirectusRealtimeError.fromServer(what, event.data));
            return;
        }
        if (event.type === 'init' && this.#gap) {
            event.resync = true;
            this.#gap = false;
        }
        for (const consumer of this.#consumers) {
            consumer.push(event, weight);
        }
        // An error without an end, such as that of a late answer, confirms nothing.
        if (!this.#active && event.type !== 'error') {
            this.#active = true;
            this.#ready.resolve();
        }
    }

    #refuse(event: RealtimeEvent, weight: number, error: DirectusRealtimeError): void {
        this.#refusal = error;
        this.#finish();
        for (const consumer of this.#consumers) {
            consumer.refuse(event, weight, error);
        }
        this.#ready.reject(error);
    }

    /** What has been taken from the library's queue, and waits for handlers. */
    get held(): number {
        let held = 0;
        for (const consumer of this.#consumers) {
            held += consumer.held;
        }
        return held;
    }

    /** Drops what waits: there is too much of it. A snapshot has to follow. */
    discard(): void {
        this.#gap = true;
        for (const consumer of this.#consumers) {
            consumer.discard();
        }
    }

    /** It could not be asked for again. */
    lose(error: DirectusRealtimeError): void {
        const { uid, collection } = this;
        const data = { code: error.code, message: error.message };
        const place = { uid, collection, sequence: 0, index: 0, count: 1 };
        const event: ErrorEvent = { type: 'error', data, ...place, ended: true };
        this.#refuse(event, 0, error);
    }

    /** No event is delivered any more; `why` is for who waits for the first one. */
    end(why?: DirectusRealtimeError): void {
        if (this.#ended) {
            return;
        }
        this.#refusal = why;
        this.#finish();
        for (const consumer of this.#consumers) {
            consumer.end();
        }
        this.#ready.reject(this.#overError());
    }

    #finish(): void {
        this.#ended = true;
        this.keeps = undefined;
        this.detach();
        this.#host.forget(this);
    }

    #overError(): DirectusRealtimeError {
        const sentence = `the subscription '${this.uid}' has ended`;
        return this.#refusal ?? new DirectusRealtimeError('DRT_ERR_CLOSED', sentence);
    }

    /** Waits for the server's first answer. */
    async ready(options?: WaitOptions): Promise<void> {
        const wait = waitOptions(options);
        if (this.#ended) {
            throw this.#overError();
        }
        if (this.#active) {
            return;
        }
        const { connection } = this.#host;
        const reason = connection.unreachableReason();
        if (reason !== undefined) {
            throw reason;
        }
        const what = `the server has not confirmed the subscription '${this.uid}'`;
        await this.#ready.wait((timeoutMs) => connection.timeoutError(what, timeoutMs), wait);
    }

    /** The client cannot reach the server: waiting is of no use. A failure also ends loops. */
    fail(reason: DirectusRealtimeError): void {
        this.#ready.reject(reason);
        if (this.#host.connection.failure() !== undefined) {
            for (const consumer of [...this.#consumers]) {
                consumer.fail(reason);
            }
        }
    }

    /** Events from now on; the first one of a subscription without a callback has them all. */
    queue(): EventQueue {
        const unclaimed = this.#unclaimed;
        if (unclaimed !== undefined) {
            this.#unclaimed = undefined;
            return unclaimed;
        }
        const owner: QueueOwner = {
            failure: () => this.#host.connection.failure(),
            left: (queue) => this.#leave(queue),
            failed: (queue) => this.#release(queue),
        };
        const queue = new EventQueue(this.#host, owner);
        if (this.#ended) {
            queue.end();
        } else {
            this.#consumers.add(queue);
        }
        return queue;
    }

    /** A loop was ended by an error: the next one goes on, unless others have had the events. */
    #release(queue: EventQueue): void {
        if (this.#consumers.size > 1) {
            this.#consumers.delete(queue);
            queue.end();
        } else if (!this.#ended) {
            this.#unclaimed = queue;
        }
    }

    /** A loop was left: without anybody else, events would wait for nobody. */
    #leave(queue: EventQueue): void {
        this.#consumers.delete(queue);
        if (this.#consumers.size === 0) {
            this.#host.unsubscribe(this);
        }
    }
}
