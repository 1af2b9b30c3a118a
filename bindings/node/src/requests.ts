/** Requests that wait for the server's answer. */

import { setImmediate } from 'node:timers/promises';
import { OK, type Abi, type Handle } from './abi/index.js';
import { endOnAbort, throwIfAborted } from './abort.js';
import { milliseconds, optionalSignal, record } from './checks.js';
import type { Connection } from './connection.js';
import { DirectusRealtimeError } from './errors.js';
import { knownOptions, type NamesOf } from './known-names.js';
import { json } from './plain-json.js';

export interface RequestOptions {
    /**
     * Milliseconds until the server has answered, the wait for a link included; the client's
     * `ackTimeoutMs`.
     */
    timeoutMs?: number | undefined;
    /** Gives up waiting when it is aborted; the server may still do what it was asked. */
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

/** What the server's answers look like. */
type Answer = Record<string, unknown>;

const SENTENCES: Record<string, string> = {
    DRT_ERR_TIMEOUT: 'the server has not answered in time',
    DRT_ERR_NOT_CONNECTED:
        'the link was lost before the server answered: whether it did as asked is not known',
    DRT_ERR_CLOSED: 'the client was closed before the server answered',
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

    /** Sends at once where the client is connected, otherwise as soon as it is. */
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
            // Everything else has a turn, should the link be lost again at once.
            await setImmediate();
            this.#client.checkOpen();
            throwIfAborted(signal);
        }
    }

    async #connected(left: number, timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
        const { connection } = this.#client;
        const what = 'nothing was sent, because the client was not connected';
        const late = () => connection.timeoutError(what, timeoutMs);
        await connection.wait(late, { timeoutMs: left, signal });
    }

    /** The answer to come, or nothing where there is no link to send it over. */
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

    /** The library's reply. */
    reply(id: number, status: number, text: string | undefined): void {
        const pending = this.#settle(id);
        if (pending === undefined) {
            return;
        }
        if (status === OK) {
            pending.resolve(text === undefined ? undefined : JSON.parse(text));
            return;
        }
        const error = this.#client.abi.error(status, '');
        if (error.code === 'DRT_ERR_SERVER' && text !== undefined) {
            pending.reject(DirectusRealtimeError.fromServer('the request', JSON.parse(text)));
        } else {
            pending.reject(this.#client.abi.error(status, SENTENCES[error.code] ?? 'the request failed'));
        }
    }
}
