/** Wakes the event loop when something waits in the library, by reading its file descriptor as a socket. */

import { Socket } from 'node:net';
import { dup } from './abi/dup.js';

export class Wakeup {
    readonly #socket: Socket;

    /** Calls `wake` whenever `fd` becomes readable. The bytes that are read have no meaning. */
    constructor(fd: number, wake: () => void) {
        const onread = {
            buffer: Buffer.alloc(16),
            callback: () => {
                wake();
                return true;
            },
        };
        const options = { fd: dup(fd), readable: true, writable: false, onread };
        this.#socket = new Socket(options);
        // The other end is closed with the client: that is no error here.
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
