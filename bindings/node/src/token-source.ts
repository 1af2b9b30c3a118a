/** Calls `getToken`, never twice at the same time. */

import type { DirectusRealtimeError } from './errors.js';
import type { TokenProvider } from './options.js';

export class TokenSource {
    readonly #getToken: TokenProvider | undefined;
    readonly #accept: (token: string) => void;
    #isPending = false;

    constructor(getToken: TokenProvider | undefined, accept: (token: string) => void) {
        this.#getToken = getToken;
        this.#accept = accept;
    }

    /**
     * A token is wanted; `error` is why the last one cannot be used. While an earlier call is pending, its
     * token serves this request as well, however late it comes: an application's refresh token must not
     * be used twice.
     */
    request(error: DirectusRealtimeError | undefined): void {
        if (!this.#isPending) {
            void this.#call(error);
        }
    }

    async #call(error: DirectusRealtimeError | undefined): Promise<void> {
        this.#isPending = true;
        try {
            const token = await this.#getToken?.(error);
            // Before the token is used: if the server refuses it, another one is requested.
            this.#isPending = false;
            if (token !== undefined) {
                this.#accept(token);
            }
        } catch (failure) {
            // The attempt to connect times out, and the next attempt requests a token again.
            const message = failure instanceof Error ? failure.message : String(failure);
            process.emitWarning(
                `getToken has failed, and is called again at the next attempt to connect: ${message}`,
                'DirectusRealtimeWarning',
            );
        } finally {
            this.#isPending = false;
        }
    }
}
