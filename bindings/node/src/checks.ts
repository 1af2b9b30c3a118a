/**
 * Checks arguments at run time, because not every program is compiled by TypeScript. Errors name the
 * option. What only the library can judge, such as a URL, is left to the library.
 */

import { DirectusRealtimeError } from './errors.js';

export function invalid(argument: string, message: string): DirectusRealtimeError {
    return new DirectusRealtimeError('DRT_ERR_INVALID_ARGUMENT', message, { argument });
}

/** A value for an error message: `'text'`, `5`, `a list`. */
function show(value: unknown): string {
    if (typeof value === 'string') {
        return `'${value}'`;
    }
    if (typeof value === 'object' && value !== null) {
        return Array.isArray(value) ? 'a list' : 'an object';
    }
    return typeof value === 'function' ? 'a function' : String(value);
}

/** The error of an argument that is missing, or not what it must be. */
function mustBe(name: string, value: unknown, expected: string): DirectusRealtimeError {
    const is = value === undefined ? 'missing: it' : `${show(value)}, and`;
    return invalid(name, `\`${name}\` is ${is} must be ${expected}`);
}

export function isAbsent(value: unknown): value is undefined | null {
    return value === undefined || value === null;
}

/** Whether a value is a string that C can take: without NUL characters, and valid as UTF-8. */
export function isText(value: unknown): value is string {
    return typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
}

/** A required string. */
export function requiredText(name: string, value: unknown): string {
    // The value is not shown: it may be a secret.
    if (isAbsent(value)) {
        throw mustBe(name, value, 'a string');
    }
    if (typeof value !== 'string') {
        throw invalid(name, `\`${name}\` is not a string, but of type ${typeof value}`);
    }
    if (!isText(value)) {
        const sentence = `\`${name}\` is not valid text: it contains a NUL character, or half of a surrogate pair`;
        throw invalid(name, sentence);
    }
    return value;
}

export function text(name: string, value: unknown): string | null {
    return isAbsent(value) ? null : requiredText(name, value);
}

export function whole(name: string, value: unknown, most: number): number {
    if (isAbsent(value)) {
        return 0;
    }
    if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > most) {
        throw mustBe(name, value, `a whole number from 0 to ${most}`);
    }
    return value;
}

const MOST_MS = 2 ** 31 - 1;

export function milliseconds(name: string, value: unknown): number {
    return whole(name, value, MOST_MS);
}

export function flag(name: string, value: unknown): boolean {
    if (!isAbsent(value) && typeof value !== 'boolean') {
        throw mustBe(name, value, 'true or false');
    }
    return value ?? false;
}

export function choose(name: string, value: unknown, choices: Record<string, number>): number {
    if (isAbsent(value)) {
        return 0;
    }
    const number = typeof value === 'string' && Object.hasOwn(choices, value) ? choices[value] : undefined;
    if (number === undefined) {
        throw mustBe(name, value, `one of '${Object.keys(choices).join("', '")}'`);
    }
    return number;
}

/** An object, but not an array. */
export function record<T extends object>(name: string, value: T): T {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw mustBe(name, value, 'an object');
    }
    return value;
}

/** An optional function. */
export function optionalFunction<F>(name: string, value: F | undefined | null): F | undefined {
    if (!isAbsent(value) && typeof value !== 'function') {
        throw mustBe(name, value, 'a function');
    }
    return value ?? undefined;
}

export function optionalSignal(signal: AbortSignal | undefined | null): AbortSignal | undefined {
    // Not by `instanceof`: a test environment such as jsdom may have an AbortSignal of its own.
    if (!isAbsent(signal) && (typeof signal.aborted !== 'boolean' || !('addEventListener' in signal))) {
        throw mustBe('signal', signal, 'an AbortSignal');
    }
    return signal ?? undefined;
}

export type Key = string | number | bigint;

export function isKey(value: unknown): value is Key {
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
}

/**
 * A primary key as a string: the server treats the number 0 as no key at all, and would read or change the
 * whole collection.
 */
export function keyText(name: string, value: unknown): string {
    if ((typeof value === 'number' && Number.isFinite(value)) || typeof value === 'bigint') {
        return String(value);
    }
    if (typeof value !== 'string' || value === '') {
        throw mustBe(name, value, 'a primary key: a number, or a string that is not empty');
    }
    return requiredText(name, value);
}
