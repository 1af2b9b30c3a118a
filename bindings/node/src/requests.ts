/** Requests, and the promises that wait for their replies. */

import type { ReplyRow } from './abi/rows.js';
import { endOnAbort, throwIfAborted } from './abort.js';
import { milliseconds, optionalSignal, record } from './checks.js';
import { DirectusRealtimeError, serverError } from './errors.js';
import { knownOptions, type NamesOf } from './known-names.js';
import type { ClientParts } from './parts.js';
import { plainObject } from './plain-json.js';

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

/** The server's answer to a request. */
type Answer = Record<string, unknown>;

interface Pending {
    resolve(answer: Answer): void;
    reject(error: unknown): void;
    detach(): void;
}

/** The library refuses these types of messages, which need no link for that. */
const REFUSED: unknown[] = ['auth', 'subscribe', 'unsubscribe'];

export class Requests {
    readonly #client: ClientParts;
    /** For requests without a `timeoutMs` of their own. */
    readonly #timeoutMs: number;
    readonly #pending = new Map<number, Pending>();

    constructor(client: ClientParts, timeoutMs: number) {
        this.#client = client;
        this.#timeoutMs = timeoutMs;
    }

    /** Sends the request now if the client is connected, otherwise as soon as it is. */
    async send(given: object, options: RequestOptions = {}): Promise<Answer> {
        const { timeoutMs, signal } = this.#limits('a request', options);
        const message = plainObject('message', given);
        throwIfAborted(signal);
        const { abi, handle, connection } = this.#client;
        const deadline = performance.now() + timeoutMs;
        const { type } = message as { type?: unknown };
        if (!connection.isConnected && typeof type === 'string' && !REFUSED.includes(type)) {
            const what = 'nothing was sent, because the client was not connected';
            await connection.wait((ms) => connection.timeoutError(what, ms), { timeoutMs, signal });
            this.#client.checkOpen();
            throwIfAborted(signal);
        }
        const left = Math.max(1, Math.ceil(deadline - performance.now()));
        const id = this.#client.nextId();
        abi.request(handle, JSON.stringify(message), left, id);
        return this.#reply(id, signal);
    }

    /** Has the library reply to something else than a message: `begin` gives it the id of the reply. */
    async ask(
        what: string,
        begin: (timeoutMs: number, id: number) => void,
        options: RequestOptions = {},
    ): Promise<Answer> {
        const { timeoutMs, signal } = this.#limits(what, options);
        throwIfAborted(signal);
        const id = this.#client.nextId();
        begin(timeoutMs, id);
        return this.#reply(id, signal);
    }

    #limits(what: string, options: RequestOptions): { timeoutMs: number; signal: AbortSignal | undefined } {
        const known = knownOptions(what, record('options', options), REQUEST_OPTIONS);
        const timeoutMs = milliseconds('timeoutMs', known.timeoutMs) || this.#timeoutMs;
        return { timeoutMs, signal: optionalSignal(known.signal) };
    }

    #reply(id: number, signal: AbortSignal | undefined): Promise<Answer> {
        return new Promise((resolve, reject) => {
            const detach = endOnAbort(signal, () => this.#settle(id)?.reject(signal?.reason));
            this.#pending.set(id, { resolve, reject, detach });
        });
    }

    #settle(id: number): Pending | undefined {
        const pending = this.#pending.get(id);
        if (pending !== undefined) {
            this.#pending.delete(id);
            pending.detach();
        }
        return pending;
    }

    /** The reply to a request, or why there is none. */
    reply([, id, status, answer, message]: ReplyRow): void {
        const pending = this.#settle(id);
        const details = answer === null ? {} : { server: serverError(answer) };
        const error = this.#client.abi.toError(status, message, details);
        if (error === undefined) {
            pending?.resolve(answer as Answer);
        } else {
            pending?.reject(error);
        }
    }

    /** The client is closed: no replies come any more. */
    close(): void {
        const sentence = 'the client was closed before the server answered';
        for (const id of [...this.#pending.keys()]) {
            this.#settle(id)?.reject(new DirectusRealtimeError('DRT_ERR_CLOSED', sentence));
        }
    }
}
