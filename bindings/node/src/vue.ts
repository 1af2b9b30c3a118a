/** `useDirectusRealtime()` for Vue: its subscriptions end with the component. */

import {
    computed,
    effectScope,
    getCurrentScope,
    hasInjectionContext,
    inject,
    onScopeDispose,
    shallowRef,
    ssrContextKey,
    type ComputedRef,
    type InjectionKey,
    type Plugin,
} from 'vue';
import { invalid } from './checks.js';
import type { Client } from './client.js';
import { internalListener } from './diagnostics.js';
import type { AnyCallback } from './events.js';
import { subscriptionOptions, type SubscriptionOptions } from './options.js';
import type { Realtime } from './realtime.js';
import { endedSubscribe } from './ssr.js';
import type { Subscribe } from './subscribe.js';
import type { Subscription } from './subscription.js';

/** The composable's names; `isConnected` is reactive. */
export interface VueRealtime extends Omit<Realtime, 'isConnected'> {
    readonly isConnected: ComputedRef<boolean>;
}

const KEY: InjectionKey<Client> = Symbol('directus-realtime');

/** `app.use(directusRealtime(client))` gives the client to every component. */
export function directusRealtime(client: Client): Plugin {
    return { install: (app) => void app.provide(KEY, client) };
}

/**
 * During server-side rendering no component is ever unmounted: each page would leave its subscriptions
 * behind.
 */
const SSR =
    'subscribe() does nothing during server-side rendering: subscribe, or wait for events, in onMounted()';

function isServerSideRendering(): boolean {
    return hasInjectionContext() && inject(ssrContextKey, undefined) !== undefined;
}

/** A page may be left before it has loaded the data that it subscribes with. */
const UNMOUNTED = 'the component was unmounted before it called subscribe()';

/**
 * The composable. Connects the client. Subscriptions that are not persistent end with the component (or
 * the current effect scope), or at once where it has ended already. Without an argument, the client is
 * that of `directusRealtime`. During server-side rendering it does not connect, and `subscribe` does
 * nothing: the subscription that it returns has ended.
 */
export function useDirectusRealtime(client?: Client): VueRealtime {
    const used = client ?? (hasInjectionContext() ? inject(KEY, undefined) : undefined);
    if (used === undefined) {
        throw invalid(
            'client',
            'useDirectusRealtime() has no client: pass one, or install it with app.use(directusRealtime(client))',
        );
    }
    const isConnected = connectedRef(used);
    if (isServerSideRendering()) {
        return { ...used.ssrRealtime(SSR), isConnected };
    }
    const realtime = used.useRealtime();
    if (getCurrentScope() === undefined) {
        return { ...realtime, isConnected };
    }
    let subscribe = realtime.subscribe;
    onScopeDispose(() => {
        realtime.close();
        subscribe = subscribeUnmounted(used);
    });
    return {
        ...realtime,
        subscribe: (options: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any, any> =>
            subscribe(options, callback),
        isConnected,
    };
}

/** A `subscribe` for persistent subscriptions only, which outlive the component anyway. */
function subscribeUnmounted(client: Client): Subscribe {
    const end = endedSubscribe(UNMOUNTED);
    return (options: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any, any> =>
        (subscriptionOptions(options).persistent ? client.subscribe : end)(options, callback);
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
