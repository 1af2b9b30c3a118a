/** The composable: a scope with the names that Vue programs know, each usable on its own. */

import type { AnyCallback } from './events.js';
import type { SubscriptionOptions } from './options.js';
import type { Scope } from './scope.js';
import type { Subscribe } from './subscribe.js';
import type { Subscription } from './subscription.js';

export interface Realtime extends Disposable, AsyncDisposable {
    /** Whether the client is connected at the moment. */
    readonly isConnected: { readonly value: boolean };
    /** Subscribes for as long as this scope is open; a persistent subscription lives on. */
    readonly subscribe: Subscribe;
    /** Ends the subscription with that uid. False when there is none. */
    readonly unsubscribe: (uid: string) => boolean;
    /** Ends a collection's subscriptions, but for the persistent ones. The result is their number. */
    readonly unsubscribeCollection: (collection: string) => number;
    /** Ends all subscriptions of the client, but for the persistent ones. The result is their number. */
    readonly unsubscribeAll: () => number;
    /** The client's subscriptions, in the order in which they were made. */
    readonly getActiveSubscriptions: () => Subscription<any, any>[];
    readonly hasSubscription: (uid: string) => boolean;
    /**
     * Sends a message that expects no answer. Before the link is up it waits for it, together with
     * others up to `sendQueueBytes`; beyond that, and where no link is to come, this throws.
     */
    readonly sendMessage: (message: object) => void;
    /**
     * Connects now where the link is down, or dead: one that leaves a question unanswered for
     * `ackTimeoutMs`. A link that works stays.
     */
    readonly reconnect: () => void;
    /** Ends the subscriptions that were made here, but for the persistent ones. */
    readonly close: () => void;
}

/** What the composable needs of its client. */
interface RealtimeClient extends Pick<
    Realtime,
    'unsubscribe' | 'unsubscribeCollection' | 'unsubscribeAll' | 'getActiveSubscriptions' | 'hasSubscription'
> {
    readonly isConnected: boolean;
    queueMessage(message: object): void;
    reconnectIfDown(): void;
}

/** @internal */
export function makeRealtime(client: RealtimeClient, scope: Scope): Realtime {
    const { close } = scope;
    const realtime: Realtime = {
        isConnected: {
            get value() {
                return client.isConnected;
            },
        },
        subscribe(
            this: unknown,
            subscription: SubscriptionOptions,
            callback?: AnyCallback,
        ): Subscription<any, any, any> {
            // When it was destructured, the application may hold no reference to the scope.
            return this === realtime
                ? scope.subscribe(subscription, callback)
                : scope.subscribeDetached(subscription, callback);
        },
        unsubscribe: (uid) => client.unsubscribe(uid),
        unsubscribeCollection: (collection) => client.unsubscribeCollection(collection),
        unsubscribeAll: () => client.unsubscribeAll(),
        getActiveSubscriptions: () => client.getActiveSubscriptions(),
        hasSubscription: (uid) => client.hasSubscription(uid),
        sendMessage: (message) => client.queueMessage(message),
        reconnect: () => client.reconnectIfDown(),
        close,
        [Symbol.dispose]: close,
        [Symbol.asyncDispose]: () => Promise.resolve(close()),
    };
    return realtime;
}
