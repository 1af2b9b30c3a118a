/** What the package's public objects have in common. */

import { inspect, type InspectOptions } from 'node:util';

/** Binds all methods, so that they work when destructured, like the composable's functions. */
export function bindMethods(self: object, { prototype }: { prototype: object }): void {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
        if (typeof value === 'function' && name !== 'constructor') {
            Object.defineProperty(self, name, {
                value: value.bind(self),
                writable: true,
                configurable: true,
            });
        }
    }
}

/** What `console.log` shows of an object. Private members, such as tokens, are not among it. */
export function inspected(name: string, members: object, options: InspectOptions): string {
    return `${name} ${inspect(members, options)}`;
}
