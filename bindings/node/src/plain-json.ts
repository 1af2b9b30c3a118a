/**
 * Values of the application as what JSON can carry: refs are unwrapped, dates are text, big integers
 * are exact. What JSON would change or drop silently is refused, with the path to it.
 */

import { invalid, record } from './checks.js';
import { unref } from './refs.js';

export interface PlainRules {
    /**
     * Refuses `undefined` anywhere but in the outermost object: dropped from a filter, it would widen
     * what that selects.
     */
    strict?: boolean;
}

export function plainJson(name: string, value: unknown, rules: PlainRules = {}): unknown {
    const plain = new Converter(rules.strict ?? false).convert(value, [name]);
    return plain === DROP ? undefined : plain;
}

/** A JSON object's text. */
export function json(name: string, value: unknown): string {
    return JSON.stringify(record(name, plainJson(name, record(name, unref(value) as object)) as object));
}

/** From the argument's name down to the value in question. */
type Path = (string | number)[];

const DROP = Symbol('undefined');

class Converter {
    readonly #strict: boolean;
    /** The objects that enclose the one in question. */
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
                // As a number, the server would round it.
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
        // Without a prototype, a member may have any name.
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

/** `'Object'`, `'Map'`, `'Promise'` …, also of a proxy. */
function kindOf(value: object): string {
    return Object.prototype.toString.call(value).slice('[object '.length, -1);
}

function refused(path: Path, is: string) {
    const advice = is === 'a Promise' ? 'await it first' : 'JSON cannot carry that';
    return invalid(`\`${written(path)}\` is ${is}: ${advice}`);
}

function written([name, ...rest]: Path): string {
    const steps = rest.map((step) =>
        typeof step === 'number' ? `[${step}]` : /^[\w$]+$/.test(step) ? `.${step}` : `['${step}']`,
    );
    return `${name}${steps.join('')}`;
}
