/**
 * Converts values to plain JSON values: refs are unwrapped, dates become text, big integers stay exact.
 * Values that `JSON.stringify` would change or drop silently are refused; the error has their path.
 */

import { invalid, record } from './checks.js';
import { unref } from './refs.js';

export interface PlainRules {
    /**
     * Refuses `undefined` except in the outermost object: a filter without that condition would match
     * more.
     */
    strict?: boolean;
}

export function plainJson(name: string, value: unknown, rules: PlainRules = {}): unknown {
    const plain = new Converter(rules.strict ?? false).convert(value, [name]);
    return plain === DROP ? undefined : plain;
}

/** An object whose members are plain JSON values. */
export function plainObject(name: string, value: unknown): object {
    return record(name, plainJson(name, record(name, unref(value) as object)) as object);
}

/** The argument's name, and the names and indices that lead to the value. */
type Path = (string | number)[];

const DROP = Symbol('undefined');

class Converter {
    readonly #strict: boolean;
    /** The objects that contain the current value, to detect circular references. */
    readonly #enclosing = new Set<object>();

    constructor(strict: boolean) {
        this.#strict = strict;
    }

    convert(given: unknown, path: Path): unknown {
        const value = unref(given);
        switch (typeof value) {
            case 'string':
            case 'boolean':
                return value;
            case 'number':
                if (!Number.isFinite(value)) {
                    throw refused(path, String(value));
                }
                return value;
            case 'bigint':
                // The server would round a larger number.
                return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
            case 'undefined':
                return this.#undefined(path);
            case 'object':
                return value === null ? null : this.#object(value, path);
            default:
                throw refused(path, `a ${typeof value}`);
        }
    }

    #undefined(path: Path): typeof DROP {
        if ((this.#strict && path.length > 2) || typeof path.at(-1) === 'number') {
            throw refused(path, 'undefined');
        }
        return DROP;
    }

    #object(value: object, path: Path): unknown {
        if (this.#enclosing.has(value)) {
            throw refused(path, 'a reference to an object that contains it');
        }
        this.#enclosing.add(value);
        try {
            return this.#members(value, path);
        } finally {
            this.#enclosing.delete(value);
        }
    }

    #members(value: object, path: Path): unknown {
        const kind = kindOf(value);
        if (kind === 'Date' && Number.isNaN((value as Date).getTime())) {
            throw refused(path, 'an invalid date');
        }
        if ('toJSON' in value && typeof value.toJSON === 'function') {
            return this.convert(value.toJSON(String(path.at(-1))), path);
        }
        if (Array.isArray(value)) {
            return Array.from(value, (each: unknown, at) => this.convert(each, [...path, at]));
        }
        if (kind === 'String' || kind === 'Number' || kind === 'Boolean') {
            return this.convert(value.valueOf(), path);
        }
        if (kind !== 'Object') {
            throw refused(path, /^[AEIOU]/.test(kind) ? `an ${kind}` : `a ${kind}`);
        }
        // Without a prototype, so that a member may be called `__proto__`.
        const plain: Record<string, unknown> = Object.create(null);
        for (const [name, member] of Object.entries(value)) {
            const converted = this.convert(member, [...path, name]);
            if (converted !== DROP) {
                plain[name] = converted;
            }
        }
        return plain;
    }
}

/** `'Object'`, `'Map'`, `'Promise'` …; for a proxy, that of its target. */
function kindOf(value: object): string {
    return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function refused(path: Path, is: string) {
    const advice = is === 'a Promise' ? 'await it first' : 'JSON cannot carry that';
    return invalid(String(path[0]), `\`${written(path)}\` is ${is}: ${advice}`);
}

function written([name, ...rest]: Path): string {
    const steps = rest.map((step) =>
        typeof step === 'number' ? `[${step}]` : /^[\w$]+$/.test(step) ? `.${step}` : `['${step}']`,
    );
    return `${name}${steps.join('')}`;
}
