/** Takes the updates of one live collection, and merges those for which the application is not ready. */

import type { Waiter, WaitingEvents } from '../consumer.js';
import type { LiveChange, LiveUpdate } from './update.js';

/** What a consumer needs of its live collection. */
export interface LiveSource {
    readonly waiting: WaitingEvents;
    /** The rows as they are now. */
    rows(): readonly unknown[];
    /** The steps from these rows to those of now. */
    changesFrom(before: readonly unknown[]): LiveChange[];
}

/** Steps that wait, merged. */
interface Merged {
    /** The last one of the updates that wait. */
    update: LiveUpdate;
    /** Their changes, in order. None where too many waited: the rows are compared instead. */
    changes: LiveChange[] | undefined;
    /** The rows before them, where they are known. */
    before: readonly unknown[] | undefined;
}

export abstract class LiveConsumer implements Waiter {
    protected readonly source: LiveSource;
    #merged: Merged | undefined;
    /** The rows before the next update. */
    #before: readonly unknown[] | undefined;
    /** Of the updates that wait, in characters of JSON. */
    weight = 0;
    /** How many updates wait. */
    count = 0;

    constructor(source: LiveSource) {
        this.source = source;
    }

    /** Whether an update that comes now is taken at once, or within this turn of the event loop. */
    protected abstract get isReady(): boolean;

    /** Gives the update to the application. False where it has to wait. */
    protected abstract offer(update: LiveUpdate): boolean;

    /** The server has refused the live collection; `update` is the last one. */
    abstract refuse(update: LiveUpdate, error: Error): void;

    /** The client has failed: no updates come until the application acts. */
    abstract fail(error: Error): void;

    /** An update comes next; the rows are still those before it. */
    prepare(): void {
        this.#before = this.isReady || this.#merged !== undefined ? undefined : this.source.rows();
    }

    push(update: LiveUpdate, weight: number): void {
        if (this.#merged === undefined && this.offer(update)) {
            return;
        }
        const merged = (this.#merged ??= { update, changes: [], before: this.#before });
        merged.update = update;
        if (merged.changes !== undefined) {
            for (const change of update.changes) {
                merged.changes.push(change);
            }
            this.#change(weight, 1);
        }
        this.#before = undefined;
    }

    /** The first update is to add the rows that are there. */
    protected begin(update: LiveUpdate): void {
        this.#merged = { update, changes: undefined, before: [] };
    }

    protected get isWaiting(): boolean {
        return this.#merged !== undefined;
    }

    /** The updates that wait, as one. */
    protected take(): LiveUpdate | undefined {
        const merged = this.#merged;
        if (merged === undefined) {
            return undefined;
        }
        this.#drop();
        const changes = merged.changes ?? this.source.changesFrom(merged.before ?? []);
        return { ...merged.update, changes };
    }

    /** It has ended: updates that wait are dropped. */
    end(): void {
        this.#drop();
    }

    #drop(): void {
        this.#merged = undefined;
        this.#change(-this.weight, -this.count);
    }

    /** Too much waits: changes are found by comparing the rows, once the application is ready. */
    overflow(): void {
        const merged = this.#merged;
        if (merged?.before !== undefined) {
            merged.changes = undefined;
            this.#change(-this.weight, 1 - this.count);
        } else {
            // They are about to be taken.
            this.#change(0, 1 - this.count);
        }
    }

    #change(weight: number, count: number): void {
        this.weight += weight;
        this.count += count;
        this.source.waiting.changed(this, weight, count);
    }
}
