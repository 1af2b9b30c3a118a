/** Counters of a client. */

import { camel, type Camel } from './abi/messages.js';
import type { StatsFields } from './abi/types.js';

/** Counters since the client was created: connects, reconnects, framesIn, bytesIn … */
export type Stats = { [Name in keyof StatsFields as Camel<Name>]: number };

export function toStats(fields: StatsFields): Stats {
    const { struct_size: _, ...counters } = fields as StatsFields & { struct_size: number };
    const entries = Object.entries(counters).map(([name, count]) => [camel(name), Number(count)]);
    return Object.fromEntries(entries) as Stats;
}
