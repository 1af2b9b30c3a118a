/** Promises that wait for something the library will tell. */

import { endOnAbort, throwIfAborted } from './abort.js';
import { milliseconds, optionalSignal, record } from './checks.js';
import { knownOptions, type NamesOf } from './known-names.js';

export interface WaitOptions {
    /** Gives up after this time. */
    timeoutMs?: number | undefined;
    /** Gives up when it is aborted. */
    signal?: AbortSignal | undefined;
}

const WAIT_OPTIONS: NamesOf<WaitOptions> = { timeoutMs: true, signal: true };

/** The options as they have to be; throws where they are not, and where waiting is over already. */
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

    /** `changed` learns how many more wait, or fewer. */
    constructor(changed: (by: number) => void) {
        this.#changed = changed;
    }

    /** `late` makes the error of a wait that times out. */
    wait(late: (timeoutMs: number) => Error, { timeoutMs, signal }: WaitOptions): Promise<T> {
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
                    : setTimeout(() => waiter.reject(late(timeoutMs)), timeoutMs);
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
