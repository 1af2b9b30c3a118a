/** Wakes the event loop when the library has something: its descriptor as a socket of Node's. */

import { Socket } from 'node:net';
import { duplicate } from './abi/descriptor.js';

export class Wakeup {
    readonly #socket: Socket;

    /** What is read says nothing: it is there to be read, and `wake` to look what there is. */
    constructor(fd: number, wake: () => void) {
        const onread = {
            buffer: Buffer.alloc(16),
            callback: () => {
                wake();
                return true;
            },
        };
        const options = { fd: duplicate(fd), readable: true, writable: false, onread };
        this.#socket = new Socket(options);
        // It ends with the client.
        this.#socket.on('error', () => {});
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
