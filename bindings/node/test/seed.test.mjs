// Every code block of the composable's documentation runs as it stands: in a component of Vue, and by
// `client.useRealtime()`, against a real server.
import './seed/dom.mjs';
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, describe, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { startRelay } from './relay.mjs';
import { compileBlocks } from './seed/blocks.mjs';
import { prepare } from './seed/nuxt.mjs';
import { startServer } from './server.mjs';
import { collector, until } from './waiting.mjs';

let server, rest, blocks, run, me;
const tried = new Set();
const warnings = [];

before(async () => {
    process.on('warning', (warning) => warnings.push(warning));
    [server, blocks] = await Promise.all([startServer(), compileBlocks()]);
    rest = server.rest;
    await addFields();
    me = await rest.request('GET', '/users/me');
    run = await prepare(rest);
});
after(async () => {
    await server.close();
    assert.deepEqual(
        blocks.map(({ heading }) => heading).filter((heading) => !tried.has(heading)),
        [],
        'blocks that no test has run',
    );
    assert.deepEqual(warnings, []);
});

/** What the examples' collections have beside those of the other tests. */
async function addFields() {
    const add = (collection, field, type, meta, schema = {}) =>
        rest.request('POST', `/fields/${collection}`, { field, type, meta, schema });
    await add('posts', 'date_updated', 'timestamp', { special: ['date-created', 'date-updated'] });
    await add('messages', 'user_id', 'uuid', {});
    const author = await rest.create('authors', { name: 'Ann' });
    await add('messages', 'user', 'integer', {}, { default_value: author.id });
    const relation = { collection: 'messages', field: 'user', related_collection: 'authors', schema: {} };
    await rest.request('POST', '/relations', relation);
}

/** A test of a block, in Vue and in Node. */
function block(heading, body) {
    for (const kind of ['Vue', 'Node']) {
        it(`the documentation's block "${heading}" runs in ${kind}`, async (t) => {
            tried.add(heading);
            const { component } = blocks.find((each) => each.heading === heading);
            const relay = await startRelay(server.url);
            const options = { accessToken: server.token, reconnectMinMs: 100, reconnectMaxMs: 200 };
            const client = createClient(relay.url, { ...options, ...body.options });
            const log = t.mock.method(console, 'log', () => {});
            const runs = [];
            t.after(async () => {
                runs.forEach(({ unmount }) => unmount());
                await client.close();
                await relay.close();
            });
            await body({
                kind,
                client,
                relay,
                logged: (start) =>
                    log.mock.calls
                        .map(({ arguments: [...all] }) => all)
                        .filter(([first]) => first.startsWith(start)),
                start(more) {
                    const running = run(kind, component, client, more);
                    runs.push(running);
                    return running;
                },
            });
            assert.deepEqual(
                runs.flatMap(({ problems }) => problems),
                [],
            );
        });
    }
}

const uids = (client) => client.getActiveSubscriptions().map(({ uid }) => uid);
const ready = (client) => Promise.all(client.getActiveSubscriptions().map((each) => each.ready()));
const online = (client) => until(() => client.isConnected, 'the connection');

