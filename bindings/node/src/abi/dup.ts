/** Duplicates a file descriptor of the library, so that Node can own and close the copy. */

import { load } from 'koffi';
import { DirectusRealtimeError } from '../errors.js';

const F_DUPFD_CLOEXEC = process.platform === 'darwin' ? 67 : 1030;

/** Above standard input, output and error. */
const LOWEST = 3;

let fcntl: ((fd: number, command: number, type: 'int', lowest: number) => number) | undefined;

export function dup(fd: number): number {
    fcntl ??= load(null).func('fcntl', 'int', ['int', 'int', '...']);
    const copy = fcntl(fd, F_DUPFD_CLOEXEC, 'int', LOWEST);
    if (copy < 0) {
        const message = 'cannot duplicate the file descriptor that wakes the event loop: too many open files';
        throw new DirectusRealtimeError('DRT_ERR_IO', message);
    }
    return copy;
}
