/** A subscription's events for `for await`. */

import type { RealtimeEvent } from './events.js';
import { Waiting, type Consumer, type Ledger } from './lane.js';

type Result = IteratorResult<RealtimeEvent, undefined>;

const DONE: Result = { value: undefined, done: true };

export class EventIterator implements AsyncIterableIterator<RealtimeEvent>, Consumer {
    readonly #waiting: Waiting;
    readonly #onReturn: (iterator: EventIterator) => void;
    #asked: { resolve: (result: Result) => void; reject: (error: Error) => void }[] = [];
    #over = false;
    #error: Error | undefined;

    /** `onReturn` is called when the loop over it was left. */
    constructor(ledger: Ledger, onReturn: (iterator: EventIterator) => void) {
        this.#waiting = new Waiting(ledger);
        this.#onReturn = onReturn;
    }

    push(event: RealtimeEvent, weight: number): void {
        const asked = this.#asked.shift();
        if (asked !== undefined) {
            asked.resolve({ value: event, done: false });
        } else if (!this.#over) {
            this.#waiting.add(event, weight);
        }
    }

    end(): void {
        this.#over = true;
        this.#waiting.clear();
        this.#answer();
    }

    refuse(_refusal: RealtimeEvent, _weight: number, error: Error): void {
        this.#over = true;
        this.#error = error;
        this.#answer();
    }

    next(): Promise<Result> {
        const event = this.#waiting.take();
        if (event !== undefined) {
            return Promise.resolve({ value: event, done: false });
        }
        return new Promise((resolve, reject) => {
            this.#asked.push({ resolve, reject });
            if (this.#over) {
                this.#answer();
            }
        });
    }

    return(): Promise<Result> {
        this.end();
        this.#onReturn(this);
        return Promise.resolve(DONE);
    }

    [Symbol.asyncIterator](): this {
        return this;
    }

    /** Nothing comes any more: whoever asks learns it, the first one also why. */
    #answer(): void {
        for (const { resolve, reject } of this.#asked.splice(0)) {
            const error = this.#error;
            this.#error = undefined;
            if (error !== undefined) {
                reject(error);
            } else {
                resolve(DONE);
            }
        }
    }
}
