/** Delivers the updates of a live collection to `for await` loops. */

import { PendingReads, type LoopIterator } from '../loop.js';
import { LiveConsumer, type LiveSource } from './consumer.js';
import type { LiveUpdate } from './update.js';

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
    readonly #reads = new PendingReads<LiveUpdate>();

    /** `first` is the last update so far, if there was one. */
    constructor(source: LiveSource, owner: LoopOwner, first: LiveUpdate | undefined) {
        super(source);
        this.#owner = owner;
        if (first !== undefined) {
            this.begin(first);
        }
    }

    protected override get isReady(): boolean {
        return !this.#reads.isEmpty;
    }

    /** Later, when the whole batch is there: so the rows are those that the update has left. */
    protected override offer(): boolean {
        if (this.isReady) {
            queueMicrotask(() => this.#answer());
        }
        return false;
    }

    #answer(): void {
        if (this.isReady && this.isWaiting) {
            this.#reads.answer(this.take()!);
        }
    }

    next(iterator: LoopIterator<LiveUpdate>): Promise<IteratorResult<LiveUpdate, undefined>> {
        return new Promise((resolve, reject) => {
            this.#reads.push({ resolve, reject, iterator });
            this.#answer();
            if (this.#reads.isOver) {
                this.#reads.finish();
                return;
            }
            const failure = this.#owner.failure();
            if (failure !== undefined && this.isReady) {
                this.fail(failure);
            }
        });
    }

    /** No more updates come: a loop that waits is done. */
    override end(): void {
        super.end();
        this.#reads.end();
    }

    override refuse(_update: LiveUpdate, error: Error): void {
        this.#answer();
        this.#reads.end(error);
    }

    /** Ends a loop that is waiting. One that is not learns of it when it waits. */
    override fail(error: Error): void {
        if (this.#reads.fail(error)) {
            this.leave();
        }
    }

    leave(): void {
        this.end();
        this.#owner.left(this);
    }
}
