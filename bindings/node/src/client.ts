/** A client of a Directus server. */

import { EventEmitter } from 'node:events';
import { inspect, type InspectOptions } from 'node:util';
import { requiredText, invalid } from './checks.js';
import { Core } from './core.js';
import { Diagnostics } from './diagnostics.js';
import { reportUncaught } from './errors.js';
import type { AnyCallback } from './events.js';
import { Items } from './items.js';
import { bindMethods, inspected } from './objects.js';
import {
    clientOptions,
    sendQueueBytes,
    type ClientOptions,
    type ServerUrl,
    type SubscriptionOptions,
} from './options.js';
import { Outbox } from './outbox.js';
import { json } from './plain-json.js';
import { makeRealtime, type Realtime } from './realtime.js';
import { Reconnector } from './reconnector.js';
import type { RequestOptions } from './requests.js';
import { Scope, type ScopeOptions } from './scope.js';
import { endedSubscribe } from './ssr.js';
import type { ClientState, StateChange } from './state.js';
import { toStats, type Stats } from './stats.js';
import type { Subscribe } from './subscribe.js';
import type { Subscription } from './subscription.js';
import { TokenSource } from './token-source.js';
import { waitOptions, type WaitOptions } from './waiters.js';

export interface ClientEvents {
    /** Every change of state, with its reason. */
    state: [change: StateChange];
    /** The link is up and authenticated. */
    connected: [change: StateChange];
    /** It is not any more. */
    disconnected: [change: StateChange];
}

/** Usable on their own, as the composable's functions are. */
const METHODS = [
    'connect',
    'reconnect',
    'disconnect',
    'connected',
    'setToken',
    'unsubscribe',
    'unsubscribeCollection',
    'unsubscribeAll',
    'getActiveSubscriptions',
    'hasSubscription',
    'sendMessage',
    'request',
    'items',
    'scope',
    'useRealtime',
    'stats',
    'ref',
    'unref',
    'close',
] as const satisfies readonly (keyof Client)[];

export class Client extends EventEmitter<ClientEvents> implements AsyncDisposable {
    readonly #core: Core;
    readonly #tokens: TokenSource;
    readonly #diagnostics = new Diagnostics(this, () => this.listeners('state'));
    readonly #reconnector = new Reconnector(this);
    readonly #queuesMessages: boolean;
    readonly #outbox: Outbox;
    #wasConnected = false;

