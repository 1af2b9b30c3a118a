/** All subscriptions and live collections of a client: makes them, finds them by id and uid, and ends them. */

import { randomUUID } from 'node:crypto';
import { endOnAbort, throwIfAborted } from './abort.js';
import type { WaitingEvents } from './consumer.js';
import { invalid, optionalFunction, optionalSignal, requiredText } from './checks.js';
import type { Connection } from './connection.js';
import { DirectusRealtimeError } from './errors.js';
import type { AnyCallback } from './events.js';
import { liveFields, liveOptions, type LiveOptions } from './live/options.js';
import { LiveState, type LiveHost } from './live/state.js';
import type { LiveCallback } from './live/update.js';
import { subscriptionFields, subscriptionOptions, type SubscriptionOptions } from './options.js';
import type { ClientParts } from './parts.js';
import type { RequestOptions, Requests } from './requests.js';
import { SubscriptionState, type ScopeState, type SubscriptionHost } from './subscription.js';

type Parts = ClientParts & { readonly requests: Requests };
type Registered = SubscriptionState | LiveState;

export class SubscriptionRegistry implements SubscriptionHost, LiveHost {
    readonly #client: Parts;
    readonly #byId = new Map<number, Registered>();
    /** In the order in which they were made. */
    readonly #byUid = new Map<string, Registered>();

    constructor(client: Parts) {
        this.#client = client;
    }

    get connection(): Connection {
        return this.#client.connection;
    }

    get waiting(): WaitingEvents {
        return this.#client.waiting;
    }

    /** The subscription with that id: only subscriptions get events. */
    get(id: number): SubscriptionState | undefined {
        return this.#byId.get(id) as SubscriptionState | undefined;
    }

    /** The live collection with that id: only live collections get updates. */
    live(id: number): LiveState | undefined {
        return this.#byId.get(id) as LiveState | undefined;
    }

    /** Nothing more comes with that id. */
    released(id: number): void {
        this.#byId.get(id)?.end();
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
            return this.#existing(uid, SubscriptionState, 'a live collection: open it by live()');
        }
        const { collection } = options;
        const persistent = options.persistent ?? false;
        const identity = { id, uid, collection, persistent, scope, handle };
        const subscription = new SubscriptionState(this, identity, handler);
        this.#add(subscription, signal);
        return subscription;
    }

    /** The new live collection, or the one that has its uid already. */
    openLive(
        scope: ScopeState | undefined,
        given: LiveOptions,
        callback: LiveCallback | undefined,
    ): LiveState {
        const options = liveOptions(given);
        const handler = optionalFunction('callback', callback);
        const signal = optionalSignal(options.signal);
        const uid = options.uid ?? randomUUID();
        const fields = liveFields(options, uid);
        throwIfAborted(signal);
        const id = this.#client.nextId();
        const handle = this.#client.abi.openLive(this.#client.handle, fields, id);
        if (handle === undefined) {
            return this.#existing(uid, LiveState, 'a subscription');
        }
        const { collection } = options;
        const persistent = options.persistent ?? false;
        const primaryKey = options.primaryKey ?? 'id';
        const identity = { id, uid, collection, persistent, scope, handle, primaryKey };
        const live = new LiveState(this, identity, handler);
        this.#add(live, signal);
        return live;
    }

    #add(registered: Registered, signal: AbortSignal | undefined): void {
        const { id, uid } = registered;
        this.#byId.set(id, registered);
        // One that the library has ended may have the uid until its last event is delivered.
        this.#byUid.delete(uid);
        this.#byUid.set(uid, registered);
        registered.detach = endOnAbort(signal, () => this.unsubscribe(registered));
    }

    #existing<Kind extends Registered>(
        uid: string,
        kind: abstract new (...args: never[]) => Kind,
        other: string,
    ): Kind {
        const existing = this.#byUid.get(uid);
        if (existing === undefined) {
            const sentence =
                `internal error: the subscription '${uid}' is unknown to its client; ` +
                'this is a bug in directus-realtime, please report it';
            throw new DirectusRealtimeError('DRT_ERR_INTERNAL', sentence);
        }
        if (!(existing instanceof kind)) {
            throw invalid('uid', `\`uid\` is '${uid}', which is that of ${other}`);
        }
        return existing;
    }

    /** The subscriptions, in the order in which they were made. */
    active(): Registered[] {
        return [...this.#byUid.values()];
    }

    has(uid: string): boolean {
        return this.#byUid.has(uid);
    }

    unsubscribe(subscription: Registered): void {
        if (subscription.ended) {
            return;
        }
        if (subscription instanceof LiveState) {
            this.release(subscription);
        } else {
            this.#client.abi.unsubscribe(subscription.handle);
        }
        subscription.end();
    }

    release(live: LiveState): void {
        this.#client.abi.closeLive(live.handle);
    }

    verify(live: LiveState, options?: RequestOptions): Promise<object> {
        const { abi, requests } = this.#client;
        return requests.ask('verify()', (ms, id) => abi.verifyLive(live.handle, ms, id), options);
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
    #endEach(matches: (subscription: Registered) => boolean): number {
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

    forget(subscription: Registered): void {
        this.#byId.delete(subscription.id);
        if (this.#byUid.get(subscription.uid) === subscription) {
            this.#byUid.delete(subscription.uid);
        }
    }
}
