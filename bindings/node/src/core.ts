/** What the parts of a client share: the library's handle and the way of everything it tells. */

import { AsyncResource } from 'node:async_hooks';
import { isMainThread } from 'node:worker_threads';
import { Abi, OK, type Handle, type Receiver } from './abi/index.js';
import { closedError, Connection } from './connection.js';
import { Delivery } from './delivery.js';
import { reportUncaught, type DirectusRealtimeError } from './errors.js';
import { startDebugLog } from './log.js';
import { ackTimeoutMs, clientFields, queueBytes, type ClientOptions, type ServerUrl } from './options.js';
import { Registrations } from './registrations.js';
import { Requests } from './requests.js';
import { stateName, type ClientState, type StateChange } from './state.js';

/** For the server's answers that are still due, and its goodbye. */
const CLOSE_MS = 5_000;
/** The same where everything else waits for it. */
const HURRIED_CLOSE_MS = 500;

/** Who is told of what happens to a client. */
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
    readonly registrations: Registrations;
    readonly #listener: Listener;
    /** State listeners and `getToken` run in the asynchronous context in which the client was made. */
    readonly #context = new AsyncResource('DirectusRealtimeClient');
    /** What was told during a drain, to be passed on behind it. */
    #deeds: (() => void)[] = [];
    #closing: Promise<void> | undefined;

    constructor(url: ServerUrl, options: ClientOptions, listener: Listener) {
        const { abi } = this;
        startDebugLog();
        this.#listener = listener;
        this.handle = abi.newClient(clientFields(url, options));
        const asksForTokens = (options.getToken ?? undefined) !== undefined;
        this.connection = new Connection({
            state: () => this.state(),
            connect: () => this.connect(),
            expect: (by) => this.delivery.expect(by),
        });
        const { connection } = this;
        this.delivery = new Delivery(abi, this.handle, queueBytes(options), this.#context, {
            receiver: this.#receiver(),
            deliver: (rows, weight) => {
                this.#passOn();
                for (const row of rows) {
                    this.registrations.get(row[0])?.deliver(row, weight);
                }
            },
            // A token that is asked for is wanted in time, and so is the word that the link is lost.
            isUrgent: () => asksForTokens || this.state() !== connection.reported.state,
            hasNews: () => Number(abi.stats(this.handle).connects) > connection.connects,
            makeRoom: () => this.registrations.makeRoom(),
        });
        this.requests = new Requests(this, ackTimeoutMs(options));
        this.registrations = new Registrations(abi, this.handle, this.delivery, connection);
        abi.listen(this.handle, asksForTokens);
        open.add(this);
    }

    #receiver(): Receiver {
        const later = (deed: () => void) => void this.#deeds.push(deed);
        return {
            state: (state, reason, message) => later(() => this.#stateChanged(state, reason, message)),
            tokenWanted: (reason) => later(() => this.#listener.tokenWanted(this.#error(reason, ''))),
            reply: (id, status, json) => later(() => this.requests.reply(id, status, json)),
            released: (id) => later(() => this.registrations.released(id)),
        };
    }

    /** A batch ends before a callback of another kind: what was told is older than its events. */
    #passOn(): void {
        for (const deed of this.#deeds.splice(0)) {
            try {
                deed();
            } catch (error) {
                reportUncaught(error);
            }
        }
    }

    #error(reason: number, message: string): DirectusRealtimeError | undefined {
        return reason === OK ? undefined : this.abi.error(reason, message);
    }

    #stateChanged(number: number, reason: number, message: string): void {
        this.#report({ state: stateName(number), message, error: this.#error(reason, message) });
    }

    #report(change: StateChange): void {
        this.connection.update(change);
        const reason = this.connection.unreachableReason();
        if (reason !== undefined) {
            this.registrations.fail(reason);
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
        this.#retire();
        let failure: unknown;
        try {
            await this.abi.close(this.handle, CLOSE_MS);
        } catch (error) {
            failure = error;
        }
        open.delete(this);
        const error = failure as DirectusRealtimeError | undefined;
        const message = error?.message ?? closedError().message;
        this.#context.runInAsyncScope(() => this.#report({ state: 'closed', message, error }));
        if (failure !== undefined) {
            throw failure;
        }
    }

    /**
     * Gets every callback done with, here on the main thread: on the thread that waits for the link
     * to be taken down, none could run.
     */
    #retire(): void {
        this.abi.listenNoMore(this.handle);
        this.registrations.endAll();
        this.abi.disconnect(this.handle);
        this.delivery.flush();
        this.delivery.close();
    }

    closeNow(): void {
        this.abi.closeNow(this.handle, HURRIED_CLOSE_MS);
    }
}

/** The clients of this thread that are not closed. */
const open = new Set<Core>();

// The process survives a worker thread: what that leaves open would stay connected.
if (!isMainThread) {
    process.on('exit', () => {
        for (const core of open) {
            core.closeNow();
        }
    });
}
