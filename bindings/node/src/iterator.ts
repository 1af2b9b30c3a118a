/** Delivers a subscription's events to `for await` loops. */

import { Consumer, type WaitingEvents } from './consumer.js';
import type { RealtimeEvent } from './events.js';
import { Queue } from './queue.js';

type Result = IteratorResult<RealtimeEvent, undefined>;

/** A `next()` that has no event yet. */
interface PendingRead {
    resolve(result: Result): void;
    reject(error: Error): void;
    /** Referenced so that it is not garbage-collected before the read is answered. */
    iterator: EventIterator;
}

const DONE: Result = { value: undefined, done: true };

/** What a queue needs of its subscription. */
export interface QueueOwner {
    /** Why the client has failed, if it has. */
    failure(): Error | undefined;
    /** Asks for a snapshot. */
    resync(): void;
    /** The loop over the queue was left. */
    left(queue: EventQueue): void;
    /** The loop was ended by an error; another loop may take over the queue. */
    failed(queue: EventQueue): void;
}

/** The consumer from which loops read. */
export class EventQueue extends Consumer {
    readonly #owner: QueueOwner;
    readonly #reads = new Queue<PendingRead>();
    #isOver = false;
    #error: Error | undefined;

    constructor(waiting: WaitingEvents, owner: QueueOwner) {
        super(waiting, () => owner.resync());
        this.#owner = owner;
    }

    protected override offer(event: RealtimeEvent): boolean {
        const read = this.#reads.shift();
        read?.resolve({ value: this.number(event), done: false });
        return read !== undefined;
    }

    override end(): void {
        super.end();
        this.#isOver = true;
        this.#finishReads();
    }

    override refuse(_refusal: RealtimeEvent, _weight: number, error: Error): void {
        this.#isOver = true;
        this.#error = error;
        this.#finishReads();
    }

    /** Ends a loop that is waiting. A loop that is not gets the events that wait first, then the error. */
    override fail(error: Error): void {
        const read = this.#reads.shift();
        if (read !== undefined) {
            read.iterator.finish();
            read.reject(error);
            this.#finishReads();
            this.#owner.failed(this);
        }
    }

    /**
     * The next event. It rejects at once if the client has failed, and is done if the queue is over.
     * `iterator` is kept from the garbage collector until the event is there.
     */
    next(iterator: EventIterator): Promise<Result> {
        const event = this.take();
        if (event !== undefined) {
            return Promise.resolve({ value: this.number(event), done: false });
        }
        return new Promise((resolve, reject) => {
            this.#reads.push({ resolve, reject, iterator });
            const failure = this.#isOver ? undefined : this.#owner.failure();
            if (this.#isOver) {
                this.#finishReads();
            } else if (failure !== undefined) {
                this.fail(failure);
            }
        });
    }

    leave(): void {
        this.end();
        this.#owner.left(this);
    }

    /** No more events come: pending reads are done, the first one with the error, if there is one. */
    #finishReads(): void {
        for (let read = this.#reads.shift(); read !== undefined; read = this.#reads.shift()) {
            const error = this.#error;
            this.#error = undefined;
            if (error !== undefined) {
                read.reject(error);
            } else {
                read.resolve(DONE);
            }
        }
    }
}

/**
 * The iterator of one loop. It keeps the subscription, and with it its scope, from the garbage
 * collector: a running loop may hold the only reference to either.
 */
export class EventIterator implements AsyncIterableIterator<RealtimeEvent> {
    readonly #queue: EventQueue;
    /** Never read, only referenced. */
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

    /** The loop was ended by an error: the queue may belong to another loop from now on. */
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
