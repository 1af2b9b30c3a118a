/** `useDirectusLive()`: a live collection for a component of Vue. */

import {
    computed,
    getCurrentScope,
    onScopeDispose,
    shallowRef,
    toValue,
    watch,
    type ComputedRef,
    type MaybeRefOrGetter,
} from 'vue';
import type { Client } from './client.js';
import type { ServerError } from './errors.js';
import type { LiveCollection } from './live/collection.js';
import { liveFields, liveOptions, type LiveOptions } from './live/options.js';
import type { LiveStatus } from './live/update.js';
import { clientOf, isServerSideRendering } from './vue-client.js';

export interface VueLive<T> {
    /** The rows, in the server's order: another array after each update that has changed something. */
    readonly rows: ComputedRef<readonly T[]>;
    readonly status: ComputedRef<LiveStatus>;
    /** The server's error, where that is why the status is `'stale'` or `'ended'`. */
    readonly error: ComputedRef<ServerError | undefined>;
}

/**
 * A live collection for a component, with which it ends. Connects the client; without one, it takes that
 * of `directusRealtime`. Where the options are a ref or a function, or have refs in them, it follows
 * their changes: it is opened again, and shows the rows of before until the new ones are there. During
 * server-side rendering it opens nothing, and has no rows.
 */
export function useDirectusLive<T = any>(
    options: MaybeRefOrGetter<LiveOptions>,
    client?: Client,
): VueLive<T> {
    const used = clientOf('useDirectusLive', client);
    const shown = new Shown<T>();
    const { rows, status, error } = shown;
    const given = () => liveOptions(toValue(options));
    if (isServerSideRendering()) {
        liveFields(given(), '');
        return { rows, status, error };
    }
    shown.open(used, given());
    // Reads every ref in the options. What the library gets of them decides whether they are others.
    watch(
        () => JSON.stringify(liveFields(given(), '')),
        () => shown.open(used, given()),
    );
    if (getCurrentScope() !== undefined) {
        onScopeDispose(() => shown.leave());
    }
    return { rows, status, error };
}

/** What a component shows of its live collection. */
class Shown<T> implements VueLive<T> {
    #live: LiveCollection<T> | undefined;
    /** What is shown until the rows are there. */
    #before: readonly T[] = [];
    #stop = () => {};
    readonly #revision = shallowRef(0);
    readonly rows = computed(() => this.#tracked(() => this.#rows()));
    readonly status = computed(() => this.#tracked(() => this.#live?.status ?? 'loading'));
    readonly error = computed(() => this.#tracked(() => this.#live?.error));

    /** Opens a live collection in place of the one before. */
    open(client: Client, options: LiveOptions): void {
        this.#before = this.#rows();
        this.leave();
        this.#live = undefined;
        this.#live = client.live<T>(options);
        this.#stop = this.#live.watch(() => this.#revision.value++);
        this.#revision.value++;
    }

    leave(): void {
        if (this.#live?.persistent === false) {
            this.#live.close();
        }
        this.#stop();
    }

    #rows(): readonly T[] {
        return this.#live === undefined || this.#live.status === 'loading' ? this.#before : this.#live.rows;
    }

    /** `read` is called again after each update. */
    #tracked<Value>(read: () => Value): Value {
        void this.#revision.value;
        return read();
    }
}
