/**
 * Signals. Any number of things may end with one: they hang on a single listener, for Node takes
 * more than ten for a leak.
 */

const ends = new WeakMap<AbortSignal, Set<() => void>>();

function endsOf(signal: AbortSignal): Set<() => void> {
    const known = ends.get(signal);
    if (known !== undefined) {
        return known;
    }
    const made = new Set<() => void>();
    ends.set(signal, made);
    const abort = () => {
        ends.delete(signal);
        for (const end of made) {
            end();
        }
    };
    signal.addEventListener('abort', abort, { once: true });
    return made;
}

/** Calls `end` when the signal is aborted, at once if it was. The result takes that back. */
export function endOnAbort(signal: AbortSignal | undefined, end: () => void): () => void {
    if (signal === undefined) {
        return () => {};
    }
    if (signal.aborted) {
        end();
        return () => {};
    }
    // The same function may be given twice.
    const own = () => end();
    const all = endsOf(signal).add(own);
    return () => void all.delete(own);
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
    if (signal?.aborted) {
        throw signal.reason;
    }
}
