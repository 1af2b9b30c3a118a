// Callbacks that are behind, and wait for something that is in the queue behind their own events.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { collectGarbage } from './garbage.mjs';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { until } from './waiting.mjs';

const MIB = 1024 * 1024;
/** The id of the event after the snapshot. */
const LAST = 1_000_000;
const item = { text: 'x'.repeat(10_000) };

/** A client, and its server, which answers writes with a delay. */
async function start(t, options = {}) {
    const onMessage = ({ type, action, uid }, link) => {
        if (type === 'items' && action !== 'read') {
            setTimeout(() => link.send({ type, data: {}, uid }), 5);
        }
    };
    const server = await startScriptedServer({ onMessage });
    const client = createClient(server.url, { accessToken: 'x', ...options });
    t.after(async () => {
        await client.close();
        await server.close();
    });
    await client.connected();
    return { client, server };
}

/** A subscription whose callback never settles its promise for the first change. */
async function subscribeStuck(client, collection = 'posts') {
    const stuck = ({ type }) => (type === 'init' ? undefined : new Promise(() => {}));
    return client.subscribe({ collection }, stuck).ready();
}

describe('a callback that requests something for each event', () => {
    it('a callback that requests something for each event gets a snapshot after an overflow', async (t) => {
        const bound = 4 * MIB;
        const { client, server } = await start(t, { queueBytes: bound });
        const events = [];
        let done = false;
        const subscription = client.subscribe({ collection: 'posts' }, async (event) => {
            events.push(event);
            if (event.type === 'create') {
                done ||= event.data.id === LAST;
                // The last request is rejected when the test closes the client.
                await client
                    .items('log')
                    .create({ id: event.data.id })
                    .catch(() => {});
            }
        });
        await subscription.ready();
        // Far more than the callback can handle.
        for (let first = 1; first <= 4000; first += 200) {
            await server.newest.load('posts', { first, count: 200, item });
            await sleep(5);
        }
        await until(() => events.some(({ resync }) => resync), 'the snapshot');
        await until(async () => {
            // Sent again, because a further overflow may drop it.
            await server.newest.load('posts', { first: LAST, count: 1, item });
            return done;
        }, 'an event after the snapshot');
        assert.equal(client.isConnected, true);
        assert.equal(subscription.ended, false);
        assert.ok(client.stats().overflows > 0);
        // No gap without a snapshot behind it.
        let last = 0;
        for (const { type, resync, data } of events) {
            if (type === 'init') {
                last = resync ? undefined : 0;
            } else if (data.id !== LAST) {
                assert.ok(last === undefined || data.id === last + 1, `${data.id} after ${last}`);
                last = data.id;
            }
        }
    });

    it('events that wait for a callback take no more memory than queueBytes allows', async (t) => {
        const { client, server } = await start(t, { queueBytes: 4 * MIB });
        const subscription = await subscribeStuck(client);
        // A pending request keeps events coming, and its reply never does.
        const answer = client.request({ type: 'silence' }, { timeoutMs: 60_000 }).catch(() => {});
        const heap = () => {
            collectGarbage();
            return process.memoryUsage().heapUsed;
        };
        const before = heap();
        for (let first = 1; first <= 6000; first += 200) {
            await server.newest.load('posts', { first, count: 200, item });
            await sleep(5);
        }
        await until(() => client.stats().framesIn > 6000, 'every frame');
        const grown = heap() - before;
        assert.ok(grown < 20 * MIB, `the heap has grown by ${grown} bytes`);
        assert.ok(client.stats().overflows > 0);
        assert.equal(subscription.ended, false);
        await client.close();
        await answer;
    });

    it('an overflow of one subscription does not affect other subscriptions', async (t) => {
        const { client, server } = await start(t, { queueBytes: 4 * MIB });
        const others = [];
        await client.subscribe({ collection: 'codes' }, ({ type }) => void others.push(type)).ready();
        await subscribeStuck(client);
        const answer = client.request({ type: 'silence' }, { timeoutMs: 60_000 }).catch(() => {});
        for (let n = 0; n < 10; n++) {
            await server.newest.load('posts', { first: n * 200, count: 200, item });
            await server.newest.load('codes', { first: n, count: 1, item });
            await sleep(5);
        }
        await until(() => others.length === 11, 'the events of the other subscription');
        assert.deepEqual(others, ['init', ...Array(10).fill('create')]);
        await client.close();
        await answer;
    });
});

