/**
 * Moves events and notifications from the library to the application, batch by batch, and gives the event
 * loop a turn between two batches. While consumers are behind, events stay in the library's queue, unless
 * something in that queue cannot wait: then events are held here instead, up to the same bound.
 */

import type { AsyncResource } from 'node:async_hooks';
import type { Batch, Inbox } from './abi/index.js';
import type { FlowControl } from './consumer.js';
import { Wakeup } from './wakeup.js';

const MAX_EVENTS = 256;
/** The size of a batch to aim at, in characters of JSON. */
const BATCH_CHARS = 256 * 1024;
/** Consumers are behind when they hold more than this, in characters of JSON. */
const MAX_HELD_CHARS = 1024 * 1024;
/** Consumers that stay behind for so long are worth a warning. */
const STALL_WARNING_MS = 10_000;
/** While consumers are behind: how often to look for something in the queue that cannot wait. */
const STALL_CHECK_MS = 200;

/** What delivery needs of its client. */
export interface DeliveryHost {
    /** Takes a batch. */
    deliver(batch: Batch): void;
    /** Whether something in the queue, or something that may be in it, cannot wait for consumers. */
    isUrgent(): boolean;
    /** Whether the queue has a state that came and went, so that `isUrgent` cannot see it. Not as cheap. */
    hasMissedState(): boolean;
    /** More than the bound is held: drops some of it. False when that is not possible. */
    makeRoom(): boolean;
}

export class Delivery implements FlowControl {
    readonly #inbox: Inbox;
    readonly #host: DeliveryHost;
    /** The most that may be held while something is urgent. */
    readonly #maxHeld: number;
    /** Batches are delivered in this context, whatever woke the event loop. */
    readonly #context: AsyncResource;
    readonly #wakeup: Wakeup;
    #next: NodeJS.Immediate | undefined;
    #maxEvents = MAX_EVENTS;
    #held = 0;
    #expected = 0;
    #checkForState = false;
    #stall: { warning: NodeJS.Timeout; check: NodeJS.Timeout } | undefined;
    #isReferenced = true;
    #isClosed = false;

    constructor(inbox: Inbox, queueBytes: number, context: AsyncResource, host: DeliveryHost) {
        this.#inbox = inbox;
        this.#context = context;
        this.#host = host;
        this.#maxHeld = Math.max(queueBytes, 2 * MAX_HELD_CHARS);
        this.#wakeup = new Wakeup(inbox.fd, () => this.#enter());
    }

    hold(weight: number): void {
        this.#held += weight;
    }

    release(weight: number): void {
        this.#held -= weight;
        this.#resume();
    }

    /**
     * So many more promises (or fewer) wait for something that is behind the events in the queue. A
     * callback may be waiting for one of them: delivery that waited for that callback would deadlock.
     */
    expect(by: number): void {
        this.#expected += by;
        this.#resume();
    }

    get #isBehind(): boolean {
        if (this.#held <= MAX_HELD_CHARS || this.#expected > 0 || this.#host.isUrgent()) {
            return false;
        }
        this.#checkForState &&= this.#host.hasMissedState();
        return !this.#checkForState;
    }

    #resume(): void {
        if (this.#stall !== undefined && !this.#isBehind) {
            this.#endStall();
            this.#schedule();
        }
    }

    #schedule(): void {
        if (this.#next === undefined && !this.#isClosed) {
            this.#next = setImmediate(() => {
                this.#next = undefined;
                this.#enter();
            });
            if (!this.#isReferenced) {
                this.#next.unref();
            }
        }
    }

    #enter(): void {
        this.#context.runInAsyncScope(() => this.#run());
    }

    #run(): void {
        if (this.#isClosed || this.#stall !== undefined) {
            return;
        }
        if (this.#isBehind) {
            this.#beginStall();
            return;
        }
        const isEmpty = this.#deliverBatch();
        while (this.#held > this.#maxHeld && this.#host.makeRoom());
        if (!isEmpty) {
            this.#schedule();
        }
    }

    /** Delivers one batch. True when nothing was left. */
    #deliverBatch(): boolean {
        const batch = this.#inbox.read(this.#maxEvents);
        this.#maxEvents = Math.max(1, Math.min(MAX_EVENTS, Math.floor(BATCH_CHARS / batch.weight)));
        this.#host.deliver(batch);
        return batch.isEmpty;
    }

    /** Delivers everything that waits, because the client is being closed. */
    flush(): void {
        while (!this.#deliverBatch());
    }

    #beginStall(): void {
        const warn = () => {
            const seconds = STALL_WARNING_MS / 1000;
            process.emitWarning(
                `Events have been waiting for ${seconds} s: a subscription's callback has not settled its ` +
                    'promise, or no loop iterates over a subscription without a callback.',
                'DirectusRealtimeWarning',
            );
        };
        const warning = setTimeout(warn, STALL_WARNING_MS);
        const check = setInterval(() => {
            this.#checkForState = true;
            this.#resume();
        }, STALL_CHECK_MS);
        warning.unref();
        check.unref();
        this.#stall = { warning, check };
    }

    #endStall(): void {
        clearTimeout(this.#stall?.warning);
        clearInterval(this.#stall?.check);
        this.#stall = undefined;
    }

    ref(): void {
        this.#isReferenced = true;
        this.#wakeup.ref();
        this.#next?.ref();
    }

    unref(): void {
        this.#isReferenced = false;
        this.#wakeup.unref();
        this.#next?.unref();
    }

    close(): void {
        this.#isClosed = true;
        this.#endStall();
        clearImmediate(this.#next);
        this.#wakeup.close();
    }
}
