/**
 * Subscriptions and live collections that have ended before they begin: for server-side rendering, where no component is ever
 * unmounted, and for components that are unmounted before they subscribe.
 */

import { randomUUID } from 'node:crypto';
import { WaitingEvents } from './consumer.js';
import { optionalFunction } from './checks.js';
import { DirectusRealtimeError } from './errors.js';
import type { AnyCallback } from './events.js';
import type { LiveCollection } from './live/collection.js';
import { liveFields, liveOptions, type LiveOptions } from './live/options.js';
import { LiveState, type LiveHost } from './live/state.js';
import type { LiveCallback } from './live/update.js';
import { subscriptionFields, subscriptionOptions, type SubscriptionOptions } from './options.js';
import type { Subscribe } from './subscribe.js';
import { SubscriptionState, type Subscription, type SubscriptionHost } from './subscription.js';

/** No client: nothing comes, and nothing is waited for. */
const NO_CLIENT: SubscriptionHost & LiveHost = {
    waiting: new WaitingEvents(0),
    unsubscribe() {},
    resync() {},
    forget() {},
    release() {},
    verify: () => Promise.resolve({}),
    connection: {
        failure: () => undefined,
        unreachableReason: () => undefined,
        timeoutError: (what) => new DirectusRealtimeError('DRT_ERR_TIMEOUT', what),
    },
};

/** A `subscribe` that checks its arguments and sends nothing; `ready()` rejects with `reason`. */
export function endedSubscribe(reason: string): Subscribe {
    return (given: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any, any> => {
        const options = subscriptionOptions(given);
        optionalFunction('callback', callback);
        const { collection } = options;
        const uid = options.uid ?? randomUUID();
        subscriptionFields(options, uid);
        const persistent = options.persistent ?? false;
        const identity = { id: 0, uid, collection, persistent, scope: undefined, handle: 0n };
        const subscription = new SubscriptionState(NO_CLIENT, identity, callback);
        subscription.end(new DirectusRealtimeError('DRT_ERR_CLOSED', reason));
        return subscription.view();
    };
}

/** A `live` that checks its arguments and opens nothing; `ready()` rejects with `reason`. */
export function endedLive(reason: string) {
    return (given: LiveOptions, callback?: LiveCallback): LiveCollection<any> => {
        const options = liveOptions(given);
        optionalFunction('callback', callback);
        const { collection } = options;
        const uid = options.uid ?? randomUUID();
        liveFields(options, uid);
        const persistent = options.persistent ?? false;
        const primaryKey = options.primaryKey ?? 'id';
        const identity = { id: 0, uid, collection, persistent, scope: undefined, handle: 0n, primaryKey };
        const live = new LiveState(NO_CLIENT, identity, callback);
        live.end(new DirectusRealtimeError('DRT_ERR_CLOSED', reason));
        return live.view();
    };
}
