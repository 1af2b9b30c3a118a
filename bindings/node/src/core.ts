/** The parts of a client, put together around the library's handle. */

import { AsyncResource } from 'node:async_hooks';
import { isMainThread } from 'node:worker_threads';
import { WaitingEvents } from './consumer.js';
import { getAbi, type Handle } from './abi/index.js';
import { UPDATE } from './abi/live.js';
import { translateMessage } from './abi/messages.js';
import {
    EVENT,
    MAX_ROWS,
    RELEASED,
    REPLY,
    STATE,
    TOKEN_WANTED,
    newIndex,
    type Batch,
    type DataUse,
    type OtherRow,
    type StateRow,
    type TokenRow,
} from './abi/rows.js';
import { closedError, Connection } from './connection.js';
import { Delivery } from './delivery.js';
import { reportUncaught, type DirectusRealtimeError } from './errors.js';
import { startDebugLog } from './log.js';
import { ackTimeoutMs, clientFields, queueBytes, type ClientOptions, type ServerUrl } from './options.js';
import type { ClientParts } from './parts.js';
import { Requests } from './requests.js';
import { stateName, type StateChange } from './state.js';
import { SubscriptionRegistry } from './subscription-registry.js';

/** For the closing handshake. */
const CLOSE_TIMEOUT_MS = 5_000;
/** The same where it blocks the end of a thread. */
const SYNC_CLOSE_TIMEOUT_MS = 500;

/** What happens to a client is reported here. */
export interface Listener {
    stateChanged(change: StateChange): void;
    tokenWanted(error: DirectusRealtimeError | undefined): void;
}

export class Core implements ClientParts {
    readonly abi = getAbi();
    readonly handle: Handle;
    readonly connection: Connection;
    readonly delivery: Delivery;
    readonly requests: Requests;
    readonly subscriptions: SubscriptionRegistry;
    readonly waiting: WaitingEvents;
    readonly #listener: Listener;
    /** State listeners and `getToken` run in the asynchronous context in which the client was made. */
    readonly #context = new AsyncResource('DirectusRealtimeClient');
    readonly #dataUse: DataUse = { isRead: false };
    #lastId = 0;
    #closing: Promise<void> | undefined;

    constructor(url: ServerUrl, options: ClientOptions, listener: Listener) {
        const { abi } = this;
        startDebugLog();
        this.#listener = listener;
        this.handle = abi.newClient(clientFields(url, options));
        this.connection = new Connection(abi, this.handle);
        this.waiting = new WaitingEvents(queueBytes(options));
        this.requests = new Requests(this, ackTimeoutMs(options));
        this.subscriptions = new SubscriptionRegistry(this);
        this.delivery = new Delivery(abi.fd(this.handle), this.#context, (maxRows, index) =>
            this.#deliver(maxRows, index),
        );
        if (options.getToken) {
            abi.askForTokens(this.handle);
        }
        openCores.add(this);
    }

    nextId(): number {
        return ++this.#lastId;
    }

    /** Takes what waits in the library. Once the client is being closed, only replies are of interest. */
    #deliver(maxRows: number, index: Uint32Array): Batch {
        const batch = this.abi.next(this.handle, maxRows, index, this.#dataUse);
        for (let at = 0; at < batch.length; at++) {
            if (batch.kind(at) === EVENT) {
                this.subscriptions.get(batch.id(at))?.deliver(batch, at);
            } else {
                this.#deliverOther(batch.other(at), batch.weight);
            }
        }
        return batch;
    }

    #deliverOther(row: OtherRow, weight: number): void {
        switch (row[0]) {
            case REPLY:
                this.requests.reply(row);
                break;
            case RELEASED:
                this.subscriptions.released(row[1]);
                break;
            case UPDATE:
                this.subscriptions.live(row[1])?.deliver(row, weight);
                break;
            case STATE:
            case TOKEN_WANTED:
                if (this.isOpen) {
                    this.#report(row);
                }
        }
    }

    #report(row: StateRow | TokenRow): void {
        try {
            if (row[0] === STATE) {
                const message = translateMessage(row[3]);
                const error = this.abi.toError(row[2], row[3]);
                this.#stateChanged({ state: stateName(row[1]), message, error });
            } else {
                this.#listener.tokenWanted(this.abi.toError(row[1], 'the server refused the last token'));
            }
        } catch (error) {
            reportUncaught(error);
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

    get isOpen(): boolean {
        return this.connection.isOpen;
    }

    checkOpen(): void {
        if (!this.isOpen) {
            throw closedError();
        }
    }

    close(): Promise<void> {
        this.#closing ??= this.#close();
        return this.#closing;
    }

    async #close(): Promise<void> {
        this.connection.isOpen = false;
        this.subscriptions.endAll();
        // A batch may be being delivered, whose index is in use.
        for (const index = newIndex(); this.#deliver(MAX_ROWS, index).length > 0;);
        this.delivery.close();
        let error: DirectusRealtimeError | undefined;
        try {
            await this.abi.close(this.handle, CLOSE_TIMEOUT_MS);
        } catch (failure) {
            error = failure as DirectusRealtimeError;
        }
        openCores.delete(this);
        this.requests.close();
        const message = error?.message ?? closedError().message;
        this.#context.runInAsyncScope(() => this.#stateChanged({ state: 'closed', message, error }));
        if (error !== undefined) {
            throw error;
        }
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
