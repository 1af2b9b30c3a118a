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

interface Waiter {
    resolve(): void;
    reject(error: unknown): void;
}

export class Waiters {
    readonly #waiters = new Set<Waiter>();

    /** `timeoutError` makes the error of a wait that times out. */
    wait(timeoutError: (timeoutMs: number) => Error, { timeoutMs, signal }: WaitOptions): Promise<void> {
        return new Promise((resolve, reject) => {
            const leave = () => {
                clearTimeout(timer);
                detach();
                this.#waiters.delete(waiter);
            };
            const waiter: Waiter = {
                resolve: () => {
                    leave();
                    resolve();
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
        });
    }

    resolve(): void {
        for (const waiter of [...this.#waiters]) {
            waiter.resolve();
        }
    }

    reject(error: unknown): void {
        for (const waiter of [...this.#waiters]) {
            waiter.reject(error);
        }
    }
}
