/** File descriptors of the library. */

import { connect, Socket, type OnReadOpts } from 'node:net';
import { load } from 'koffi';
import { DirectusRealtimeError } from '../errors.js';

const F_DUPFD_CLOEXEC = process.platform === 'darwin' ? 67 : 1030;

/** Above standard input, output and error. */
const LOWEST = 3;

let fcntl: ((fd: number, command: number, type: 'int', lowest: number) => number) | undefined;

/** Duplicates a descriptor of the library, so that Node can own and close the copy. */
export function dup(fd: number): number {
    fcntl ??= load(null).func('fcntl', 'int', ['int', 'int', '...']);
    const copy = fcntl(fd, F_DUPFD_CLOEXEC, 'int', LOWEST);
    if (copy < 0) {
        const message = 'cannot duplicate the file descriptor that wakes the event loop: too many open files';
        throw new DirectusRealtimeError('DRT_ERR_IO', message);
    }
    return copy;
}

/** A socket that reads from a descriptor, which it owns, and wakes the event loop for that only. */
export function openSocket(fd: number, onread?: OnReadOpts): Socket {
    const socket =
        process.versions['bun'] === undefined
            ? new Socket({ fd, readable: true, writable: false, ...(onread && { onread }) })
            : connectInBun(fd, onread);
    // The library closes the other end: that is no error here.
    return socket.on('error', () => {});
}

/** In Bun, a socket that is made for a descriptor never reads; one that is connected to it does. */
function connectInBun(fd: number, onread: OnReadOpts | undefined): Socket {
    const socket = connect({ fd } as object as { path: string });
    if (onread !== undefined) {
        socket.on('data', (bytes) => void onread.callback(bytes.length, bytes as Uint8Array));
    }
    return socket;
}