describe('reference', () => {
    block('Usage', async ({ client, start }) => {
        const { state } = start();
        const { isConnected, ...functions } = state;
        assert.deepEqual(Object.keys(functions).sort(), [
            'getActiveSubscriptions',
            'hasSubscription',
            'reconnect',
            'sendMessage',
            'subscribe',
            'unsubscribe',
            'unsubscribeAll',
            'unsubscribeCollection',
        ]);
        for (const each of Object.values(functions)) {
            assert.equal(typeof each, 'function');
        }
        await online(client);
    });

    block('isConnected', async ({ client, relay, start }) => {
        const { root, isConnected } = start();
        const shows = (text) => until(() => (root ? root.textContent.trim() : text) === text, text);
        assert.equal(isConnected(), false);
        await until(isConnected, 'the connection');
        await shows('Connected');
        assert.ok(!root || root.querySelector('.online'));
        relay.refuse();
        relay.cut();
        await until(() => !isConnected(), 'the loss');
        await shows('Disconnected');
        relay.refuse(false);
        await until(isConnected, 'the link');
        await shows('Connected');
    });

    block('subscribe(options, callback)', async ({ client, logged, start }) => {
        const shown = [];
        start({ showNotification: (event) => shown.push(event.type) });
        await ready(client);
        await rest.create('posts', { title: 'a', status: 'draft' });
        await rest.create('posts', { title: 'b', status: 'published' });
        await rest.create('notifications', { message: 'x' });
        const titles = (start) => logged(start).map(([, { type, data }]) => type === 'create' && data.title);
        // The first event is what there is.
        await until(() => titles('Post updated:').length === 3, 'both posts');
        assert.deepEqual(titles('Post updated:'), [false, 'a', 'b']);
        await until(() => shown.length === 2, 'the notification');
        assert.deepEqual(shown, ['init', 'create']);
        assert.deepEqual(titles('Published post updated:'), [false, 'b']);
        assert.equal(client.hasSubscription('global-notifications'), true);
    });

    block('Auto-Cleanup Behavior', async ({ client, start }) => {
        const { unmount } = start();
        await ready(client);
        assert.deepEqual(
            client.getActiveSubscriptions().map(({ collection }) => collection),
            ['posts', 'messages'],
        );
        unmount();
        assert.deepEqual(uids(client), ['user-messages']);
        const [{ persistent, unsubscribe }] = client.getActiveSubscriptions();
        assert.equal(persistent, true);
        unsubscribe();
        assert.deepEqual(uids(client), []);
    });

    block('Duplicate Prevention', async ({ client, logged, start }) => {
        start();
        assert.equal(logged('Already subscribed').length, 1);
        assert.deepEqual(uids(client), ['posts-sub']);
        await ready(client);
        await rest.create('posts', { title: 'once' });
        await until(() => logged('Update 1:').length === 2, 'the event');
        assert.deepEqual(logged('Update 2:'), []);
    });

    block('unsubscribe(subscriptionId)', async ({ client, start }) => {
        const { state } = start();
        const { uid, collection, persistent, ended } = state.handler;
        assert.deepEqual([uid, collection, persistent, ended], ['my-posts', 'posts', false, true]);
        assert.deepEqual(uids(client), []);
    });

    const three = (client) => {
        client.subscribe({ collection: 'posts', uid: 'page' }, () => {});
        client.subscribe({ collection: 'posts', uid: 'layout', persistent: true }, () => {});
        client.subscribe({ collection: 'messages', uid: 'chat' }, () => {});
    };

    block('unsubscribeCollection(collection)', async ({ client, start }) => {
        three(client);
        start();
        assert.deepEqual(uids(client), ['layout', 'chat']);
    });

    block('unsubscribeAll()', async ({ client, start }) => {
        three(client);
        start();
        assert.deepEqual(uids(client), ['layout']);
    });

    block('getActiveSubscriptions()', async ({ client, logged, start }) => {
        three(client);
        start();
        assert.deepEqual(logged('').flat(), [
            'Active subscriptions: 3',
            '- posts (page)',
            '- posts (layout)',
            '- messages (chat)',
        ]);
    });

    block('hasSubscription(subscriptionId)', async ({ client, start }) => {
        const { state } = start();
        assert.equal(state.hasSubscription('posts-sub'), false);
        client.subscribe({ collection: 'posts', uid: 'posts-sub' }, () => {});
        assert.equal(state.hasSubscription('posts-sub'), true);
    });

    const patient = async ({ client, relay, start }) => {
        client.on('state', () => {});
        relay.refuse();
        client.connect();
        await until(() => client.state === 'backoff', 'a refusal');
        relay.refuse(false);
        assert.equal(client.isConnected, false);
        start();
        await online(client);
        start();
        await client.request({ type: 'ping' });
        assert.equal(client.stats().connects, 1);
    };
    // By itself, it would try again in an hour or so.
    patient.options = { reconnectMinMs: 2 ** 31, reconnectMaxMs: 2 ** 31 };
    block('reconnect()', patient);

    block('sendMessage(message)', async ({ relay, start }) => {
        // Nothing is connected yet: it waits.
        start();
        const message = await until(() => relay.sent.find(({ data }) => data?.timestamp), 'the message');
        assert.equal(message.type, 'ping');
        assert.ok(Date.now() - message.data.timestamp < 60_000);
    });
});

