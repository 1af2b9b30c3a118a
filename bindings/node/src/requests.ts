/** Requests that wait for the server's answer. */

import { OK, type Abi, type Handle } from './abi/index.js';
import { endOnAbort, throwIfAborted } from './abort.js';
import { milliseconds, optionalSignal, record } from './checks.js';
import { DirectusRealtimeError } from './errors.js';
import { knownOptions, type NamesOf } from './known-names.js';
import { json } from './plain-json.js';

export interface RequestOptions {
    /** Milliseconds for the answer; the client's `ackTimeoutMs`. */
    timeoutMs?: number | undefined;
    /** Gives up waiting when it is aborted; the server may still do what it was asked. */
    signal?: AbortSignal | undefined;
}

export const REQUEST_OPTIONS: NamesOf<RequestOptions> = { timeoutMs: true, signal: true };

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
    readonly #abi: Abi;
    readonly #client: Handle;
    readonly #expect: (by: number) => void;
    readonly #pending = new Map<number, Pending>();
    #lastId = 0;

    constructor(abi: Abi, client: Handle, expect: (by: number) => void) {
        this.#abi = abi;
        this.#client = client;
        this.#expect = expect;
    }

    send(message: object, options: RequestOptions = {}): Promise<Answer> {
        return new Promise((resolve, reject) => {
            const given = knownOptions('a request', record('options', options), REQUEST_OPTIONS);
            const { timeoutMs } = given;
            const signal = optionalSignal(given.signal);
            const text = json('message', message);
            const patience = milliseconds('timeoutMs', timeoutMs);
            throwIfAborted(signal);
            const id = ++this.#lastId;
            this.#abi.request(this.#client, text, patience, id);
            const detach = endOnAbort(signal, () => this.#settle(id)?.reject(signal?.reason));
            this.#pending.set(id, { resolve: resolve as (answer: unknown) => void, reject, detach });
            this.#expect(1);
        });
    }

    #settle(id: number): Pending | undefined {
        const pending = this.#pending.get(id);
        if (pending !== undefined) {
            this.#pending.delete(id);
            pending.detach();
            this.#expect(-1);
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
        const error = this.#abi.error(status, '');
        if (error.code === 'DRT_ERR_SERVER' && text !== undefined) {
            pending.reject(DirectusRealtimeError.fromServer('the request', JSON.parse(text)));
        } else {
            pending.reject(this.#abi.error(status, SENTENCES[error.code] ?? 'the request failed'));
        }
    }
}
