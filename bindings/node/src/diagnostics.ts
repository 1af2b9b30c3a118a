/** States and failures for those who have not asked: a diagnostics channel, and warnings. */

import { channel } from 'node:diagnostics_channel';
import { withoutDelay } from './connection.js';
import { isPrinted } from './log.js';
import type { StateChange } from './state.js';

/** Publishes a `StateMessage` for each change of state of every client. */
const STATES = channel('directus-realtime:state');

/** What the diagnostics channel `directus-realtime:state` publishes. */
export interface StateMessage extends StateChange {
    /** The `Client`. */
    client: object;
}

type StateListener = (change: StateChange) => void;

const internalListeners = new WeakSet<object>();

/** Marks a `state` listener of this package's own: the application has not seen what it gets. */
export function internalListener(listener: StateListener): StateListener {
    internalListeners.add(listener);
    return listener;
}

export class Diagnostics {
    readonly #client: object;
    readonly #listeners: () => readonly object[];
    readonly #warned = new Set<string>();
    #hasConnected = false;

    /** `listeners` gives those of the client's event `state`. */
    constructor(client: object, listeners: () => readonly object[]) {
        this.#client = client;
        this.#listeners = listeners;
    }

    report(change: StateChange): void {
        const { state } = change;
        this.#hasConnected ||= state === 'connected';
        if (STATES.hasSubscribers) {
            const message: StateMessage = { client: this.#client, ...change };
            STATES.publish(message);
        }
        if (state === 'failed' || (state === 'backoff' && !this.#hasConnected)) {
            this.#warn(change);
        }
    }

    /**
     * Once for each reason, and only where neither a `state` listener of the application nor a log
     * on standard error has it.
     */
    #warn({ state, error }: StateChange): void {
        if (error === undefined || !this.#listeners().every((each) => internalListeners.has(each))) {
            return;
        }
        if (isPrinted(state === 'failed' ? 'error' : 'warn')) {
            return;
        }
        const reason = withoutDelay(error).message;
        const sentence =
            state === 'failed'
                ? `The client has failed, and does not try again: ${reason}`
                : `The client cannot connect, and tries again: ${reason}`;
        if (!this.#warned.has(sentence)) {
            this.#warned.add(sentence);
            process.emitWarning(sentence, {
                type: 'DirectusRealtimeWarning',
                code: error.code,
                detail: "client.on('state', …) reports every change of state, in place of this warning.",
            });
        }
    }
}
