/** The parts of a client, put together around the library's handle. */

import { AsyncResource } from 'node:async_hooks';
import { isMainThread } from 'node:worker_threads';
import { Abi, type Batch, type Handle, type Notification } from './abi/index.js';
import { subscriptionIdOf } from './abi/event-row.js';
import { closedError, Connection } from './connection.js';
import { Delivery } from './delivery.js';
import { reportUncaught, type DirectusRealtimeError } from './errors.js';
import { startDebugLog } from './log.js';
import { ackTimeoutMs, clientFields, queueBytes, type ClientOptions, type ServerUrl } from './options.js';
import { Requests } from './requests.js';
import { stateName, type ClientState, type StateChange } from './state.js';
import { SubscriptionRegistry } from './subscription-registry.js';

/** For replies of the server that are still due, and for the closing handshake. */
const CLOSE_TIMEOUT_MS = 5_000;
/** The same where it blocks the end of a thread. */
const SYNC_CLOSE_TIMEOUT_MS = 500;

/** What happens to a client is reported here. */
export interface Listener {
    stateChanged(change: StateChange): void;
    tokenWanted(error: DirectusRealtimeError | undefined): void;
}

export class Core {
    readonly abi = Abi.get();
    readonly handle: Handle;
    readonly connection: Connection;
    readonly delivery: Delivery;
    readonly requests: Requests;
    readonly subscriptions: SubscriptionRegistry;
    readonly #listener: Listener;
    /** State listeners and `getToken` run in the asynchronous context in which the client was made. */
    readonly #context = new AsyncResource('DirectusRealtimeClient');
    #closing: Promise<void> | undefined;

    constructor(url: ServerUrl, options: ClientOptions, listener: Listener) {
        const { abi } = this;
        startDebugLog();
        this.#listener = listener;
        this.handle = abi.newClient(clientFields(url, options));
        const hasTokenProvider = (options.getToken ?? undefined) !== undefined;
        this.connection = new Connection({
            state: () => this.state(),
            connect: () => this.connect(),
            expect: (by) => this.delivery.expect(by),
        });
        const { connection } = this;
        this.delivery = new Delivery(abi.inbox(this.handle), queueBytes(options), this.#context, {
            deliver: (batch) => this.#deliver(batch),
            // A token must be supplied in time, and a lost link reported in time.
            isUrgent: () => hasTokenProvider || this.state() !== connection.reported.state,
            hasMissedState: () => Number(abi.stats(this.handle).connects) > connection.connects,
            makeRoom: () => this.subscriptions.makeRoom(),
        });
        this.requests = new Requests(this, ackTimeoutMs(options));
        this.subscriptions = new SubscriptionRegistry(abi, this.handle, this.delivery, connection);
        abi.listen(this.handle, hasTokenProvider);
        openCores.add(this);
    }

    #deliver({ notifications, events, weight }: Batch): void {
        for (const notification of notifications) {
            try {
                this.#notify(notification);
            } catch (error) {
                reportUncaught(error);
            }
        }
        for (const row of events) {
            this.subscriptions.get(subscriptionIdOf(row))?.deliver(row, weight);
        }
    }

    #notify(notification: Notification): void {
        switch (notification.type) {
            case 'state':
                this.#stateChanged(notification.change);
                break;
            case 'token':
                this.#listener.tokenWanted(notification.error);
                break;
            case 'reply':
                this.requests.reply(notification.id, notification.error, notification.json);
                break;
            case 'released':
                this.subscriptions.released(notification.id);
        }
    }

    #stateChanged(change: StateChange): void {
        this.connection.update(change);
        const reason = this.connection.unreachableReason();
        if (reason !== undefined) {
            this.subscriptions.fail(reason);
        }
        this.#listener.stateChanged(change);
    }

    connect(): void {
        this.abi.connect(this.handle);
        this.connection.setDisconnected(false);
    }

    reconnect(): void {
        this.abi.reconnect(this.handle);
        this.connection.setDisconnected(false);
    }

    disconnect(): void {
        this.abi.disconnect(this.handle);
        this.connection.setDisconnected(true);
    }

    get isOpen(): boolean {
        return this.#closing === undefined;
    }

    checkOpen(): void {
        if (!this.isOpen) {
            throw closedError();
        }
    }

    state(): ClientState {
        return this.isOpen ? stateName(this.abi.state(this.handle)) : 'closed';
    }

    close(): Promise<void> {
        this.#closing ??= this.#close();
        return this.#closing;
    }

    async #close(): Promise<void> {
        this.#endDelivery();
        let failure: unknown;
        try {
            await this.abi.close(this.handle, CLOSE_TIMEOUT_MS);
        } catch (error) {
            failure = error;
        }
        openCores.delete(this);
        const error = failure as DirectusRealtimeError | undefined;
        const message = error?.message ?? closedError().message;
        this.#context.runInAsyncScope(() => this.#stateChanged({ state: 'closed', message, error }));
        if (failure !== undefined) {
            throw failure;
        }
    }

    /**
     * Runs every callback that is due here, on JavaScript's thread. The library closes the client on
     * another thread, where a callback could not run.
     */
    #endDelivery(): void {
        this.abi.unlisten(this.handle);
        this.subscriptions.endAll();
        this.abi.disconnect(this.handle);
        this.delivery.flush();
        this.delivery.close();
    }

    closeSync(): void {
        this.abi.closeSync(this.handle, SYNC_CLOSE_TIMEOUT_MS);
    }
}

/** The clients of this thread that are not closed. */
const openCores = new Set<Core>();

// The process outlives a worker thread: clients that the thread leaves open would stay connected.
if (!isMainThread) {
    process.on('exit', () => {
        for (const core of openCores) {
            core.closeSync();
        }
    });
}
