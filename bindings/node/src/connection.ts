/** The state of a client: what it is, why, and promises that wait until the client is connected. */

import type { Abi, Handle } from './abi/index.js';
import { DirectusRealtimeError } from './errors.js';
import { stateName, type ClientState, type StateChange } from './state.js';
import { Waiters, type WaitOptions } from './waiters.js';

export class Connection {
    readonly #abi: Abi;
    readonly #client: Handle;
    readonly #waiters = new Waiters();
    /** The last state that was reported, which may be out of date. */
    #reported: StateChange = { state: 'idle', message: '', error: undefined };
    /** The last reason why the client could not connect; none once it is connected. */
    #lastFailure: DirectusRealtimeError | undefined;
    /** The application has called `disconnect()`. */
    #isDisconnected = false;
    /** The application has called `close()`. */
    isOpen = true;

    constructor(abi: Abi, client: Handle) {
        this.#abi = abi;
        this.#client = client;
    }

    /** The current state. */
    get state(): ClientState {
        return this.isOpen ? stateName(this.#abi.state(this.#client)) : 'closed';
    }

    get isConnected(): boolean {
        return this.state === 'connected';
    }

    connect(): void {
        this.#abi.connect(this.#client);
        this.#isDisconnected = false;
    }

    reconnect(): void {
        this.#abi.reconnect(this.#client);
        this.#isDisconnected = false;
    }

    disconnect(): void {
        this.#abi.disconnect(this.#client);
        this.#isDisconnected = true;
    }

    /** Connects a new client, as its first subscription does. */
    begin(): void {
        if (this.state === 'idle' && !this.#isDisconnected) {
            this.connect();
        }
    }

    /** The library has reported a state. */
    update(change: StateChange): void {
        const { state, error } = change;
        this.#reported = change;
        if (state === 'connected') {
            this.#lastFailure = undefined;
        } else if (error !== undefined) {
            this.#lastFailure = withoutDelay(error);
        }
        this.#settle();
    }

    /** Settles the waits, but only by a reported state that still holds. */
    #settle(): void {
        const { state, error } = this.#reported;
        if (state === 'closed') {
            this.#waiters.reject(error ?? closedError());
        } else if (state === 'connected' && this.isConnected) {
            this.#waiters.resolve();
        } else {
            const reason = this.unreachableReason();
            if (reason !== undefined) {
                this.#waiters.reject(reason);
            }
        }
    }

    /**
     * Waits until the client is connected. Connects a new client, but not one that was disconnected or has
     * failed. `timeoutError` makes the error of a wait that times out.
     */
    async wait(timeoutError: (timeoutMs: number) => Error, options: WaitOptions): Promise<void> {
        this.begin();
        if (this.isConnected) {
            return;
        }
        const reason = this.unreachableReason();
        if (reason !== undefined) {
            throw reason;
        }
        await this.#waiters.wait(timeoutError, options);
    }

    /** The error of a wait that timed out, with the reason why the client is not connected. */
    timeoutError(what: string, timeoutMs: number): DirectusRealtimeError {
        const cause = this.#lastFailure;
        const why = this.isConnected ? '' : (cause?.message ?? this.#reported.message);
        const sentence = `${what} within ${timeoutMs} ms${why && `: ${why}`}`;
        return new DirectusRealtimeError('DRT_ERR_TIMEOUT', sentence, { cause });
    }

    /** The error of a message that may not wait for a link. */
    noLinkError(): DirectusRealtimeError {
        const { message } = this.#reported;
        const sentence = `there is no usable link: the client is ${this.state}${message && `: ${message}`}`;
        return new DirectusRealtimeError('DRT_ERR_NOT_CONNECTED', sentence);
    }

    /** Why the client has failed; none once it is connecting again. */
    failure(): DirectusRealtimeError | undefined {
        const { state, message, error } = this.#reported;
        if (state !== 'failed' || this.state !== state) {
            return undefined;
        }
        return error ?? new DirectusRealtimeError('DRT_ERR_NOT_CONNECTED', message);
    }

    /**
     * Why the server cannot be reached until the application acts: the client has failed, or was
     * disconnected. None where the reported state is out of date, because another report follows then.
     */
    unreachableReason(): DirectusRealtimeError | undefined {
        const isIdle = this.#reported.state === 'idle' && this.state === 'idle';
        return isIdle ? disconnectedError() : this.failure();
    }
}

/** The error without the time of the next attempt, with which the library's message ends. */
export function withoutDelay(error: DirectusRealtimeError): DirectusRealtimeError {
    const message = error.message.replace(/; next attempt in [\d.]+ s$/, '');
    return new DirectusRealtimeError(error.code, message, { cause: error.cause });
}

function disconnectedError(): DirectusRealtimeError {
    const sentence = 'the client is disconnected: call connect() or reconnect() to connect it again';
    return new DirectusRealtimeError('DRT_ERR_NOT_CONNECTED', sentence);
}

export function closedError(): DirectusRealtimeError {
    return new DirectusRealtimeError('DRT_ERR_CLOSED', 'the client is closed');
}
