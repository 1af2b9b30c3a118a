/** What the parts of a client share: the library's handle and the way of everything it tells. */

import { isMainThread } from 'node:worker_threads';
import { Abi, OK, type Handle, type Receiver } from './abi/index.js';
import { Delivery } from './delivery.js';
import { DirectusRealtimeError, reportUncaught } from './errors.js';
import { clientFields, type ClientOptions } from './options.js';
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
    readonly delivery: Delivery;
    readonly requests: Requests;
    readonly registrations: Registrations;
    readonly #listener: Listener;
    /** What was told during a drain, to be passed on behind it. */
    #told: (() => void)[] = [];
    #closing: Promise<void> | undefined;

    constructor(url: string | readonly string[], options: ClientOptions, listener: Listener) {
        const { abi } = this;
        this.#listener = listener;
        this.handle = abi.newClient(clientFields(url, options));
        this.delivery = new Delivery(abi, this.handle, this.#receiver(), (rows, weight) => {
            this.#passOn();
            for (const row of rows) {
                this.registrations.get(row[0])?.deliver(row, weight);
            }
        });
        this.requests = new Requests(abi, this.handle, (by) => this.delivery.expect(by));
        this.registrations = new Registrations(abi, this.handle, this.delivery);
        abi.listen(this.handle, options.getToken !== undefined);
        open.add(this);
    }

    #receiver(): Receiver {
        const later = (deed: () => void) => void this.#told.push(deed);
        return {
            state: (state, reason, message) => later(() => this.#stateChanged(state, reason, message)),
            tokenWanted: (reason) => later(() => this.#listener.tokenWanted(this.#error(reason, ''))),
            reply: (id, status, json) => later(() => this.requests.reply(id, status, json)),
            released: (id) => later(() => this.registrations.released(id)),
        };
    }

    /** A batch ends before a callback of another kind: what was told is older than its events. */
    #passOn(): void {
        for (const deed of this.#told.splice(0)) {
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
        const [state, error] = [stateName(number), this.#error(reason, message)];
        if (state === 'failed') {
            this.registrations.fail(error ?? new DirectusRealtimeError('DRT_ERR_NOT_CONNECTED', message));
        }
        this.#listener.stateChanged({ state, message, error });
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
        try {
            await this.abi.close(this.handle, CLOSE_MS);
        } finally {
            open.delete(this);
            const error = closedError();
            this.#listener.stateChanged({ state: 'closed', message: error.message, error });
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

function closedError(): DirectusRealtimeError {
    return new DirectusRealtimeError('DRT_ERR_CLOSED', 'the client is closed');
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
