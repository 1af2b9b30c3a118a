/** Takes what waits in the library, batch by batch, and gives the event loop a turn between two batches. */

import type { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { dup, openSocket } from './abi/descriptor.js';
import type { Batch } from './abi/index.js';

const MAX_ROWS = 256;
/** The size of a batch to aim at, in characters of JSON. */
const BATCH_CHARS = 256 * 1024;

export class Delivery {
    /** Receives a byte when something waits. */
    readonly #socket: Socket;
    /** Batches are delivered in this context, whatever woke the event loop. */
    readonly #context: AsyncResource;
    /** Takes and delivers a batch. */
    readonly #deliver: (maxRows: number) => Batch;
    #next: NodeJS.Immediate | undefined;
    #maxRows = MAX_ROWS;
    #isReferenced = true;

    constructor(fd: number, context: AsyncResource, deliver: (maxRows: number) => Batch) {
        this.#context = context;
        this.#deliver = deliver;
        // The bytes have no meaning.
        this.#socket = openSocket(dup(fd), { buffer: Buffer.alloc(16), callback: () => this.#run() });
    }

    #run(): true {
        // While a batch is scheduled, it finds whatever has come.
        if (this.#next === undefined) {
            this.#context.runInAsyncScope(() => this.#deliverBatch());
        }
        return true;
    }

    #deliverBatch(): void {
        const { rows, weight } = this.#deliver(this.#maxRows);
        this.#maxRows = Math.max(1, Math.min(MAX_ROWS, Math.floor(BATCH_CHARS / weight)));
        if (rows.length > 0 && !this.#socket.destroyed) {
            this.#next = setImmediate(() => {
                this.#next = undefined;
                this.#run();
            });
            if (!this.#isReferenced) {
                this.#next.unref();
            }
        }
    }

    ref(): void {
        this.#isReferenced = true;
        this.#socket.ref();
        this.#next?.ref();
    }

    unref(): void {
        this.#isReferenced = false;
        this.#socket.unref();
        this.#next?.unref();
    }

    close(): void {
        clearImmediate(this.#next);
        this.#socket.destroy();
    }
}
