/** Queries of Directus, as options of subscriptions and arguments of reads. */

import { record } from './checks.js';
import { refuseUnknown, type Elsewhere } from './known-names.js';
import { plainJson } from './plain-json.js';
import { unref } from './refs.js';

/** `fields`, `filter`, `sort`, `limit`, `search`, `deep`, `alias` … */
export type Query = Record<string, any>;

/** The parameters that the server knows. It ignores any others. */
export const QUERY_PARAMETERS = {
    fields: true,
    filter: true,
    search: true,
    sort: true,
    limit: true,
    offset: true,
    page: true,
    meta: true,
    deep: true,
    alias: true,
    aggregate: true,
    group: true,
    groupBy: true,
    export: true,
    version: true,
    versionRaw: true,
    backlink: true,
} as const;

/** The operators of filters: `_eq`, `_and` … */
const OPERATOR = /^_/;

function looksLikeFilter(name: string, value: unknown): boolean {
    const inner = unref(value);
    return (
        OPERATOR.test(name) ||
        (typeof inner === 'object' && inner !== null && Object.keys(inner).some((key) => OPERATOR.test(key)))
    );
}

/** The query as plain JSON values, or `undefined` where there is none. Unknown parameters are refused. */
export function plainQuery(given: unknown, elsewhere?: Elsewhere): Query | undefined {
    const query = unref(given);
    if (query === undefined || query === null) {
        return undefined;
    }
    const converted = plainJson('query', record('query', query as object), { strict: true });
    const plain: Query = record('query', converted as object);
    for (const [name, value] of Object.entries(plain)) {
        const sentence = `\`query.${name}\` is not a query parameter`;
        const filter = { names: { [name]: true }, where: '`query.filter`' };
        const belongs = looksLikeFilter(name, value) ? filter : elsewhere;
        refuseUnknown(sentence, name, QUERY_PARAMETERS, belongs);
    }
    return plain;
}
