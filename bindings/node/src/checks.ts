/**
 * Values as programs hand them over, with or without a compiler that has looked at them. What is
 * wrong is said with the option's own name; what needs the library's knowledge, the library finds.
 */

import { DirectusRealtimeError } from './errors.js';

export function invalid(message: string): DirectusRealtimeError {
    return new DirectusRealtimeError('DRT_ERR_INVALID_ARGUMENT', message);
}

/** A value in a sentence: `'text'`, `5`, `a list`. */
function show(value: unknown): string {
    if (typeof value === 'string') {
        return `'${value}'`;
    }
    if (typeof value === 'object' && value !== null) {
        return Array.isArray(value) ? 'a list' : 'an object';
    }
    return typeof value === 'function' ? 'a function' : String(value);
}

/** What `name` is instead of what it has to be. */
function otherThan(name: string, value: unknown, what: string): DirectusRealtimeError {
    const is = value === undefined ? 'missing: it' : `${show(value)}, and`;
    return invalid(`\`${name}\` is ${is} must be ${what}`);
}

export function isAbsent(value: unknown): value is undefined | null {
    return value === undefined || value === null;
}

/** Whether it can be text for the library: C's ends at a NUL, and UTF-8 has no half characters. */
export function isText(value: unknown): value is string {
    return typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
}

/** Text that has to be there. */
export function requiredText(name: string, value: unknown): string {
    // It may be a secret, and is not shown.
    if (isAbsent(value)) {
        throw otherThan(name, value, 'a string');
    }
    if (typeof value !== 'string') {
        throw invalid(`\`${name}\` is not a string, but of type ${typeof value}`);
    }
    if (!isText(value)) {
        throw invalid(`\`${name}\` is not text: it has a NUL character, or half of a surrogate pair`);
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
        throw otherThan(name, value, `a whole number from 0 to ${most}`);
    }
    return value;
}

const MOST_MS = 2 ** 31 - 1;

export function milliseconds(name: string, value: unknown): number {
    return whole(name, value, MOST_MS);
}

export function flag(name: string, value: unknown): boolean {
    if (!isAbsent(value) && typeof value !== 'boolean') {
        throw otherThan(name, value, 'true or false');
    }
    return value ?? false;
}

export function choose(name: string, value: unknown, choices: Record<string, number>): number {
    if (isAbsent(value)) {
        return 0;
    }
    const number = typeof value === 'string' && Object.hasOwn(choices, value) ? choices[value] : undefined;
    if (number === undefined) {
        throw otherThan(name, value, `one of '${Object.keys(choices).join("', '")}'`);
    }
    return number;
}

/** Something with members: no list, and nothing that a mistake makes of one. */
export function record<T extends object>(name: string, value: T): T {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        throw otherThan(name, value, 'an object');
    }
    return value;
}

/** A function, or nothing. */
export function optionalFunction<F>(name: string, value: F | undefined | null): F | undefined {
    if (!isAbsent(value) && typeof value !== 'function') {
        throw otherThan(name, value, 'a function');
    }
    return value ?? undefined;
}

export function optionalSignal(signal: AbortSignal | undefined | null): AbortSignal | undefined {
    // Not by its class: a test environment may have one of its own.
    if (!isAbsent(signal) && (typeof signal.aborted !== 'boolean' || !('addEventListener' in signal))) {
        throw otherThan('signal', signal, 'an AbortSignal');
    }
    return signal ?? undefined;
}

export type Key = string | number | bigint;

export function isKey(value: unknown): value is Key {
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint';
}

/**
 * A primary key as text: the server takes the number 0 for none at all, and would read, or change,
 * the whole collection; as text it means what it says.
 */
export function keyText(name: string, value: unknown): string {
    if ((typeof value === 'number' && Number.isFinite(value)) || typeof value === 'bigint') {
        return String(value);
    }
    if (typeof value !== 'string' || value === '') {
        throw otherThan(name, value, 'a primary key: a number, or text that is not empty');
    }
    return requiredText(name, value);
}
