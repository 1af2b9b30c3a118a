/** Messages that wait for a link, in order and up to a bound. */

import { DirectusRealtimeError } from './errors.js';
import type { StateChange } from './state.js';

/** What an outbox needs of its client. */
export interface Sender {
    /** Hands a message to the library, which refuses it where there is no link. */
    send(message: string): void;
    /** Connects a client that is new. */
    begin(): void;
    /** Why no link is to come, if so. */
    failure(): DirectusRealtimeError | undefined;
}

export class Outbox {
    readonly #sender: Sender;
    readonly #limit: number;
    #waiting: string[] = [];
    #bytes = 0;

    /** `limit` is for the bytes of what waits. */
    constructor(sender: Sender, limit: number) {
        this.#sender = sender;
        this.#limit = limit;
    }

    /** Sends a message behind those that wait, or has it wait with them. */
    send(message: string): void {
        this.#sender.begin();
        this.flush();
        if (this.#waiting.length > 0) {
            this.#push(message);
            return;
        }
        try {
            this.#sender.send(message);
        } catch (error) {
            if (!isNotConnected(error) || this.#limit === 0 || this.#sender.failure() !== undefined) {
                throw error;
            }
            this.#push(message);
        }
    }

    #push(message: string): void {
        const bytes = Buffer.byteLength(message);
        if (this.#bytes + bytes > this.#limit) {
            const sentence =
                `there is no usable link, and ${this.#bytes} bytes wait for one already: this message of ` +
                `${bytes} bytes would exceed sendQueueBytes, ${this.#limit}`;
            throw new DirectusRealtimeError('DRT_ERR_QUEUE_FULL', sentence);
        }
        this.#waiting.push(message);
        this.#bytes += bytes;
    }

    /** Sends what waits, as long as there is a link. */
    flush(): void {
        while (this.#waiting.length > 0) {
            try {
                this.#sender.send(this.#waiting[0]!);
            } catch (error) {
                if (isNotConnected(error)) {
                    return;
                }
                this.#warn(1, (error as Error).message);
            }
            this.#bytes -= Buffer.byteLength(this.#waiting.shift()!);
        }
    }

    /** The client's state has changed. */
    update({ state, message }: StateChange): void {
        if (state === 'connected') {
            this.flush();
        } else if (state === 'failed' || state === 'closed') {
            const { length } = this.#waiting;
            this.#waiting = [];
            this.#bytes = 0;
            if (length > 0) {
                this.#warn(length, message);
            }
        }
    }

    /** The call that sent it has returned long ago. */
    #warn(count: number, why: string): void {
        const messages = count === 1 ? '1 message' : `${count} messages`;
        process.emitWarning(`${messages} could not be sent: ${why}`, 'DirectusRealtimeWarning');
    }
}

function isNotConnected(error: unknown): boolean {
    return error instanceof DirectusRealtimeError && error.code === 'DRT_ERR_NOT_CONNECTED';
}
