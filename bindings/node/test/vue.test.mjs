// The composable in Vue: in components, in effect scopes, and during server-side rendering.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { createRenderer, createSSRApp, effectScope, h, isReadonly, nextTick, ref, watch } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { createClient, DirectusRealtimeError } from 'directus-realtime';
import { directusRealtime, useDirectusRealtime } from 'directus-realtime/vue';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { collector, until } from './waiting.mjs';

let server, client;
before(async () => {
    server = await startScriptedServer();
});
beforeEach(async (t) => {
    client = createClient(server.url, { accessToken: 'x', reconnectMinMs: 1, reconnectMaxMs: 10 });
    await client.connected();
});
after(() => server.close());

/** A test with a client of its own. */
function test(name, body) {
    it(name, async (t) => {
        t.after(() => client.close());
        await body(t);
    });
}

const uids = () => client.getActiveSubscriptions().map(({ uid }) => uid);

/** Vue without a browser: nodes are plain objects. */
const renderer = createRenderer({
    createElement: (tag) => ({ tag, children: [] }),
    createText: (text) => ({ text }),
    createComment: () => ({}),
    setText: (node, text) => void (node.text = text),
    setElementText: (node, text) => void (node.text = text),
    insert: (child, parent) => {
        child.parent = parent;
        parent.children.push(child);
    },
    remove: (child) => void child.parent?.children.splice(child.parent.children.indexOf(child), 1),
    parentNode: (node) => node.parent,
    nextSibling: () => null,
    patchProp() {},
});

function mount(component) {
    const app = renderer.createApp(component);
    app.use(directusRealtime(client));
    const root = { children: [] };
    app.mount(root);
    return { app, root };
}

describe('a component', () => {
    test('unmounting a component ends its subscriptions, but for the persistent ones', async () => {
        const shown = ref(true);
        const collect = collector();
        const Page = {
            setup() {
                const { subscribe, hasSubscription } = useDirectusRealtime();
                subscribe({ collection: 'posts', uid: 'page' }, collect);
                subscribe({ collection: 'posts', uid: 'layout', persistent: true }, () => {});
                assert.equal(hasSubscription('page'), true);
                return () => h('p');
            },
        };
        const { app } = mount({ render: () => (shown.value ? h(Page) : null) });
        await collect.find('init');
        assert.deepEqual(uids(), ['page', 'layout']);
        shown.value = false;
        await nextTick();
        assert.deepEqual(uids(), ['layout']);
        app.unmount();
    });

    test('isConnected is reactive in a template', async () => {
        const { app, root } = mount({
            setup() {
                const { isConnected } = useDirectusRealtime();
                return () => h('p', isConnected.value ? 'online' : 'offline');
            },
        });
        const shows = () => root.children[0].text;
        assert.equal(shows(), 'online');
        client.disconnect();
        await until(() => shows() === 'offline', 'the loss');
        client.reconnect();
        await until(() => shows() === 'online', 'the link');
        app.unmount();
    });
});

describe('an effect scope', () => {
    test('an effect scope ends its subscriptions, and later ones at once', async () => {
        const scope = effectScope();
        const realtime = scope.run(() => useDirectusRealtime(client));
        realtime.subscribe({ collection: 'posts', uid: 'inside' }, () => {});
        client.subscribe({ collection: 'posts', uid: 'outside' }, () => {});
        scope.stop();
        assert.deepEqual(uids(), ['outside']);
        const late = realtime.subscribe({ collection: 'posts', uid: 'late' }, () => assert.fail('an event'));
        assert.equal(late.ended, true);
        await assert.rejects(late.ready(), {
            code: 'DRT_ERR_CLOSED',
            message: /unmounted before it called subscribe/,
        });
        realtime.subscribe({ collection: 'posts', uid: 'layout', persistent: true }, () => {});
        assert.deepEqual(uids(), ['outside', 'layout']);
    });

    test('a watcher of isConnected sees every loss, however short', async (t) => {
        await client.subscribe({ collection: 'posts' }, () => {}).ready();
        const scope = effectScope();
        t.after(() => scope.stop());
        const changes = [];
        const { isConnected } = scope.run(() => useDirectusRealtime(client));
        assert.equal(isReadonly(isConnected), true);
        watch(isConnected, (now, was) => changes.push([was, now]), { flush: 'sync' });
        void server.newest.drop();
        await until(() => changes.length === 2, 'loss and return');
        assert.deepEqual(changes, [
            [true, false],
            [false, true],
        ]);
        await client.close();
        assert.deepEqual(changes.at(-1), [true, false]);
    });

    test('the composable works without an effect scope, given a client', async () => {
        const { subscribe, unsubscribe, getActiveSubscriptions } = useDirectusRealtime(client);
        subscribe({ collection: 'posts', uid: 'a' }, () => {});
        assert.equal(getActiveSubscriptions().length, 1);
        assert.equal(unsubscribe('a'), true);
        assert.throws(() => useDirectusRealtime(), {
            name: 'DirectusRealtimeError',
            message: /app\.use\(directusRealtime\(client\)\)/,
        });
    });
});

describe('server-side rendering', () => {
    const render = (setup) => {
        const app = createSSRApp({ setup });
        app.use(directusRealtime(client));
        return renderToString(app);
    };

    test('server-side rendering subscribes to nothing', async () => {
        const handlers = [];
        for (let page = 0; page < 5; page++) {
            const html = await render(() => {
                const { isConnected, subscribe, hasSubscription } = useDirectusRealtime();
                const [collection, uid] = ['posts', 'feed'];
                handlers.push(subscribe({ collection, uid }, () => assert.fail('an event')));
                handlers.push(subscribe({ collection, persistent: true }));
                assert.equal(hasSubscription(uid), false);
                return () => h('p', isConnected.value ? 'online' : 'offline');
            });
            assert.equal(html, '<p>online</p>');
        }
        assert.deepEqual(uids(), []);
        assert.equal(client.stats().subscriptions, 0);
        const [handler] = handlers;
        assert.deepEqual(
            [handler.uid, handler.collection, handler.persistent, handler.ended],
            ['feed', 'posts', false, true],
        );
        handler.unsubscribe();
        await assert.rejects(handler.ready(), (error) => {
            assert.ok(error instanceof DirectusRealtimeError);
            return error.code === 'DRT_ERR_CLOSED' && /onMounted/.test(error.message);
        });
        for await (const _ of handlers[1]) {
            assert.fail('an event');
        }
    });

    test('server-side rendering refuses wrong options', async () => {
        const wrong = () => {
            useDirectusRealtime().subscribe({ collection: 5 }, () => {});
            return () => h('p');
        };
        await assert.rejects(render(wrong), /`collection` is not a string/);
    });
});
