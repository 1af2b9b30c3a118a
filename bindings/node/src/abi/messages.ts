/** The library's names in this package: options and arguments are in camel case here. */

/** The arguments whose names are others here. */
const NAMES: Record<string, string> = { json: 'message' };

export type Camel<Name extends string> = Name extends `${infer Head}_${infer Tail}`
    ? `${Head}${Capitalize<Camel<Tail>>}`
    : Name;

export function camel(name: string): string {
    return NAMES[name] ?? name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

export function snake(name: string): string {
    return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** A message of the library, in which names are in backticks, with the names of this package. */
export function translateMessage(message: string): string {
    return message
        .replace(/`([a-z_]+)`/g, (_, name: string) => `\`${camel(name)}\``)
        .replace(/\b(?:a|the) token callback\b/g, '`getToken`');
}
