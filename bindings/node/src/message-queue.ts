/** Messages that wait in the library for a link. When none comes, a warning has their number. */

import { DirectusRealtimeError } from './errors.js';
import type { ClientParts } from './parts.js';
import type { StateChange } from './state.js';

export class MessageQueue {
    readonly #client: ClientParts;
    readonly #mayWait: boolean;
    #waiting = 0;

    constructor(client: ClientParts, mayWait: boolean) {
        this.#client = client;
        this.#mayWait = mayWait;
    }

    send(message: string): void {
        const { abi, handle, connection } = this.#client;
        try {
            abi.sendMessage(handle, message);
        } catch (error) {
            const isNoLink = error instanceof DirectusRealtimeError && error.code === 'DRT_ERR_NOT_CONNECTED';
            // A failure that is not reported yet counts as one that comes after the call.
            if (!isNoLink || !this.#mayWait || connection.failure() !== undefined) {
                throw error;
            }
        }
        if (!connection.isConnected) {
            this.#waiting++;
        }
    }

    update({ state, message }: StateChange): void {
        if (state === 'connected' || state === 'failed' || state === 'closed') {
            const count = this.#waiting;
            this.#waiting = 0;
            if (state !== 'connected' && count > 0) {
                const messages = count === 1 ? '1 message' : `${count} messages`;
                // The calls that queued them have returned long ago.
                process.emitWarning(`${messages} could not be sent: ${message}`, 'DirectusRealtimeWarning');
            }
        }
    }
}
