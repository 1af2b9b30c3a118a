/** A client of a Directus server. */

import { EventEmitter } from 'node:events';
import { inspect, type InspectOptions } from 'node:util';
import { requiredText } from './checks.js';
import { Core } from './core.js';
import { Diagnostics } from './diagnostics.js';
import { reportUncaught } from './errors.js';
import type { AnyCallback } from './events.js';
import { Items } from './items.js';
import type { LiveCollection } from './live/collection.js';
import type { LiveOptions } from './live/options.js';
import type { LiveCallback } from './live/update.js';
import { bindMethods, inspected } from './objects.js';
import { MessageQueue } from './message-queue.js';
import { clientOptions, type ClientOptions, type ServerUrl, type SubscriptionOptions } from './options.js';
import { plainObject } from './plain-json.js';
import { makeRealtime, type Realtime } from './realtime.js';
import { Reconnector } from './reconnector.js';
import type { RequestOptions } from './requests.js';
import type { CollectionOf, ItemOf, OpenLive } from './schema.js';
import { Scope, type ScopeOptions } from './scope.js';
import { endedLive, endedSubscribe } from './ssr.js';
import type { ClientState, StateChange } from './state.js';
import { toStats, type Stats } from './stats.js';
import type { Subscribe } from './subscribe.js';
import type { Subscription } from './subscription.js';
import { TokenSource } from './token-source.js';
import { waitOptions, type WaitOptions } from './waiters.js';

export interface ClientEvents {
    /** The state has changed; with the reason. */
    state: [change: StateChange];
    /** The client is connected and authenticated. */
    connected: [change: StateChange];
    /** The client is no longer connected. */
    disconnected: [change: StateChange];
}

export class Client<Schema = any> extends EventEmitter<ClientEvents> implements AsyncDisposable {
    readonly #core: Core;
    readonly #tokens: TokenSource;
    readonly #diagnostics = new Diagnostics(this, () => this.listeners('state'));
    readonly #reconnector = new Reconnector(this);
    readonly #messages: MessageQueue;
    /** `sendMessage` queues messages. */
    readonly #queuesMessages: boolean;
    #wasConnected = false;

