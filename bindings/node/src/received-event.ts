/** An event whose data is parsed on first use, or with those around it, where those before were used. */

import { inspect } from 'node:util';
import type { Batch, DataUse } from './abi/rows.js';
import type { RealtimeEvent, RealtimeEventType } from './events.js';

const FLAG_RESYNC = 1;
const FLAG_ENDED = 2;
const FLAG_SETTLED = 4;

/** By kind. */
const TYPES: readonly RealtimeEventType[] = ['init', 'create', 'update', 'delete', 'error'];

class ReceivedEvent {
    declare readonly type: RealtimeEventType;
    declare readonly uid: string;
    declare readonly collection: string;
    declare sequence: number;
    declare readonly index: number;
    declare readonly count: number;
    declare readonly meta?: unknown;
    declare readonly resync?: boolean;
    declare readonly ended?: boolean;
    declare readonly settled?: true;
    declare data: unknown;
    /** Where `data` is parsed on first use: JSON before that, which keeps the text of the whole batch in memory. */
    #data: unknown;
    /** Marked at the first use. */
    #use: DataUse | undefined;

    /** Every event has it for its own, so that copies of the event have it, too. */
    static readonly #LAZY_DATA: PropertyDescriptor & ThisType<ReceivedEvent> = {
        get() {
            return ReceivedEvent.#of(this).#parsed();
        },
        set(data: unknown) {
            const event = ReceivedEvent.#of(this);
            event.#use = undefined;
            event.#data = data;
        },
        enumerable: true,
        configurable: true,
    };

    /** The event, or the one behind a proxy of Vue's: proxies have no private members. */
    static #of(event: ReceivedEvent | { __v_raw: ReceivedEvent }): ReceivedEvent {
        return #data in event ? event : event.__v_raw;
    }

    constructor(batch: Batch, at: number, origin: { uid: string; collection: string }) {
        const flags = batch.flags(at);
        const meta = batch.meta(at);
        this.type = TYPES[batch.eventKind(at)]!;
        this.uid = origin.uid;
        this.collection = origin.collection;
        // Counted when the event is delivered, because it may be dropped before.
        this.sequence = 0;
        this.index = batch.index(at);
        this.count = batch.count(at);
        if (meta !== '') {
            this.meta = JSON.parse(meta);
        }
        if (this.type === 'init') {
            this.resync = (flags & FLAG_RESYNC) !== 0;
        } else if (this.type === 'error') {
            this.ended = (flags & FLAG_ENDED) !== 0;
        } else if ((flags & FLAG_SETTLED) !== 0) {
            this.settled = true;
        }
        const value = batch.value(at);
        if (value !== undefined) {
            this.data = value;
        } else {
            this.#data = batch.data(at);
            this.#use = batch.use;
            Object.defineProperty(this, 'data', ReceivedEvent.#LAZY_DATA);
        }
    }

    #parsed(): unknown {
        const use = this.#use;
        if (use !== undefined) {
            use.isRead = true;
            this.#data = JSON.parse(this.#data as string);
            this.#use = undefined;
        }
        return this.#data;
    }

    /** `console.log` would not show the data. */
    [inspect.custom](): object {
        return { ...this };
    }
}

/** The row as an event of the subscription `origin`. */
export function toEvent(
    batch: Batch,
    at: number,
    origin: { uid: string; collection: string },
): RealtimeEvent {
    return new ReceivedEvent(batch, at, origin) as unknown as RealtimeEvent;
}
