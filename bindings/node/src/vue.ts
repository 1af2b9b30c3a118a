/** `useDirectusRealtime()` for Vue: the scope ends with the component. */

import {
    getCurrentScope,
    hasInjectionContext,
    inject,
    onScopeDispose,
    readonly,
    shallowRef,
    type DeepReadonly,
    type InjectionKey,
    type Plugin,
    type Ref,
} from 'vue';
import { DirectusRealtimeError } from './errors.js';
import type { Client } from './client.js';
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
 * The composable. Subscriptions that are not persistent end with the component, or whatever effect
 * scope is current. Without an argument, the client is that of `directusRealtime`.
 */
export function useDirectusRealtime(client?: Client): VueRealtime {
    const used = client ?? (hasInjectionContext() ? inject(KEY, undefined) : undefined);
    if (used === undefined) {
        const sentence =
            'useDirectusRealtime() has no client: give it one, or install it with app.use(directusRealtime(client))';
        throw new DirectusRealtimeError('DRT_ERR_INVALID_ARGUMENT', sentence);
    }
    const realtime = used.useRealtime();
    if (getCurrentScope() !== undefined) {
        onScopeDispose(realtime.close);
    }
    return { ...realtime, isConnected: connectedRef(used) };
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
    client.on('state', () => {
        isConnected.value = client.isConnected;
    });
    const made = readonly(isConnected);
    refs.set(client, made);
    return made;
}
