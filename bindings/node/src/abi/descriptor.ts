/** A second descriptor for what the library's own refers to, for Node to own and close. */

import { load } from 'koffi';
import { DirectusRealtimeError } from '../errors.js';

const F_DUPFD_CLOEXEC = process.platform === 'darwin' ? 67 : 1030;

/** Not below this, where standard input and its like are. */
const LOWEST = 3;

let fcntl: ((fd: number, command: number, type: 'int', lowest: number) => number) | undefined;

export function duplicate(fd: number): number {
    fcntl ??= load(null).func('fcntl', 'int', ['int', 'int', '...']);
    const copy = fcntl(fd, F_DUPFD_CLOEXEC, 'int', LOWEST);
    if (copy < 0) {
        const message =
            'the descriptor that wakes the event loop cannot be duplicated: too many files are open';
        throw new DirectusRealtimeError('DRT_ERR_IO', message);
    }
    return copy;
}
