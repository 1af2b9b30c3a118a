/** The library's sentences name the parts of the C ABI; here the same parts have other names. */

const WORDS: readonly (readonly [RegExp, string | ((...groups: string[]) => string)])[] = [
    [/^url (?=is|has)/, '`url` '],
    [/\bset access_token, /, 'set accessToken, '],
    [/\ba token callback, or use DRT_AUTH_PUBLIC/, "getToken, or authMode: 'public'"],
    [/\b(or|option) access_token\b/, '$1 accessToken'],
    [/`(options\.)?([a-z]+(?:_[a-z]+)+)`/g, (_, __, name) => `\`${camel(name)}\``],
    [/`options\.([a-z]+)`/g, '`$1`'],
    [/ is NULL\b/, ' is missing'],
    [/\bcall drt_client_set_token\b/, 'call setToken'],
    [/\bcall drt_(subscribe|unsubscribe)\b/, 'call $1'],
    [
        /^(there is no usable link: )(\w+),\s*(.*)$/s,
        (_, start, state, why) => `${start}the client is ${state.toLowerCase()}${why && `: ${why}`}`,
    ],
];

function camel(name: string): string {
    return name.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
}

export function inOurWords(message: string): string {
    return WORDS.reduce((text, [theirs, ours]) => text.replace(theirs, ours as string), message);
}
