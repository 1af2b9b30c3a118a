import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { startServer } from './server.mjs';
import { until } from './waiting.mjs';

const POSTS = 2500;
const BATCH = 250;

let server;
before(async () => {
    server = await startServer();
});
after(() => server.close());

const range = (first, count) => Array.from({ length: count }, (_, k) => first + k);
const inBatches = async (keys, write) => {
    for (let at = 0; at < keys.length; at += BATCH) {
        await write(keys.slice(at, at + BATCH));
    }
};

it('ten thousand events come once each and in order across a restart of the server', async (t) => {
    const client = createClient(server.url, { accessToken: server.token, reconnectMaxMs: 500 });
    t.after(() => client.close());
    const events = [];
    const query = { fields: ['id', 'title', 'status'], sort: ['id'], limit: -1 };
    const subscription = client.subscribe({ collection: 'posts', query }, (event) => void events.push(event));
    await subscription.ready();
    const some = (type) => events.filter((event) => event.type === type);

    const keys = range(1, POSTS);
    const title = (id) => `post ${id}`;
    await inBatches(keys, (ids) =>
        server.rest.create(
            'posts',
            ids.map((id) => ({ title: title(id) })),
        ),
    );
    // The server reads an item when it tells of it: the next change has to wait.
    await until(() => some('create').length === POSTS, 'all that was made');
    const publish = (ids) =>
        server.rest.request('PATCH', '/items/posts', { keys: ids, data: { status: 'published' } });
    await inBatches(keys, publish);
    await until(() => some('update').length === POSTS, 'all that happened before the restart');

    await server.kill();
    await until(() => !client.isConnected, 'the loss of the link');
    await server.start();
    const missed = await server.rest.create('posts', { title: title(POSTS + 1), status: 'draft' });
    await until(() => events.some(({ resync }) => resync), 'the snapshot after the gap');

    const archive = (ids) =>
        server.rest.request('PATCH', '/items/posts', { keys: ids, data: { status: 'archived' } });
    await inBatches(keys, archive);
    await until(() => some('update').length === 2 * POSTS, 'all that was archived');
    await inBatches(keys, (ids) => server.rest.request('DELETE', '/items/posts', ids));
    await until(() => some('delete').length === POSTS, 'all that happened after the restart');

    // One by one: what each event has to be, in this order.
    const item = (id, status) => ({ id, title: title(id), status });
    const gap = events.findIndex(({ resync }) => resync);
    const late = events[gap + 1].type === 'create' ? [['create', item(missed.id, 'draft')]] : [];
    const inGap = late.length > 0 ? [] : [item(missed.id, 'draft')];
    const expected = [
        ['init', []],
        ...keys.map((id) => ['create', item(id, null)]),
        ...keys.map((id) => ['update', item(id, 'published')]),
        ['init', [...keys.map((id) => item(id, 'published')), ...inGap]],
        ...late,
        ...keys.map((id) => ['update', item(id, 'archived')]),
        ...keys.map((id) => ['delete', { id }]),
    ];
    assert.equal(events.length, expected.length);
    assert.ok(events.length > 10_000);
    events.forEach(({ type, data, sequence }, n) => {
        assert.deepEqual([sequence, type, data], [n + 1, ...expected[n]]);
    });
});
