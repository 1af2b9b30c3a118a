// The README's first program, with its state listener and without, prints within five seconds why it
// cannot connect, and what to do. When it connects, it prints what the README shows.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { startServer } from './server.mjs';
import { until } from './waiting.mjs';

const WITHIN_MS = 5_000;
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const README = readFileSync(path.join(PACKAGE, 'README.md'), 'utf8');
const [, PROGRAM] = /^```ts\n(import .*?)^```/ms.exec(README);
const [, OUTPUT] = /^```text\n(.*?)^```/ms.exec(README);
/** Sends a message when Node is up: how long that takes says nothing about the program. */
const REPORT_START = "data:text/javascript,process.send('started')";
const LISTENER = /^client\.on\('state'.*\n/m;

let folder;
before(() => {
    // In the package, which finds itself by its name there.
    folder = mkdtempSync(path.join(PACKAGE, 'test', 'program-'));
});
after(() => rmSync(folder, { recursive: true }));

async function directus(t, env) {
    const server = await startServer({ env });
    t.after(() => server.close());
    return server;
}

/** Runs the program for another server and token. */
function run(t, code, url, token) {
    const changed = code.replace('http://localhost:8055', url).replace("'…'", `'${token}'`);
    assert.ok(changed.includes(url) && changed.includes(token), changed);
    const file = path.join(mkdtempSync(path.join(folder, '-')), 'program.mjs');
    writeFileSync(file, changed);
    const child = spawn(process.execPath, ['--import', REPORT_START, file], {
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    const program = { child, text: '', start: performance.now() };
    child.once('message', () => (program.start = performance.now()));
    for (const stream of [child.stdout, child.stderr]) {
        stream.setEncoding('utf8').on('data', (text) => (program.text += text));
    }
    const ended = once(child, 'close');
    t.after(async () => {
        child.kill();
        await ended;
    });
    return program;
}

/** A server that has one answer. */
async function answering(t, status, body) {
    const refuse = `HTTP/1.1 ${status} Thus\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const server = await startScriptedServer({ refuse });
    t.after(() => server.close());
    return server.url;
}

const FAILURES = {
    'nothing listens at the port': [
        () => ['http://127.0.0.1:9', 'x'],
        '127.0.0.1:9 refused the connection: is the server running?',
    ],
    'the path is wrong (404)': [
        async (t) => [await answering(t, 404, 'no'), 'x'],
        'no WebSocket at that path: check the URL',
    ],
    'a page is there, and no WebSocket': [
        async (t) => [await answering(t, 200, '<html>'), 'x'],
        'does not upgrade to WebSocket: check the path',
    ],
    'WebSockets are not enabled': [
        async (t) => {
            const off = await directus(t, { WEBSOCKETS_ENABLED: 'false' });
            return [off.url, off.token];
        },
        'WEBSOCKETS_ENABLED',
    ],
    'the token is wrong': [
        async (t) => [(await directus(t)).url, 'wrong'],
        'the server refused the access token',
    ],
};

describe('a first program that cannot connect', () => {
    for (const [what, [where, text]] of Object.entries(FAILURES)) {
        it(`the README's first program says why it cannot connect when ${what}`, async (t) => {
            const [url, token] = await where(t);
            assert.match(PROGRAM, LISTENER);
            for (const code of [PROGRAM, PROGRAM.replace(LISTENER, '')]) {
                const program = run(t, code, url, token);
                await until(() => program.text.includes(text), text);
                const took = performance.now() - program.start;
                assert.ok(took < WITHIN_MS, `${took} ms`);
                assert.equal(program.child.exitCode, null, program.text);
            }
        });
    }
});

it("the README's first program prints what the README says", async (t) => {
    const server = await directus(t);
    const welcome = { title: 'Welcome', status: 'published' };
    await server.rest.create('posts', welcome);
    const program = run(t, PROGRAM, server.url, server.token);
    await until(() => program.text.includes('Welcome'), 'the snapshot');
    await server.rest.create('posts', { ...welcome, title: 'Breaking news' });
    await until(() => program.text.includes('Breaking news'), 'the event');
    await until(() => program.text.endsWith('\n'), 'the end of its line');
    // An ellipsis stands for the fields that are not of interest.
    const expected = OUTPUT.replace('localhost:8055', new URL(server.url).host)
        .split('…')
        .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('[^\\n]*');
    assert.match(program.text, new RegExp(`^${expected}$`));
});
