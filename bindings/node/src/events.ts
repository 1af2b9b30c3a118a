/** The events that a subscription's callback gets. */

import type { ServerError } from './errors.js';
import type { ChangeType } from './options.js';

/** The data of a `delete` event: the primary key of the item. */
export type Deleted<T> = T extends { id: infer Id } ? { id: Id } : Partial<T>;

interface EventBase {
    /** The subscription's uid. */
    uid: string;
    collection: string;
    /** The server's `meta`, where the query asks for it. */
    meta?: unknown;
    /**
     * Counts the client's events from 1, without holes. Only events that were dropped because too many
     * waited in this process leave a hole, and an `init` with `resync` follows.
     */
    sequence: number;
    /** The item's position in its server message, from 0. */
    index: number;
    /** The number of items in that message. */
    count: number;
}

/**
 * The snapshot, which replaces everything that was known before. It is the first event, and comes again,
 * with `resync`, after each gap. `data` is null with the option `event`, unless that names all changes.
 */
export interface InitEvent<Init> extends EventBase {
    type: 'init';
    data: Init;
    resync: boolean;
}

interface ChangeBase extends EventBase {
    /** True where the item was read again, and is not as it was last reported: see the option `settleMs`. */
    settled?: true;
}

/** An item was created. */
export interface CreateEvent<T> extends ChangeBase {
    type: 'create';
    data: T;
}

/** An item was updated. */
export interface UpdateEvent<T> extends ChangeBase {
    type: 'update';
    data: T;
}

/** An item was deleted. */
export interface DeleteEvent<T> extends ChangeBase {
    type: 'delete';
    data: Deleted<T>;
}

/** The server withheld an event, or, where `ended` is true, refused the subscription, which has ended. */
export interface ErrorEvent extends EventBase {
    type: 'error';
    data: ServerError;
    ended: boolean;
}

export type RealtimeEvent<T = any, Init = T[]> =
    InitEvent<Init> | CreateEvent<T> | UpdateEvent<T> | DeleteEvent<T> | ErrorEvent;

/** A `RealtimeEvent` that is neither a snapshot nor an error. */
export type ChangeEvent<T = any> = CreateEvent<T> | UpdateEvent<T> | DeleteEvent<T>;

/** Items were created, with `granularity: 'message'`. */
export interface CreateMessage<T> extends EventBase {
    type: 'create';
    data: T[];
}

/** Items were updated, with `granularity: 'message'`. */
export interface UpdateMessage<T> extends EventBase {
    type: 'update';
    data: T[];
}

/** Items were deleted, with `granularity: 'message'`. `data` has their keys as the server writes them. */
export interface DeleteMessage extends EventBase {
    type: 'delete';
    data: (string | number)[];
}

/** The events with `granularity: 'message'`, in place of `RealtimeEvent`. */
export type RealtimeMessage<T = any, Init = T[]> =
    InitEvent<Init> | CreateMessage<T> | UpdateMessage<T> | DeleteMessage | ErrorEvent;

export type RealtimeEventType = RealtimeEvent['type'];

/**
 * Whether an event reports a change. For callbacks that need neither errors nor the `init` that comes
 * first, and again after each gap.
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
