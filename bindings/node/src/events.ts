/** The events that a subscription's callback gets. */

import type { ServerError } from './errors.js';
import type { ChangeType } from './options.js';

/** What a deleted item leaves: its primary key. */
export type Deleted<T> = T extends { id: infer Id } ? { id: Id } : Partial<T>;

interface EventBase {
    /** The subscription's uid. */
    uid: string;
    collection: string;
    /** The server's `meta`, where the query asks for it. */
    meta?: unknown;
    /**
     * Counts the client's events from 1, without holes, but for what was dropped because too much
     * waited in this process: that is followed by an `init` with `resync`.
     */
    sequence: number;
    /** The item's place in its server message, */
    index: number;
    /** and the number of items in that message. */
    count: number;
}

/**
 * The snapshot: it replaces what was known before. It is the first event, and comes again, with
 * `resync`, after each gap. `data` is null where only some changes were asked for.
 */
export interface InitEvent<Init> extends EventBase {
    type: 'init';
    data: Init;
    resync: boolean;
}

/** An item was made. */
export interface CreateEvent<T> extends EventBase {
    type: 'create';
    data: T;
}

/** An item was changed. */
export interface UpdateEvent<T> extends EventBase {
    type: 'update';
    data: T;
}

/** An item was deleted. */
export interface DeleteEvent<T> extends EventBase {
    type: 'delete';
    data: Deleted<T>;
}

/** Something was withheld, or, where `ended` says so, the subscription refused: it is over. */
export interface ErrorEvent extends EventBase {
    type: 'error';
    data: ServerError;
    ended: boolean;
}

export type RealtimeEvent<T = any, Init = T[]> =
    InitEvent<Init> | CreateEvent<T> | UpdateEvent<T> | DeleteEvent<T> | ErrorEvent;

/** What is left of `RealtimeEvent` without snapshots and errors. */
export type ChangeEvent<T = any> = CreateEvent<T> | UpdateEvent<T> | DeleteEvent<T>;

/** Items were made, with `granularity: 'message'`. */
export interface CreateMessage<T> extends EventBase {
    type: 'create';
    data: T[];
}

/** Items were changed, with `granularity: 'message'`. */
export interface UpdateMessage<T> extends EventBase {
    type: 'update';
    data: T[];
}

/** Items were deleted, with `granularity: 'message'`: their keys as the server writes them. */
export interface DeleteMessage extends EventBase {
    type: 'delete';
    data: (string | number)[];
}

/** What comes instead of `RealtimeEvent` with `granularity: 'message'`. */
export type RealtimeMessage<T = any, Init = T[]> =
    InitEvent<Init> | CreateMessage<T> | UpdateMessage<T> | DeleteMessage | ErrorEvent;

export type RealtimeEventType = RealtimeEvent['type'];

/**
 * Whether an event reports a change. For handlers that are not interested in the `init` that comes
 * first, and again after each gap, nor in errors.
 */
export function isChange<Event extends { type: RealtimeEventType }>(
    event: Event,
): event is Extract<Event, { type: ChangeType }> {
    return event.type !== 'init' && event.type !== 'error';
}

/**
 * Gets the events of a subscription, one after the other. When it returns a promise, the next event waits
 * until that promise is settled.
 */
export type SubscriptionCallback<T = any, Init = any> = (event: RealtimeEvent<T, Init>) => unknown;

/** The same with `granularity: 'message'`. */
export type MessageCallback<T = any, Init = any> = (event: RealtimeMessage<T, Init>) => unknown;

/** A callback of either kind. */
export type AnyCallback = (event: any) => unknown;
