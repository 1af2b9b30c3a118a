/** Requests, and the promises that wait for their replies. */

import { setImmediate } from 'node:timers/promises';
import type { Abi, Handle } from './abi/index.js';
import { endOnAbort, throwIfAborted } from './abort.js';
import { milliseconds, optionalSignal, record } from './checks.js';
import type { Connection } from './connection.js';
import { DirectusRealtimeError } from './errors.js';
import { knownOptions, type NamesOf } from './known-names.js';
import { json } from './plain-json.js';

export interface RequestOptions {
    /**
     * How long to wait for the server's reply, in milliseconds, the wait for a link included. Default:
     * the client's `ackTimeoutMs`.
     */
    timeoutMs?: number | undefined;
    /** Stops waiting when it is aborted; the server may still carry out the request. */
    signal?: AbortSignal | undefined;
}

export const REQUEST_OPTIONS: NamesOf<RequestOptions> = { timeoutMs: true, signal: true };

/** What requests need of their client. */
export interface Requester {
    readonly abi: Abi;
    readonly handle: Handle;
    readonly connection: Connection;
    readonly delivery: { expect(by: number): void };
    checkOpen(): void;
}

interface Pending {
    resolve(answer: unknown): void;
    reject(error: unknown): void;
    detach(): void;
}

/** The server's answer to a request. */
type Answer = Record<string, unknown>;

const SENTENCES: Record<string, string> = {
    DRT_ERR_TIMEOUT: 'the server did not reply in time',
    DRT_ERR_NOT_CONNECTED:
        'the link was lost before the server replied: the request may or may not have been carried out',
    DRT_ERR_CLOSED: 'the client was closed before the server replied',
};

export class Requests {
    readonly #client: Requester;
    /** For requests without a `timeoutMs` of their own. */
    readonly #timeoutMs: number;
    readonly #pending = new Map<number, Pending>();
    #lastId = 0;

    constructor(client: Requester, timeoutMs: number) {
        this.#client = client;
        this.#timeoutMs = timeoutMs;
    }

    /** Sends the request now if the client is connected, otherwise as soon as it is. */
    async send(message: object, options: RequestOptions = {}): Promise<Answer> {
        const given = knownOptions('a request', record('options', options), REQUEST_OPTIONS);
        const timeoutMs = milliseconds('timeoutMs', given.timeoutMs) || this.#timeoutMs;
        const signal = optionalSignal(given.signal);
        const text = json('message', message);
        throwIfAborted(signal);
        const deadline = performance.now() + timeoutMs;
        for (;;) {
            const left = Math.max(1, Math.ceil(deadline - performance.now()));
            const answer = this.#trySend(text, left, signal);
            if (answer !== undefined) {
                return answer;
            }
            await this.#connected(left, timeoutMs, signal);
            // If the link is lost again and again, the event loop still gets its turns.
            await setImmediate();
            this.#client.checkOpen();
            throwIfAborted(signal);
        }
    }

    async #connected(left: number, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
        const { connection } = this.#client;
        const what = 'nothing was sent, because the client was not connected';
        const timeoutError = () => connection.timeoutError(what, timeoutMs);
        await connection.wait(timeoutError, { timeoutMs: left, signal });
    }

    /** Sends the request, and returns its answer's promise; `undefined` when the client is not connected. */
    #trySend(text: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<Answer> | undefined {
        const { abi, handle, delivery } = this.#client;
        const id = ++this.#lastId;
        try {
            abi.request(handle, text, timeoutMs, id);
        } catch (error) {
            if ((error as DirectusRealtimeError).code === 'DRT_ERR_NOT_CONNECTED') {
                return undefined;
            }
            throw error;
        }
        return new Promise((resolve, reject) => {
            const detach = endOnAbort(signal, () => this.#settle(id)?.reject(signal?.reason));
            this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject, detach });
            delivery.expect(1);
        });
    }

    #settle(id: number): Pending | undefined {
        const pending = this.#pending.get(id);
        if (pending !== undefined) {
            this.#pending.delete(id);
            pending.detach();
            this.#client.delivery.expect(-1);
        }
        return pending;
    }

    /** The library reports the reply to a request, or why there is none. */
    reply(id: number, error: DirectusRealtimeError | undefined, text: string | undefined): void {
        const pending = this.#settle(id);
        if (pending === undefined) {
            return;
        }
        if (error === undefined) {
            pending.resolve(text === undefined ? undefined : JSON.parse(text));
        } else if (error.code === 'DRT_ERR_SERVER' && text !== undefined) {
            pending.reject(DirectusRealtimeError.fromServer('the request', JSON.parse(text)));
        } else {
            const sentence = SENTENCES[error.code] ?? 'the request failed';
            pending.reject(new DirectusRealtimeError(error.code, sentence));
        }
    }
}
