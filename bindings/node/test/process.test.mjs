import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import * as esm from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { startServer } from './server.mjs';
import { collector, until } from './waiting.mjs';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const require = createRequire(import.meta.url);

let server;
before(async () => {
    server = await startServer();
});
after(() => server.close());

/** Runs a program of `programs/`, which ends with the test in any case. */
function run(t, name, ...args) {
    const script = fileURLToPath(new URL(`programs/${name}.mjs`, import.meta.url));
    const child = spawn(process.execPath, [script, server.url, server.token, ...args]);
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => (output += text));
    }
    const ended = once(child, 'close');
    t.after(async () => {
        child.kill('SIGKILL');
        await ended;
    });
    return {
        child,
        shown: (text) => until(() => output.includes(text), `${text} from ${name}`),
        status: async () => (await ended)[0],
        output: () => output,
    };
}

describe('a process', () => {
    it('an open client keeps the process alive, a closed one does not', async (t) => {
        const program = run(t, 'closing');
        await program.shown('ready');
        await server.rest.create('posts', { title: 'still there?' });
        assert.equal(program.child.exitCode, null);
        program.child.stdin.write('close\n');
        assert.equal(await program.status(), 0, program.output());
        assert.match(program.output(), /closed/);
    });

    it('a client after unref() does not keep the process alive', async (t) => {
        const program = run(t, 'unreferenced');
        assert.equal(await program.status(), 0, program.output());
        assert.match(program.output(), /ready/);
    });

    it('the process may exit inside a callback, and while a client is being closed', async (t) => {
        const program = run(t, 'exiting');
        assert.equal(await program.status(), 7, program.output());
    });

    it('errors of callbacks are uncaught exceptions or unhandled rejections, and delivery goes on', async (t) => {
        const program = run(t, 'throwing', 'survive');
        await program.shown('ready');
        await program.shown('uncaughtException: listener');
        await program.shown('unhandledRejection: promise');
        const posts = await server.rest.create('posts', [{ title: 'a' }, { title: 'b' }]);
        await program.shown('uncaughtException: handler');
        await until(() => program.output().split('event 0').length === 3, 'both events');
        await server.rest.delete('posts', posts[0].id);
        await program.shown('delete');
        program.child.stdin.end('close\n');
        assert.equal(await program.status(), 0, program.output());
    });

    it('the process ends by an uncaught error of a callback', async (t) => {
        const program = run(t, 'throwing');
        assert.equal(await program.status(), 1, program.output());
        assert.match(program.output(), /Error: listener\n\s+at Client/);
    });
});

describe('worker threads', () => {
    it('worker threads leave no link behind, however they end', async (t) => {
        const scripted = await startScriptedServer();
        t.after(() => scripted.close());
        const script = new URL('programs/worker.mjs', import.meta.url);
        const workerData = { url: scripted.url, token: 'x' };
        const workers = ['terminate', 'exit', 'close', 'terminate'].map((how) => ({
            how,
            worker: new Worker(script, { workerData }),
        }));
        await Promise.all(workers.map(({ worker }) => once(worker, 'message')));
        await until(() => scripted.links === workers.length, 'a link of each');
        const ends = workers.map(({ worker }) => once(worker, 'exit'));
        for (const { how, worker } of workers) {
            void (how === 'terminate' ? worker.terminate() : worker.postMessage(how));
        }
        await Promise.all(ends);
        await until(() => scripted.links === 0, 'the end of every link');
    });

    for (const [how, code] of [
        ['close', 0],
        ['exit', 7],
        ['terminate', 1],
    ]) {
        it(`worker threads have clients of their own, and may end by ${how}`, async (t) => {
            const script = new URL('programs/worker.mjs', import.meta.url);
            const workerData = { url: server.url, token: server.token };
            const workers = [new Worker(script, { workerData }), new Worker(script, { workerData })];
            t.after(() => Promise.all(workers.map((worker) => worker.terminate())));
            const seen = workers.map(() => []);
            workers.forEach((worker, n) => worker.on('message', (type) => seen[n].push(type)));
            await until(() => seen.every((types) => types.includes('init')), 'both snapshots');
            const client = esm.createClient(server.url, { accessToken: server.token });
            t.after(() => client.close());
            await client.subscribe({ collection: 'codes' }, () => {}).ready();
            await server.rest.create('posts', { title: 'for all' });
            await until(() => seen.every((types) => types.includes('create')), 'both events');
            const ends = workers.map((worker) => once(worker, 'exit'));
            for (const worker of workers) {
                void (how === 'terminate' ? worker.terminate() : worker.postMessage(how));
            }
            assert.deepEqual(await Promise.all(ends), [[code], [code]]);
            assert.equal((await client.request({ type: 'ping' })).type, 'pong');
        });
    }
});

describe('the package in one process', () => {
    it('import and require load one and the same package', () => {
        const cjs = require('directus-realtime');
        assert.equal(cjs.createClient, esm.createClient);
        assert.equal(cjs.DirectusRealtimeError, esm.DirectusRealtimeError);
    });

    it('two copies of the package work in one process', async (t) => {
        const folder = mkdtempSync(path.join(PACKAGE, 'test', 'copy-'));
        t.after(() => rmSync(folder, { recursive: true }));
        cpSync(path.join(PACKAGE, 'dist'), path.join(folder, 'dist'), { recursive: true });
        symlinkSync(path.join(PACKAGE, 'node_modules'), path.join(folder, 'node_modules'));
        process.env.DIRECTUS_REALTIME_LIBRARY ??= findLibrary();
        const copy = await import(pathToFileURL(path.join(folder, 'dist', 'index.mjs')).href);
        assert.notEqual(copy.createClient, esm.createClient);
        const seen = [copy, esm].map(({ createClient }) => {
            const client = createClient(server.url, { accessToken: server.token });
            t.after(() => client.close());
            const collect = collector();
            client.subscribe({ collection: 'posts', uid: 'same' }, collect);
            return collect;
        });
        await Promise.all(seen.map((collect) => collect.find('init')));
        await server.rest.create('posts', { title: 'delivered twice' });
        await Promise.all(seen.map((collect) => collect.find('create')));
    });
});

/** The library of this checkout, for a copy of the package outside of it. */
function findLibrary() {
    const { candidates } = require('../dist/abi/library.js');
    return candidates().find((place) => require('node:fs').existsSync(place));
}