    /** @internal */
    constructor(url: ServerUrl, given: ClientOptions = {}) {
        super();
        const options = clientOptions(given);
        const outboxBytes = sendQueueBytes(options);
        this.#core = new Core(url, options, {
            stateChanged: (change) => this.#stateChanged(change),
            tokenWanted: (error) => this.#tokens.request(error),
        });
        this.#tokens = new TokenSource(options.getToken, (token) => {
            if (this.#core.isOpen) {
                this.setToken(token);
            }
        });
        this.#queuesMessages = (options.sendQueueBytes ?? 0) > 0;
        const { abi, handle, connection } = this.#core;
        const sender = {
            send: (message: string) => abi.sendMessage(handle, message),
            begin: () => connection.begin(),
            failure: () => connection.failure(),
        };
        this.#outbox = new Outbox(sender, outboxBytes);
        bindMethods<Client>(this, METHODS);
    }

    #stateChanged(change: StateChange): void {
        const { state } = change;
        const was = this.#wasConnected;
        this.#wasConnected = state === 'connected';
        this.#diagnostics.report(change);
        this.#outbox.update(change);
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
        return this.#core.state();
    }

    /** Authenticated and usable. */
    get isConnected(): boolean {
        return this.state === 'connected';
    }

    /** Starts to connect and returns at once. The first subscription does that, too. */
    connect(): void {
        this.#open().connect();
    }

    /**
     * `reconnect` as the composable has it: a link that works stays.
     * @internal
     */
    reconnectIfDown(): void {
        this.#reconnector.reconnect();
    }

    /** Drops the link, if there is one, and connects now. */
    reconnect(): void {
        this.#open().reconnect();
    }

    /** Takes the link down until `connect` or `reconnect`. Subscriptions are kept. */
    disconnect(): void {
        this.#open().disconnect();
    }

    /**
     * Connects if need be, and resolves when the client is connected. Rejects with the reason when
     * the client fails, is disconnected, or the time allowed is over.
     */
    async connected(options?: WaitOptions): Promise<void> {
        const wait = waitOptions(options);
        this.connect();
        const { connection } = this.#core;
        const late = (ms: number) => connection.timeoutError('the client was not connected', ms);
        await connection.wait(late, wait);
    }

    /** Also authenticates a live link anew, and leaves the state `failed`. */
    setToken(accessToken: string): void {
        if (requiredText('accessToken', accessToken) === '') {
            throw invalid('`accessToken` is empty: give the token itself');
        }
        this.#open().abi.setToken(this.#core.handle, accessToken);
    }

    /** Subscribes to a collection, or an item of it. */
    readonly subscribe: Subscribe = (
        options: SubscriptionOptions,
        callback?: AnyCallback,
    ): Subscription<any, any, any> => {
        return this.#open().subscriptions.subscribe(undefined, options, callback).view();
    };

    /** Ends the subscription with that uid. False when there is none. */
    unsubscribe(uid: string): boolean {
        return this.#core.subscriptions.unsubscribeByUid(uid);
    }

    /** Ends a collection's subscriptions, but for the persistent ones. The result is their number. */
    unsubscribeCollection(collection: string): number {
        return this.#core.isOpen ? this.#core.subscriptions.unsubscribeCollection(collection) : 0;
    }

    /** Ends all subscriptions, but for the persistent ones. The result is their number. */
    unsubscribeAll(): number {
        return this.#core.isOpen ? this.#core.subscriptions.unsubscribeAll() : 0;
    }

    /** The subscriptions, in the order in which they were made. */
    getActiveSubscriptions(): Subscription<any, any>[] {
        const core = this.#core;
        return core.isOpen ? core.subscriptions.active().map((each) => each.view()) : [];
    }

    hasSubscription(uid: string): boolean {
        return this.#core.isOpen && this.#core.subscriptions.has(uid);
    }

    /**
     * Sends a message that expects no answer: an object with a `type`. Without a link, throws, or has
     * it wait for one where `sendQueueBytes` is set.
     */
    sendMessage(message: object): void {
        if (this.#queuesMessages) {
            this.queueMessage(message);
            return;
        }
        const { abi, handle } = this.#open();
        this.#outbox.flush();
        abi.sendMessage(handle, json('message', message));
    }

    /**
     * The same, waiting for a link unless `sendQueueBytes` is 0.
     * @internal
     */
    queueMessage(message: object): void {
        this.#open();
        this.#outbox.send(json('message', message));
    }

    /** Sends a message and resolves with the server's answer. */
    async request<Answer = Record<string, any>>(message: object, options?: RequestOptions): Promise<Answer> {
        return (await this.#open().requests.send(message, options)) as Answer;
    }

    /** The items of a collection, to be read and written over this link. */
    items<T = any>(collection: string): Items<T> {
        return new Items<T>((message, options) => this.request(message, options), collection);
    }

    /** Subscriptions that end together: `using scope = client.scope()`. */
    scope(options?: ScopeOptions): Scope {
        return new Scope(this.#core, options);
    }

    /**
     * Connects, and returns a scope with the composable's own names, all of them usable when
     * destructured.
     */
    useRealtime(options?: ScopeOptions): Realtime {
        const realtime = makeRealtime(this, new Scope(this.#core, options));
        // Not at once: a client without credentials fails then, and would refuse to subscribe.
        queueMicrotask(() => this.#core.isOpen && this.#core.connection.begin());
        return realtime;
    }

    /**
     * The composable during server-side rendering: it does not connect, and its subscriptions have ended
     * before they begin. Their `ready()` rejects with `reason`.
     * @internal
     */
    ssrRealtime(reason: string): Realtime {
        const scope = new Scope(this.#core);
        scope.close();
        return { ...makeRealtime(this, scope), subscribe: endedSubscribe(reason) };
    }

    /** Counters from the client's beginning. */
    stats(): Stats {
        const { abi, handle, subscriptions } = this.#open();
        const stats = toStats(abi.stats(handle));
        // After an overflow in this process, the library sees a new subscription and counts no resync.
        stats.overflows += subscriptions.overflows;
        stats.resyncs += subscriptions.overflows;
        return stats;
    }

    /** While the client is open, the process lives on. This is the default. */
    ref(): this {
        this.#core.delivery.ref();
        return this;
    }

    /** The client alone does not keep the process alive. */
    unref(): this {
        this.#core.delivery.unref();
        return this;
    }

    /** Ends every subscription and takes the link down politely. No callback runs any more. */
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
