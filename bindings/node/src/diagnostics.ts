/** Reports states and failures without any code in the application: a diagnostics channel, and warnings. */

import { channel } from 'node:diagnostics_channel';
import { withoutDelay } from './connection.js';
import { isPrinted } from './log.js';
import type { StateChange } from './state.js';

/** Publishes a `StateMessage` for each change of state of every client. */
const STATE_CHANNEL = channel('directus-realtime:state');

/** What the diagnostics channel `directus-realtime:state` publishes. */
export interface StateMessage extends StateChange {
    /** The `Client`. */
    client: object;
}

type StateListener = (change: StateChange) => void;

const internalListeners = new WeakSet<object>();

/** Marks a `state` listener of the package itself: it shows nothing to the application's developer. */
export function internalListener(listener: StateListener): StateListener {
    internalListeners.add(listener);
    return listener;
}

export class Diagnostics {
    readonly #client: object;
    readonly #listeners: () => readonly object[];
    readonly #warned = new Set<string>();
    #hasConnected = false;

    /** `listeners` returns the listeners of the client's `state` event. */
    constructor(client: object, listeners: () => readonly object[]) {
        this.#client = client;
        this.#listeners = listeners;
    }

    report(change: StateChange): void {
        const { state } = change;
        this.#hasConnected ||= state === 'connected';
        if (STATE_CHANNEL.hasSubscribers) {
            const message: StateMessage = { client: this.#client, ...change };
            STATE_CHANNEL.publish(message);
        }
        if (state === 'failed' || (state === 'backoff' && !this.#hasConnected)) {
            this.#warn(change);
        }
    }

    /**
     * Warns once for each reason, and only where neither a `state` listener of the application nor the
     * log on standard error shows it.
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
                ? `The client has failed and does not retry: ${reason}`
                : `The client cannot connect and will retry: ${reason}`;
        if (!this.#warned.has(sentence)) {
            this.#warned.add(sentence);
            process.emitWarning(sentence, {
                type: 'DirectusRealtimeWarning',
                code: error.code,
                detail: "Listen to client.on('state', …) to get every change of state, in place of this warning.",
            });
        }
    }
}
