/**
 * Disconnects the clients of a worker thread when the thread ends. `worker.terminate()` runs no more code
 * of JavaScript on the thread, but the library's own threads would go on and keep the links open. So each
 * client is stored as a thread-specific value of pthreads, whose destructor is `drt_client_disconnect`:
 * the system calls it when the thread ends, however it ends.
 */

import { address, load, type KoffiFunc, type LibraryHandle } from 'koffi';
import type { Handle } from './types.js';

const KEY = process.platform === 'darwin' ? 'uintptr_t' : 'uint32_t';

interface Pthreads {
    create: KoffiFunc<(key: Uint8Array, destructor: bigint) => number>;
    store: KoffiFunc<(key: number | bigint, value: Handle) => number>;
    remove: KoffiFunc<(key: number | bigint) => number>;
}

export class ThreadExit {
    readonly #pthreads: Pthreads;
    readonly #disconnect: bigint;
    readonly #keys = new Map<Handle, number | bigint>();

    constructor(library: LibraryHandle) {
        const system = load(null);
        this.#pthreads = {
            create: system.func('pthread_key_create', 'int', ['void *', 'uintptr_t']),
            store: system.func('pthread_setspecific', 'int', [KEY, 'uintptr_t']),
            remove: system.func('pthread_key_delete', 'int', [KEY]),
        } as unknown as Pthreads;
        this.#disconnect = address(library.symbol('drt_client_disconnect'));
    }

    /** Disconnects the client when this thread ends. Does nothing when the system has no more keys. */
    watch(client: Handle): void {
        const room = new Uint8Array(8);
        if (this.#pthreads.create(room, this.#disconnect) !== 0) {
            return;
        }
        const view = new DataView(room.buffer);
        const key = KEY === 'uint32_t' ? view.getUint32(0, true) : view.getBigUint64(0, true);
        this.#pthreads.store(key, client);
        this.#keys.set(client, key);
    }

    unwatch(client: Handle): void {
        const key = this.#keys.get(client);
        if (key !== undefined) {
            this.#keys.delete(client);
            this.#pthreads.remove(key);
        }
    }
}
