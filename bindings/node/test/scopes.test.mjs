import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, it } from 'node:test';
import { createClient } from 'directus-realtime';
import { collectGarbage, collectThoroughly, collectUntil } from './garbage.mjs';
import { startServer } from './server.mjs';
import { collector, until } from './waiting.mjs';

let server, client;
before(async () => {
    server = await startServer();
    client = createClient(server.url, { accessToken: server.token });
    await client.connected();
});
after(async () => {
    await client.close();
    await server.close();
});

describe('a scope', () => {
    it('closing a scope ends its subscriptions, but for the persistent ones', () => {
        const [scope, other] = [client.scope(), client.scope()];
        const ending = scope.subscribe({ collection: 'posts', uid: 'ending' }, () => {});
        const lasting = scope.subscribe({ collection: 'posts', uid: 'lasting', persistent: true }, () => {});
        other.subscribe({ collection: 'posts', uid: 'other' }, () => {});
        assert.equal(scope.closed, false);
        scope.close();
        scope.close();
        assert.equal(scope.closed, true);
        assert.deepEqual([ending.ended, lasting.ended], [true, false]);
        const uids = client.getActiveSubscriptions().map(({ uid }) => uid);
        assert.deepEqual(uids, ['lasting', 'other']);
        assert.throws(() => scope.subscribe({ collection: 'posts' }, () => {}), /scope is closed/);
        other.close();
        lasting.unsubscribe();
    });

    it('scopes and subscriptions are disposable, scopes asynchronously, too', async () => {
        const [first, second] = [client.scope(), client.scope()];
        first.subscribe({ collection: 'posts' }, () => {});
        second.subscribe({ collection: 'posts' }, () => {});
        first[Symbol.dispose]();
        await second[Symbol.asyncDispose]();
        assert.deepEqual(client.getActiveSubscriptions(), []);
        const subscription = client.subscribe({ collection: 'posts' }, () => {});
        subscription[Symbol.dispose]();
        assert.equal(subscription.ended, true);
    });

    it('many scopes, subscriptions and waits may share one signal', async (t) => {
        let warning;
        const listen = (each) => (warning = each);
        process.on('warning', listen);
        t.after(() => process.off('warning', listen));
        const abort = new AbortController();
        const { signal } = abort;
        const scopes = Array.from({ length: 20 }, () => client.scope({ signal }));
        const collection = 'codes';
        const subscriptions = scopes.map(() => client.subscribe({ collection, signal }, () => {}));
        const waiting = subscriptions.map((each) => each.ready({ signal }));
        const asked = scopes.map(() => client.request({ type: 'ping' }, { signal }));
        subscriptions[0].unsubscribe();
        scopes[0].close();
        abort.abort(new Error('enough'));
        assert.ok(scopes.every(({ closed }) => closed));
        assert.ok(subscriptions.every(({ ended }) => ended));
        const outcomes = await Promise.allSettled([...waiting, ...asked]);
        assert.ok(outcomes.every(({ status }) => status === 'rejected'));
        await new Promise(setImmediate);
        assert.equal(warning, undefined);
    });

    it('a scope is closed by its signal, at once if that is aborted already', () => {
        const abort = new AbortController();
        const scope = client.scope({ signal: abort.signal });
        scope.subscribe({ collection: 'posts', uid: 'by signal' }, () => {});
        abort.abort();
        assert.equal(scope.closed, true);
        assert.equal(client.hasSubscription('by signal'), false);
        assert.equal(client.scope({ signal: abort.signal }).closed, true);
    });
});

describe('the composable', () => {
    it('the composable has its documented functions, which work when destructured', async () => {
        const {
            isConnected,
            subscribe,
            unsubscribe,
            unsubscribeCollection,
            unsubscribeAll,
            getActiveSubscriptions,
            hasSubscription,
            sendMessage,
            reconnect,
        } = client.useRealtime();
        assert.equal(isConnected.value, true);
        const collect = collector();
        const handler = subscribe({ collection: 'posts', uid: 'posts-sub' }, collect);
        assert.deepEqual(
            [handler.uid, handler.collection, handler.persistent],
            ['posts-sub', 'posts', false],
        );
        assert.equal(hasSubscription('posts-sub'), true);
        assert.deepEqual(getActiveSubscriptions(), [handler]);
        sendMessage({ type: 'ping', data: { timestamp: Date.now() } });
        await collect.find('init');
        reconnect();
        assert.equal(isConnected.value, true);
        client.reconnect();
        assert.equal(isConnected.value, false);
        reconnect();
        await collect.find('init', (event) => event.resync);
        assert.equal(isConnected.value, true);
        unsubscribe('posts-sub');
        assert.equal(hasSubscription('posts-sub'), false);
        subscribe({ collection: 'posts' }, collect);
        unsubscribeCollection('posts');
        subscribe({ collection: 'codes' }, collect);
        const { unsubscribe: end } = subscribe({ collection: 'authors', persistent: true }, collect);
        unsubscribeAll();
        assert.equal(getActiveSubscriptions().length, 1);
        end();
        assert.deepEqual(getActiveSubscriptions(), []);
    });

    it('closing the composable ends the subscriptions that were made with it', () => {
        const [page, layout] = [client.useRealtime(), client.useRealtime()];
        page.subscribe({ collection: 'posts', uid: 'page' }, () => {});
        layout.subscribe({ collection: 'posts', uid: 'layout' }, () => {});
        page.close();
        assert.deepEqual([client.hasSubscription('page'), client.hasSubscription('layout')], [false, true]);
        layout[Symbol.dispose]();
        assert.equal(client.hasSubscription('layout'), false);
    });
});

