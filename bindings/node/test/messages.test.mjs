// The library's sentences, as this package shows them, name its own options and methods.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { ROOT } from './server.mjs';

const { translateMessage } = createRequire(import.meta.url)('../dist/abi/messages.js');

const camel = (name) => name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

/** The members of an options struct of the header whose names JavaScript writes otherwise. */
function members(struct) {
    const header = readFileSync(path.join(ROOT, 'include', 'directus_realtime.h'), 'utf8');
    const [, body] = new RegExp(`typedef struct ${struct} \\{(.*?)\\n\\} ${struct};`, 's').exec(header);
    const names = [...body.matchAll(/^ {4}[\w ]+[ *](\w+);/gm)].map(([, name]) => name);
    return names.filter((name) => name.includes('_') && name !== 'struct_size');
}

const STRUCTS = ['drt_client_options', 'drt_subscription_options', 'drt_live_options'];
const OPTIONS = STRUCTS.flatMap(members);

/** The texts in the library's source, but for its tests. */
function* texts() {
    const source = path.join(ROOT, 'src');
    for (const file of readdirSync(source, { recursive: true })) {
        if (file.endsWith('.rs') && !/\btests?\b/.test(file)) {
            const [code] = readFileSync(path.join(source, file), 'utf8').split('#[cfg(test)]\nmod tests {');
            const bare = code.replace(/^\s*\/\/.*$/gm, '');
            for (const [, text] of bare.matchAll(/"((?:[^"\\]|\\.)*)"/gs)) {
                yield text.replace(/\\\n\s*/g, '').replaceAll('\\"', '"');
            }
        }
    }
}

describe('an option', () => {
    it("messages name options by this package's names", () => {
        assert.ok(OPTIONS.length > 10, `${OPTIONS}`);
        for (const name of OPTIONS) {
            assert.equal(translateMessage(`\`${name}\`: it`), `\`${camel(name)}\`: it`);
            assert.equal(
                translateMessage(`set \`${name}\`, or leave it`),
                `set \`${camel(name)}\`, or leave it`,
            );
        }
    });

    it('messages keep paths and quotations unchanged', () => {
        for (const text of [
            '/etc/ca_file',
            './ca_file.pem',
            'my_ca_file',
            'the subscription "ca_file"',
            'AUTH_FAILED: "access_token" is required',
        ]) {
            assert.equal(translateMessage(text), text);
        }
    });
});

it('no translated message of the library contains a name of the C ABI, except error codes', () => {
    // For those who call C: this package does not make such mistakes.
    const forC = /_INIT\b|constants?\b|DRT_DELIVER_POLL|->/;
    const sentences = [...texts()].filter((text) => text.includes(' ') && !forC.test(text));
    assert.ok(sentences.length > 200, `${sentences.length}`);
    const left = new RegExp(`drt_|DRT_(?!ERR_|LOG\\b)|(?<![\\w"/.])(${OPTIONS.join('|')})\\b|token callback`);
    for (const sentence of sentences) {
        assert.doesNotMatch(translateMessage(sentence), left, sentence);
    }
});

it('errors about files name the options', () => {
    const make = (options) => () => createClient('https://localhost:1', { accessToken: 'x', ...options });
    assert.throws(make({ clientCertFile: '/tmp/a.pem' }), /`clientCertFile` and `clientKeyFile`/);
    assert.throws(make({ caFile: '/nonexistent' }), /\bcaFile\b.*\/nonexistent/);
});
