/** Whether the client is connected, why it is not, and promises that wait until it is. */

import { DirectusRealtimeError } from './errors.js';
import type { ClientState, StateChange } from './state.js';
import { Waiters, type WaitOptions } from './waiters.js';

/** What a connection needs of its client. */
export interface ConnectionHost {
    /** The current state. The last state that was reported may be out of date. */
    state(): ClientState;
    connect(): void;
    /** So many more promises (or fewer) wait for a state to be reported. */
    expect(by: number): void;
}

export class Connection {
    readonly #host: ConnectionHost;
    readonly #waiters: Waiters<void>;
    #reported: StateChange = { state: 'idle', message: '', error: undefined };
    /** How often the state `connected` was reported. */
    #connects = 0;
    /** The last reason why the client could not connect; none once it is connected. */
    #lastFailure: DirectusRealtimeError | undefined;
    /** The application has called `disconnect()`. */
    #isDisconnected = false;

    constructor(host: ConnectionHost) {
        this.#host = host;
        this.#waiters = new Waiters((by) => host.expect(by));
    }

    get reported(): StateChange {
        return this.#reported;
    }

    get connects(): number {
        return this.#connects;
    }

    get isConnected(): boolean {
        return this.#host.state() === 'connected';
    }

    /** The library has reported a state. */
    update(change: StateChange): void {
        const { state, error } = change;
        this.#reported = change;
        if (state === 'connected') {
            this.#connects++;
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

    /** The application has called `disconnect()`, or else `connect()` or `reconnect()`. */
    setDisconnected(isDisconnected: boolean): void {
        this.#isDisconnected = isDisconnected;
    }

    /** Connects a new client, as its first subscription does. */
    begin(): void {
        if (this.#host.state() === 'idle' && !this.#isDisconnected) {
            this.#host.connect();
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

    /** Why the client has failed; none once it is connecting again. */
    failure(): DirectusRealtimeError | undefined {
        const { state, message, error } = this.#reported;
        if (state !== 'failed' || this.#host.state() !== state) {
            return undefined;
        }
        return error ?? new DirectusRealtimeError('DRT_ERR_NOT_CONNECTED', message);
    }

    /**
     * Why the server cannot be reached until the application acts: the client has failed, or was
     * disconnected. None where the reported state is out of date, because another report follows then.
     */
    unreachableReason(): DirectusRealtimeError | undefined {
        const isIdle = this.#reported.state === 'idle' && this.#host.state() === 'idle';
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
