/** A subscription's callback. It gets the events one after the other. */

import { AsyncResource } from 'node:async_hooks';
import { reportUncaught } from './errors.js';
import type { RealtimeEvent } from './events.js';
import { Fifo } from './fifo.js';

/** Knows how much has left the library's queue and is not consumed yet. */
export interface Ledger {
    hold(weight: number): void;
    letGo(weight: number): void;
}

/** Takes the events of one subscription. */
export interface Consumer {
    /** What waits, by weight. */
    readonly held: number;
    push(event: RealtimeEvent, weight: number): void;
    /** What waits is too much, and will be made up for. */
    discard(): void;
    /** The subscription has ended: what waits is not wanted any more. */
    end(): void;
    /** The server has refused the subscription: what waits still is. */
    refuse(refusal: RealtimeEvent, weight: number, error: Error): void;
    /** The client has failed: no event comes until something is done about it. */
    fail(error: Error): void;
}

/** Events that wait for a consumer. */
export class Waiting {
    readonly #ledger: Ledger;
    readonly #entries = new Fifo<{ event: RealtimeEvent; weight: number }>();
    #held = 0;

    constructor(ledger: Ledger) {
        this.#ledger = ledger;
    }

    get held(): number {
        return this.#held;
    }

    add(event: RealtimeEvent, weight: number): void {
        this.#entries.push({ event, weight });
        this.#held += weight;
        this.#ledger.hold(weight);
    }

    take(): RealtimeEvent | undefined {
        const entry = this.#entries.shift();
        if (entry !== undefined) {
            this.#held -= entry.weight;
            this.#ledger.letGo(entry.weight);
        }
        return entry?.event;
    }

    clear(): void {
        const held = this.#held;
        this.#entries.clear();
        this.#held = 0;
        this.#ledger.letGo(held);
    }
}

/** Of those that wait, so many are handed over before everything else has a turn. */
const MOST_IN_A_ROW = 256;

export class Lane implements Consumer {
    readonly #callback: (event: RealtimeEvent) => unknown;
    /** The callback runs in the asynchronous context of the `subscribe` that brought it. */
    readonly #context = new AsyncResource('DirectusRealtimeSubscription');
    readonly #waiting: Waiting;
    #busy = false;
    #inARow = 0;

    /** While a promise that the callback has returned is not settled, the next event waits. */
    constructor(callback: (event: RealtimeEvent) => unknown, ledger: Ledger) {
        this.#callback = callback;
        this.#waiting = new Waiting(ledger);
    }

    get held(): number {
        return this.#waiting.held;
    }

    push(event: RealtimeEvent, weight: number): void {
        if (this.#busy) {
            this.#waiting.add(event, weight);
        } else {
            this.#deliver(event);
        }
    }

    discard(): void {
        this.#waiting.clear();
    }

    end(): void {
        this.#waiting.clear();
    }

    refuse(refusal: RealtimeEvent, weight: number): void {
        this.push(refusal, weight);
    }

    /** A callback has nothing to wait for. */
    fail(): void {}

    #deliver(event: RealtimeEvent): void {
        try {
            const result = this.#context.runInAsyncScope(this.#callback, undefined, event);
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
            if (this.#inARow >= MOST_IN_A_ROW) {
                this.#pause();
                return;
            }
            const event = this.#waiting.take();
            if (event === undefined) {
                return;
            }
            this.#inARow++;
            this.#deliver(event);
        }
    }

    /** Promises that settle at once would never let the event loop go on. */
    #pause(): void {
        this.#busy = true;
        this.#inARow = 0;
        setImmediate(() => this.#proceed());
    }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
    return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
