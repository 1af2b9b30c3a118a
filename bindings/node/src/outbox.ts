/** A bounded queue of messages that wait for a link, in order. */

import { DirectusRealtimeError } from './errors.js';
import type { StateChange } from './state.js';

/** What an outbox needs of its client. */
export interface Sender {
    /** Sends a message. Throws `DRT_ERR_NOT_CONNECTED` where there is no link. */
    send(message: string): void;
    /** Connects the client if it is new. */
    begin(): void;
    /** Why the client has failed, so that no link will come, if it has. */
    failure(): DirectusRealtimeError | undefined;
}

export class Outbox {
    readonly #sender: Sender;
    readonly #limit: number;
    #waiting: string[] = [];
    #bytes = 0;

    /** At most `limit` bytes of messages wait. */
    constructor(sender: Sender, limit: number) {
        this.#sender = sender;
        this.#limit = limit;
    }

    /** Sends a message after those that wait, or queues it. */
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
                `the client is not connected, and ${this.#bytes} bytes of messages are queued already: this ` +
                `message of ${bytes} bytes would exceed sendQueueBytes, ${this.#limit}`;
            throw new DirectusRealtimeError('DRT_ERR_QUEUE_FULL', sentence);
        }
        this.#waiting.push(message);
        this.#bytes += bytes;
    }

    /** Sends the queued messages, as long as there is a link. */
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

    /** Sends the queue when the client is connected, and drops it when no link will come. */
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

    /** A process warning, because the calls that queued the messages have returned long ago. */
    #warn(count: number, why: string): void {
        const messages = count === 1 ? '1 message' : `${count} messages`;
        process.emitWarning(`${messages} could not be sent: ${why}`, 'DirectusRealtimeWarning');
    }
}

function isNotConnected(error: unknown): boolean {
    return error instanceof DirectusRealtimeError && error.code === 'DRT_ERR_NOT_CONNECTED';
}
