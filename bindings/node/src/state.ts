/** The states of a client. */

import type { DirectusRealtimeError } from './errors.js';

const STATES = ['idle', 'connecting', 'authenticating', 'connected', 'backoff', 'failed', 'closed'] as const;

export type ClientState = (typeof STATES)[number];

/** What a `state` event tells. */
export interface StateChange {
    state: ClientState;
    /** Why, in words. */
    message: string;
    /** What went wrong, where something did. */
    error: DirectusRealtimeError | undefined;
}

export function stateName(state: number): ClientState {
    return STATES[state] ?? 'closed';
}
