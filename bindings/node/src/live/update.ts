/** What a live collection tells of its changes. */

import type { ServerError } from '../errors.js';

/**
 * `'loading'`: the rows are not there yet. `'current'`: they are the server's, as far as it has reported.
 * `'stale'`: they may be old, because there is no link, what was missed is being read, or the server does
 * not show them at present. `'ended'`: it is closed, or the server has refused it.
 */
export type LiveStatus = (typeof STATUSES)[number];

/** By number. */
export const STATUSES = ['loading', 'current', 'stale', 'ended'] as const;

interface ChangeBase<T> {
    /** The primary key. */
    key: string | number;
    /** The row; of a removed one, as it was last. */
    row: T;
}

/** The row was inserted at `newIndex`. */
export interface AddedRow<T> extends ChangeBase<T> {
    kind: 'added';
    oldIndex: undefined;
    newIndex: number;
}

/** The row is another one now, or at another place: removed at `oldIndex`, then inserted at `newIndex`. */
export interface ModifiedRow<T> extends ChangeBase<T> {
    kind: 'modified';
    oldIndex: number;
    newIndex: number;
}

/** The row was removed at `oldIndex`. */
export interface RemovedRow<T> extends ChangeBase<T> {
    kind: 'removed';
    oldIndex: number;
    newIndex: undefined;
}

/** One step. The indices are those that hold after the steps before it. */
export type LiveChange<T = any> = AddedRow<T> | ModifiedRow<T> | RemovedRow<T>;

/** From one consistent state of a live collection to the next. */
export interface LiveUpdate<T = any> {
    uid: string;
    collection: string;
    /** The status from now on. A change of it comes as an update, too, perhaps without changes. */
    status: LiveStatus;
    /** How many updates have changed rows so far. */
    revision: number;
    /** How many rows there are now. */
    count: number;
    /** The steps that lead from the rows before to those of now. */
    changes: readonly LiveChange<T>[];
    /** The server's error, where that is why the status is `'stale'` or `'ended'`. */
    error: ServerError | undefined;
}

/**
 * Gets the updates of a live collection, one after the other. While a promise that it returned is pending,
 * the updates that come are merged into one.
 */
export type LiveCallback<T = any> = (update: LiveUpdate<T>) => unknown;

/** What `verify()` has found. The differences are repaired, by an ordinary update. */
export interface Verification {
    /** Whether the rows were those of the server. */
    equal: boolean;
    /** How many rows the server has shown. */
    rows: number;
    /** How many rows were missing, where they were not equal. */
    added?: number;
    /** How many were others. */
    modified?: number;
    /** How many were too many. */
    removed?: number;
}
