/** The composables for Vue: what they begin ends with the component. */

import { computed, effectScope, getCurrentScope, onScopeDispose, shallowRef, type ComputedRef } from 'vue';
import type { Client } from './client.js';
import { internalListener } from './diagnostics.js';
import type { AnyCallback } from './events.js';
import type { LiveCollection } from './live/collection.js';
import { liveOptions, type LiveOptions } from './live/options.js';
import type { LiveCallback } from './live/update.js';
import { subscriptionOptions, type SubscriptionOptions } from './options.js';
import type { Realtime } from './realtime.js';
import { endedLive, endedSubscribe } from './ssr.js';
import type { Subscribe } from './subscribe.js';
import type { Subscription } from './subscription.js';
import { clientOf, isServerSideRendering } from './vue-client.js';

export { directusRealtime } from './vue-client.js';
export { useDirectusLive, type VueLive } from './vue-live.js';

/** The composable's names; `isConnected` is reactive. */
export interface VueRealtime<Schema = any> extends Omit<Realtime<Schema>, 'isConnected'> {
    readonly isConnected: ComputedRef<boolean>;
}

/**
 * During server-side rendering no component is ever unmounted: each page would leave its subscriptions
 * behind.
 */
const duringSsr = (name: string) =>
    `${name}() does nothing during server-side rendering: call it, or wait for what comes, in onMounted()`;

/** A page may be left before it has loaded the data that it subscribes with. */
const unmounted = (name: string) => `the component was unmounted before it called ${name}()`;

/**
 * The composable. Connects the client. Subscriptions that are not persistent end with the component (or
 * the current effect scope), or at once where it has ended already. Without an argument, the client is
 * that of `directusRealtime`. During server-side rendering it does not connect, and `subscribe` does
 * nothing: the subscription that it returns has ended.
 */
export function useDirectusRealtime<Schema = any>(client?: Client<Schema>): VueRealtime<Schema>;
export function useDirectusRealtime(client?: Client): VueRealtime {
    const used = clientOf('useDirectusRealtime', client);
    const isConnected = connectedRef(used);
    if (isServerSideRendering()) {
        return { ...used.ssrRealtime(duringSsr), isConnected };
    }
    const realtime = used.useRealtime();
    if (getCurrentScope() === undefined) {
        return { ...realtime, isConnected };
    }
    let { subscribe, live } = realtime;
    onScopeDispose(() => {
        realtime.close();
        subscribe = subscribeUnmounted(used);
        live = liveUnmounted(used);
    });
    return {
        ...realtime,
        subscribe: (options: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any, any> =>
            subscribe(options, callback),
        live: <T = any>(options: LiveOptions, callback?: LiveCallback<T>): LiveCollection<T> =>
            live(options, callback),
        isConnected,
    };
}

/** A `subscribe` for persistent subscriptions only, which outlive the component anyway. */
function subscribeUnmounted(client: Client): Subscribe {
    const end = endedSubscribe(unmounted('subscribe'));
    return (options: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any, any> =>
        (subscriptionOptions(options).persistent ? client.subscribe : end)(options, callback);
}

/** A `live` for persistent live collections only. */
function liveUnmounted(client: Client): Realtime['live'] {
    const end = endedLive(unmounted('live'));
    return (options, callback) => (liveOptions(options).persistent ? client.live : end)(options, callback);
}

/** Each client has one ref, which all components share. */
const refs = new WeakMap<Client, ComputedRef<boolean>>();

function connectedRef(client: Client): ComputedRef<boolean> {
    const existing = refs.get(client);
    if (existing !== undefined) {
        return existing;
    }
    const isConnected = shallowRef(client.isConnected);
    // From the events, not from the current state: so a watcher sees every loss, however short.
    const follow = internalListener(({ state }) => {
        isConnected.value = state === 'connected';
    });
    client.on('state', follow);
    // Detached, so that it does not end with the component that happens to be the first.
    const shared = effectScope(true).run(() => computed(() => isConnected.value))!;
    refs.set(client, shared);
    return shared;
}
