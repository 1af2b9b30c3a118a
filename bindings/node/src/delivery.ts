/** Takes what waits in the library, batch by batch, and gives the event loop a turn between two batches. */

import type { AsyncResource } from 'node:async_hooks';
import type { Socket } from 'node:net';
import { dup, openSocket } from './abi/descriptor.js';
import type { Batch } from './abi/index.js';

const MAX_ROWS = 256;
/** The size of a batch to aim at, in characters of JSON. */
const BATCH_CHARS = 256 * 1024;

export class Delivery {
    /** A byte comes when something waits, and another one after each batch that leaves something. */
    readonly #socket: Socket;
    readonly #deliver: () => Batch;
    #maxRows = MAX_ROWS;
    #next: NodeJS.Immediate | undefined;

    /** Batches are delivered in `context`, whatever woke the event loop. `deliver` takes and delivers one. */
    constructor(fd: number, context: AsyncResource, deliver: (maxRows: number) => Batch) {
        this.#deliver = () => context.runInAsyncScope(deliver, undefined, this.#maxRows);
        // What is read has no meaning.
        const onread = { buffer: Buffer.alloc(16), callback: () => this.#run() };
        this.#socket = openSocket(dup(fd), onread);
    }

    #run(): true {
        const { rows, weight } = this.#deliver();
        if (rows.length > 0) {
            // One small row says little of those behind it.
            const most = Math.min(MAX_ROWS, Math.floor(BATCH_CHARS / weight), 2 * this.#maxRows);
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
