// The package in other runtimes than Node: Bun, and Deno with the permissions that the documentation names.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { ROOT } from './server.mjs';

const PROGRAM = fileURLToPath(new URL('programs/runtime.mjs', import.meta.url));
const README = readFileSync(fileURLToPath(new URL('../README.md', import.meta.url)), 'utf8');
const [, PERMISSIONS] = /deno run ((?:--allow-\S+ )+)/.exec(README);

/** A runtime from the search path, or from where `make` installs it. */
function find(name) {
    const folders = (process.env.PATH ?? '').split(path.delimiter);
    folders.push(path.join(ROOT, 'target', 'runtimes', 'node_modules', '.bin'));
    return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}

/** What the program prints, which it does once everything has come. */
async function run(t, command, args) {
    const onMessage = ({ type, count }, link) => {
        if (type === 'burst') {
            void link.load('posts', { first: 1, count, item: { text: 'x' } });
        }
    };
    const server = await startScriptedServer({ onMessage });
    t.after(() => server.close());
    const program = [...args, PROGRAM, server.url];
    const { stdout } = await promisify(execFile)(command, program, { timeout: 60_000 });
    return JSON.parse(stdout);
}

const EXPECTED = {
    states: ['connecting', 'authenticating', 'connected', 'closed'],
    events: ['create', 2001],
    logged: true,
    context: ['here'],
    loop: 'init',
    pong: 'pong',
    refused: 'DRT_ERR_TIMEOUT',
};

describe('the package', () => {
    it('the package works in Node as it does elsewhere', async (t) => {
        assert.deepEqual(await run(t, process.execPath, []), EXPECTED);
    });

    const bun = find('bun');
    it('the package works in Bun', { skip: bun === undefined && 'there is no Bun' }, async (t) => {
        assert.deepEqual(await run(t, bun, []), EXPECTED);
    });

    const deno = find('deno');
    const skip = deno === undefined && 'there is no Deno';
    it('the package works in Deno with the permissions of the README', { skip }, async (t) => {
        const args = ['run', '--no-prompt', ...PERMISSIONS.trim().split(' ')];
        assert.deepEqual(await run(t, deno, args), EXPECTED);
    });

    it('Deno needs each of these permissions', { skip }, async (t) => {
        const permissions = PERMISSIONS.trim().split(' ');
        assert.ok(permissions.length > 0);
        for (const left of permissions) {
            const others = permissions.filter((each) => each !== left);
            await assert.rejects(run(t, deno, ['run', '--no-prompt', ...others]), /NotCapable/);
        }
    });
});
