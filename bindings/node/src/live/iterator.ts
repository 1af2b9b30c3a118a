/** Delivers the updates of a live collection to `for await` loops. */

import { Queue } from '../queue.js';
import { LiveConsumer, type LiveSource } from './consumer.js';
import type { LiveUpdate } from './update.js';

type Result = IteratorResult<LiveUpdate, undefined>;

/** A `next()` that has no update yet. */
interface PendingRead {
    resolve(result: Result): void;
    reject(error: Error): void;
    /** Referenced so that it is not garbage-collected before the read is answered. */
    iterator: LiveIterator;
}

const DONE: Result = { value: undefined, done: true };

/** What a loop needs of its live collection. */
export interface LoopOwner {
    /** Why the client has failed, if it has. */
    failure(): Error | undefined;
    /** The loop has ended. */
    left(loop: LiveLoop): void;
}

/** The consumer from which one loop reads. */
export class LiveLoop extends LiveConsumer {
    readonly #owner: LoopOwner;
    readonly #reads = new Queue<PendingRead>();
    #pendingReads = 0;
    #isOver = false;
    #error: Error | undefined;

    /** `first` is the last update so far, if there was one. */
    constructor(source: LiveSource, owner: LoopOwner, first: LiveUpdate | undefined) {
        super(source);
        this.#owner = owner;
        if (first !== undefined) {
            this.begin(first);
        }
    }

    protected override get isReady(): boolean {
        return this.#pendingReads > 0;
    }

    /** Later, when the whole batch is there: so the rows are those that the update has left. */
    protected override offer(): boolean {
        if (this.#pendingReads > 0) {
            queueMicrotask(() => this.#answer());
        }
        return false;
    }

    #answer(): void {
        if (this.#pendingReads > 0 && this.isWaiting) {
            this.#shift()!.resolve({ value: this.take()!, done: false });
        }
    }

    #shift(): PendingRead | undefined {
        const read = this.#reads.shift();
        if (read !== undefined) {
            this.#pendingReads--;
        }
        return read;
    }

    next(iterator: LiveIterator): Promise<Result> {
        return new Promise((resolve, reject) => {
            this.#reads.push({ resolve, reject, iterator });
            this.#pendingReads++;
            this.#answer();
            if (this.#isOver) {
                this.#finishReads();
                return;
            }
            const failure = this.#owner.failure();
            if (failure !== undefined && this.#pendingReads > 0) {
                this.fail(failure);
            }
        });
    }

    /** No more updates come: a loop that waits is done. */
    override end(): void {
        super.end();
        this.#isOver = true;
        this.#finishReads();
    }

    override refuse(_update: LiveUpdate, error: Error): void {
        this.#answer();
        this.#isOver = true;
        this.#error = error;
        this.#finishReads();
    }

    /** Ends a loop that is waiting. One that is not learns of it when it waits. */
    override fail(error: Error): void {
        const read = this.#shift();
        if (read !== undefined) {
            read.iterator.finish();
            read.reject(error);
            this.leave();
        }
    }

    leave(): void {
        this.end();
        this.#owner.left(this);
    }

    #finishReads(): void {
        for (let read = this.#shift(); read !== undefined; read = this.#shift()) {
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

/** The iterator of one loop. It keeps the live collection, and with it its scope, from the garbage collector. */
export class LiveIterator implements AsyncIterableIterator<LiveUpdate> {
    readonly #loop: LiveLoop;
    /** Never read, only referenced. */
    protected readonly live: object;
    #isFinished = false;

    constructor(loop: LiveLoop, live: object) {
        this.#loop = loop;
        this.live = live;
    }

    next(): Promise<Result> {
        return this.#isFinished ? Promise.resolve(DONE) : this.#loop.next(this);
    }

    return(): Promise<Result> {
        this.#leave();
        return Promise.resolve(DONE);
    }

    /** The loop was ended by an error. */
    finish(): void {
        this.#isFinished = true;
    }

    #leave(): void {
        if (!this.#isFinished) {
            this.#isFinished = true;
            this.#loop.leave();
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
