// `useDirectusLive()`: live collections in components, in effect scopes, and during server-side rendering.
import './seed/dom.mjs';
import assert from 'node:assert/strict';
import path from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createApp, createSSRApp, effectScope, h, isReadonly, nextTick, ref, watch } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { createClient } from 'directus-realtime';
import { directusRealtime, useDirectusLive, useDirectusRealtime } from 'directus-realtime/vue';
import { compileComponent } from './seed/blocks.mjs';
import { ROOT, startServer } from './server.mjs';
import { until } from './waiting.mjs';

let server, rest, client;
before(async () => {
    server = await startServer();
    rest = server.rest;
    const special = ['date-created', 'date-updated'];
    const field = { field: 'date_updated', type: 'timestamp', meta: { special }, schema: {} };
    await rest.request('POST', '/fields/posts', field);
});
beforeEach(async () => {
    for (const { id } of await rest.read('posts')) {
        await rest.delete('posts', id);
    }
    await rest.create('posts', { title: 'first', status: 'draft' });
    await rest.create('posts', { title: 'second', status: 'published' });
    client = createClient(server.url, { accessToken: server.token, reconnectMaxMs: 100 });
});
after(() => server.close());

/** A test with a client of its own. */
function test(name, body) {
    it(name, async (t) => {
        t.after(() => client.close());
        await body(t);
    });
}

function mount(component) {
    const app = createApp(component);
    app.use(directusRealtime(client));
    const problems = [];
    app.config.errorHandler = (error) => problems.push(error);
    const root = document.createElement('div');
    app.mount(root);
    return { app, root, problems };
}

const POSTS = { collection: 'posts', query: { fields: ['id', 'title'], sort: ['id'] } };
const list = (rows) => rows.map(({ id, title }) => h('li', { key: id }, title));
const texts = (root) => [...root.querySelectorAll('li')].map((each) => each.textContent);
const shows = (root, ...expected) =>
    until(() => texts(root).join() === expected.join(), `${expected} in place of ${texts(root)}`);

describe('a component', () => {
    test('a component shows the rows as they are, until it is unmounted', async () => {
        const { app, root } = mount({
            setup() {
                const { rows, status } = useDirectusLive(POSTS);
                assert.deepEqual([rows.value, status.value], [[], 'loading']);
                assert.ok(isReadonly(rows) && isReadonly(status));
                return () => h('ul', { class: status.value }, list(rows.value));
            },
        });
        await shows(root, 'first', 'second');
        assert.equal(root.firstChild.className, 'current');
        const third = await rest.create('posts', { title: 'third' });
        await shows(root, 'first', 'second', 'third');
        await rest.update('posts', third.id, { title: 'last' });
        await shows(root, 'first', 'second', 'last');
        await rest.delete('posts', third.id);
        await shows(root, 'first', 'second');
        client.disconnect();
        await until(() => root.firstChild.className === 'stale', 'the loss');
        await rest.create('posts', { title: 'missed' });
        client.reconnect();
        await shows(root, 'first', 'second', 'missed');
        app.unmount();
        assert.equal(client.stats().subscriptions, 0);
    });

    test('a component follows the refs in its options, and shows the rows of before meanwhile', async () => {
        const status = ref('draft');
        const seen = [];
        const { app, root, problems } = mount({
            setup() {
                const query = { sort: ['id'], filter: { status: { _eq: status } } };
                const { rows } = useDirectusLive({ collection: 'posts', query });
                watch(rows, (now) => seen.push(now.map(({ title }) => title).join()));
                return () => h('ul', list(rows.value));
            },
        });
        await shows(root, 'first');
        status.value = 'published';
        await shows(root, 'second');
        assert.deepEqual([...new Set(seen)], ['first', 'second']);
        assert.equal(client.getActiveSubscriptions().length, 1);
        await rest.create('posts', { title: 'third', status: 'published' });
        await shows(root, 'second', 'third');
        app.unmount();
        status.value = 'draft';
        await nextTick();
        assert.deepEqual([client.stats().subscriptions, problems], [0, []]);
    });

    test('a persistent live collection outlives its component, which finds it again', async () => {
        const options = { ...POSTS, uid: 'posts', persistent: true };
        const component = {
            setup() {
                const { rows } = useDirectusLive(() => options);
                return () => h('ul', list(rows.value));
            },
        };
        const first = mount(component);
        await shows(first.root, 'first', 'second');
        first.app.unmount();
        assert.equal(client.hasSubscription('posts'), true);
        const second = mount(component);
        assert.deepEqual(texts(second.root), ['first', 'second']);
        second.app.unmount();
        assert.equal(client.unsubscribe('posts'), true);
    });

    test('the composable has live(), which ends with the component', async () => {
        let posts, late;
        const { app } = mount({
            setup() {
                const { live } = useDirectusRealtime();
                posts = live(POSTS);
                late = () => live(POSTS);
                return () => h('p');
            },
        });
        await posts.ready({ timeoutMs: 60_000 });
        assert.equal(posts.rows.length, 2);
        app.unmount();
        assert.equal(posts.ended, true);
        await assert.rejects(late().ready(), { message: /unmounted before it called live/ });
        assert.equal(client.stats().subscriptions, 0);
    });
});

