/** The library's sentences name the parts of the C ABI; here the same parts have other names. */

import { OPTION_NAMES } from './types.js';

type Replacement = string | ((...groups: string[]) => string);

/** With those that are not handed over in a struct. */
const ALL_NAMES = [...OPTION_NAMES, 'timeout_ms', 'send_queue_bytes'];

/** An option or argument of the C ABI as it stands in a sentence: not in a path, a quotation or another word. */
const NAMES = new RegExp(`(?<![\\w"/.-])(?:${ALL_NAMES.join('|')})(?![\\w"/-]|\\.\\w)`, 'g');

/** Where C has a function, and JavaScript a method of another name, or an option. */
const FUNCTIONS: Record<string, string> = {
    drt_client_on_token: 'the option getToken',
    drt_client_on_state: "client.on('state', …)",
    drt_client_new: 'createClient',
    drt_client_wait: 'connected',
    drt_subscription_wait: 'ready',
    drt_set_log: 'setLog',
};

/** And where it has a constant, and JavaScript text. */
const CONSTANTS: Record<string, string> = {
    DRT_AUTH_HANDSHAKE: "authMode: 'handshake'",
    DRT_AUTH_PUBLIC: "authMode: 'public'",
    DRT_AUTH_STRICT: "authMode: 'strict'",
    DRT_SNAPSHOT_EXACT: "snapshot: 'exact'",
    DRT_SNAPSHOT_SERVER: "snapshot: 'server'",
    DRT_PER_ITEM: "granularity: 'item'",
    DRT_PER_MESSAGE: "granularity: 'message'",
};

const WORDS: readonly (readonly [RegExp, Replacement])[] = [
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
    [
        /^(there is no usable link: )(\w+),\s*(.*)$/s,
        (_, start, state, why) => `${start}the client is ${state!.toLowerCase()}${why && `: ${why}`}`,
    ],
];

function camel(name: string): string {
    return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

export function inOurWords(message: string): string {
    return WORDS.reduce((text, [theirs, ours]) => text.replace(theirs, ours as string), message);
}
