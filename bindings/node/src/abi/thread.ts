/**
 * The end of a worker thread. `worker.terminate()` ends one without a word to the code on it, and
 * the library, whose threads go on, would keep its links for ever. The system has a word: what a
 * thread stores under a key is handed to the key's destructor when the thread ends, however it does.
 * Here that is a client, and `drt_client_disconnect`.
 */

import { address, load, type KoffiFunc, type LibraryHandle } from 'koffi';
import type { Handle } from './types.js';

const KEY = process.platform === 'darwin' ? 'uintptr_t' : 'uint32_t';

interface Pthreads {
    create: KoffiFunc<(key: Uint8Array, destructor: bigint) => number>;
    store: KoffiFunc<(key: number | bigint, value: Handle) => number>;
    remove: KoffiFunc<(key: number | bigint) => number>;
}

export class ThreadEnd {
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

    /** Takes the client's link down when this thread ends. There are not keys for very many. */
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
