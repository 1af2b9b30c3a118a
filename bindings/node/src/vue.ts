/** `useDirectusRealtime()` for Vue: the scope ends with the component. */

import {
    getCurrentScope,
    hasInjectionContext,
    inject,
    onScopeDispose,
    readonly,
    shallowRef,
    ssrContextKey,
    type DeepReadonly,
    type InjectionKey,
    type Plugin,
    type Ref,
} from 'vue';
import { invalid } from './checks.js';
import type { Client } from './client.js';
import { internalListener } from './diagnostics.js';
import { inertSubscribe } from './inert.js';
import type { Realtime } from './realtime.js';

/** The composable's names; `isConnected` is reactive. */
export interface VueRealtime extends Omit<Realtime, 'isConnected'> {
    readonly isConnected: DeepReadonly<Ref<boolean>>;
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

/**
 * The composable. Subscriptions that are not persistent end with the component, or whatever effect
 * scope is current. Without an argument, the client is that of `directusRealtime`. In server-side
 * rendering `subscribe` does nothing: the subscription that it returns has ended.
 */
export function useDirectusRealtime(client?: Client): VueRealtime {
    const used = client ?? (hasInjectionContext() ? inject(KEY, undefined) : undefined);
    if (used === undefined) {
        throw invalid(
            'useDirectusRealtime() has no client: give it one, or install it with app.use(directusRealtime(client))',
        );
    }
    const realtime = used.useRealtime();
    const isConnected = connectedRef(used);
    if (isRenderedOnServer()) {
        realtime.close();
        return { ...realtime, subscribe: inertSubscribe(RENDERED), isConnected };
    }
    if (getCurrentScope() !== undefined) {
        onScopeDispose(realtime.close);
    }
    return { ...realtime, isConnected };
}

type ConnectedRef = VueRealtime['isConnected'];

/** One for all components. */
const refs = new WeakMap<Client, ConnectedRef>();

function connectedRef(client: Client): ConnectedRef {
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
    const made = readonly(isConnected);
    refs.set(client, made);
    return made;
}
