/** Takes what waits in the library, batch by batch, and gives the event loop a turn between two batches. */

import type { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { dup, openSocket } from './abi/descriptor.js';
import { MAX_ROWS, newIndex, type Batch } from './abi/rows.js';

/** The size of a batch to aim at, in bytes of JSON. */
const BATCH_BYTES = 256 * 1024;

type Deliver = (maxRows: number, index: Uint32Array) => Batch;

export class Delivery {
    /** A byte comes when something waits, and another one after each batch that leaves something. */
    readonly #socket: Socket;
    readonly #deliver: () => Batch;
    #maxRows = MAX_ROWS;
    #next: NodeJS.Immediate | undefined;

    /** Batches are delivered in `context`, whatever woke the event loop. `deliver` takes and delivers one. */
    constructor(fd: number, context: AsyncResource, deliver: Deliver) {
        const index = newIndex();
        this.#deliver = () => context.runInAsyncScope(deliver, undefined, this.#maxRows, index);
        // What is read has no meaning.
        const onread = { buffer: Buffer.alloc(16), callback: () => this.#run() };
        this.#socket = openSocket(dup(fd), onread);
    }

    #run(): true {
        const { length, weight } = this.#deliver();
        if (length > 0) {
            // One small row says little of those behind it.
            const most = Math.min(MAX_ROWS, Math.floor(BATCH_BYTES / weight), 2 * this.#maxRows);
            this.#maxRows = Math.max(1, most);
            // Sooner than the byte where the machine is busy. Not what keeps the process alive.
            this.#next ??= setImmediate(() => {
                this.#next = undefined;
                if (!this.#socket.destroyed) {
                    this.#run();
                }
            }).unref();
        }
        return true;
    }

    ref(): void {
        this.#socket.ref();
    }

    unref(): void {
        this.#socket.unref();
    }

    close(): void {
        this.#socket.destroy();
    }
}
