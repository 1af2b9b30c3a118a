/** The library's messages name parts of the C ABI. Users of this package know them by other names. */

import { OPTION_NAMES } from './types.js';

type Replacement = string | ((...groups: string[]) => string);

/** The names of options, and of arguments that are not members of a struct. */
const ALL_NAMES = [...OPTION_NAMES, 'timeout_ms', 'send_queue_bytes'];

/** An option or argument in a sentence, but not in a path, in a quotation or in another word. */
const NAMES = new RegExp(`(?<![\\w"/.-])(?:${ALL_NAMES.join('|')})(?![\\w"/-]|\\.\\w)`, 'g');

/** C functions whose counterparts in JavaScript are not simply their names in camel case. */
const FUNCTIONS: Record<string, string> = {
    drt_client_on_token: 'the option getToken',
    drt_client_on_state: "client.on('state', …)",
    drt_client_new: 'createClient',
    drt_client_wait: 'connected',
    drt_subscription_wait: 'ready',
    drt_set_log: 'setLog',
};

/** C constants whose counterparts in JavaScript are strings. */
const CONSTANTS: Record<string, string> = {
    DRT_AUTH_HANDSHAKE: "authMode: 'handshake'",
    DRT_AUTH_PUBLIC: "authMode: 'public'",
    DRT_AUTH_STRICT: "authMode: 'strict'",
    DRT_SNAPSHOT_EXACT: "snapshot: 'exact'",
    DRT_SNAPSHOT_SERVER: "snapshot: 'server'",
    DRT_PER_ITEM: "granularity: 'item'",
    DRT_PER_MESSAGE: "granularity: 'message'",
};

const TRANSLATIONS: readonly (readonly [RegExp, Replacement])[] = [
    [/`options\.(\w+)`/g, '`$1`'],
    [/^url (?=is|has)/, '`url` '],
    [/\b(?:a|the) token callback\b/g, 'getToken'],
    [NAMES, camel],
    [/ is NULL\b/g, ' is missing'],
    [
        /\bdrt_\w+/g,
        (name) => FUNCTIONS[name] ?? camel(name.replace(/^drt_(?:(?:client|scope|subscription)_)?/, '')),
    ],
    [/\bDRT_[A-Z_]+\b/g, (name) => CONSTANTS[name] ?? name],
];

function camel(name: string): string {
    return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

/** A message of the library with the names of this package. */
export function translateMessage(message: string): string {
    return TRANSLATIONS.reduce(
        (text, [pattern, replacement]) => text.replace(pattern, replacement as string),
        message,
    );
}
