/** The composable's `reconnect`: for a link that is down, or dead without the client knowing yet. */

import type { Client } from './client.js';
import { DirectusRealtimeError } from './errors.js';

/**
 * What a server answers. With its heartbeat switched off it answers no ping, but every read, if only
 * to refuse it.
 */
const QUESTIONS = [
    { type: 'ping' },
    { type: 'items', action: 'read', collection: 'directus_settings', query: { fields: ['id'] } },
];

export class Reconnector {
    readonly #client: Client;
    #probing = false;

    constructor(client: Client) {
        this.#client = client;
    }

    /**
     * Leaves a link alone that works: dropping it would cost every subscription a new snapshot. A
     * timer may call this when the client is closed.
     */
    reconnect(): void {
        if (this.#client.state === 'closed') {
            return;
        }
        if (!this.#client.isConnected) {
            this.#client.reconnect();
        } else if (!this.#probing) {
            this.#probing = true;
            void this.#reconnectIfDead().finally(() => (this.#probing = false));
        }
    }

    async #reconnectIfDead(): Promise<void> {
        const { connects, framesIn } = this.#client.stats();
        // Not the same link any more, or something has come on it.
        const isAlive = () => {
            const now = this.#client.stats();
            return !this.#client.isConnected || now.connects !== connects || now.framesIn !== framesIn;
        };
        for (const question of QUESTIONS) {
            const answered = await this.#isAnswered(question);
            if (answered || this.#client.state === 'closed' || isAlive()) {
                return;
            }
        }
        this.#client.reconnect();
    }

    /** A refusal is an answer; a link that is lost needs no other end. */
    async #isAnswered(question: object): Promise<boolean> {
        try {
            await this.#client.request(question);
            return true;
        } catch (error) {
            return !(error instanceof DirectusRealtimeError && error.code === 'DRT_ERR_TIMEOUT');
        }
    }
}
