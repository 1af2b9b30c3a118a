/** The steps from one list of rows to another, for an application that has missed those between them. */

import type { LiveChange } from './update.js';

/**
 * Steps of which each holds after those before it. A row that has moved is removed and added again.
 * `keyOf` returns a row's primary key.
 */
export function difference<T>(
    before: readonly T[],
    after: readonly T[],
    keyOf: (row: T) => string | number,
): LiveChange<T>[] {
    const places = new Map(after.map((row, at) => [keyOf(row), at]));
    // Where each row is to be; -1 where it is to be nowhere.
    const targets = before.map((row) => places.get(keyOf(row)) ?? -1);
    const staying = longestIncrease(targets);
    const changes: LiveChange<T>[] = [];
    // From the end on, so that the indices hold.
    for (let at = before.length - 1; at >= 0; at--) {
        if (!staying.has(at)) {
            const row = before[at]!;
            changes.push({ kind: 'removed', key: keyOf(row), row, oldIndex: at, newIndex: undefined });
        }
    }
    const kept = new Map([...staying].map((at) => [targets[at]!, before[at]!]));
    after.forEach((row, at) => {
        if (!kept.has(at)) {
            changes.push({ kind: 'added', key: keyOf(row), row, oldIndex: undefined, newIndex: at });
        } else if (kept.get(at) !== row) {
            changes.push({ kind: 'modified', key: keyOf(row), row, oldIndex: at, newIndex: at });
        }
    });
    return changes;
}

/** The indices of a longest increasing subsequence of the numbers that are not negative. */
function longestIncrease(numbers: readonly number[]): Set<number> {
    /** By length: the index of the smallest number that ends an increase of that length. */
    const ends: number[] = [];
    /** The index before each index, in the increase that it ends. */
    const previous = new Map<number, number | undefined>();
    numbers.forEach((number, at) => {
        if (number < 0) {
            return;
        }
        let [low, high] = [0, ends.length];
        while (low < high) {
            const middle = (low + high) >> 1;
            if (numbers[ends[middle]!]! < number) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        previous.set(at, ends[low - 1]);
        ends[low] = at;
    });
    const increase = new Set<number>();
    for (let at = ends.at(-1); at !== undefined; at = previous.get(at)) {
        increase.add(at);
    }
    return increase;
}
