/** A subscription's events for `for await`. */

import type { RealtimeEvent } from './events.js';
import { Fifo } from './fifo.js';
import { Waiting, type Consumer, type Ledger } from './lane.js';

type Result = IteratorResult<RealtimeEvent, undefined>;

interface Asked {
    resolve(result: Result): void;
    reject(error: Error): void;
    /** What has to live until there is an answer. */
    holder: object;
}

const DONE: Result = { value: undefined, done: true };

/** What a subscription delivers to, and loops read from. */
export class EventQueue implements Consumer {
    readonly #waiting: Waiting;
    readonly #onLeft: (queue: EventQueue) => void;
    readonly #asked = new Fifo<Asked>();
    #over = false;
    #error: Error | undefined;

    /** `onLeft` is called when the loop over it was left. */
    constructor(ledger: Ledger, onLeft: (queue: EventQueue) => void) {
        this.#waiting = new Waiting(ledger);
        this.#onLeft = onLeft;
    }

    push(event: RealtimeEvent, weight: number): void {
        const asked = this.#asked.shift();
        if (asked !== undefined) {
            asked.resolve({ value: event, done: false });
        } else if (!this.#over) {
            this.#waiting.add(event, weight);
        }
    }

    get held(): number {
        return this.#waiting.held;
    }

    discard(): void {
        this.#waiting.clear();
    }

    end(): void {
        this.#over = true;
        this.#waiting.clear();
        this.#answer();
    }

    refuse(_refusal: RealtimeEvent, _weight: number, error: Error): void {
        this.#over = true;
        this.#error = error;
        this.#answer();
    }

    /** The next event; `holder` is kept from the garbage collector until it is there. */
    next(holder: object): Promise<Result> {
        const event = this.#waiting.take();
        if (event !== undefined) {
            return Promise.resolve({ value: event, done: false });
        }
        return new Promise((resolve, reject) => {
            this.#asked.push({ resolve, reject, holder });
            if (this.#over) {
                this.#answer();
            }
        });
    }

    leave(): void {
        this.end();
        this.#onLeft(this);
    }

    /** Nothing comes any more: whoever asks learns it, the first one also why. */
    #answer(): void {
        for (let asked = this.#asked.shift(); asked !== undefined; asked = this.#asked.shift()) {
            const error = this.#error;
            this.#error = undefined;
            if (error !== undefined) {
                asked.reject(error);
            } else {
                asked.resolve(DONE);
            }
        }
    }
}

/**
 * What a loop has. It keeps the subscription, and with it its scope, from the garbage collector: a
 * loop that runs is somebody who wants the events, though nobody else has their subscription.
 */
export class EventIterator implements AsyncIterableIterator<RealtimeEvent> {
    readonly #queue: EventQueue;
    /** Only held. */
    protected readonly subscription: object;

    constructor(queue: EventQueue, subscription: object) {
        this.#queue = queue;
        this.subscription = subscription;
    }

    next(): Promise<Result> {
        return this.#queue.next(this);
    }

    return(): Promise<Result> {
        this.#queue.leave();
        return Promise.resolve(DONE);
    }

    [Symbol.asyncIterator](): this {
        return this;
    }

    [Symbol.asyncDispose](): Promise<void> {
        this.#queue.leave();
        return Promise.resolve();
    }
}
