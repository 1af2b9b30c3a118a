/** The subscriptions of a client. */

import { randomUUID } from 'node:crypto';
import type { Abi, Handle } from './abi/index.js';
import { endOnAbort, throwIfAborted } from './abort.js';
import { isText, optionalFunction, optionalSignal, requiredText } from './checks.js';
import type { Connection } from './connection.js';
import type { Delivery } from './delivery.js';
import { DirectusRealtimeError } from './errors.js';
import { subscriptionFields, subscriptionOptions, type SubscriptionOptions } from './options.js';
import { Registration, type Host } from './registration.js';
import type { AnyCallback } from './subscription.js';

/** What ends together. */
export interface ScopeCore {
    readonly handle: Handle;
    closed: boolean;
}

export class Registrations implements Host {
    readonly #abi: Abi;
    readonly #client: Handle;
    readonly #delivery: Delivery;
    readonly connection: Connection;
    readonly #byId = new Map<number, Registration>();
    readonly #byUid = new Map<string, Registration>();
    #lastId = 0;

    /** How often what waited was too much, and was made up for. */
    overflows = 0;

    constructor(abi: Abi, client: Handle, delivery: Delivery, connection: Connection) {
        this.#abi = abi;
        this.#client = client;
        this.#delivery = delivery;
        this.connection = connection;
    }

    get(id: number): Registration | undefined {
        return this.#byId.get(id);
    }

    /** The new subscription, or the one that has its uid already. */
    subscribe(
        scope: ScopeCore | undefined,
        given: SubscriptionOptions,
        callback: AnyCallback | undefined,
    ): Registration {
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
        const registration = new Registration(this, identity, handler);
        this.#byId.set(id, registration);
        this.#byUid.set(uid, registration);
        registration.detach = endOnAbort(signal, () => this.unsubscribe(registration));
        return registration;
    }

    #existing(uid: string): Registration {
        const registration = this.#byUid.get(uid);
        if (registration === undefined) {
            const sentence = `the library has a subscription '${uid}' that this client does not know`;
            throw new DirectusRealtimeError('DRT_ERR_INTERNAL', sentence);
        }
        return registration;
    }

    /** In the order in which they were made. */
    active(): Registration[] {
        const known = this.#abi.uids(this.#client).map((uid) => this.#byUid.get(uid));
        return known.filter((registration) => registration !== undefined);
    }

    has(uid: string): boolean {
        return isText(uid) && this.#abi.hasSubscription(this.#client, uid);
    }

    unsubscribe(registration: Registration): void {
        if (!registration.ended) {
            this.#abi.unsubscribe(registration.handle);
            registration.end();
        }
    }

    /** False when nothing has that uid. */
    unsubscribeUid(uid: string): boolean {
        const registration = this.#byUid.get(uid);
        if (registration === undefined) {
            return false;
        }
        this.unsubscribe(registration);
        return true;
    }

    unsubscribeCollection(collection: string): number {
        requiredText('collection', collection);
        const ended = this.#abi.unsubscribeCollection(this.#client, collection);
        this.#end((registration) => !registration.persistent && registration.collection === collection);
        return ended;
    }

    unsubscribeAll(): number {
        const ended = this.#abi.unsubscribeAll(this.#client);
        this.#end((registration) => !registration.persistent);
        return ended;
    }

    /** The number of subscriptions that ended with it. */
    closeScope(scope: ScopeCore): number {
        if (scope.closed) {
            return 0;
        }
        scope.closed = true;
        this.#abi.closeScope(scope.handle);
        return this.#end((registration) => !registration.persistent && registration.scope === scope);
    }

    /** Every last one, for a client that is being closed. */
    endAll(): void {
        for (const registration of [...this.#byId.values()]) {
            this.unsubscribe(registration);
        }
    }

    #end(which: (registration: Registration) => boolean): number {
        const ended = [...this.#byId.values()].filter(which);
        for (const registration of ended) {
            registration.end();
        }
        return ended.length;
    }

    /** Waiting for the server's answers is of no use. */
    fail(reason: DirectusRealtimeError): void {
        for (const registration of [...this.#byId.values()]) {
            registration.fail(reason);
        }
    }

    /**
     * Of the events that wait here, drops those of the subscription that has most, and asks the
     * server for a snapshot in their place, as the library does with its own queue. False where
     * nothing would come of it.
     */
    makeRoom(): boolean {
        let worst: Registration | undefined;
        for (const registration of this.#byId.values()) {
            if (registration.held > (worst?.held ?? 0)) {
                worst = registration;
            }
        }
        if (worst === undefined || this.connection.unreachableReason() !== undefined) {
            return false;
        }
        this.overflows++;
        worst.discard();
        this.#renew(worst);
        return true;
    }

    #renew(registration: Registration): void {
        this.#abi.unsubscribe(registration.handle);
        this.#byId.delete(registration.id);
        registration.id = ++this.#lastId;
        this.#byId.set(registration.id, registration);
        try {
            const { scope, fields, id } = registration;
            registration.handle = this.#abi.subscribe(this.#client, scope?.handle, fields, id) ?? 0n;
        } catch (error) {
            registration.lose(error as DirectusRealtimeError);
        }
    }

    /** The library has let go of it. */
    released(id: number): void {
        this.#byId.get(id)?.end();
    }

    forget(registration: Registration): void {
        this.#byId.delete(registration.id);
        if (this.#byUid.get(registration.uid) === registration) {
            this.#byUid.delete(registration.uid);
        }
    }

    hold(weight: number): void {
        this.#delivery.hold(weight);
    }

    letGo(weight: number): void {
        this.#delivery.letGo(weight);
    }

    expect(by: number): void {
        this.#delivery.expect(by);
    }
}
