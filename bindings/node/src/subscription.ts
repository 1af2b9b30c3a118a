/** A subscription, as the application holds it. */

import { inspect, type InspectOptions } from 'node:util';
import type { RealtimeEvent, RealtimeMessage } from './events.js';
import { EventIterator } from './iterator.js';
import { bindMethods, inspected } from './objects.js';
import type { ChangeType, SubscriptionOptions } from './options.js';
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

/** The same with `granularity: 'message'`. */
export type MessageCallback<T = any, Init = any> = (event: RealtimeMessage<T, Init>) => unknown;

/** Any callback, for what hands it on. */
export type AnyCallback = (event: any) => unknown;

type With<More> = SubscriptionOptions & More;
type PerMessage<More = {}> = With<{ granularity: 'message' } & More>;
/** Fewer than all. */
type Some = { event: ChangeType | readonly [ChangeType] | readonly [ChangeType, ChangeType] };
/** Perhaps all. */
type Any = { event: readonly ChangeType[] };
type One = { item: {} };

/** `subscribe`, with the events' types by what is asked for. */
export interface Subscribe {
    /** Only some changes: `init` comes without a snapshot. */
    <T = any>(
        options: PerMessage<Some>,
        callback?: MessageCallback<T, null>,
    ): Subscription<T, null, RealtimeMessage<T, null>>;
    <T = any>(options: With<Some>, callback?: SubscriptionCallback<T, null>): Subscription<T, null>;
    /** A list of changes that the compiler does not know: a snapshot comes with all three of them. */
    <T = any, Init = T[] | null>(
        options: PerMessage<Any>,
        callback?: MessageCallback<T, Init>,
    ): Subscription<T, Init, RealtimeMessage<T, Init>>;
    <T = any, Init = T[] | null>(
        options: With<Any>,
        callback?: SubscriptionCallback<T, Init>,
    ): Subscription<T, Init>;
    /** One item: the snapshot is that item. */
    <T = any>(
        options: PerMessage<One>,
        callback?: MessageCallback<T, T | null>,
    ): Subscription<T, T | null, RealtimeMessage<T, T | null>>;
    <T = any>(options: With<One>, callback?: SubscriptionCallback<T, T | null>): Subscription<T, T | null>;
    /** A collection: the snapshot is an array, or, for a singleton, what `Init` says. */
    <T = any, Init = T[]>(
        options: PerMessage,
        callback?: MessageCallback<T, Init>,
    ): Subscription<T, Init, RealtimeMessage<T, Init>>;
    <T = any, Init = T[]>(
        options: SubscriptionOptions,
        callback?: SubscriptionCallback<T, Init>,
    ): Subscription<T, Init>;
}

export class Subscription<T = any, Init = T[], Event = RealtimeEvent<T, Init>>
    implements SubscriptionHandler, AsyncIterable<Event>, Disposable, AsyncDisposable
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
    [Symbol.asyncIterator](): AsyncIterableIterator<Event> {
        const iterator = new EventIterator(this.#registration.queue(), this);
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
