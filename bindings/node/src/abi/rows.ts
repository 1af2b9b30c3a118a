/** What the library delivers: rows of one JSON array, which begin with their kind. */

import type { RealtimeEvent, RealtimeEventType } from '../events.js';

export const EVENT = 0;
export const STATE = 1;
export const TOKEN_WANTED = 2;
export const REPLY = 3;
export const RELEASED = 4;

/** `id` is the number that the subscription or request was made with; `data`, `meta` and `answer` are null where there is none. */
export type EventRow = [
    type: typeof EVENT,
    id: number,
    kind: number,
    flags: number,
    sequence: number,
    index: number,
    count: number,
    data: unknown,
    meta: unknown,
];
export type StateRow = [type: typeof STATE, state: number, reason: number, message: string];
export type TokenRow = [type: typeof TOKEN_WANTED, reason: number];
/** `answer` is what the server has answered, or its error object. */
export type ReplyRow = [
    type: typeof REPLY,
    id: number,
    status: number,
    answer: Record<string, unknown> | null,
    message: string,
];
/** Nothing more comes with this id. */
export type ReleasedRow = [type: typeof RELEASED, id: number];

export type Row = EventRow | StateRow | TokenRow | ReplyRow | ReleasedRow;

const FLAG_RESYNC = 1;
const FLAG_ENDED = 2;
const FLAG_SETTLED = 4;

/** By kind. */
const TYPES: readonly RealtimeEventType[] = ['init', 'create', 'update', 'delete', 'error'];

/** The row as an event of the subscription `origin`. */
export function toEvent(row: EventRow, origin: { uid: string; collection: string }): RealtimeEvent {
    const flags = row[3];
    const event = {
        type: TYPES[row[2]],
        data: row[7],
        uid: origin.uid,
        collection: origin.collection,
        // Counted when the event is delivered, because it may be dropped before.
        sequence: 0,
        index: row[5],
        count: row[6],
    } as RealtimeEvent;
    if (row[8] !== null) {
        event.meta = row[8];
    }
    if (event.type === 'init') {
        event.resync = (flags & FLAG_RESYNC) !== 0;
    } else if (event.type === 'error') {
        event.ended = (flags & FLAG_ENDED) !== 0;
    } else if ((flags & FLAG_SETTLED) !== 0) {
        event.settled = true;
    }
    return event;
}
