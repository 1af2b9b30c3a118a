/**
 * Everything that the library delivers to a client, batch by batch. This is the only module that C calls
 * back: to the rest of the package, a callback is a `Notification` in a batch.
 */

import { decode, register } from 'koffi';
import type { DirectusRealtimeError } from '../errors.js';
import { stateName, type StateChange } from '../state.js';
import type { EventRow } from './event-row.js';
import { translateMessage } from './messages.js';
import { OK, type Types } from './types.js';

/** Something that the library reports, and that is no event. */
export type Notification =
    | { type: 'state'; change: StateChange }
    /** A token is wanted; `error` is why the last one cannot be used, if there was one. */
    | { type: 'token'; error: DirectusRealtimeError | undefined }
    /** The reply to the request `id`: the server's answer, or its error object, as JSON. */
    | { type: 'reply'; id: number; error: DirectusRealtimeError | undefined; json: string | undefined }
    /** Nothing more is delivered for the subscription `id`. */
    | { type: 'released'; id: number };

export interface Batch {
    /** Older than the events: the library ends a batch of events before it reports anything else. */
    readonly notifications: readonly Notification[];
    readonly events: readonly EventRow[];
    /** The average size of an event, in characters of JSON; at least 1 where there are events. */
    readonly weight: number;
    readonly isEmpty: boolean;
}

/** The library's call that returns the events that wait, and makes the callbacks that wait. */
export type Drain = (maxEvents: number) => { json: string; drained: number };

/** Callbacks that the library has made. They become notifications when its call has returned. */
type PendingCallbacks = (() => Notification)[];

/** The functions that C calls. All clients of a thread share them: koffi has room for only so many. */
export class Callbacks {
    readonly state: bigint;
    readonly token: bigint;
    readonly reply: bigint;
    readonly release: bigint;
    #pending: PendingCallbacks | undefined;

    constructor(types: Types, errorOf: (status: number, message: string) => DirectusRealtimeError) {
        // They must not throw into C, nor call the library from within its own call.
        const later = (notification: () => Notification) => void this.#pending?.push(notification);
        const errorUnlessOk = (status: number, message: string) =>
            status === OK ? undefined : errorOf(status, message);

        this.state = register((_: bigint, number: number, reason: number, text: string) => {
            later(() => {
                const message = translateMessage(text);
                const error = errorUnlessOk(reason, message);
                return { type: 'state', change: { state: stateName(number), message, error } };
            });
        }, types.onState);
        this.token = register((_: bigint, reason: number) => {
            later(() => ({ type: 'token', error: errorUnlessOk(reason, '') }));
        }, types.onToken);
        this.reply = register((status: number, text: bigint | null, length: number, id: number) => {
            // The text is gone when the callback has returned.
            const json = text === null ? undefined : decode.string(text, length);
            later(() => ({ type: 'reply', id, error: errorUnlessOk(status, ''), json }));
        }, types.onReply);
        // Also called outside of a drain, when subscribing fails: then there is nothing to release.
        this.release = register((id: number) => {
            later(() => ({ type: 'released', id }));
        }, types.onRelease);
    }

    /** Runs `call`, and collects the callbacks that it makes. */
    collect<T>(pending: PendingCallbacks, call: () => T): T {
        this.#pending = pending;
        try {
            return call();
        } finally {
            this.#pending = undefined;
        }
    }
}

/** What waits for one client. */
export class Inbox {
    /** Readable while something waits. */
    readonly fd: number;
    readonly #callbacks: Callbacks;
    readonly #drain: Drain;
    readonly #pending: PendingCallbacks = [];

    constructor(fd: number, callbacks: Callbacks, drain: Drain) {
        this.fd = fd;
        this.#callbacks = callbacks;
        this.#drain = drain;
    }

    /** The next batch; empty when nothing waits. */
    read(maxEvents: number): Batch {
        const { json, drained } = this.#callbacks.collect(this.#pending, () => this.#drain(maxEvents));
        const events = JSON.parse(json) as EventRow[];
        const notifications = this.#pending.splice(0).map((toNotification) => toNotification());
        const weight = Math.ceil(json.length / Math.max(1, events.length));
        return { notifications, events, weight, isEmpty: drained === 0 };
    }
}
