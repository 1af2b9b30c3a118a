/** The events that have left the library's queue and wait for the application. */

import type { RealtimeEvent } from './events.js';
import { Queue } from './queue.js';

/** Takes the events of one subscription: a callback, or a `for await` loop. */
export interface Consumer {
    push(event: RealtimeEvent, weight: number): void;
    /** The subscription has ended: events that wait are dropped. */
    end(): void;
    /** The server has refused the subscription: events that wait are still consumed. */
    refuse(refusal: RealtimeEvent, weight: number, error: Error): void;
    /** The client has failed: no events come until the application acts. */
    fail(error: Error): void;
}

/** A consumer that takes none of so many characters of JSON, for so long, is worth a warning. */
const STALL_CHARS = 1024 * 1024;
const STALL_MS = 10_000;

/** All events of one client that wait, up to a limit. Weights are characters of JSON. */
export class WaitingEvents {
    readonly #limit: number;
    readonly #backlogs = new Set<Backlog>();
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

    add(backlog: Backlog, weight: number): void {
        this.#backlogs.add(backlog);
        this.weight += weight;
        this.count++;
        while (this.weight > this.#limit && this.#makeRoom());
    }

    remove(backlog: Backlog, weight: number, count: number): void {
        this.weight -= weight;
        this.count -= count;
        if (backlog.count === 0) {
            this.#backlogs.delete(backlog);
        }
    }

    /** The largest backlog loses its events. One event alone may always wait. */
    #makeRoom(): boolean {
        const several = [...this.#backlogs].filter(({ count }) => count > 1);
        if (several.length === 0) {
            return false;
        }
        several.reduce((most, each) => (each.weight > most.weight ? each : most)).overflow();
        this.overflows++;
        return true;
    }
}

/** The events that wait for one consumer. */
export class Backlog {
    readonly #all: WaitingEvents;
    readonly #resync: () => void;
    readonly #entries = new Queue<{ event: RealtimeEvent; weight: number }>();
    #warning: NodeJS.Timeout | undefined;
    /** Events were dropped: nothing is accepted before a snapshot, which the consumer asks for when it is ready. */
    #gap: 'none' | 'open' | 'asked' = 'none';
    weight = 0;
    count = 0;

    /** `resync` asks for a snapshot. */
    constructor(all: WaitingEvents, resync: () => void) {
        this.#all = all;
        this.#resync = resync;
    }

    /** Whether an event is to be delivered. */
    accepts(event: RealtimeEvent): boolean {
        if (event.type === 'init' && event.resync) {
            this.#gap = 'none';
        }
        return this.#gap === 'none';
    }

    add(event: RealtimeEvent, weight: number): void {
        this.#entries.push({ event, weight });
        this.weight += weight;
        this.count++;
        if (this.weight > STALL_CHARS) {
            this.#warning ??= setTimeout(warnOfStall, STALL_MS).unref();
        }
        this.#all.add(this, weight);
    }

    /** The next event, for a consumer that is ready for it. */
    take(): RealtimeEvent | undefined {
        const entry = this.#entries.shift();
        if (entry !== undefined) {
            this.#remove(entry.weight, 1);
        } else if (this.#gap === 'open') {
            this.#gap = 'asked';
            this.#resync();
        }
        return entry?.event;
    }

    clear(): void {
        this.#entries.clear();
        this.#remove(this.weight, this.count);
    }

    overflow(): void {
        this.#gap = 'open';
        this.clear();
    }

    #remove(weight: number, count: number): void {
        clearTimeout(this.#warning);
        this.#warning = undefined;
        this.weight -= weight;
        this.count -= count;
        this.#all.remove(this, weight, count);
    }
}

function warnOfStall(): void {
    process.emitWarning(
        `Events have been waiting for ${STALL_MS / 1000} s: a subscription's callback has not settled its ` +
            'promise, or no loop iterates over a subscription without a callback.',
        'DirectusRealtimeWarning',
    );
}
