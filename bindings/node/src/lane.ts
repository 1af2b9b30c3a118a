/** A subscription's callback. It gets the events one after the other. */

import { reportUncaught } from './errors.js';
import type { RealtimeEvent } from './events.js';

/** Knows how much has left the library's queue and is not consumed yet. */
export interface Ledger {
    hold(weight: number): void;
    letGo(weight: number): void;
}

/** Takes the events of one subscription. */
export interface Consumer {
    push(event: RealtimeEvent, weight: number): void;
    /** The subscription has ended: what waits is not wanted any more. */
    end(): void;
    /** The server has refused the subscription: what waits still is. */
    refuse(refusal: RealtimeEvent, weight: number, error: Error): void;
}

/** Events that wait for a consumer. */
export class Waiting {
    readonly #ledger: Ledger;
    #entries: { event: RealtimeEvent; weight: number }[] = [];

    constructor(ledger: Ledger) {
        this.#ledger = ledger;
    }

    add(event: RealtimeEvent, weight: number): void {
        this.#entries.push({ event, weight });
        this.#ledger.hold(weight);
    }

    take(): RealtimeEvent | undefined {
        const entry = this.#entries.shift();
        if (entry !== undefined) {
            this.#ledger.letGo(entry.weight);
        }
        return entry?.event;
    }

    clear(): void {
        const entries = this.#entries;
        this.#entries = [];
        this.#ledger.letGo(entries.reduce((sum, { weight }) => sum + weight, 0));
    }
}

export class Lane implements Consumer {
    readonly #callback: (event: RealtimeEvent) => unknown;
    readonly #waiting: Waiting;
    #busy = false;

    /** While a promise that the callback has returned is not settled, the next event waits. */
    constructor(callback: (event: RealtimeEvent) => unknown, ledger: Ledger) {
        this.#callback = callback;
        this.#waiting = new Waiting(ledger);
    }

    push(event: RealtimeEvent, weight: number): void {
        if (this.#busy) {
            this.#waiting.add(event, weight);
        } else {
            this.#deliver(event);
        }
    }

    end(): void {
        this.#waiting.clear();
    }

    refuse(refusal: RealtimeEvent, weight: number): void {
        this.push(refusal, weight);
    }

    #deliver(event: RealtimeEvent): void {
        try {
            const result = this.#callback(event);
            if (isThenable(result)) {
                this.#busy = true;
                this.#await(result);
            }
        } catch (error) {
            reportUncaught(error);
        }
    }

    #await(result: PromiseLike<unknown>): void {
        result.then(
            () => this.#proceed(),
            (error: unknown) => {
                // Nobody handles it: Node is to know.
                void Promise.reject(error);
                this.#proceed();
            },
        );
    }

    #proceed(): void {
        this.#busy = false;
        while (!this.#busy) {
            const event = this.#waiting.take();
            if (event === undefined) {
                return;
            }
            this.#deliver(event);
        }
    }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
    return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