    /** @internal */
    constructor(url: ServerUrl, given: ClientOptions = {}) {
        super();
        const options = clientOptions(given);
        this.#core = new Core(url, options, {
            stateChanged: (change) => this.#stateChanged(change),
            tokenWanted: (error) => this.#tokens.request(error),
        });
        this.#tokens = new TokenSource(options.getToken, (token) => {
            if (this.#core.isOpen) {
                this.setToken(token);
            }
        });
        this.#messages = new MessageQueue(this.#core, options.sendQueueBytes !== 0);
        this.#queuesMessages = (options.sendQueueBytes ?? 0) > 0;
        bindMethods(this, Client);
    }

    #stateChanged(change: StateChange): void {
        const { state } = change;
        const was = this.#wasConnected;
        this.#wasConnected = state === 'connected';
        this.#diagnostics.report(change);
        this.#messages.update(change);
        this.#emit('state', change);
        if (state === 'connected') {
            this.#emit('connected', change);
        } else if (was) {
            this.#emit('disconnected', change);
        }
    }

    #emit(name: keyof ClientEvents, change: StateChange): void {
        try {
            this.emit(name, change);
        } catch (error) {
            reportUncaught(error);
        }
    }

    get state(): ClientState {
        return this.#core.connection.state;
    }

    /** Whether the client is connected and authenticated. */
    get isConnected(): boolean {
        return this.state === 'connected';
    }

    /** Starts to connect, and returns at once. The first subscription does so, too. */
    connect(): void {
        this.#open().connection.connect();
    }

    /**
     * The composable's `reconnect`, which keeps a link that works.
     * @internal
     */
    reconnectIfDown(): void {
        this.#reconnector.reconnect();
    }

    /** Drops the link, if there is one, and connects again now. */
    reconnect(): void {
        this.#open().connection.reconnect();
    }

    /** Closes the link until `connect` or `reconnect` is called. Subscriptions are kept. */
    disconnect(): void {
        this.#open().connection.disconnect();
    }

    /**
     * Connects, and resolves when the client is connected. Rejects with the reason when the client fails or
     * is disconnected, or when the time is over.
     */
    async connected(options?: WaitOptions): Promise<void> {
        const wait = waitOptions(options);
        this.connect();
        const { connection } = this.#core;
        const timeoutError = (ms: number) => connection.timeoutError('the client was not connected', ms);
        await connection.wait(timeoutError, wait);
    }

    /** Sets the token. Authenticates a live link again, and leaves the state `failed`. */
    setToken(accessToken: string): void {
        const token = requiredText('accessToken', accessToken);
        this.#open().abi.setToken(this.#core.handle, token);
    }

    /** Subscribes to a collection, or to one item of it. */
    readonly subscribe = ((
        options: SubscriptionOptions,
        callback?: AnyCallback,
    ): Subscription<any, any, any> => {
        return this.#open().subscriptions.subscribe(undefined, options, callback).view();
    }) as Subscribe<Schema>;

    /** Holds the rows of a query in memory, as the server has them. */
    readonly live = ((options: LiveOptions, callback?: LiveCallback): LiveCollection<any> => {
        return this.#open().subscriptions.openLive(undefined, options, callback).view();
    }) as OpenLive<Schema>;

    /** Ends the subscription with that uid. Returns false when there is none. */
    unsubscribe(uid: string): boolean {
        return this.#core.subscriptions.unsubscribeByUid(uid);
    }

    /** Ends a collection's subscriptions, but for the persistent ones. Returns how many ended. */
    unsubscribeCollection(collection: string): number {
        return this.#core.isOpen ? this.#core.subscriptions.unsubscribeCollection(collection) : 0;
    }

    /** Ends all subscriptions, but for the persistent ones. Returns how many ended. */
    unsubscribeAll(): number {
        return this.#core.isOpen ? this.#core.subscriptions.unsubscribeAll() : 0;
    }

    /** The subscriptions and live collections, pending ones included, in the order in which they were made. */
    getActiveSubscriptions(): (Subscription<any, any> | LiveCollection<any>)[] {
        const core = this.#core;
        return core.isOpen ? core.subscriptions.active().map((each) => each.view()) : [];
    }

    hasSubscription(uid: string): boolean {
        return this.#core.isOpen && this.#core.subscriptions.has(uid);
    }

    /**
     * Sends a message, an object with a `type`, without waiting for a reply. Without a link it throws, or
     * queues the message if `sendQueueBytes` is set.
     */
    sendMessage(message: object): void {
        if (!this.#queuesMessages && !this.#open().connection.isConnected) {
            plainObject('message', message);
            throw this.#core.connection.noLinkError();
        }
        this.queueMessage(message);
    }

    /**
     * Sends a message, or queues it without a link, unless `sendQueueBytes` is 0.
     * @internal
     */
    queueMessage(message: object): void {
        this.#open();
        this.#messages.send(JSON.stringify(plainObject('message', message)));
    }

    /** Sends a message, and resolves with the server's reply. */
    async request<Answer = Record<string, any>>(message: object, options?: RequestOptions): Promise<Answer> {
        return (await this.#open().requests.send(message, options)) as Answer;
    }

    /** Reads and writes the items of a collection over this client's link. */
    items<C extends CollectionOf<Schema>>(collection: C): Items<ItemOf<Schema, C>>;
    items<T = any>(collection: CollectionOf<Schema>): Items<T>;
    items<T = any>(collection: string): Items<T> {
        return new Items<T>((message, options) => this.request(message, options), collection);
    }

    /** Subscriptions that end together: `using scope = client.scope()`. */
    scope(options?: ScopeOptions): Scope<Schema> {
        return new Scope(this.#core, options);
    }

    /** Connects, and returns a scope whose functions have the composable's names, and can be destructured. */
    useRealtime(options?: ScopeOptions): Realtime<Schema> {
        const realtime = makeRealtime(this, new Scope(this.#core, options));
        // Later, because a client without credentials fails at once, and would then refuse to subscribe.
        queueMicrotask(() => this.#core.isOpen && this.#core.connection.begin());
        return realtime as Realtime<Schema>;
    }

    /**
     * The composable during server-side rendering: it does not connect, and its subscriptions have ended
     * before they begin. Their `ready()` rejects with the reason.
     * @internal
     */
    ssrRealtime(reason: (name: string) => string): Realtime {
        const scope = new Scope(this.#core);
        scope.close();
        return {
            ...makeRealtime(this, scope),
            subscribe: endedSubscribe(reason('subscribe')),
            live: endedLive(reason('live')),
        };
    }

    /** Counters since the client was created. */
    stats(): Stats {
        const { abi, handle, waiting } = this.#open();
        const stats = toStats(abi.stats(handle));
        stats.overflows += waiting.overflows;
        stats.queuedEvents += waiting.count;
        stats.queuedBytes += waiting.weight;
        return stats;
    }

    /** Keeps the process alive while the client is open. This is the default. */
    ref(): this {
        this.#core.delivery.ref();
        return this;
    }

    /** Lets the process end while the client is open. */
    unref(): this {
        this.#core.delivery.unref();
        return this;
    }

    /** Ends all subscriptions, and closes the link with a closing handshake. No callback runs afterwards. */
    close(): Promise<void> {
        return this.#core.close();
    }

    [Symbol.asyncDispose](): Promise<void> {
        return this.close();
    }

    [inspect.custom](_depth: number, options: InspectOptions): string {
        const subscriptions = this.getActiveSubscriptions().length;
        return inspected('Client', { state: this.state, subscriptions }, options);
    }

    #open(): Core {
        this.#core.checkOpen();
        return this.#core;
    }
}
