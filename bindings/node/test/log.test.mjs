import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { afterEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { createClient, setLog } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { until } from './waiting.mjs';

const run = promisify(execFile);
/** Nothing listens there. */
const CLOSED = 'http://127.0.0.1:9';

/** A program that fails to connect, closes its client, and ends. */
async function logged(args, env = {}) {
    const script = fileURLToPath(new URL('programs/logging.mjs', import.meta.url));
    const { DRT_LOG: _, NODE_DEBUG: __, ...inherited } = process.env;
    const options = { env: { ...inherited, ...env }, timeout: 60_000 };
    const { stdout, stderr } = await run(process.execPath, [script, CLOSED, ...args], options);
    assert.doesNotMatch(stdout + stderr, /s3cret/);
    return { stdout, stderr };
}

/** How often the failure of the link is in the log. */
const failures = (text) => [...text.matchAll(/Backoff.* refused the connection/gi)].length;

describe('setLog', () => {
    afterEach(() => setLog('off'));

    async function collect(t, level) {
        const lines = [];
        setLog(level, (...line) => lines.push(line));
        const server = await startScriptedServer();
        t.after(() => server.close());
        const client = createClient(server.url, { accessToken: 's3cret' });
        t.after(() => client.close());
        await client.connected();
        client.reconnect();
        await client.connected();
        return lines;
    }

    it('setLog delivers the messages of a level and of the levels before it', async (t) => {
        const lines = await collect(t, 'info');
        await until(
            () => lines.filter(([, , text]) => /CONNECTED|[Cc]onnected/.test(text)).length > 1,
            'both',
        );
        for (const [level, target, message] of lines) {
            assert.match(level, /^(error|warn|info)$/);
            assert.equal(typeof target, 'string');
            assert.doesNotMatch(message, /s3cret/);
        }
        const more = await collect(t, 'trace');
        await until(() => more.some(([level]) => level === 'trace'), 'frames');
    });

    it("setLog with 'off', or without a function, ends the log", async (t) => {
        for (const end of [() => setLog('off'), () => setLog('trace'), () => setLog('off', () => {})]) {
            const lines = await collect(t, 'trace');
            await until(() => lines.length > 0, 'messages');
            end();
            const { length } = lines;
            const client = createClient(CLOSED, { accessToken: 'x', reconnectMinMs: 60_000 });
            client.on('state', () => {});
            await assert.rejects(client.connected({ timeoutMs: 100 }));
            await client.close();
            assert.equal(lines.length, length);
        }
    });

    it('setLog replaces the log of another thread', async (t) => {
        const lines = await collect(t, 'trace');
        const script = `
            const { parentPort } = require('node:worker_threads');
            const { setLog } = require('directus-realtime');
            setLog('info', (level, target, message) => parentPort.postMessage(message));
            parentPort.once('message', () => parentPort.close());
            parentPort.postMessage('ready');`;
        const worker = new Worker(script, { eval: true });
        t.after(() => worker.terminate());
        const theirs = [];
        worker.on('message', (message) => theirs.push(message));
        await until(() => theirs.includes('ready'), 'the worker');
        const { length } = lines;
        const client = createClient(CLOSED, { accessToken: 'x', reconnectMinMs: 60_000 });
        client.on('state', () => {});
        t.after(() => client.close());
        client.connect();
        await until(() => theirs.some((text) => /refused/.test(text)), 'the log in the worker');
        assert.equal(lines.length, length);
        // A reader that ends so is no reason to stop, or to end.
        await worker.terminate();
        client.reconnect();
        await until(() => client.state === 'backoff', 'the next attempt');
    });

    it('setLog refuses wrong arguments, and the error names them', () => {
        const wrong = { code: 'DRT_ERR_INVALID_ARGUMENT' };
        assert.throws(() => setLog('loud', () => {}), { ...wrong, message: /`level` is 'loud'/ });
        assert.throws(() => setLog(undefined, () => {}), wrong);
        assert.throws(() => setLog('info', 'console'), { ...wrong, message: /`log` is 'console'/ });
    });

    it('a log does not keep the process alive, and loses no messages at its end', async () => {
        for (const how of ['close', 'exit']) {
            const { stdout, stderr } = await logged([how, 'info']);
            assert.equal(failures(stdout), 1, stdout);
            assert.equal(stderr, '');
        }
    });
});

describe('NODE_DEBUG=directus-realtime', () => {
    it('NODE_DEBUG=directus-realtime prints the log once', async () => {
        for (const env of [{}, { DRT_LOG: 'debug' }]) {
            const { stderr } = await logged(['close'], { NODE_DEBUG: 'directus-realtime', ...env });
            assert.match(stderr, /^DIRECTUS-REALTIME \d+: (info|debug|warn) \w+: /m);
            assert.equal(failures(stderr), 1, stderr);
        }
    });

    it('setLog takes precedence over NODE_DEBUG', async () => {
        const { stdout, stderr } = await logged(['close', 'info'], { NODE_DEBUG: 'directus-realtime' });
        assert.equal(failures(stdout), 1);
        assert.equal(stderr, '');
    });

    it('NODE_DEBUG and DRT_LOG replace the warning about a first attempt that fails', async () => {
        for (const env of [{ NODE_DEBUG: 'directus-realtime' }, { DRT_LOG: 'warn' }]) {
            const { stderr } = await logged(['silent'], env);
            assert.equal(failures(stderr), 1, stderr);
            assert.doesNotMatch(stderr, /Warning/);
        }
        for (const env of [{}, { DRT_LOG: 'error' }]) {
            const { stderr } = await logged(['silent'], env);
            assert.match(stderr, /DirectusRealtimeWarning: .* refused the connection/);
        }
    });

    it('NODE_DEBUG for other modules does not print the log', async () => {
        const { stdout, stderr } = await logged(['close'], { NODE_DEBUG: 'http' });
        assert.equal(stdout + stderr, '');
    });
});
