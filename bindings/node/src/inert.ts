/** Subscriptions that are over before they begin, for where nobody would ever end them. */

import { randomUUID } from 'node:crypto';
import { optionalFunction } from './checks.js';
import { DirectusRealtimeError } from './errors.js';
import { subscriptionFields, subscriptionOptions, type SubscriptionOptions } from './options.js';
import { Registration, type Host } from './registration.js';
import { Subscription, type Subscribe, type AnyCallback } from './subscription.js';

const NOBODY: Host = {
    hold() {},
    letGo() {},
    expect() {},
    unsubscribe() {},
    forget() {},
    connection: {
        failure: () => undefined,
        unreachableReason: () => undefined,
        timeoutError: (what) => new DirectusRealtimeError('DRT_ERR_TIMEOUT', what),
    },
};

/** A `subscribe` that asks nothing of anybody; `why` is what waiting for an answer learns. */
export function inertSubscribe(why: string): Subscribe {
    return (given: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any, any> => {
        const options = subscriptionOptions(given);
        optionalFunction('callback', callback);
        const { collection } = options;
        const uid = options.uid ?? randomUUID();
        const fields = subscriptionFields(options, uid);
        const persistent = options.persistent ?? false;
        const identity = { id: 0, uid, collection, persistent, scope: undefined, handle: 0n, fields };
        const registration = new Registration(NOBODY, identity, callback);
        registration.end(new DirectusRealtimeError('DRT_ERR_CLOSED', why));
        return new Subscription<any, any>(NOBODY, registration, undefined);
    };
}
