/** The composable: a scope with the names that Vue programs know, each usable on its own. */

import type { Client } from './client.js';
import type { Core } from './core.js';
import type { SubscriptionOptions } from './options.js';
import { Scope, type ScopeOptions } from './scope.js';
import type { Subscribe, Subscription, AnyCallback } from './subscription.js';

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
    /** Sends a message that expects no answer. */
    readonly sendMessage: (message: object) => void;
    /** Drops the link, if there is one, and connects now. */
    readonly reconnect: () => void;
    /** Ends the subscriptions that were made here, but for the persistent ones. */
    readonly close: () => void;
}

/** @internal */
export function makeRealtime(client: Client, core: Core, options?: ScopeOptions): Realtime {
    const scope = new Scope(core, options);
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
            // Of what was destructured, nobody need keep anything whose end could be the scope's.
            return this === realtime
                ? scope.subscribe(subscription, callback)
                : scope.subscribeDetached(subscription, callback);
        },
        unsubscribe: (uid) => client.unsubscribe(uid),
        unsubscribeCollection: (collection) => client.unsubscribeCollection(collection),
        unsubscribeAll: () => client.unsubscribeAll(),
        getActiveSubscriptions: () => client.getActiveSubscriptions(),
        hasSubscription: (uid) => client.hasSubscription(uid),
        sendMessage: (message) => client.sendMessage(message),
        reconnect: () => client.reconnect(),
        close,
        [Symbol.dispose]: close,
        [Symbol.asyncDispose]: () => Promise.resolve(close()),
    };
    return realtime;
}
