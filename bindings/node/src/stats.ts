/** Counters of a client. */

import type { StatsFields } from './abi/types.js';

type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
    ? `${Head}${Capitalize<Camel<Tail>>}`
    : Name;

/** Counters since the client was created: connects, reconnects, framesIn, bytesIn … */
export type Stats = { [Name in keyof StatsFields as Camel<Name>]: number };

export function toStats(fields: StatsFields): Stats {
    const camel = (name: string) => name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const { struct_size: _, ...counters } = fields as StatsFields & { struct_size: number };
    const entries = Object.entries(counters).map(([name, count]) => [camel(name), Number(count)]);
    return Object.fromEntries(entries) as Stats;
}
