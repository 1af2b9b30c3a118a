// Promises that wait for the server are settled in every case, and by states that still hold.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { until } from './waiting.mjs';

const NOWHERE = 'http://127.0.0.1:1';
const GIVES_UP = { accessToken: 'x', reconnectAttempts: 1, reconnectMinMs: 1, reconnectMaxMs: 2 };
const TIMEOUT = { timeoutMs: 60_000 };

let server;
before(async () => {
    server = await startScriptedServer();
});
after(() => server.close());

function open(t, url, options) {
    const client = createClient(url, options);
    t.after(() => client.close());
    return client;
}

/** Blocks the event loop, and lets the library's threads run, until something is true. */
function block(condition) {
    const deadline = Date.now() + 60_000;
    while (!condition()) {
        assert.ok(Date.now() < deadline, 'timed out');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
}

describe('connected()', () => {
    it('connected() rejects each time without credentials, not only the first time', async (t) => {
        const client = open(t, NOWHERE, {});
        for (let time = 0; time < 3; time++) {
            await assert.rejects(client.connected(TIMEOUT), { code: 'DRT_ERR_AUTH' });
            assert.equal(client.state, 'failed');
        }
    });

    it('connected() tries again after the client gave up, and rejects again', async (t) => {
        const client = open(t, NOWHERE, GIVES_UP);
        for (let time = 0; time < 2; time++) {
            await assert.rejects(client.connected(TIMEOUT), { code: 'DRT_ERR_IO' });
        }
    });

    it('connected() rejects when disconnect() is called, and works afterwards', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        const waiting = client.connected(TIMEOUT);
        client.disconnect();
        await assert.rejects(waiting, { code: 'DRT_ERR_NOT_CONNECTED', message: /is disconnected/ });
        await client.connected(TIMEOUT);
        assert.equal(client.isConnected, true);
    });

    it('connected() does not reject for a failure that is over', async (t) => {
        const client = open(t, server.url);
        client.connect();
        block(() => client.state === 'failed');
        client.setToken('x');
        await client.connected(TIMEOUT);
        assert.equal(client.isConnected, true);
    });

    it('connected() does not resolve for a link that is lost again', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        client.connect();
        block(() => client.isConnected);
        client.disconnect();
        await client.connected(TIMEOUT);
        assert.equal(client.isConnected, true);
        assert.equal((await client.request({ type: 'ping' })).type, 'pong');
    });
});

describe('ready()', () => {
    it('ready() rejects when the client gives up, and after it has given up', async (t) => {
        const client = open(t, NOWHERE, GIVES_UP);
        const subscription = client.subscribe({ collection: 'posts' }, () => {});
        for (let time = 0; time < 2; time++) {
            await assert.rejects(subscription.ready(TIMEOUT), { code: 'DRT_ERR_IO' });
        }
        const failed = { code: 'DRT_ERR_NOT_CONNECTED', message: /has failed/ };
        assert.throws(() => client.subscribe({ collection: 'codes' }), failed);
    });

    it('ready() rejects while the client is disconnected, and resolves once it is connected again', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        const subscription = client.subscribe({ collection: 'posts' }, () => {});
        const waiting = subscription.ready(TIMEOUT);
        client.disconnect();
        const disconnected = { code: 'DRT_ERR_NOT_CONNECTED', message: /is disconnected/ };
        await assert.rejects(waiting, disconnected);
        await assert.rejects(subscription.ready(TIMEOUT), disconnected);
        client.connect();
        assert.equal(await subscription.ready(TIMEOUT), subscription);
    });
});

describe('ready(), where the server does not answer', () => {
    it('ready() is not settled by the error event for a late reply', async (t) => {
        const silent = await startScriptedServer({ withhold: ['subscribe', 'unsubscribe'] });
        t.after(() => silent.close());
        const client = open(t, silent.url, { accessToken: 'x', ackTimeoutMs: 200 });
        const events = [];
        const subscription = client.subscribe({ collection: 'posts' }, (event) => void events.push(event));
        const waiting = subscription.ready({ timeoutMs: 60_000 });
        let settled = false;
        waiting.catch(() => {}).finally(() => (settled = true));
        const late = await until(() => events[0], 'the error event');
        assert.deepEqual([late.type, late.ended], ['error', false]);
        await new Promise(setImmediate);
        assert.equal(settled, false);
        subscription.unsubscribe();
        await assert.rejects(waiting, { code: 'DRT_ERR_CLOSED' });
    });
});

describe('close()', () => {
    it('close() reports the state closed without an error', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        await client.connected(TIMEOUT);
        const changes = [];
        client.on('state', (change) => changes.push(change));
        const disconnected = once(client, 'disconnected');
        await client.close();
        assert.deepEqual(changes, [{ state: 'closed', message: 'the client is closed', error: undefined }]);
        assert.deepEqual(await disconnected, changes);
    });

    it('close() rejects pending waits', async (t) => {
        const client = open(t, NOWHERE, { accessToken: 'x' });
        const waiting = [client.connected(), client.subscribe({ collection: 'posts' }).ready()];
        const closed = waiting.map((each) => assert.rejects(each, { code: 'DRT_ERR_CLOSED' }));
        await client.close();
        await Promise.all(closed);
        await until(() => client.state === 'closed', 'the end');
    });

    it('close() delivers replies that have come, and rejects the requests without one', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        await client.connected(TIMEOUT);
        const silence = client.request({ type: 'silence' });
        const { framesIn } = client.stats();
        const pong = client.request({ type: 'ping' });
        block(() => client.stats().framesIn > framesIn);
        const closed = { code: 'DRT_ERR_CLOSED', message: /closed before the server answered/ };
        await Promise.all([client.close(), assert.rejects(silence, closed)]);
        assert.equal((await pong).type, 'pong');
    });

    it('close() in a callback ends delivery in the middle of a batch', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        const seen = [];
        const states = [];
        let closing;
        const subscription = client.subscribe({ collection: 'posts' }, ({ type }) => {
            seen.push(type);
            if (type === 'create') {
                closing = client.close();
            }
        });
        await subscription.ready(TIMEOUT);
        client.on('state', ({ state }) => states.push(state));
        const { framesIn } = client.stats();
        void server.newest.load('posts', { first: 1, count: 3, item: {} });
        block(() => client.stats().framesIn >= framesIn + 3);
        const pong = client.request({ type: 'ping' });
        block(() => client.stats().framesIn >= framesIn + 4);
        assert.equal((await pong).type, 'pong');
        await closing;
        assert.deepEqual([seen, states], [['init', 'create'], ['closed']]);
    });
});
