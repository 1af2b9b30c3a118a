/** What the package's public objects have in common. */

import { inspect, type InspectOptions } from 'node:util';

type Method = (...args: never[]) => unknown;

/** Binds methods, so that they work when destructured, like the composable's functions. */
export function bindMethods<Self extends object>(self: Self, names: readonly (keyof Self)[]): void {
    for (const name of names) {
        const value = (self[name] as Method).bind(self as never);
        Object.defineProperty(self, name, { value, writable: true, configurable: true });
    }
}

/** What `console.log` shows of an object. Private members, such as tokens, are not among it. */
export function inspected(name: string, members: object, options: InspectOptions): string {
    return `${name} ${inspect(members, options)}`;
}
