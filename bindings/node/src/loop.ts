/** What `for await` loops over events and over updates have in common. */

import { Queue } from './queue.js';

type Result<T> = IteratorResult<T, undefined>;

/** A `next()` that has no value yet. */
interface PendingRead<T> {
    resolve(result: Result<T>): void;
    reject(error: Error): void;
    /** Referenced so that it is not garbage-collected before the read is answered. */
    iterator: LoopIterator<T>;
}

const DONE: Result<never> = { value: undefined, done: true };

/** The reads that wait, the oldest first. */
export class PendingReads<T> {
    readonly #reads = new Queue<PendingRead<T>>();
    #isOver = false;
    #error: Error | undefined;

    get isEmpty(): boolean {
        return this.#reads.length === 0;
    }

    /** Whether no more values come. */
    get isOver(): boolean {
        return this.#isOver;
    }

    push(read: PendingRead<T>): void {
        this.#reads.push(read);
    }

    /** Gives a value to the oldest one. False where none waits. */
    answer(value: T): boolean {
        const read = this.#reads.shift();
        read?.resolve({ value, done: false });
        return read !== undefined;
    }

    /** Ends the loop of the oldest one by an error. False where none waits. */
    fail(error: Error): boolean {
        const read = this.#reads.shift();
        read?.iterator.finish();
        read?.reject(error);
        return read !== undefined;
    }

    /** No more values come: the first read, now or later, gets the error, if there is one. */
    end(error?: Error): void {
        this.#isOver = true;
        this.#error = error ?? this.#error;
        this.finish();
    }

    /** All that wait are done, the first one with the error, if there is one. */
    finish(): void {
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

/** Where an iterator reads. */
interface Loop<T> {
    /** `iterator` is kept from the garbage collector until the value is there. */
    next(iterator: LoopIterator<T>): Promise<Result<T>>;
    leave(): void;
}

/**
 * The iterator of one loop. It keeps what it iterates over, and with it its scope, from the garbage collector: a
 * running loop may hold the only reference to either.
 */
export class LoopIterator<T> implements AsyncIterableIterator<T, undefined> {
    readonly #loop: Loop<T>;
    /** Never read, only referenced. */
    protected readonly source: object;
    #isFinished = false;

    constructor(loop: Loop<T>, source: object) {
        this.#loop = loop;
        this.source = source;
    }

    next(): Promise<Result<T>> {
        return this.#isFinished ? Promise.resolve(DONE) : this.#loop.next(this);
    }

    return(): Promise<Result<T>> {
        this.#leave();
        return Promise.resolve(DONE);
    }

    /** The loop was ended by an error: what it read from may belong to another loop from now on. */
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
