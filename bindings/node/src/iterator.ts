/** A subscription's events for `for await`. */

import type { RealtimeEvent } from './events.js';
import { Fifo } from './fifo.js';
import { Waiting, type Consumer, type Ledger } from './lane.js';

type Result = IteratorResult<RealtimeEvent, undefined>;

interface Asked {
    resolve(result: Result): void;
    reject(error: Error): void;
    /** Has to live until there is an answer. */
    iterator: EventIterator;
}

const DONE: Result = { value: undefined, done: true };

/** What a queue needs of its subscription. */
export interface QueueOwner {
    /** Why the client has failed, if it has. */
    failure(): Error | undefined;
    /** The loop over the queue was left. */
    left(queue: EventQueue): void;
    /** The loop was ended by an error, and another one may go on. */
    failed(queue: EventQueue): void;
}

/** What a subscription delivers to, and loops read from. */
export class EventQueue implements Consumer {
    readonly #waiting: Waiting;
    readonly #owner: QueueOwner;
    readonly #asked = new Fifo<Asked>();
    #over = false;
    #error: Error | undefined;

    constructor(ledger: Ledger, owner: QueueOwner) {
        this.#waiting = new Waiting(ledger);
        this.#owner = owner;
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

    /** Ends a loop that waits. One that does not learns it when it has the events that wait. */
    fail(error: Error): void {
        const asked = this.#asked.shift();
        if (asked !== undefined) {
            asked.iterator.finish();
            asked.reject(error);
            this.#answer();
            this.#owner.failed(this);
        }
    }

    /** The next event; `iterator` is kept from the garbage collector until it is there. */
    next(iterator: EventIterator): Promise<Result> {
        const event = this.#waiting.take();
        if (event !== undefined) {
            return Promise.resolve({ value: event, done: false });
        }
        return new Promise((resolve, reject) => {
            this.#asked.push({ resolve, reject, iterator });
            const failure = this.#over ? undefined : this.#owner.failure();
            if (this.#over) {
                this.#answer();
            } else if (failure !== undefined) {
                this.fail(failure);
            }
        });
    }

    leave(): void {
        this.end();
        this.#owner.left(this);
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
    #isFinished = false;

    constructor(queue: EventQueue, subscription: object) {
        this.#queue = queue;
        this.subscription = subscription;
    }

    next(): Promise<Result> {
        return this.#isFinished ? Promise.resolve(DONE) : this.#queue.next(this);
    }

    return(): Promise<Result> {
        this.#leave();
        return Promise.resolve(DONE);
    }

    /** It was ended by an error: the queue is not its own any more. */
    finish(): void {
        this.#isFinished = true;
    }

    #leave(): void {
        if (!this.#isFinished) {
            this.#isFinished = true;
            this.#queue.leave();
        }
    }

    [Symbol.asyncIterator](): this {
        return this;
    }

    [Symbol.asyncDispose](): Promise<void> {
        this.#leave();
        return Promise.resolve();
    }
}
