/** Delivers the updates of a live collection to its callback. */

import { AsyncResource } from 'node:async_hooks';
import { isThenable } from '../callback-consumer.js';
import { reportUncaught } from '../errors.js';
import { LiveConsumer, type LiveSource } from './consumer.js';
import type { LiveCallback, LiveUpdate } from './update.js';

export class LiveCallbackConsumer extends LiveConsumer {
    readonly #callback: LiveCallback;
    /** The callback runs in the asynchronous context of its `live` call. */
    readonly #context = new AsyncResource('DirectusRealtimeLiveCollection');
    /** A promise that the callback returned is pending. */
    #isBusy = false;

    constructor(callback: LiveCallback, source: LiveSource) {
        super(source);
        this.#callback = callback;
    }

    protected override get isReady(): boolean {
        return !this.#isBusy;
    }

    protected override offer(update: LiveUpdate): boolean {
        if (this.#isBusy) {
            return false;
        }
        this.#deliver(update);
        return true;
    }

    #deliver(update: LiveUpdate): void {
        try {
            const result = this.#context.runInAsyncScope(this.#callback, undefined, update);
            if (isThenable(result)) {
                this.#isBusy = true;
                this.#await(result);
            }
        } catch (error) {
            reportUncaught(error);
        }
    }

    /** The last update: it comes once the callback is ready for it. */
    override refuse(update: LiveUpdate): void {
        this.push(update, 0);
    }

    /** A callback does not wait for updates, so there is nothing to reject. */
    override fail(): void {}

    #await(result: PromiseLike<unknown>): void {
        const proceed = () => {
            this.#isBusy = false;
            const update = this.take();
            if (update !== undefined) {
                this.#deliver(update);
            }
        };
        result.then(proceed, (error: unknown) => {
            // No code of the application sees this promise: Node reports it as an unhandled rejection.
            void Promise.reject(error);
            proceed();
        });
    }
}
