/** All subscriptions of a client: makes them, finds them by id and uid, and ends them. */

import { randomUUID } from 'node:crypto';
import { endOnAbort, throwIfAborted } from './abort.js';
import type { WaitingEvents } from './consumer.js';
import { optionalFunction, optionalSignal, requiredText } from './checks.js';
import type { Connection } from './connection.js';
import { DirectusRealtimeError } from './errors.js';
import type { AnyCallback } from './events.js';
import { subscriptionFields, subscriptionOptions, type SubscriptionOptions } from './options.js';
import type { ClientParts } from './parts.js';
import { SubscriptionState, type ScopeState, type SubscriptionHost } from './subscription.js';

export class SubscriptionRegistry implements SubscriptionHost {
    readonly #client: ClientParts;
    readonly #byId = new Map<number, SubscriptionState>();
    /** In the order in which they were made. */
    readonly #byUid = new Map<string, SubscriptionState>();

    constructor(client: ClientParts) {
        this.#client = client;
    }

    get connection(): Connection {
        return this.#client.connection;
    }

    get waiting(): WaitingEvents {
        return this.#client.waiting;
    }

    get(id: number): SubscriptionState | undefined {
        return this.#byId.get(id);
    }

    /** The new subscription, or the one that has its uid already. */
    subscribe(
        scope: ScopeState | undefined,
        given: SubscriptionOptions,
        callback: AnyCallback | undefined,
    ): SubscriptionState {
        const options = subscriptionOptions(given);
        const handler = optionalFunction('callback', callback);
        const signal = optionalSignal(options.signal);
        const uid = options.uid ?? randomUUID();
        const fields = subscriptionFields(options, uid);
        throwIfAborted(signal);
        const id = this.#client.nextId();
        const handle = this.#client.abi.subscribe(this.#client.handle, fields, id);
        if (handle === undefined) {
            return this.#existing(uid);
        }
        const { collection } = options;
        const persistent = options.persistent ?? false;
        const identity = { id, uid, collection, persistent, scope, handle };
        const subscription = new SubscriptionState(this, identity, handler);
        this.#byId.set(id, subscription);
        // One that the library has ended may have the uid until its last event is delivered.
        this.#byUid.delete(uid);
        this.#byUid.set(uid, subscription);
        subscription.detach = endOnAbort(signal, () => this.unsubscribe(subscription));
        return subscription;
    }

    #existing(uid: string): SubscriptionState {
        const subscription = this.#byUid.get(uid);
        if (subscription === undefined) {
            const sentence =
                `internal error: the subscription '${uid}' is unknown to its client; ` +
                'this is a bug in directus-realtime, please report it';
            throw new DirectusRealtimeError('DRT_ERR_INTERNAL', sentence);
        }
        return subscription;
    }

    /** The subscriptions, in the order in which they were made. */
    active(): SubscriptionState[] {
        return [...this.#byUid.values()];
    }

    has(uid: string): boolean {
        return this.#byUid.has(uid);
    }

    unsubscribe(subscription: SubscriptionState): void {
        if (!subscription.ended) {
            this.#client.abi.unsubscribe(subscription.handle);
            subscription.end();
        }
    }

    resync(subscription: SubscriptionState): void {
        this.#client.abi.resync(subscription.handle);
    }

    /** False when there is no subscription with that uid. */
    unsubscribeByUid(uid: string): boolean {
        const subscription = this.#byUid.get(uid);
        if (subscription === undefined) {
            return false;
        }
        this.unsubscribe(subscription);
        return true;
    }

    unsubscribeCollection(collection: string): number {
        requiredText('collection', collection);
        return this.#endEach((subscription) => subscription.collection === collection);
    }

    unsubscribeAll(): number {
        return this.#endEach(() => true);
    }

    /** The number of subscriptions that ended with it. */
    closeScope(scope: ScopeState): number {
        scope.closed = true;
        return this.#endEach((subscription) => subscription.scope === scope);
    }

    /** Ends all subscriptions, persistent ones included, because the client is being closed. */
    endAll(): void {
        for (const subscription of [...this.#byId.values()]) {
            this.unsubscribe(subscription);
        }
    }

    /** Ends the subscriptions that match and are not persistent. Returns how many ended. */
    #endEach(matches: (subscription: SubscriptionState) => boolean): number {
        const ended = [...this.#byId.values()].filter((each) => !each.persistent && matches(each));
        for (const subscription of ended) {
            this.unsubscribe(subscription);
        }
        return ended.length;
    }

    /** The server cannot be reached, for `reason`. */
    fail(reason: DirectusRealtimeError): void {
        for (const subscription of [...this.#byId.values()]) {
            subscription.fail(reason);
        }
    }

    forget(subscription: SubscriptionState): void {
        this.#byId.delete(subscription.id);
        if (this.#byUid.get(subscription.uid) === subscription) {
            this.#byUid.delete(subscription.uid);
        }
    }
}
