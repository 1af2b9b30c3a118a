/** The client of a Vue application. */

import { hasInjectionContext, inject, ssrContextKey, type InjectionKey, type Plugin } from 'vue';
import { invalid } from './checks.js';
import type { Client } from './client.js';

const KEY: InjectionKey<Client> = Symbol('directus-realtime');

/** `app.use(directusRealtime(client))` gives the client to every component. */
export function directusRealtime(client: Client): Plugin {
    return { install: (app) => void app.provide(KEY, client) };
}

/** The client that is given, or that of the application; `composable` is who wants it. */
export function clientOf(composable: string, client: Client | undefined): Client {
    const used = client ?? (hasInjectionContext() ? inject(KEY, undefined) : undefined);
    if (used === undefined) {
        const sentence = `${composable}() has no client: pass one, or install it with app.use(directusRealtime(client))`;
        throw invalid('client', sentence);
    }
    return used;
}

export function isServerSideRendering(): boolean {
    return hasInjectionContext() && inject(ssrContextKey, undefined) !== undefined;
}