describe('a callback that is far behind', () => {
    it('a callback that is far behind gets one snapshot, when it is ready for it', async (t) => {
        const { client, server } = await start(t, { queueBytes: 8 * MIB });
        const reads = () => server.messages.filter(({ action }) => action === 'read').length;
        let settle;
        const stuck = new Promise((resolve) => (settle = resolve));
        const types = [];
        const callback = ({ type, resync }) => {
            types.push(resync ? 'resync' : type);
            return type === 'init' ? undefined : stuck;
        };
        await client.subscribe({ collection: 'posts' }, callback).ready();
        await until(() => reads() === 1, 'the read of the first snapshot');
        for (let sent = 0; sent < 3000; sent += 200) {
            await server.newest.load('posts', { first: sent, count: 200, item });
            await until(() => client.stats().framesIn > sent + 200, 'the frames');
        }
        await until(() => client.stats().overflows > 0, 'the overflow');
        await sleep(50);
        assert.deepEqual([reads(), types], [1, ['init', 'create']]);
        assert.ok(client.stats().queuedBytes <= 9 * MIB, `${client.stats().queuedBytes} bytes wait`);
        settle();
        await until(() => types.includes('resync'), 'the snapshot');
        await until(() => reads() === 2, 'its read');
        await sleep(50);
        assert.equal(reads(), 2);
        assert.equal(client.stats().queuedEvents, 0);
    });

    it('a loop that begins late gets the snapshot, and the events after it', async (t) => {
        const { client, server } = await start(t, { queueBytes: 4 * MIB });
        const posts = client.subscribe({ collection: 'posts' });
        await posts.ready();
        for (let first = 1; first <= 1000; first += 200) {
            await server.newest.load('posts', { first, count: 200, item });
            await sleep(5);
        }
        await until(() => client.stats().framesIn > 1000, 'every frame');
        await until(() => client.stats().overflows > 0, 'the overflow');
        for await (const { type, resync, data, sequence } of posts) {
            if (type === 'init' && resync) {
                void server.newest.load('posts', { first: LAST, count: 1, item });
            } else if (data.id === LAST) {
                assert.ok(sequence < 1000, `${sequence}`);
                break;
            }
        }
    });
});

describe('a callback that never settles', () => {
    it('a callback that never settles does not delay the renewal of a token', async (t) => {
        const asked = [];
        const { client, server } = await start(t, {
            accessToken: undefined,
            getToken: (error) => {
                asked.push(error?.code);
                return 'x';
            },
        });
        await subscribeStuck(client);
        await server.newest.load('posts', { first: 1, count: 1000, item });
        await until(() => client.stats().framesIn > 1000, 'every frame');
        const expired = { code: 'TOKEN_EXPIRED', message: 'Token expired.' };
        void server.newest.send({ type: 'auth', status: 'error', error: expired });
        await until(() => asked.length > 1, 'the request for another token');
        assert.deepEqual(asked.slice(0, 2), [undefined, 'DRT_ERR_AUTH']);
    });

    it('a callback that never settles does not delay the states backoff and connected', async (t) => {
        const { client, server } = await start(t, { reconnectMinMs: 1, reconnectMaxMs: 10 });
        const states = [];
        client.on('state', ({ state }) => states.push(state));
        await subscribeStuck(client);
        await server.newest.load('posts', { first: 1, count: 1000, item });
        await until(() => client.stats().framesIn > 1000, 'every frame');
        const { queuedEvents } = client.stats();
        assert.ok(queuedEvents > 400, `${queuedEvents} events wait in the library`);
        void server.newest.drop();
        await until(() => states.includes('backoff') && states.at(-1) === 'connected', 'both states');
    });
});
