// The asynchronous context (AsyncLocalStorage) in which callbacks run.
import assert from 'node:assert/strict';
import { AsyncLocalStorage } from 'node:async_hooks';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { until } from './waiting.mjs';

const context = new AsyncLocalStorage();

/** Sends three events after each `init`. */
function onMessage({ type, collection }, link) {
    if (type === 'subscribe') {
        void link.load(collection, { count: 3 });
    }
}

async function start(t, tokens) {
    const server = await startScriptedServer({ tokens, onMessage });
    t.after(() => server.close());
    return (options) =>
        context.run('alice', () => {
            const client = createClient(server.url, { accessToken: 'x', ...options });
            t.after(() => client.close());
            return client;
        });
}

it('a callback runs in the asynchronous context of its subscribe call', async (t) => {
    const client = (await start(t))();
    const seen = { bob: [], carol: [] };
    for (const name of Object.keys(seen)) {
        context.run(name, () => {
            const record = () => void seen[name].push(context.getStore());
            client.subscribe({ collection: name }, record);
        });
    }
    const none = [];
    client.subscribe({ collection: 'none' }, () => void none.push(context.getStore()));
    await until(() => [seen.bob, seen.carol, none].every(({ length }) => length === 4), 'the events');
    assert.deepEqual(seen, { bob: Array(4).fill('bob'), carol: Array(4).fill('carol') });
    assert.deepEqual(none, Array(4).fill(undefined));
});

it('events that waited for a callback run it in the context of its subscribe call, too', async (t) => {
    const client = (await start(t))();
    const seen = [];
    context.run('bob', () =>
        client.subscribe({ collection: 'posts' }, async () => {
            seen.push(context.getStore());
            await context.run('mallory', () => sleep(5));
        }),
    );
    await until(() => seen.length === 4, 'the events');
    assert.deepEqual(seen, Array(4).fill('bob'));
});

it('state listeners and getToken run in the asynchronous context of createClient', async (t) => {
    const seen = [];
    const make = await start(t, ['good']);
    const client = make({
        accessToken: undefined,
        getToken: () => {
            seen.push(['getToken', context.getStore()]);
            return 'good';
        },
    });
    client.on('state', ({ state }) => seen.push([state, context.getStore()]));
    await context.run('bob', () => client.connected());
    context.run('carol', () => client.reconnect());
    await context.run('carol', () => client.connected());
    await until(() => seen.filter(([name]) => name === 'connected').length === 2, 'the new link');
    await context.run('dave', () => client.close());
    assert.deepEqual([...new Set(seen.map(([name]) => name))].sort(), [
        'authenticating',
        'closed',
        'connected',
        'connecting',
        'getToken',
    ]);
    assert.deepEqual([...new Set(seen.map(([, store]) => store))], ['alice']);
});

it('promises and loops keep the asynchronous context of their caller', async (t) => {
    const client = (await start(t))();
    await context.run('bob', async () => {
        await client.connected();
        assert.equal(context.getStore(), 'bob');
        await client.request({ type: 'ping' });
        assert.equal(context.getStore(), 'bob');
        const posts = client.subscribe({ collection: 'posts' });
        await posts.ready();
        for await (const { sequence } of posts) {
            assert.equal(context.getStore(), 'bob');
            if (sequence === 4) {
                break;
            }
        }
    });
});
