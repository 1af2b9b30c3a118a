/** `Symbol.dispose` and `Symbol.asyncDispose`, where the runtime does not have them yet. */

const symbols = Symbol as { dispose?: symbol; asyncDispose?: symbol };
symbols.dispose ??= Symbol.for('nodejs.dispose');
symbols.asyncDispose ??= Symbol.for('nodejs.asyncDispose');

/** Calls `end` when the signal is aborted, at once if it was. The result takes that back. */
export function endOnAbort(signal: AbortSignal | undefined, end: () => void): () => void {
    if (signal === undefined) {
        return () => {};
    }
    if (signal.aborted) {
        end();
        return () => {};
    }
    signal.addEventListener('abort', end, { once: true });
    return () => signal.removeEventListener('abort', end);
}