describe('complete examples', () => {
    block('Complete Example: Live Posts Feed', async ({ kind, client, relay, start }) => {
        const [before, after] = [`old for ${kind}`, `changed for ${kind}`];
        const old = await rest.create('posts', { title: before, content: 'x' });
        const running = start();
        const titles = () => running.state.posts.map(({ title }) => title);
        await until(
            () => titles().includes(before) && client.hasSubscription('live-posts-feed'),
            'the posts',
        );
        await ready(client);
        const { id } = await rest.create('posts', { title: 'new' });
        await until(() => titles()[0] === 'new', 'the create');
        await rest.update('posts', old.id, { title: after });
        await until(() => titles().includes(after) && !titles().includes(before), 'the update');
        await rest.delete('posts', id);
        await until(() => !titles().includes('new'), 'the delete');
        const status = () => running.root?.querySelector('.connection-status').textContent.trim();
        if (running.root) {
            assert.equal(status(), '● Online');
            assert.equal(running.root.querySelector('.post h2').textContent, titles()[0]);
            assert.equal(running.root.querySelectorAll('.post').length, titles().length);
        }
        relay.cut();
        await until(() => client.stats().resyncs === 1, 'the resync');
        await rest.create('posts', { title: 'after the gap' });
        await until(() => titles()[0] === 'after the gap', 'the create');
        running.unmount();
        assert.deepEqual(uids(client), []);
    });

    it('the live posts feed of the documentation subscribes to nothing when it is unmounted early', async (t) => {
        const { component } = blocks.find(({ heading }) => heading.startsWith('Complete Example'));
        const client = createClient(server.url, { accessToken: server.token });
        t.after(() => client.close());
        const loaded = deferred();
        const useDirectusApi = () => ({ getItems: () => loaded.promise });
        const { unmount, problems } = run('Vue', component, client, { useDirectusApi });
        unmount();
        loaded.resolve([]);
        await sleep(50);
        assert.deepEqual(problems, []);
        assert.deepEqual(uids(client), []);
    });

    block('Global Notifications Example', async ({ client, start }) => {
        const { state, unmount } = start();
        const messages = () => state.notifications.map(({ message }) => message);
        await ready(client);
        const create = (message, user_id) => rest.create('notifications', { message, user_id });
        await create('for another user', '00000000-0000-4000-8000-000000000000');
        await create('for me', me.id);
        const shown = Date.now();
        await until(() => messages().length > 0, 'the notification');
        assert.deepEqual(messages(), ['for me']);
        unmount();
        assert.deepEqual(uids(client), ['global-notifications']);
        await create('survives navigation', me.id);
        await until(() => messages().includes('survives navigation'), 'the second one');
        await until(() => messages().length === 0, 'their end');
        assert.ok(Date.now() - shown > 4_000);
    });

    block('Chat Application Example', async ({ kind, client, start }) => {
        await rest.create('messages', { channel_id: 'lobby', text: 'earlier', user_id: null });
        await rest.create('messages', { channel_id: 'office', text: 'elsewhere' });
        const running = start();
        const { state, root } = running;
        const texts = () => state.messages.map(({ text }) => text);
        await until(
            () => texts().includes('earlier') && client.hasSubscription('channel-lobby'),
            'the messages',
        );
        await ready(client);
        assert.equal(state.messages[0].user.name, 'Ann');
        const said = `hello from ${kind}`;
        if (root) {
            const input = root.querySelector('input');
            input.value = said;
            input.dispatchEvent(new Event('input'));
            root.querySelector('form').dispatchEvent(new Event('submit'));
        } else {
            state.newMessage = said;
            await state.sendMessage();
        }
        await until(() => texts().includes(said), 'the message');
        await rest.create('messages', { channel_id: 'office', text: 'elsewhere' });
        await rest.create('messages', { channel_id: 'lobby', text: `${said}, last`, user_id: null });
        await until(() => texts().at(-1) === `${said}, last`, 'the last one');
        assert.equal(texts().includes('elsewhere'), false);
        assert.equal(state.newMessage, '');
        if (root) {
            const own = [...root.querySelectorAll('.own')].map((each) => each.textContent.trim());
            assert.ok(own.length > 0 && own.at(-1).endsWith(said), `${own}`);
            assert.match(root.textContent, /Ann:\s*earlier/);
        }
        running.unmount();
        assert.deepEqual(uids(client), []);
    });
});

describe('best practices', () => {
    const more = () => ({ userId: '5', handler: collector() });

    block('1. Use Unique IDs', async ({ client, start }) => {
        const given = more();
        start(given);
        const [first, second] = uids(client);
        assert.equal(first, 'posts-5');
        assert.match(second, /^[0-9a-f-]{36}$/);
        await ready(client);
        await rest.create('posts', { title: 'twice' });
        const creates = () => given.handler.events.filter(({ type }) => type === 'create');
        await until(() => creates().length === 2, 'both events');
        assert.deepEqual(
            creates()
                .map(({ uid }) => uid)
                .sort(),
            [first, second].sort(),
        );
    });

    block('2. Persistent vs Non-Persistent', async ({ client, start }) => {
        const { unmount } = start(more());
        assert.deepEqual(uids(client), ['global-notifications', 'page-posts']);
        unmount();
        assert.deepEqual(uids(client), ['global-notifications']);
    });

    block('3. Cleanup Persistent Subscriptions', async ({ client, start }) => {
        const { unmount } = start(more());
        client.subscribe(
            { collection: 'notifications', uid: 'global-notifications', persistent: true },
            () => {},
        );
        unmount();
        assert.deepEqual(uids(client), []);
    });

    block('4. Handle Connection Loss', async ({ client, relay, logged, start }) => {
        const { state } = start();
        await online(client);
        const collect = collector();
        await state.subscribe({ collection: 'posts' }, collect).ready();
        relay.cut();
        await until(() => logged('Connection lost').length === 1, 'the loss');
        await until(() => client.stats().resyncs === 1, 'the resync');
        // Its timer has come by now, and nothing is left for it to do.
        await sleep(6_500);
        const { connects, reconnects, resyncs } = client.stats();
        assert.deepEqual([connects, reconnects, resyncs], [2, 1, 1]);
        assert.equal(logged('Connection lost').length, 1);
        assert.equal(collect.events.filter(({ type }) => type === 'init').length, 2);
    });

    block('TypeScript Types', async ({ start }) => {
        // The compiler has compared them with ours.
        start();
    });
});

function deferred() {
    let resolve;
    const promise = new Promise((settle) => (resolve = settle));
    return { promise, resolve };
}
