/** `useDirectusRealtime()` for Vue: the scope ends with the component. */

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
 * While a page is rendered to a string, no component is ever unmounted: a subscription would be left
 * over from each page, and nobody is there to see what it brings.
 */
const RENDERED =
    'nothing is subscribed to while a page is rendered on the server: wait for events in onMounted()';

function isRenderedOnServer(): boolean {
    return hasInjectionContext() && inject(ssrContextKey, undefined) !== undefined;
}

/** A page may be left while it still loads what it wants to subscribe to. */
const UNMOUNTED = 'the component was unmounted before it subscribed';

/**
 * The composable. Connects; subscriptions that are not persistent end with the component, or whatever
 * effect scope is current, and end at once where that is over already. Without an argument, the client
 * is that of `directusRealtime`. In server-side rendering nothing is connected, and `subscribe` does
 * nothing: the subscription that it returns has ended.
 */
export function useDirectusRealtime(client?: Client): VueRealtime {
    const used = client ?? (hasInjectionContext() ? inject(KEY, undefined) : undefined);
    if (used === undefined) {
        throw invalid(
            'useDirectusRealtime() has no client: give it one, or install it with app.use(directusRealtime(client))',
        );
    }
    const isConnected = connectedRef(used);
    if (isRenderedOnServer()) {
        return { ...used.ssrRealtime(RENDERED), isConnected };
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

/** Only what outlives the component anyway. */
function subscribeUnmounted(client: Client): Subscribe {
    const end = endedSubscribe(UNMOUNTED);
    return (options: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any, any> =>
        (subscriptionOptions(options).persistent ? client.subscribe : end)(options, callback);
}

/** One for all components. */
const refs = new WeakMap<Client, ComputedRef<boolean>>();

function connectedRef(client: Client): ComputedRef<boolean> {
    const known = refs.get(client);
    if (known !== undefined) {
        return known;
    }
    const isConnected = shallowRef(client.isConnected);
    // What the event tells, so that a watcher misses no loss, however short.
    const follow = internalListener(({ state }) => {
        isConnected.value = state === 'connected';
    });
    client.on('state', follow);
    // Detached: it does not end with the component that happens to be the first.
    const made = effectScope(true).run(() => computed(() => isConnected.value))!;
    refs.set(client, made);
    return made;
}