describe('the example', () => {
    test('the component of the examples shows the newest posts first', async () => {
        const file = path.join(ROOT, 'examples', 'node', 'vue', 'LivePosts.vue');
        const { app, root, problems } = mount(await compileComponent(file));
        const headings = () => [...root.querySelectorAll('h2')].map((each) => each.textContent);
        const shown = (...expected) => until(() => headings().join() === expected.join(), `${expected}`);
        await shown('second', 'first');
        assert.ok(root.querySelector('.online'));
        await rest.create('posts', { title: 'third' });
        await shown('third', 'second', 'first');
        // Its place follows from the time of its last change.
        const [{ id }] = await rest.read('posts', 'filter[title][_eq]=first');
        await rest.update('posts', id, { title: 'changed' });
        await shown('changed', 'third', 'second');
        client.disconnect();
        await until(() => root.textContent.includes('may be out of date'), 'the notice');
        assert.ok(root.querySelector('.offline'));
        app.unmount();
        assert.deepEqual([problems, client.stats().subscriptions], [[], 0]);
    });
});

describe('elsewhere', () => {
    test('a refusal is the status, and has the error of the server', async () => {
        const scope = effectScope();
        const { rows, status, error } = scope.run(() => useDirectusLive({ collection: 'nothing' }, client));
        await until(() => status.value === 'ended', 'the refusal');
        assert.deepEqual([rows.value, error.value.code], [[], 'FORBIDDEN']);
        scope.stop();
    });

    test('wrong options are refused at once', () => {
        const scope = effectScope();
        scope.run(() => {
            assert.throws(() => useDirectusLive({ collection: 5 }, client), { argument: 'collection' });
            assert.throws(() => useDirectusLive({ ...POSTS, query: { group: ['id'] } }, client), {
                argument: 'query',
            });
            assert.throws(() => useDirectusLive(POSTS), { message: /useDirectusLive\(\) has no client/ });
        });
        scope.stop();
    });

    test('server-side rendering opens nothing', async () => {
        const app = createSSRApp({
            setup() {
                const { rows, status } = useDirectusLive(POSTS);
                const posts = useDirectusRealtime().live(POSTS);
                assert.equal(posts.ended, true);
                return () => h('p', `${status.value} ${rows.value.length} ${posts.rows.length}`);
            },
        });
        app.use(directusRealtime(client));
        assert.equal(await renderToString(app), '<p>loading 0 0</p>');
        assert.deepEqual([client.state, client.getActiveSubscriptions()], ['idle', []]);
    });
});
