/** All subscriptions of a client: makes them, finds them by id and uid, and ends them. */

import { randomUUID } from 'node:crypto';
import type { Abi, Handle } from './abi/index.js';
import { endOnAbort, throwIfAborted } from './abort.js';
import { isText, optionalFunction, optionalSignal, requiredText } from './checks.js';
import type { Connection } from './connection.js';
import type { Delivery } from './delivery.js';
import { DirectusRealtimeError } from './errors.js';
import type { AnyCallback } from './events.js';
import { subscriptionFields, subscriptionOptions, type SubscriptionOptions } from './options.js';
import { SubscriptionState, type ScopeState, type SubscriptionHost } from './subscription.js';

export class SubscriptionRegistry implements SubscriptionHost {
    readonly #abi: Abi;
    readonly #client: Handle;
    readonly #delivery: Delivery;
    readonly connection: Connection;
    readonly #byId = new Map<number, SubscriptionState>();
    readonly #byUid = new Map<string, SubscriptionState>();
    #lastId = 0;

    /** How often the events of a subscription were dropped here, and replaced by a fresh snapshot. */
    overflows = 0;

    constructor(abi: Abi, client: Handle, delivery: Delivery, connection: Connection) {
        this.#abi = abi;
        this.#client = client;
        this.#delivery = delivery;
        this.connection = connection;
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
        const id = ++this.#lastId;
        const handle = this.#abi.subscribe(this.#client, scope?.handle, fields, id);
        if (handle === undefined) {
            return this.#existing(uid);
        }
        const { collection } = options;
        const persistent = options.persistent ?? false;
        const identity = { id, uid, collection, persistent, scope, handle, fields };
        const subscription = new SubscriptionState(this, identity, handler);
        this.#byId.set(id, subscription);
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
        const known = this.#abi.uids(this.#client).map((uid) => this.#byUid.get(uid));
        return known.filter((subscription) => subscription !== undefined);
    }

    has(uid: string): boolean {
        return isText(uid) && this.#abi.hasSubscription(this.#client, uid);
    }

    unsubscribe(subscription: SubscriptionState): void {
        if (!subscription.ended) {
            this.#abi.unsubscribe(subscription.handle);
            subscription.end();
        }
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
        const ended = this.#abi.unsubscribeCollection(this.#client, collection);
        this.#end((subscription) => !subscription.persistent && subscription.collection === collection);
        return ended;
    }

    unsubscribeAll(): number {
        const ended = this.#abi.unsubscribeAll(this.#client);
        this.#end((subscription) => !subscription.persistent);
        return ended;
    }

    /** The number of subscriptions that ended with it. */
    closeScope(scope: ScopeState): number {
        if (scope.closed) {
            return 0;
        }
        scope.closed = true;
        this.#abi.closeScope(scope.handle);
        return this.#end((subscription) => !subscription.persistent && subscription.scope === scope);
    }

    /** Ends all subscriptions, persistent ones included, because the client is being closed. */
    endAll(): void {
        for (const subscription of [...this.#byId.values()]) {
            this.unsubscribe(subscription);
        }
    }

    /** Ends the subscriptions that match. The library has ended them already. */
    #end(which: (subscription: SubscriptionState) => boolean): number {
        const ended = [...this.#byId.values()].filter(which);
        for (const subscription of ended) {
            subscription.end();
        }
        return ended.length;
    }

    /** The server cannot be reached, for `reason`. */
    fail(reason: DirectusRealtimeError): void {
        for (const subscription of [...this.#byId.values()]) {
            subscription.fail(reason);
        }
    }

    /**
     * Drops the waiting events of the subscription that has most of them, and subscribes again for a
     * fresh snapshot, as the library does when its own queue overflows. False when no events wait, or
     * when the server cannot be reached.
     */
    makeRoom(): boolean {
        let largest: SubscriptionState | undefined;
        for (const subscription of this.#byId.values()) {
            if (subscription.held > (largest?.held ?? 0)) {
                largest = subscription;
            }
        }
        if (largest === undefined || this.connection.unreachableReason() !== undefined) {
            return false;
        }
        this.overflows++;
        largest.discard();
        this.#renew(largest);
        return true;
    }

    #renew(subscription: SubscriptionState): void {
        this.#abi.unsubscribe(subscription.handle);
        this.#byId.delete(subscription.id);
        subscription.id = ++this.#lastId;
        this.#byId.set(subscription.id, subscription);
        try {
            const { scope, fields, id } = subscription;
            subscription.handle = this.#abi.subscribe(this.#client, scope?.handle, fields, id) ?? 0n;
        } catch (error) {
            subscription.lose(error as DirectusRealtimeError);
        }
    }

    /** The library delivers nothing more for this id. */
    released(id: number): void {
        this.#byId.get(id)?.end();
    }

    forget(subscription: SubscriptionState): void {
        this.#byId.delete(subscription.id);
        if (this.#byUid.get(subscription.uid) === subscription) {
            this.#byUid.delete(subscription.uid);
        }
    }

    hold(weight: number): void {
        this.#delivery.hold(weight);
    }

    release(weight: number): void {
        this.#delivery.release(weight);
    }

    expect(by: number): void {
        this.#delivery.expect(by);
    }
}
