/** The composable: a scope with the names of `useDirectusRealtime()`, which can be destructured. */

import type { AnyCallback } from './events.js';
import type { LiveCollection } from './live/collection.js';
import type { LiveOptions } from './live/options.js';
import type { LiveCallback } from './live/update.js';
import type { SubscriptionOptions } from './options.js';
import type { OpenLive } from './schema.js';
import type { Scope } from './scope.js';
import type { Subscribe } from './subscribe.js';
import type { Subscription } from './subscription.js';

export interface Realtime<Schema = any> extends Disposable, AsyncDisposable {
    /** Whether the client is connected now. */
    readonly isConnected: { readonly value: boolean };
    /** Subscribes for as long as this scope is open. A persistent subscription outlives it. */
    readonly subscribe: Subscribe<Schema>;
    /** Opens a live collection for as long as this scope is open. A persistent one outlives it. */
    readonly live: OpenLive<Schema>;
    /** Ends the subscription with that uid. Returns false when there is none. */
    readonly unsubscribe: (uid: string) => boolean;
    /** Ends a collection's subscriptions, but for the persistent ones. Returns how many ended. */
    readonly unsubscribeCollection: (collection: string) => number;
    /** Ends all subscriptions of the client, but for the persistent ones. Returns how many ended. */
    readonly unsubscribeAll: () => number;
    /** The client's subscriptions and live collections, in the order in which they were made. */
    readonly getActiveSubscriptions: () => (Subscription<any, any> | LiveCollection<any>)[];
    readonly hasSubscription: (uid: string) => boolean;
    /**
     * Sends a message without waiting for a reply. Without a link the message is queued, up to
     * `sendQueueBytes`. Throws when the queue is full, and when the client has failed.
     */
    readonly sendMessage: (message: object) => void;
    /**
     * Connects now if the link is down, or dead: if the server does not answer a request within
     * `ackTimeoutMs`. A link that works is kept.
     */
    readonly reconnect: () => void;
    /** Ends the subscriptions that were made with this `subscribe`, but for the persistent ones. */
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
        live(this: unknown, options: LiveOptions, callback?: LiveCallback): LiveCollection<any> {
            return this === realtime ? scope.live(options, callback) : scope.liveDetached(options, callback);
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
