/** Delivers a subscription's events to its callback, one after the other. */

import { AsyncResource } from 'node:async_hooks';
import { Consumer, type WaitingEvents } from './consumer.js';
import { reportUncaught } from './errors.js';
import type { RealtimeEvent } from './events.js';

/** So many waiting events are delivered in a row before the event loop gets a turn. */
const MAX_IN_A_ROW = 256;

export class CallbackConsumer extends Consumer {
    readonly #callback: (event: RealtimeEvent) => unknown;
    /** The callback runs in the asynchronous context of its `subscribe` call. */
    readonly #context = new AsyncResource('DirectusRealtimeSubscription');
    /** A promise that the callback returned is pending, or the event loop has its turn. */
    #isBusy = false;
    #inARow = 0;

    /** While a promise that the callback returned is pending, the next event waits. */
    constructor(callback: (event: RealtimeEvent) => unknown, waiting: WaitingEvents, resync: () => void) {
        super(waiting, resync);
        this.#callback = callback;
    }

    protected override offer(event: RealtimeEvent): boolean {
        if (this.#isBusy) {
            return false;
        }
        this.#deliver(event);
        return true;
    }

    override refuse(refusal: RealtimeEvent, weight: number): void {
        this.pushAlways(refusal, weight);
    }

    /** A callback does not wait for events, so there is nothing to reject. */
    override fail(): void {}

    #deliver(event: RealtimeEvent): void {
        try {
            const result = this.#context.runInAsyncScope(this.#callback, undefined, this.number(event));
            if (isThenable(result)) {
                this.#isBusy = true;
                this.#await(result);
            }
        } catch (error) {
            reportUncaught(error);
        }
    }

    #await(result: PromiseLike<unknown>): void {
        result.then(
            () => this.#continue(),
            (error: unknown) => {
                // No code of the application sees this promise: Node reports it as an unhandled rejection.
                void Promise.reject(error);
                this.#continue();
            },
        );
    }

    #continue(): void {
        this.#isBusy = false;
        while (!this.#isBusy) {
            if (this.#inARow >= MAX_IN_A_ROW) {
                this.#yield();
                return;
            }
            const event = this.take();
            if (event === undefined) {
                return;
            }
            this.#inARow++;
            this.#deliver(event);
        }
    }

    /** Promises that settle at once would otherwise starve the event loop. */
    #yield(): void {
        this.#isBusy = true;
        this.#inARow = 0;
        setImmediate(() => this.#continue());
    }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
    return typeof (value as PromiseLike<unknown> | undefined)?.then === 'function';
}
