/** Subscriptions that end together. */

import { inspect, type InspectOptions } from 'node:util';
import { endOnAbort } from './abort.js';
import { optionalSignal, record } from './checks.js';
import type { Core } from './core.js';
import { DirectusRealtimeError } from './errors.js';
import type { AnyCallback } from './events.js';
import { knownOptions, type NamesOf } from './known-names.js';
import type { LiveCollection } from './live/collection.js';
import type { LiveOptions } from './live/options.js';
import type { LiveState } from './live/state.js';
import type { LiveCallback } from './live/update.js';
import { bindMethods, inspected } from './objects.js';
import type { SubscriptionOptions } from './options.js';
import type { OpenLive } from './schema.js';
import type { Subscribe } from './subscribe.js';
import type { ScopeState, Subscription, SubscriptionState } from './subscription.js';

export interface ScopeOptions {
    /** Closes the scope when it is aborted. */
    signal?: AbortSignal | undefined;
}

const SCOPE_OPTIONS: NamesOf<ScopeOptions> = { signal: true };

/** Closes scopes that were garbage-collected while open. Warns where subscriptions end with them. */
const collectedScopes = new FinalizationRegistry(({ core, scope }: { core: Core; scope: ScopeState }) => {
    const ended = core.isOpen ? core.subscriptions.closeScope(scope) : 0;
    if (ended > 0) {
        process.emitWarning(
            `A scope was garbage-collected before it was closed, and ${ended} subscription(s) ended with it. ` +
                'Keep a reference to the scope while its subscriptions are needed, then close it.',
            'DirectusRealtimeWarning',
        );
    }
});

export class Scope<Schema = any> implements Disposable, AsyncDisposable {
    readonly #core: Core;
    readonly #scope: ScopeState = { closed: false };
    readonly #detach: () => void;

    /** @internal */
    constructor(core: Core, options: ScopeOptions = {}) {
        core.checkOpen();
        const { signal } = knownOptions('a scope', record('options', options), SCOPE_OPTIONS);
        optionalSignal(signal);
        this.#core = core;
        collectedScopes.register(this, { core, scope: this.#scope }, this);
        // The listener must not refer to `this`: a signal may live for ever, and the scope with it.
        const scope = this.#scope;
        this.#detach = endOnAbort(
            signal ?? undefined,
            () => core.isOpen && core.subscriptions.closeScope(scope),
        );
        bindMethods(this, Scope);
    }

    get closed(): boolean {
        return this.#scope.closed || !this.#core.isOpen;
    }

    /** Subscribes to a collection, or to one item of it, for as long as the scope is open. */
    readonly subscribe = ((
        options: SubscriptionOptions,
        callback?: AnyCallback,
    ): Subscription<any, any, any> => {
        const subscription = this.#subscribe(options, callback);
        // Where the uid is taken, the subscription may belong to another scope.
        const isOwn = subscription.scope === this.#scope;
        return subscription.view(isOwn ? this : undefined);
    }) as Subscribe<Schema>;

    /**
     * Subscribes when the application holds the scope's functions, but not the scope: the subscription
     * keeps the scope open until it ends.
     * @internal
     */
    subscribeDetached(options: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any> {
        const subscription = this.#subscribe(options, callback);
        if (subscription.scope === this.#scope && !subscription.ended) {
            subscription.retainedScope = this;
        }
        return subscription.view();
    }

    #subscribe(options: SubscriptionOptions, callback?: AnyCallback): SubscriptionState {
        this.#checkOpen();
        return this.#core.subscriptions.subscribe(this.#scope, options, callback);
    }

    /** Opens a live collection for as long as the scope is open. */
    readonly live = ((options: LiveOptions, callback?: LiveCallback): LiveCollection<any> => {
        const live = this.#live(options, callback);
        return live.view(live.scope === this.#scope ? this : undefined);
    }) as OpenLive<Schema>;

    /**
     * The same when the application holds the scope's functions, but not the scope.
     * @internal
     */
    liveDetached(options: LiveOptions, callback?: LiveCallback): LiveCollection<any> {
        const live = this.#live(options, callback);
        if (live.scope === this.#scope && !live.ended) {
            live.retainedScope = this;
        }
        return live.view();
    }

    #live(options: LiveOptions, callback?: LiveCallback): LiveState {
        this.#checkOpen();
        return this.#core.subscriptions.openLive(this.#scope, options, callback);
    }

    #checkOpen(): void {
        this.#core.checkOpen();
        if (this.#scope.closed) {
            throw new DirectusRealtimeError('DRT_ERR_CLOSED', 'the scope is closed');
        }
    }

    /** Ends the scope's subscriptions, but for the persistent ones. */
    close(): void {
        collectedScopes.unregister(this);
        this.#detach();
        if (this.#core.isOpen) {
            this.#core.subscriptions.closeScope(this.#scope);
        }
    }

    [Symbol.dispose](): void {
        this.close();
    }

    [Symbol.asyncDispose](): Promise<void> {
        this.close();
        return Promise.resolve();
    }

    [inspect.custom](_depth: number, options: InspectOptions): string {
        return inspected('Scope', { closed: this.closed }, options);
    }
}
