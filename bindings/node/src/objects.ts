/** Manners of this package's objects. */

import { inspect, type InspectOptions } from 'node:util';

type Method = (...args: never[]) => unknown;

/** Makes methods usable on their own, as those of the composable are. */
export function bindMethods<Self extends object>(self: Self, names: readonly (keyof Self)[]): void {
    for (const name of names) {
        const value = (self[name] as Method).bind(self as never);
        Object.defineProperty(self, name, { value, writable: true, configurable: true });
    }
}

/** What `console.log` shows of an object: what a person would want to know of it. */
export function inspected(name: string, members: object, options: InspectOptions): string {
    return `${name} ${inspect(members, options)}`;
}
