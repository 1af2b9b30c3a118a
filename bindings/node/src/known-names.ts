/** Refuses options that do not exist: a misspelt one would otherwise be ignored silently. */

import { invalid } from './checks.js';
import { unref } from './refs.js';

/** The names of the members of `T`, complete because the compiler checks it. */
export type NamesOf<T> = Record<keyof T, true>;

/** Names that are valid in another place. */
export interface Elsewhere {
    readonly names: object;
    readonly where: string;
}

/**
 * A copy of the options with refs unwrapped. An option that `what` does not have is refused; the error
 * suggests the closest name.
 */
export function knownOptions<T extends object>(
    what: string,
    options: T,
    names: Record<keyof T, unknown>,
    elsewhere?: Elsewhere,
): T {
    const copy: Record<string, unknown> = {};
    for (const name in options) {
        refuseUnknown(`\`${name}\` is not an option of ${what}`, name, names, elsewhere);
        copy[name] = unref(options[name]);
    }
    return copy as T;
}

export function refuseUnknown(sentence: string, name: string, names: object, elsewhere?: Elsewhere): void {
    if (Object.hasOwn(names, name)) {
        return;
    }
    if (elsewhere !== undefined && Object.hasOwn(elsewhere.names, name)) {
        throw invalid(name, `${sentence}: it belongs in ${elsewhere.where}`);
    }
    const here = nearest(name, Object.keys(names));
    const there = nearest(name, Object.keys(elsewhere?.names ?? {}));
    if (here !== undefined && here.distance <= (there?.distance ?? Infinity)) {
        throw invalid(name, `${sentence}: did you mean \`${here.name}\`?`);
    }
    if (there !== undefined) {
        throw invalid(name, `${sentence}: did you mean \`${there.name}\` in ${elsewhere?.where}?`);
    }
    throw invalid(name, `${sentence}: there is ${list(Object.keys(names))}`);
}

function list(names: string[]): string {
    return names.map((name) => `\`${name}\``).join(', ');
}

/** In lower case and without separators, so that `primary_key` equals `primaryKey`. */
function bare(name: string): string {
    return name.replace(/[-_]/g, '').toLowerCase();
}

function nearest(name: string, names: string[]): { name: string; distance: number } | undefined {
    const wanted = bare(name);
    const most = wanted.length < 4 ? 1 : 2;
    return names
        .map((each) => ({ name: each, distance: editDistance(wanted, bare(each)) }))
        .filter(({ distance }) => distance <= most)
        .sort((a, b) => a.distance - b.distance)[0];
}

/** The Levenshtein distance. */
function editDistance(from: string, to: string): number {
    let row = Array.from({ length: to.length + 1 }, (_, n) => n);
    for (let i = 1; i <= from.length; i++) {
        const above = row;
        row = [i];
        for (let j = 1; j <= to.length; j++) {
            const replaced = above[j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
            row.push(Math.min(replaced, above[j]! + 1, row[j - 1]! + 1));
        }
    }
    return row[to.length]!;
}
