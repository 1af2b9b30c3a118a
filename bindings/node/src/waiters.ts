/** Promises that wait for something that the library will report. */

import { endOnAbort, throwIfAborted } from './abort.js';
import { milliseconds, optionalSignal, record } from './checks.js';
import { knownOptions, type NamesOf } from './known-names.js';

export interface WaitOptions {
    /** How long to wait, in milliseconds. Default: for ever. */
    timeoutMs?: number | undefined;
    /** Stops waiting when it is aborted. */
    signal?: AbortSignal | undefined;
}

const WAIT_OPTIONS: NamesOf<WaitOptions> = { timeoutMs: true, signal: true };

/** Checks the options. Throws where one is invalid, or where the signal has been aborted already. */
export function waitOptions(options: WaitOptions = {}): WaitOptions {
    const { timeoutMs, signal: given } = knownOptions('a wait', record('options', options), WAIT_OPTIONS);
    milliseconds('timeoutMs', timeoutMs);
    const signal = optionalSignal(given);
    throwIfAborted(signal);
    return { timeoutMs: timeoutMs ?? undefined, signal };
}

interface Waiter<T> {
    resolve(value: T): void;
    reject(error: unknown): void;
}

export class Waiters<T> {
    readonly #waiters = new Set<Waiter<T>>();
    readonly #changed: (by: number) => void;

    /** `changed` is called with 1 when a wait begins, and with -1 when one ends. */
    constructor(changed: (by: number) => void) {
        this.#changed = changed;
    }

    /** `timeoutError` makes the error of a wait that times out. */
    wait(timeoutError: (timeoutMs: number) => Error, { timeoutMs, signal }: WaitOptions): Promise<T> {
        return new Promise((resolve, reject) => {
            const leave = () => {
                clearTimeout(timer);
                detach();
                if (this.#waiters.delete(waiter)) {
                    this.#changed(-1);
                }
            };
            const waiter: Waiter<T> = {
                resolve: (value) => {
                    leave();
                    resolve(value);
                },
                reject: (error) => {
                    leave();
                    reject(error as Error);
                },
            };
            const timer =
                timeoutMs === undefined
                    ? undefined
                    : setTimeout(() => waiter.reject(timeoutError(timeoutMs)), timeoutMs);
            const detach = endOnAbort(signal, () => waiter.reject(signal?.reason));
            this.#waiters.add(waiter);
            this.#changed(1);
        });
    }

    resolve(value: T): void {
        for (const waiter of [...this.#waiters]) {
            waiter.resolve(value);
        }
    }

    reject(error: unknown): void {
        for (const waiter of [...this.#waiters]) {
            waiter.reject(error);
        }
    }
}
