// Promises that wait for the server are settled whatever happens, and by what is true.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { until } from './waiting.mjs';

const NOWHERE = 'http://127.0.0.1:1';
const GIVES_UP = { accessToken: 'x', reconnectAttempts: 1, reconnectMinMs: 1, reconnectMaxMs: 2 };
const PATIENCE = { timeoutMs: 20_000 };

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

/** Lets the library go on while the event loop stands still. */
function stall(condition) {
    const deadline = Date.now() + 20_000;
    while (!condition()) {
        assert.ok(Date.now() < deadline, 'waited in vain');
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
    }
}

describe('connected()', () => {
    it('rejects each time without credentials, not only the first time', async (t) => {
        const client = open(t, NOWHERE, {});
        for (let time = 0; time < 3; time++) {
            await assert.rejects(client.connected(PATIENCE), { code: 'DRT_ERR_AUTH' });
            assert.equal(client.state, 'failed');
        }
    });

    it('tries again after having given up, and rejects again', async (t) => {
        const client = open(t, NOWHERE, GIVES_UP);
        for (let time = 0; time < 2; time++) {
            await assert.rejects(client.connected(PATIENCE), { code: 'DRT_ERR_IO' });
        }
    });

    it('rejects when the client is told to disconnect, and works afterwards', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        const waiting = client.connected(PATIENCE);
        client.disconnect();
        await assert.rejects(waiting, { code: 'DRT_ERR_NOT_CONNECTED', message: /is disconnected/ });
        await client.connected(PATIENCE);
        assert.equal(client.isConnected, true);
    });

    it('takes no notice of a failure that is over', async (t) => {
        const client = open(t, server.url);
        client.connect();
        stall(() => client.state === 'failed');
        client.setToken('x');
        await client.connected(PATIENCE);
        assert.equal(client.isConnected, true);
    });

    it('takes no notice of a link that is lost again', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        client.connect();
        stall(() => client.isConnected);
        client.disconnect();
        await client.connected(PATIENCE);
        assert.equal(client.isConnected, true);
        assert.equal((await client.request({ type: 'ping' })).type, 'pong');
    });
});

describe('ready()', () => {
    it('rejects when the client gives up, and when it had done so before', async (t) => {
        const client = open(t, NOWHERE, GIVES_UP);
        const subscription = client.subscribe({ collection: 'posts' }, () => {});
        for (let time = 0; time < 2; time++) {
            await assert.rejects(subscription.ready(PATIENCE), { code: 'DRT_ERR_IO' });
        }
        const failed = { code: 'DRT_ERR_NOT_CONNECTED', message: /has failed/ };
        assert.throws(() => client.subscribe({ collection: 'codes' }), failed);
    });

    it('rejects while the client is disconnected, and resolves once it is back', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        const subscription = client.subscribe({ collection: 'posts' }, () => {});
        const waiting = subscription.ready(PATIENCE);
        client.disconnect();
        const disconnected = { code: 'DRT_ERR_NOT_CONNECTED', message: /is disconnected/ };
        await assert.rejects(waiting, disconnected);
        await assert.rejects(subscription.ready(PATIENCE), disconnected);
        client.connect();
        assert.equal(await subscription.ready(PATIENCE), subscription);
    });
});

describe('ready(), where the server does not answer', () => {
    it('is not settled by the word that it is late', async (t) => {
        const silent = await startScriptedServer({ withhold: ['subscribe', 'unsubscribe'] });
        t.after(() => silent.close());
        const client = open(t, silent.url, { accessToken: 'x', ackTimeoutMs: 20 });
        const events = [];
        const subscription = client.subscribe({ collection: 'posts' }, (event) => void events.push(event));
        const waiting = subscription.ready({ timeoutMs: 60_000 });
        let settled = false;
        waiting.catch(() => {}).finally(() => (settled = true));
        const late = await until(() => events[0], 'the word');
        assert.deepEqual([late.type, late.ended], ['error', false]);
        await new Promise(setImmediate);
        assert.equal(settled, false);
        subscription.unsubscribe();
        await assert.rejects(waiting, { code: 'DRT_ERR_CLOSED' });
    });
});

describe('closing', () => {
    it('is no error, unless it is one', async (t) => {
        const client = open(t, server.url, { accessToken: 'x' });
        await client.connected(PATIENCE);
        const changes = [];
        client.on('state', (change) => changes.push(change));
        const disconnected = once(client, 'disconnected');
        await client.close();
        assert.deepEqual(changes, [{ state: 'closed', message: 'the client is closed', error: undefined }]);
        assert.deepEqual(await disconnected, changes);
    });

    it('rejects what still waits', async (t) => {
        const client = open(t, NOWHERE, { accessToken: 'x' });
        const waiting = [client.connected(), client.subscribe({ collection: 'posts' }).ready()];
        const closed = waiting.map((each) => assert.rejects(each, { code: 'DRT_ERR_CLOSED' }));
        await client.close();
        await Promise.all(closed);
        await until(() => client.state === 'closed', 'the end');
    });
});
