/** Delivers a subscription's events to `for await` loops. */

import { Consumer, type WaitingEvents } from './consumer.js';
import type { RealtimeEvent } from './events.js';
import { PendingReads, type LoopIterator } from './loop.js';

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
    readonly #reads = new PendingReads<RealtimeEvent>();

    constructor(waiting: WaitingEvents, owner: QueueOwner) {
        super(waiting, () => owner.resync());
        this.#owner = owner;
    }

    protected override offer(event: RealtimeEvent): boolean {
        return !this.#reads.isEmpty && this.#reads.answer(this.number(event));
    }

    override end(): void {
        super.end();
        this.#reads.end();
    }

    override refuse(_refusal: RealtimeEvent, _weight: number, error: Error): void {
        this.#reads.end(error);
    }

    /** Ends a loop that is waiting. A loop that is not gets the events that wait first, then the error. */
    override fail(error: Error): void {
        if (this.#reads.fail(error)) {
            this.#reads.finish();
            this.#owner.failed(this);
        }
    }

    /** The next event. It rejects at once if the client has failed, and is done if the queue is over. */
    next(iterator: LoopIterator<RealtimeEvent>): Promise<IteratorResult<RealtimeEvent, undefined>> {
        const event = this.take();
        if (event !== undefined) {
            return Promise.resolve({ value: this.number(event), done: false });
        }
        return new Promise((resolve, reject) => {
            this.#reads.push({ resolve, reject, iterator });
            const failure = this.#reads.isOver ? undefined : this.#owner.failure();
            if (this.#reads.isOver) {
                this.#reads.finish();
            } else if (failure !== undefined) {
                this.fail(failure);
            }
        });
    }

    leave(): void {
        this.end();
        this.#owner.left(this);
    }
}
