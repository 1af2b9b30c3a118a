/** How the library writes one event: as a row of a JSON array. */

import type { RealtimeEvent, RealtimeEventType } from '../events.js';

/** The subscription's id, kind, flags, sequence, index, count, data, and meta where the server sent any. */
export type EventRow = readonly [number, number, number, number, number, number, unknown, unknown?];

const FLAG_RESYNC = 1;
const FLAG_ENDED = 2;

/** By kind. */
const TYPES: readonly RealtimeEventType[] = ['init', 'create', 'update', 'delete', 'error'];

/** The id with which the event's subscription was made. */
export function subscriptionIdOf(row: EventRow): number {
    return row[0];
}

/** The row as an event of the subscription `origin`. */
export function toEvent(row: EventRow, origin: { uid: string; collection: string }): RealtimeEvent {
    const [, kind, flags, sequence, index, count, data, meta] = row;
    const { uid, collection } = origin;
    const type = TYPES[kind];
    const event = { type, data, uid, collection, sequence, index, count } as RealtimeEvent;
    if (meta !== undefined) {
        event.meta = meta;
    }
    if (event.type === 'init') {
        event.resync = (flags & FLAG_RESYNC) !== 0;
    } else if (event.type === 'error') {
        event.ended = (flags & FLAG_ENDED) !== 0;
    }
    return event;
}
