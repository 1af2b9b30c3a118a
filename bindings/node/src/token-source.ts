/** `getToken`: asked for one token at a time. */

import type { DirectusRealtimeError } from './errors.js';
import type { TokenProvider } from './options.js';

export class TokenSource {
    readonly #getToken: TokenProvider | undefined;
    readonly #accept: (token: string) => void;
    #isAsking = false;

    constructor(getToken: TokenProvider | undefined, accept: (token: string) => void) {
        this.#getToken = getToken;
        this.#accept = accept;
    }

    /**
     * A token is wanted; `error` says what was wrong with the last one. While an earlier request is
     * not answered, its answer serves this one, too, however late it is: the same refresh token
     * must not be traded twice.
     */
    request(error: DirectusRealtimeError | undefined): void {
        if (!this.#isAsking) {
            void this.#ask(error);
        }
    }

    async #ask(error: DirectusRealtimeError | undefined): Promise<void> {
        this.#isAsking = true;
        try {
            const token = await this.#getToken?.(error);
            // Before the token is used: if it is refused, another one is wanted.
            this.#isAsking = false;
            if (token !== undefined) {
                this.#accept(token);
            }
        } catch (failure) {
            // The attempt to connect times out, and the next one asks again.
            const message = failure instanceof Error ? failure.message : String(failure);
            process.emitWarning(`getToken has failed: ${message}`, 'DirectusRealtimeWarning');
        } finally {
            this.#isAsking = false;
        }
    }
}
