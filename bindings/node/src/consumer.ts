/** The events that have left the library's queue and wait for the application. */

import type { RealtimeEvent } from './events.js';
import { Queue } from './queue.js';

/** A consumer that takes none of so many bytes of JSON, for so long, is worth a warning. */
const STALL_BYTES = 1024 * 1024;
const STALL_MS = 10_000;

/** Something for which events wait. */
export interface Waiter {
    /** In bytes of JSON. */
    readonly weight: number;
    readonly count: number;
    /** Too much waits: it frees what it can, and keeps at most one. */
    overflow(): void;
}

/** All events of one client that wait, up to a limit. Weights are bytes of JSON. */
export class WaitingEvents {
    readonly #limit: number;
    readonly #consumers = new Set<Waiter>();
    #sequence = 0;
    weight = 0;
    count = 0;
    /** How often a consumer has lost the events that waited for it. */
    overflows = 0;

    constructor(limit: number) {
        this.#limit = limit;
    }

    /** An event is delivered: it gets its number, unless another consumer had it before. */
    number(event: RealtimeEvent): RealtimeEvent {
        event.sequence ||= ++this.#sequence;
        return event;
    }

    changed(consumer: Waiter, weight: number, count: number): void {
        this.weight += weight;
        this.count += count;
        if (consumer.count === 0) {
            this.#consumers.delete(consumer);
        } else {
            this.#consumers.add(consumer);
        }
        while (this.weight > this.#limit && this.#makeRoom());
    }

    /** The consumer for which most waits loses it. One event alone may always wait. */
    #makeRoom(): boolean {
        const several = [...this.#consumers].filter(({ count }) => count > 1);
        if (several.length === 0) {
            return false;
        }
        this.overflows++;
        several.reduce((most, each) => (each.weight > most.weight ? each : most)).overflow();
        return true;
    }
}

/** Takes the events of one subscription: for a callback, or for a `for await` loop. */
export abstract class Consumer implements Waiter {
    readonly #waiting: WaitingEvents;
    readonly #resync: () => void;
    readonly #entries = new Queue<{ event: RealtimeEvent; weight: number }>();
    #warning: NodeJS.Timeout | undefined;
    /** Events were dropped: nothing is accepted before a snapshot, for which a consumer asks when it is ready. */
    #gap: 'none' | 'open' | 'asked' = 'none';
    weight = 0;
    count = 0;

    /** `resync` asks for a snapshot. */
    constructor(waiting: WaitingEvents, resync: () => void) {
        this.#waiting = waiting;
        this.#resync = resync;
    }

    /** Gives the event to the application. False where the application is not ready for it. */
    protected abstract offer(event: RealtimeEvent): boolean;

    /** The server has refused the subscription: events that wait are still consumed. */
    abstract refuse(refusal: RealtimeEvent, weight: number, error: Error): void;

    /** The client has failed: no events come until the application acts. */
    abstract fail(error: Error): void;

    push(event: RealtimeEvent, weight: number): void {
        if (event.type === 'init' && event.resync) {
            this.#gap = 'none';
        }
        if (this.#gap === 'none') {
            this.pushAlways(event, weight);
        }
    }

    /** Also after a gap. */
    protected pushAlways(event: RealtimeEvent, weight: number): void {
        if (this.offer(event)) {
            return;
        }
        // Parsed, as its text would keep that of the whole batch in memory.
        void event.data;
        this.#entries.push({ event, weight });
        this.#change(weight, 1);
        if (this.weight > STALL_BYTES) {
            this.#warning ??= setTimeout(warnOfStall, STALL_MS).unref();
        }
    }

    /** The next event that waits, for an application that is ready for it. */
    protected take(): RealtimeEvent | undefined {
        const entry = this.#entries.shift();
        if (entry !== undefined) {
            this.#endWarning();
            this.#change(-entry.weight, -1);
        } else if (this.#gap === 'open') {
            this.#gap = 'asked';
            this.#resync();
        }
        return entry?.event;
    }

    protected number(event: RealtimeEvent): RealtimeEvent {
        return this.#waiting.number(event);
    }

    /** The subscription has ended: events that wait are dropped. */
    end(): void {
        this.#endWarning();
        this.#entries.clear();
        this.#change(-this.weight, -this.count);
    }

    /** Too much waits. */
    overflow(): void {
        this.#gap = 'open';
        this.#entries.clear();
        this.#change(-this.weight, -this.count);
    }

    #change(weight: number, count: number): void {
        this.weight += weight;
        this.count += count;
        this.#waiting.changed(this, weight, count);
    }

    #endWarning(): void {
        clearTimeout(this.#warning);
        this.#warning = undefined;
    }
}

function warnOfStall(): void {
    process.emitWarning(
        `Events have been waiting for ${STALL_MS / 1000} s: a subscription's callback has not settled its ` +
            'promise, or no loop iterates over a subscription without a callback.',
        'DirectusRealtimeWarning',
    );
}
