/** The composable's `reconnect`: replaces a link that is down, or dead before the heartbeat has noticed. */

import { DirectusRealtimeError } from './errors.js';
import type { RequestOptions } from './requests.js';
import type { ClientState } from './state.js';
import type { Stats } from './stats.js';

/**
 * Requests that show whether the server answers. A server whose heartbeat is switched off does not answer
 * pings, but it answers every read, if only to refuse it.
 */
const PROBES = [
    { type: 'ping' },
    { type: 'items', action: 'read', collection: 'directus_settings', query: { fields: ['id'] } },
];

/** What a reconnector needs of its client. */
interface ReconnectableClient {
    readonly state: ClientState;
    readonly isConnected: boolean;
    reconnect(): void;
    stats(): Stats;
    request(message: object, options?: RequestOptions): Promise<unknown>;
}

export class Reconnector {
    readonly #client: ReconnectableClient;
    #isProbing = false;

    constructor(client: ReconnectableClient) {
        this.#client = client;
    }

    /**
     * Keeps a link that works, because every subscription would need a new snapshot on the next one. Does
     * nothing when the client is closed: applications call this from timers.
     */
    reconnect(): void {
        if (this.#client.state === 'closed') {
            return;
        }
        if (!this.#client.isConnected) {
            this.#client.reconnect();
        } else if (!this.#isProbing) {
            this.#isProbing = true;
            void this.#reconnectIfDead().finally(() => (this.#isProbing = false));
        }
    }

    async #reconnectIfDead(): Promise<void> {
        const { connects, framesIn } = this.#client.stats();
        // The link has been replaced or lost meanwhile, or frames have arrived on it.
        const needsNoReconnect = () => {
            const now = this.#client.stats();
            return !this.#client.isConnected || now.connects !== connects || now.framesIn !== framesIn;
        };
        for (const probe of PROBES) {
            const isAnswered = await this.#isAnswered(probe);
            if (isAnswered || this.#client.state === 'closed' || needsNoReconnect()) {
                return;
            }
        }
        this.#client.reconnect();
    }

    /** False only after a timeout: a refusal is an answer, too, and a link that is lost reconnects anyway. */
    async #isAnswered(probe: object): Promise<boolean> {
        try {
            await this.#client.request(probe);
            return true;
        } catch (error) {
            return !(error instanceof DirectusRealtimeError && error.code === 'DRT_ERR_TIMEOUT');
        }
    }
}
