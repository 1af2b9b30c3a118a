/** Subscriptions that end together. */

import { inspect, type InspectOptions } from 'node:util';
import { endOnAbort } from './abort.js';
import { optionalSignal, record } from './checks.js';
import type { Core } from './core.js';
import { DirectusRealtimeError } from './errors.js';
import { knownOptions, type NamesOf } from './known-names.js';
import { bindMethods, inspected } from './objects.js';
import type { SubscriptionOptions } from './options.js';
import type { Registration } from './registration.js';
import type { ScopeCore } from './registrations.js';
import { Subscription, type Subscribe, type AnyCallback } from './subscription.js';

export interface ScopeOptions {
    /** Closes the scope when it is aborted. */
    signal?: AbortSignal | undefined;
}

const SCOPE_OPTIONS: NamesOf<ScopeOptions> = { signal: true };

/** What the application has of a subscription: always the same, as long as it has it. */
export function viewOf(core: Core, registration: Registration, scope?: object): Subscription<any, any> {
    let view = registration.view?.deref();
    if (view === undefined) {
        view = new Subscription<any, any>(core.registrations, registration, scope);
        registration.view = new WeakRef(view);
    }
    return view;
}

/** The last resort: a scope that nobody has any more is closed, and that is said. */
const forgotten = new FinalizationRegistry(({ core, scope }: { core: Core; scope: ScopeCore }) => {
    const ended = core.isOpen ? core.registrations.closeScope(scope) : 0;
    if (ended > 0) {
        process.emitWarning(
            `A scope was garbage-collected before it was closed, and ${ended} subscription(s) ended with it. ` +
                'Keep it as long as they are wanted, and close it.',
            'DirectusRealtimeWarning',
        );
    }
});

export class Scope implements Disposable, AsyncDisposable {
    readonly #core: Core;
    readonly #scope: ScopeCore;
    readonly #detach: () => void;

    /** @internal */
    constructor(core: Core, options: ScopeOptions = {}) {
        core.checkOpen();
        const { signal } = knownOptions('a scope', record('options', options), SCOPE_OPTIONS);
        optionalSignal(signal);
        this.#core = core;
        this.#scope = { handle: core.abi.newScope(core.handle), closed: false };
        forgotten.register(this, { core, scope: this.#scope }, this);
        // Not through `this`: a signal may live for ever.
        const scope = this.#scope;
        this.#detach = endOnAbort(
            signal ?? undefined,
            () => core.isOpen && core.registrations.closeScope(scope),
        );
        bindMethods<Scope>(this, ['close']);
    }

    get closed(): boolean {
        return this.#scope.closed || !this.#core.isOpen;
    }

    /** Subscribes to a collection, or an item of it, for as long as the scope is open. */
    readonly subscribe: Subscribe = (
        options: SubscriptionOptions,
        callback?: AnyCallback,
    ): Subscription<any, any, any> => {
        const registration = this.#subscribe(options, callback);
        // The one that exists may be another scope's.
        const own = registration.scope === this.#scope;
        return viewOf(this.#core, registration, own ? this : undefined);
    };

    /**
     * The same for a scope that nobody has: it lasts as long as its subscriptions.
     * @internal
     */
    subscribeDetached(options: SubscriptionOptions, callback?: AnyCallback): Subscription<any, any> {
        const registration = this.#subscribe(options, callback);
        if (registration.scope === this.#scope && !registration.ended) {
            registration.keeps = this;
        }
        return viewOf(this.#core, registration);
    }

    #subscribe(options: SubscriptionOptions, callback?: AnyCallback): Registration {
        this.#core.checkOpen();
        if (this.#scope.closed) {
            throw new DirectusRealtimeError('DRT_ERR_CLOSED', 'the scope is closed');
        }
        return this.#core.registrations.subscribe(this.#scope, options, callback);
    }

    /** Ends its subscriptions, but for the persistent ones. */
    close(): void {
        forgotten.unregister(this);
        this.#detach();
        if (this.#core.isOpen) {
            this.#core.registrations.closeScope(this.#scope);
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
