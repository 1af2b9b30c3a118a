/**
 * Brings what waits in the library to the main thread, batch by batch, and gives the event loop a
 * turn between two of them. While handlers are behind, the rest stays in the library's queue, unless
 * something is in there that cannot wait: then events wait here instead, up to the same bound.
 */

import type { AsyncResource } from 'node:async_hooks';
import type { Abi, Handle, Receiver, Row } from './abi/index.js';
import type { Ledger } from './lane.js';
import { Wakeup } from './wakeup.js';

const MOST_EVENTS = 256;
/** A batch is to have about so many characters, */
const BATCH_CHARS = 256 * 1024;
/** and handlers may be so many behind. */
const MOST_HELD_CHARS = 1024 * 1024;
/** Handlers that keep everything waiting for so long are worth a word. */
const PATIENCE_MS = 10_000;
/** How soon it is noticed, meanwhile, that something must not wait. */
const LOOK_MS = 200;

export interface Tasks {
    /** What is told while the library's queue is drained. */
    receiver: Receiver;
    /** Called behind each batch; `weight` is an event's share of it in characters. */
    deliver(rows: Row[], weight: number): void;
    /** Whether there is, or may be, something in the queue that handlers must not hold up. */
    isUrgent(): boolean;
    /** The same, but not as cheap, for what comes and goes in between. */
    hasNews(): boolean;
    /** More is held than may be: makes room, or says that nothing can be done. */
    makeRoom(): boolean;
}

export class Delivery implements Ledger {
    readonly #abi: Abi;
    readonly #client: Handle;
    readonly #tasks: Tasks;
    /** So much may be held where something is urgent. */
    readonly #ceiling: number;
    /** Batches run in this context, whoever caused them. */
    readonly #context: AsyncResource;
    readonly #wakeup: Wakeup;
    #next: NodeJS.Immediate | undefined;
    #most = MOST_EVENTS;
    #held = 0;
    #expected = 0;
    #hasNews = false;
    #stalled: { warning: NodeJS.Timeout; look: NodeJS.Timeout } | undefined;
    #referenced = true;
    #closed = false;

    constructor(abi: Abi, client: Handle, queueBytes: number, context: AsyncResource, tasks: Tasks) {
        this.#abi = abi;
        this.#client = client;
        this.#context = context;
        this.#tasks = tasks;
        this.#ceiling = Math.max(queueBytes, 2 * MOST_HELD_CHARS);
        this.#wakeup = new Wakeup(abi.fd(client), () => this.#enter());
    }

    hold(weight: number): void {
        this.#held += weight;
    }

    letGo(weight: number): void {
        this.#held -= weight;
        this.#resume();
    }

    /**
     * So many more (or fewer) wait for an answer that is behind the events in the queue. Handlers
     * may be among them: to wait for them to catch up would be to wait for ever.
     */
    expect(by: number): void {
        this.#expected += by;
        this.#resume();
    }

    get #isBehind(): boolean {
        if (this.#held <= MOST_HELD_CHARS || this.#expected > 0 || this.#tasks.isUrgent()) {
            return false;
        }
        this.#hasNews &&= this.#tasks.hasNews();
        return !this.#hasNews;
    }

    #resume(): void {
        if (this.#stalled !== undefined && !this.#isBehind) {
            this.#endStall();
            this.#schedule();
        }
    }

    #schedule(): void {
        if (this.#next === undefined && !this.#closed) {
            this.#next = setImmediate(() => {
                this.#next = undefined;
                this.#enter();
            });
            if (!this.#referenced) {
                this.#next.unref();
            }
        }
    }

    #enter(): void {
        this.#context.runInAsyncScope(() => this.#run());
    }

    #run(): void {
        if (this.#closed || this.#stalled !== undefined) {
            return;
        }
        if (this.#isBehind) {
            this.#stall();
            return;
        }
        const drained = this.#drain();
        while (this.#held > this.#ceiling && this.#tasks.makeRoom());
        if (drained > 0) {
            this.#schedule();
        }
    }

    /** One batch. */
    #drain(): number {
        const { json, drained } = this.#abi.drain(this.#client, this.#most, this.#tasks.receiver);
        const rows = JSON.parse(json) as Row[];
        const weight = Math.ceil(json.length / Math.max(1, rows.length));
        this.#most = Math.max(1, Math.min(MOST_EVENTS, Math.floor(BATCH_CHARS / weight)));
        this.#tasks.deliver(rows, weight);
        return drained;
    }

    /** Callbacks that are due and are no events run now. For a client that is being closed. */
    flush(): void {
        while (this.#drain() > 0);
    }

    #stall(): void {
        const warn = () => {
            const seconds = PATIENCE_MS / 1000;
            process.emitWarning(
                `Events have been waiting for ${seconds} s, because a subscription's handler has not settled ` +
                    'its promise, or nobody iterates over a subscription without a handler.',
                'DirectusRealtimeWarning',
            );
        };
        const warning = setTimeout(warn, PATIENCE_MS);
        const look = setInterval(() => {
            this.#hasNews = true;
            this.#resume();
        }, LOOK_MS);
        warning.unref();
        look.unref();
        this.#stalled = { warning, look };
    }

    #endStall(): void {
        clearTimeout(this.#stalled?.warning);
        clearInterval(this.#stalled?.look);
        this.#stalled = undefined;
    }

    ref(): void {
        this.#referenced = true;
        this.#wakeup.ref();
        this.#next?.ref();
    }

    unref(): void {
        this.#referenced = false;
        this.#wakeup.unref();
        this.#next?.unref();
    }

    close(): void {
        this.#closed = true;
        this.#endStall();
        clearImmediate(this.#next);
        this.#wakeup.close();
    }
}
