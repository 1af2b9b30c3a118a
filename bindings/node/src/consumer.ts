/** What a subscription delivers its events to, and how undelivered events are counted. */

import type { RealtimeEvent } from './events.js';
import { Queue } from './queue.js';

/** Counts events that have left the library's queue and are not consumed yet, by weight. */
export interface FlowControl {
    hold(weight: number): void;
    release(weight: number): void;
}

/** Takes the events of one subscription: a callback, or a `for await` loop. */
export interface Consumer {
    /** The weight of the events that wait for this consumer. */
    readonly held: number;
    push(event: RealtimeEvent, weight: number): void;
    /** Drops the events that wait, because there are too many. A fresh snapshot follows. */
    discard(): void;
    /** The subscription has ended: events that wait are dropped. */
    end(): void;
    /** The server has refused the subscription: events that wait are still consumed. */
    refuse(refusal: RealtimeEvent, weight: number, error: Error): void;
    /** The client has failed: no events come until the application acts. */
    fail(error: Error): void;
}

/** The events that wait for one consumer. */
export class Backlog {
    readonly #flow: FlowControl;
    readonly #entries = new Queue<{ event: RealtimeEvent; weight: number }>();
    #held = 0;

    constructor(flow: FlowControl) {
        this.#flow = flow;
    }

    get held(): number {
        return this.#held;
    }

    add(event: RealtimeEvent, weight: number): void {
        this.#entries.push({ event, weight });
        this.#held += weight;
        this.#flow.hold(weight);
    }

    take(): RealtimeEvent | undefined {
        const entry = this.#entries.shift();
        if (entry !== undefined) {
            this.#held -= entry.weight;
            this.#flow.release(entry.weight);
        }
        return entry?.event;
    }

    clear(): void {
        const held = this.#held;
        this.#entries.clear();
        this.#held = 0;
        this.#flow.release(held);
    }
}
