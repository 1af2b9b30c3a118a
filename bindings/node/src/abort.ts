/**
 * Abort signals. All callbacks for a signal share one listener, because Node warns of a leak when a
 * signal has more than ten.
 */

const callbacksBySignal = new WeakMap<AbortSignal, Set<() => void>>();

function callbacksOf(signal: AbortSignal): Set<() => void> {
    const existing = callbacksBySignal.get(signal);
    if (existing !== undefined) {
        return existing;
    }
    const callbacks = new Set<() => void>();
    callbacksBySignal.set(signal, callbacks);
    const abort = () => {
        callbacksBySignal.delete(signal);
        for (const callback of callbacks) {
            callback();
        }
    };
    signal.addEventListener('abort', abort, { once: true });
    return callbacks;
}

/**
 * Calls `end` when the signal is aborted, or at once if it has been aborted already. The function that it
 * returns cancels that.
 */
export function endOnAbort(signal: AbortSignal | undefined, end: () => void): () => void {
    if (signal === undefined) {
        return () => {};
    }
    if (signal.aborted) {
        end();
        return () => {};
    }
    // A function of its own for each call, because the same `end` may be registered twice.
    const own = () => end();
    const callbacks = callbacksOf(signal).add(own);
    return () => void callbacks.delete(own);
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
    if (signal?.aborted) {
        throw signal.reason;
    }
}