describe('garbage collection', () => {
    it('a scope that is garbage-collected is closed with a warning', async () => {
        const warned = once(process, 'warning');
        (() => {
            client.scope().subscribe({ collection: 'posts', uid: 'unreachable' }, () => {});
            client.useRealtime().subscribe({ collection: 'posts', uid: 'unreachable, too' }, () => {});
            client.scope().subscribe({ collection: 'posts', uid: 'persistent', persistent: true }, () => {});
        })();
        await collectUntil(
            () => !client.hasSubscription('unreachable') && !client.hasSubscription('unreachable, too'),
            'the end of unreachable scopes',
        );
        assert.match((await warned)[0].message, /scope was garbage-collected before it was closed/);
        assert.equal(client.hasSubscription('persistent'), true);
        client.unsubscribe('persistent');
    });

    it('garbage collection ends no subscription that is referenced, or was made with a destructured function', async () => {
        const kept = [
            client.scope(),
            client.scope().subscribe({ collection: 'posts', uid: 'by subscription' }, () => {}),
        ];
        kept[0].subscribe({ collection: 'posts', uid: 'by scope' }, () => {});
        (() => {
            // No object is referenced afterwards, as in a program that subscribes and goes on.
            const { subscribe } = client.useRealtime();
            subscribe({ collection: 'posts', uid: 'destructured' }, () => {});
            client.subscribe({ collection: 'posts', uid: 'without a scope' }, () => {});
        })();
        await collectThoroughly();
        const uids = ['by subscription', 'by scope', 'destructured', 'without a scope'];
        assert.deepEqual(
            uids.map((uid) => client.hasSubscription(uid)),
            [true, true, true, true],
        );
        assert.equal(kept.length, 2);
        client.unsubscribeAll();
    });
});

describe('a loop', () => {
    it('a running loop keeps its subscription and its scope from the garbage collector', async (t) => {
        const makers = {
            scope: () => client.scope(),
            realtime: () => client.useRealtime(),
            client: () => client,
        };
        const loops = Object.entries(makers).map(async ([uid, make]) => {
            const types = [];
            for await (const { type } of make().subscribe({ collection: 'authors', uid })) {
                types.push(type);
                if (type === 'create') {
                    return types;
                }
                // The garbage is also collected while the body of the loop waits.
                await client.request({ type: 'ping' });
            }
            return [...types, 'ended'];
        });
        t.after(() => client.unsubscribeAll());
        await until(() => Object.keys(makers).every((uid) => client.hasSubscription(uid)), 'all three');
        await Promise.all(client.getActiveSubscriptions().map((each) => each.ready()));
        await collectThoroughly();
        await server.rest.create('authors', { name: 'after the collection' });
        assert.deepEqual(
            await Promise.all(loops),
            Object.keys(makers).map(() => ['init', 'create']),
        );
    });

    it('a loop that was left, or is unreachable, keeps nothing from the garbage collector', async () => {
        const warned = once(process, 'warning');
        await (async () => {
            for await (const _ of client.scope().subscribe({ collection: 'authors', uid: 'left' })) {
                break;
            }
            const unreachable = client.scope().subscribe({ collection: 'authors', uid: 'unreachable' });
            await unreachable[Symbol.asyncIterator]().next();
        })();
        assert.equal(client.hasSubscription('left'), false);
        await collectUntil(() => !client.hasSubscription('unreachable'), 'the end of the unreachable one');
        assert.match((await warned)[0].message, /scope was garbage-collected/);
    });
});

describe('a thousand scopes', () => {
    it('a thousand open scopes all get their events', async () => {
        const scopes = Array.from({ length: 1000 }, () => client.scope());
        let snapshots = 0;
        const created = new Set();
        const subscriptions = scopes.map((scope, n) =>
            scope.subscribe({ collection: 'codes', primaryKey: 'code', query: { limit: 1 } }, (event) => {
                snapshots += event.type === 'init' ? 1 : 0;
                if (event.type === 'create') {
                    created.add(n);
                }
            }),
        );
        await Promise.all(subscriptions.map((subscription) => subscription.ready()));
        assert.equal(snapshots, 1000);
        await server.rest.create('codes', { code: 'for all' });
        await until(() => created.size === 1000, 'a thousand events');
        for (const scope of scopes) {
            scope.close();
        }
        assert.equal(client.stats().subscriptions, 0);
        await server.rest.delete('codes', 'for all');
    });

    it('a thousand scopes, one after the other, leak no memory', async () => {
        const use = async (count) => {
            for (let n = 0; n < count; n++) {
                const scope = client.scope();
                await scope.subscribe({ collection: 'codes', event: 'create' }, () => {}).ready();
                scope.close();
            }
            await collectThoroughly();
            collectGarbage();
            return process.memoryUsage();
        };
        const before = await use(500);
        const after = await use(1000);
        const heap = after.heapUsed - before.heapUsed;
        const all = after.rss - before.rss;
        assert.ok(heap < 1_000_000, `the heap has grown by ${heap} bytes`);
        assert.ok(all < 16_000_000, `the process has grown by ${all} bytes`);
        assert.equal(client.stats().subscriptions, 0);
    });

    it('two thousand scopes with destructured functions leak no memory', async () => {
        const use = async (count) => {
            for (let n = 0; n < count; n++) {
                const { subscribe } = client.useRealtime();
                subscribe({ collection: 'codes', event: 'create' }, () => {}).unsubscribe();
            }
            await collectThoroughly();
            return process.memoryUsage().heapUsed;
        };
        const before = await use(500);
        const heap = (await use(2000)) - before;
        assert.ok(heap < 1_000_000, `the heap has grown by ${heap} bytes`);
    });
});
