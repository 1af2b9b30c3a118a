/** Promises that wait for something the library will tell. */

import { DirectusRealtimeError } from './errors.js';

export interface WaitOptions {
    /** Gives up after this time. */
    timeoutMs?: number | undefined;
    /** Gives up when it is aborted. */
    signal?: AbortSignal | undefined;
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

    /** `what` is waited for, in words. */
    wait(what: string, { timeoutMs, signal }: WaitOptions = {}): Promise<T> {
        return new Promise((resolve, reject) => {
            if (signal?.aborted) {
                reject(signal.reason);
                return;
            }
            const leave = () => {
                clearTimeout(timer);
                signal?.removeEventListener('abort', abort);
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
            const abort = () => waiter.reject(signal?.reason);
            signal?.addEventListener('abort', abort, { once: true });
            const late = () => {
                const sentence = `${what} has not come within ${timeoutMs} ms`;
                waiter.reject(new DirectusRealtimeError('DRT_ERR_TIMEOUT', sentence));
            };
            const timer = timeoutMs === undefined ? undefined : setTimeout(late, timeoutMs);
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
