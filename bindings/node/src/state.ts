/** The states of a client. */

import type { DirectusRealtimeError } from './errors.js';

const STATES = ['idle', 'connecting', 'authenticating', 'connected', 'backoff', 'failed', 'closed'] as const;

export type ClientState = (typeof STATES)[number];

/** The argument of a `state` event. */
export interface StateChange {
    state: ClientState;
    /** The reason, as text for people. */
    message: string;
    /** The reason, as an error, where something went wrong. */
    error: DirectusRealtimeError | undefined;
}

export function stateName(state: number): ClientState {
    return STATES[state] ?? 'closed';
}
