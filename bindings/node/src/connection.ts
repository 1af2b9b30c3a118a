/** Whether the client is connected, why it is not, and waiting until it is. */

import { DirectusRealtimeError } from './errors.js';
import type { ClientState, StateChange } from './state.js';
import { Waiters, type WaitOptions } from './waiters.js';

/** What a connection needs of its client. */
export interface Link {
    /** The state now; what was reported last may be out of date. */
    state(): ClientState;
    connect(): void;
    /** So many more, or fewer, wait for a state to be reported. */
    expect(by: number): void;
}

export class Connection {
    readonly #link: Link;
    readonly #waiters: Waiters<void>;
    #reported: StateChange = { state: 'idle', message: '', error: undefined };
    /** How often it was reported that the client is connected. */
    #connects = 0;
    /** Why the client is not connected, from the first failure to the next success. */
    #lastFailure: DirectusRealtimeError | undefined;
    /** Whether the application wants no link at the moment. */
    #isDisconnected = false;

    constructor(link: Link) {
        this.#link = link;
        this.#waiters = new Waiters((by) => link.expect(by));
    }

    get reported(): StateChange {
        return this.#reported;
    }

    get connects(): number {
        return this.#connects;
    }

    get isConnected(): boolean {
        return this.#link.state() === 'connected';
    }

    /** A state is reported. */
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

    /** What was reported may be out of date: only what is still true is worth acting upon. */
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

    /** The application has called `connect()` or `reconnect()`, or else `disconnect()`. */
    setDisconnected(isDisconnected: boolean): void {
        this.#isDisconnected = isDisconnected;
    }

    /** Connects a new client, as its first subscription does. */
    begin(): void {
        if (this.#link.state() === 'idle' && !this.#isDisconnected) {
            this.#link.connect();
        }
    }

    /**
     * Waits until the client is connected. Connects a new client; what was disconnected, or has
     * failed, is left so. `late` makes the error of a wait that times out.
     */
    async wait(late: (timeoutMs: number) => Error, options: WaitOptions): Promise<void> {
        this.begin();
        if (this.isConnected) {
            return;
        }
        const reason = this.unreachableReason();
        if (reason !== undefined) {
            throw reason;
        }
        await this.#waiters.wait(late, options);
    }

    /** A wait that timed out, with the reason why the client is not connected. */
    timeoutError(what: string, timeoutMs: number): DirectusRealtimeError {
        const cause = this.#lastFailure;
        const why = this.isConnected ? '' : (cause?.message ?? this.#reported.message);
        const sentence = `${what} within ${timeoutMs} ms${why && `: ${why}`}`;
        return new DirectusRealtimeError('DRT_ERR_TIMEOUT', sentence, { cause });
    }

    /** Why the client has failed, unless something has been done about it. */
    failure(): DirectusRealtimeError | undefined {
        const { state, message, error } = this.#reported;
        if (state !== 'failed' || this.#link.state() !== state) {
            return undefined;
        }
        return error ?? new DirectusRealtimeError('DRT_ERR_NOT_CONNECTED', message);
    }

    /**
     * Why waiting for the server is of no use, unless the application does something. What was
     * reported last may be out of date: then more is to come.
     */
    unreachableReason(): DirectusRealtimeError | undefined {
        const isIdle = this.#reported.state === 'idle' && this.#link.state() === 'idle';
        return isIdle ? disconnectedError() : this.failure();
    }
}

/** The library's sentence ends with the time of the next attempt, which is soon out of date. */
export function withoutDelay(error: DirectusRealtimeError): DirectusRealtimeError {
    const message = error.message.replace(/; next attempt in [\d.]+ s$/, '');
    return new DirectusRealtimeError(error.code, message, { cause: error.cause });
}

function disconnectedError(): DirectusRealtimeError {
    const sentence = 'the client is disconnected, and stays so until connect() or reconnect() is called';
    return new DirectusRealtimeError('DRT_ERR_NOT_CONNECTED', sentence);
}

export function closedError(): DirectusRealtimeError {
    return new DirectusRealtimeError('DRT_ERR_CLOSED', 'the client is closed');
}
