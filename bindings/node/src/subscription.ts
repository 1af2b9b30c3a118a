/** A subscription, as the application holds it. */

import { inspect, type InspectOptions } from 'node:util';
import type { RealtimeEvent } from './events.js';
import { EventIterator } from './iterator.js';
import { bindMethods, inspected } from './objects.js';
import type { SubscriptionOptions } from './options.js';
import type { Host, Registration } from './registration.js';
import type { WaitOptions } from './waiters.js';

/**
 * Takes the events of a subscription, one after the other: when it returns a promise, the next
 * event waits until that is settled.
 */
export type SubscriptionCallback<T = any, Init = any> = (event: RealtimeEvent<T, Init>) => unknown;

/** What `subscribe` returns, as the composable has it. */
export interface SubscriptionHandler {
    uid: string;
    collection: string;
    unsubscribe: () => void;
    persistent: boolean;
}

/** `subscribe`, with the events' types by what is asked for. */
export interface Subscribe {
    /** Only some changes: `init` comes without a snapshot. */
    <T = any>(
        options: SubscriptionOptions & { event: {} },
        callback?: SubscriptionCallback<T, null>,
    ): Subscription<T, null>;
    /** One item: the snapshot is that item. */
    <T = any>(
        options: SubscriptionOptions & { item: {} },
        callback?: SubscriptionCallback<T, T | null>,
    ): Subscription<T, T | null>;
    /** A collection: the snapshot is an array, or, for a singleton, what `Init` says. */
    <T = any, Init = T[]>(
        options: SubscriptionOptions,
        callback?: SubscriptionCallback<T, Init>,
    ): Subscription<T, Init>;
}

export class Subscription<T = any, Init = T[]>
    implements SubscriptionHandler, AsyncIterable<RealtimeEvent<T, Init>>, Disposable, AsyncDisposable
{
    readonly uid: string;
    readonly collection: string;
    readonly persistent: boolean;
    /** Ends it. Usable on its own, as everything of the composable is. */
    readonly unsubscribe: () => void;
    readonly #registration: Registration;
    /** Its scope lives as long as anybody has this. */
    protected readonly scope: object | undefined;

    /** @internal */
    constructor(host: Host, registration: Registration, scope: object | undefined) {
        this.uid = registration.uid;
        this.collection = registration.collection;
        this.persistent = registration.persistent;
        this.unsubscribe = () => host.unsubscribe(registration);
        this.#registration = registration;
        this.scope = scope;
        bindMethods<this>(this, ['ready']);
    }

    /** Whether it is over: unsubscribed, refused by the server, or closed with its scope or client. */
    get ended(): boolean {
        return this.#registration.ended;
    }

    /** Resolves when the server has confirmed it, rejects when the server has refused it. */
    async ready(options?: WaitOptions): Promise<this> {
        await this.#registration.ready(options);
        return this;
    }

    /**
     * The events: from the first one where there is no callback, else those from now on. Leaving the
     * loop ends a subscription that nobody else listens to; a refusal is thrown.
     */
    [Symbol.asyncIterator](): AsyncIterableIterator<RealtimeEvent<T, Init>> {
        const iterator = new EventIterator(this.#registration.queue(), this);
        return iterator as AsyncIterableIterator<RealtimeEvent<T, Init>>;
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
