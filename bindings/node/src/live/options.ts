/** The options of live collections, and their conversion to those of the C ABI. */

import type { Camel } from '../abi/messages.js';
import type { LiveFields } from '../abi/live.js';
import { flag, invalid, isAbsent, optionalSignal, record, requiredText, text } from '../checks.js';
import { knownOptions } from '../known-names.js';
import { fieldsOf, orNever, queryText, type Check } from '../options.js';
import { QUERY_PARAMETERS, type Query } from '../query.js';
import { unref } from '../refs.js';

export interface LiveOptions {
    collection: string;
    /**
     * `fields`, `filter`, `sort`, `limit`, `offset`, `page`, `search`, `deep`, `alias`. Default: every row, by
     * primary key. Without a `limit` it means all rows.
     */
    query?: Query | undefined;
    /** Identifies it among the subscriptions of its client. Default: a generated one. */
    uid?: string | undefined;
    /** Not ended by its scope, `unsubscribeCollection` or `unsubscribeAll`. Default: false. */
    persistent?: boolean | undefined;
    /** The name of the primary key's field. Default: `'id'`. */
    primaryKey?: string | undefined;
    /**
     * Further collections whose changes may change rows: those of the relations that `fields`, `filter` or
     * `sort` name.
     */
    dependsOn?: string | readonly string[] | undefined;
    /**
     * How often all rows are compared with the server's answer, in milliseconds; `Infinity` or 0: never.
     * Default: 300 000.
     */
    verifyMs?: number | undefined;
    /** Closes it when it is aborted. */
    signal?: AbortSignal | undefined;
}

const LIVE_OPTIONS: Record<Camel<keyof LiveFields> | 'signal', Check> = {
    collection: requiredText,
    query: queryText,
    uid: requiredText,
    persistent: flag,
    primaryKey: text,
    dependsOn: names,
    // The library's 0 is its default; here it is what it looks like.
    verifyMs: (name, value) => orNever(name, value === 0 ? Infinity : value),
    signal: (_, value) => optionalSignal(value),
} satisfies Record<keyof LiveOptions, Check>;

/** The options with refs unwrapped. Unknown options are refused. */
export function liveOptions(options: LiveOptions): LiveOptions {
    const given = record('options', unref(options) as LiveOptions);
    const elsewhere = { names: QUERY_PARAMETERS, where: '`query`' };
    return knownOptions('a live collection', given, LIVE_OPTIONS, elsewhere);
}

export function liveFields(options: LiveOptions, uid: string): LiveFields {
    const { signal: _, ...fields } = fieldsOf({ ...options, uid }, LIVE_OPTIONS);
    return fields;
}

/** Names of collections, separated by commas. */
function names(name: string, value: unknown): string | null {
    if (isAbsent(value)) {
        return null;
    }
    const given = Array.isArray(value) ? value : [value];
    return given
        .map((each: unknown, at) => {
            const collection = requiredText(Array.isArray(value) ? `${name}[${at}]` : name, unref(each));
            if (collection.trim() === '' || collection.includes(',')) {
                const sentence = `\`${name}\` has '${collection}', which is no collection's name: pass a list of names`;
                throw invalid(name, sentence);
            }
            return collection;
        })
        .join(',');
}
