import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createClient, DirectusRealtimeError } from 'directus-realtime';
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

/** What a server refuses at once, of either line. */
const REFUSED = { collection: 'posts', query: { fields: ['no_such_field'] } };

/** A subscription that the server has confirmed, until the end of the test. */
async function follow(t, options, callback) {
    const subscription = client.subscribe(options, callback);
    t.after(() => subscription.unsubscribe());
    return subscription.ready();
}

describe('events', () => {
    it('a callback gets the snapshot, then every change, with type and data', async (t) => {
        const known = await server.rest.create('posts', { title: 'known', status: 'draft' });
        const collect = collector();
        const fields = ['id', 'title', 'status'];
        await follow(t, { collection: 'posts', uid: 'all', query: { fields } }, collect);
        // One after the other: the server reads the item for an event after the change, and perhaps after the next.
        const made = await server.rest.create('posts', { title: 'made' });
        await collect.find('create');
        await server.rest.update('posts', made.id, { status: 'published' });
        await collect.find('update');
        await server.rest.delete('posts', made.id);
        await collect.find('delete');
        const [init, create, update, remove] = collect.events;
        const origin = { uid: 'all', collection: 'posts', index: 0, count: 1 };
        const first = init.sequence;
        assert.deepEqual(
            { ...init },
            {
                type: 'init',
                data: [{ id: known.id, title: 'known', status: 'draft' }],
                ...origin,
                sequence: first,
                resync: false,
            },
        );
        const data = { id: made.id, title: 'made', status: null };
        assert.deepEqual({ ...create }, { type: 'create', data, ...origin, sequence: first + 1 });
        assert.deepEqual(
            { ...update },
            {
                type: 'update',
                data: { ...data, status: 'published' },
                ...origin,
                sequence: first + 2,
            },
        );
        assert.deepEqual(
            { ...remove },
            { type: 'delete', data: { id: made.id }, ...origin, sequence: first + 3 },
        );
        await server.rest.delete('posts', known.id);
    });

    it('a fresh snapshot comes when it is asked for', async (t) => {
        const collect = collector();
        const { resync, unsubscribe } = await follow(
            t,
            { collection: 'codes', query: { limit: 1 } },
            collect,
        );
        await until(() => collect.events.length === 1, 'the first event');
        resync();
        await until(() => collect.events.length === 2, 'a second event');
        const seen = collect.events.map(({ type, resync }) => [type, resync]);
        assert.deepEqual(seen, [
            ['init', false],
            ['init', true],
        ]);
        unsubscribe();
        assert.throws(resync, { code: 'DRT_ERR_CLOSED', message: /has ended/ });
    });

    it('a batch write is one event for each item, or one for each message with that granularity', async (t) => {
        const [items, messages] = [collector(), collector()];
        await follow(t, { collection: 'authors', query: { fields: ['id', 'name'] } }, items);
        await follow(
            t,
            { collection: 'authors', granularity: 'message', query: { fields: ['id'] } },
            messages,
        );
        const authors = await server.rest.create('authors', [{ name: 'a' }, { name: 'b' }, { name: 'c' }]);
        const keys = authors.map((author) => author.id);
        await server.rest.request('PATCH', '/items/authors', { keys, data: { name: 'same' } });
        // Rows that were read again may come at any time before and after the server's own.
        const own = (event) => !event.settled;
        await items.find('update', (event) => own(event) && event.index === 2);
        const updates = items.events.filter((event) => event.type === 'update' && own(event));
        assert.deepEqual(
            updates.map(({ data, index, count }) => [data.id, data.name, index, count]),
            keys.map((key, index) => [key, 'same', index, 3]),
        );
        const message = await messages.find('update', own);
        assert.deepEqual(
            message.data,
            keys.map((id) => ({ id })),
        );
        await server.rest.request('DELETE', '/items/authors', keys);
        assert.deepEqual((await messages.find('delete', own)).data.map(Number), keys);
    });

    it('the option event limits the changes that are delivered', async (t) => {
        const collect = collector();
        await follow(t, { collection: 'codes', primaryKey: 'code', event: ['create', 'delete'] }, collect);
        await server.rest.create('codes', { code: 'x', label: 'one' });
        await collect.find('create');
        await server.rest.update('codes', 'x', { label: 'two' });
        await server.rest.delete('codes', 'x');
        assert.deepEqual((await collect.find('delete')).data, { code: 'x' });
        assert.deepEqual(
            collect.events.map((event) => event.type),
            ['init', 'create', 'delete'],
        );
        assert.equal(collect.events[0].data, null);
    });

    it('a list of all changes delivers the snapshot as well', async (t) => {
        const collect = collector();
        const event = ['create', 'update', 'delete'];
        await follow(t, { collection: 'codes', primaryKey: 'code', event }, collect);
        assert.deepEqual(collect.events[0].data, []);
    });

    it('the option item limits events to that item, by an integer key, too', async (t) => {
        const [mine, other] = await server.rest.create('posts', [{ title: 'mine' }, { title: 'other' }]);
        const collect = collector();
        await follow(t, { collection: 'posts', item: mine.id, query: { fields: ['id', 'title'] } }, collect);
        assert.deepEqual(collect.events[0].data, { id: mine.id, title: 'mine' });
        const keys = [other.id, mine.id];
        await server.rest.request('PATCH', '/items/posts', { keys, data: { title: 'both' } });
        await collect.find('update');
        await server.rest.request('DELETE', '/items/posts', keys);
        await collect.find('delete');
        assert.deepEqual(
            collect.events.slice(1).map(({ type, data }) => [type, data.id]),
            [
                ['update', mine.id],
                ['delete', mine.id],
            ],
        );
    });

    it("an event has the server's meta where the query asks for it", async (t) => {
        const collect = collector();
        await follow(t, { collection: 'codes', snapshot: 'server', query: { meta: '*' } }, collect);
        assert.deepEqual(collect.events[0].meta, { total_count: 0, filter_count: 0 });
    });

    it("a refusal is an event with the server's error, and ends the subscription", async () => {
        const collect = collector();
        const subscription = client.subscribe({ ...REFUSED, uid: 'refused' }, collect);
        await assert.rejects(subscription.ready(), (error) => {
            assert.ok(error instanceof DirectusRealtimeError);
            assert.equal(error.code, 'DRT_ERR_SERVER');
            assert.equal(error.server.code, 'FORBIDDEN');
            return true;
        });
        const [refusal] = collect.events;
        assert.deepEqual([refusal.type, refusal.data.code, refusal.ended], ['error', 'FORBIDDEN', true]);
        assert.equal(subscription.ended, true);
        assert.equal(client.hasSubscription('refused'), false);
        await assert.rejects(subscription.ready(), /FORBIDDEN/);
    });
});

describe('subscriptions', () => {
    it('subscribing with a uid in use returns the existing subscription and ignores the callback', async (t) => {
        const [first, second] = [collector(), collector()];
        const subscription = await follow(t, { collection: 'posts', uid: 'posts-sub' }, first);
        assert.equal(client.subscribe({ collection: 'posts', uid: 'posts-sub' }, second), subscription);
        await server.rest.create('posts', { title: 'delivered once' });
        await first.find('create');
        assert.equal(second.events.length, 0);
        assert.equal(client.getActiveSubscriptions().length, 1);
    });

    it('subscriptions are listed in the order in which they were made, and end by uid', () => {
        for (const uid of ['c', 'a', 'b']) {
            client.subscribe({ collection: 'posts', uid }, () => {});
        }
        const uids = () =>
            client.getActiveSubscriptions().map(({ uid, collection }) => `${collection}/${uid}`);
        assert.deepEqual(uids(), ['posts/c', 'posts/a', 'posts/b']);
        assert.equal(client.unsubscribe('a'), true);
        assert.equal(client.unsubscribe('a'), false);
        assert.deepEqual(uids(), ['posts/c', 'posts/b']);
        assert.equal(client.unsubscribeAll(), 2);
        assert.deepEqual(uids(), []);
    });

    it('unsubscribeCollection and unsubscribeAll end subscriptions, but for the persistent ones', () => {
        client.subscribe({ collection: 'posts', uid: 'p1' }, () => {});
        client.subscribe({ collection: 'posts', uid: 'p2', persistent: true }, () => {});
        client.subscribe({ collection: 'codes', uid: 'c1' }, () => {});
        assert.equal(client.unsubscribeCollection('posts'), 1);
        assert.deepEqual(
            ['p1', 'p2', 'c1'].map((uid) => client.hasSubscription(uid)),
            [false, true, true],
        );
        assert.equal(client.unsubscribeAll(), 1);
        assert.equal(client.hasSubscription('p2'), true);
        assert.equal(client.unsubscribe('p2'), true);
    });

    it('no event is delivered after unsubscribe, not even one that had arrived', async (t) => {
        const events = [];
        const subscription = await follow(t, { collection: 'authors' }, (event) => {
            events.push(event.type);
            if (event.type === 'create') {
                subscription.unsubscribe();
            }
        });
        const witness = collector();
        await follow(t, { collection: 'authors' }, witness);
        await server.rest.create(
            'authors',
            Array.from({ length: 20 }, () => ({ name: 'x' })),
        );
        await until(() => witness.events.filter(({ type }) => type === 'create').length === 20, '20 creates');
        assert.deepEqual(events, ['init', 'create']);
    });

    it('a subscription ends when its signal is aborted', async () => {
        const abort = new AbortController();
        const subscription = client.subscribe(
            { collection: 'posts', uid: 's', signal: abort.signal },
            () => {},
        );
        await subscription.ready();
        abort.abort();
        assert.equal(subscription.ended, true);
        assert.equal(client.hasSubscription('s'), false);
        assert.throws(() => client.subscribe({ collection: 'posts', signal: abort.signal }), /abort/i);
    });

    it('subscriptions can be made and ended inside callbacks', async (t) => {
        const inner = collector();
        await follow(t, { collection: 'posts', uid: 'outer' }, (event) => {
            if (event.type === 'init') {
                client.subscribe({ collection: 'codes', uid: 'inner' }, inner);
            }
        });
        await inner.find('init');
        assert.equal(client.unsubscribe('inner'), true);
    });
});

describe('callbacks', () => {
    it('a callback gets the next event when the promise it returned is settled', async (t) => {
        const steps = [];
        await follow(t, { collection: 'authors', event: 'create' }, async ({ type, index }) => {
            if (type === 'create') {
                steps.push(`${index} begins`);
                await client.request({ type: 'ping' });
                steps.push(`${index} ends`);
            }
        });
        await server.rest.create(
            'authors',
            Array.from({ length: 50 }, (_, n) => ({ name: String(n) })),
        );
        await until(() => steps.length === 100, 'fifty events');
        for (let n = 0; n < 100; n += 2) {
            assert.match(steps[n], /begins/);
            assert.match(steps[n + 1], /ends/);
        }
    });

    it('a slow callback does not delay those of other subscriptions', async (t) => {
        let finish;
        const blocked = new Promise((resolve) => {
            finish = resolve;
        });
        const [slow, quick] = [[], collector()];
        await follow(t, { collection: 'authors', event: 'create' }, async (event) => {
            slow.push(event.type);
            await (event.type === 'create' ? blocked : undefined);
        });
        await follow(t, { collection: 'authors', event: 'create' }, quick);
        await server.rest.create('authors', [{ name: 'a' }, { name: 'b' }]);
        await until(() => quick.events.length === 3 && slow.length > 1, 'both events');
        // Its reply comes after all events that the server has sent.
        await client.request({ type: 'ping' });
        assert.deepEqual(slow, ['init', 'create']);
        finish();
        await until(() => slow.length === 3, 'the other event');
    });
});

describe('iteration', () => {
    it('a loop yields all events from the first, and leaving it ends the subscription', async () => {
        const subscription = client.subscribe({ collection: 'authors', uid: 'loop', query: { limit: 1 } });
        const types = [];
        for await (const event of subscription) {
            types.push(event.type);
            if (event.type === 'init') {
                void server.rest.create('authors', [{ name: 'one' }, { name: 'two' }]);
            } else if (types.length === 3) {
                break;
            }
        }
        assert.deepEqual(types, ['init', 'create', 'create']);
        assert.equal(subscription.ended, true);
        assert.equal(client.hasSubscription('loop'), false);
    });

    it('a loop ends when its subscription is unsubscribed elsewhere', async () => {
        const subscription = client.subscribe({ collection: 'authors' });
        setImmediate(() => void subscription.ready().then(() => subscription.unsubscribe()));
        for await (const event of subscription) {
            assert.equal(event.type, 'init');
        }
        assert.equal(subscription.ended, true);
    });

    it('a loop throws when the server refuses the subscription', async () => {
        const loop = async () => {
            for await (const _ of client.subscribe(REFUSED)) {
                assert.fail('there is nothing to yield');
            }
        };
        await assert.rejects(loop, { name: 'DirectusRealtimeError', code: 'DRT_ERR_SERVER' });
    });

    it('leaving a loop beside a callback does not end the subscription', async (t) => {
        const collect = collector();
        const subscription = await follow(t, { collection: 'authors' }, collect);
        await server.rest.create('authors', { name: 'before' });
        await collect.find('create');
        const created = (async () => {
            for await (const event of subscription) {
                return event.data.name;
            }
        })();
        await server.rest.create('authors', { name: 'after' });
        assert.equal(await created, 'after');
        assert.equal(subscription.ended, false);
        await server.rest.create('authors', { name: 'later' });
        await collect.find('create', (event) => event.data.name === 'later');
    });

    it('a loop may send requests while events wait for it', async () => {
        const subscription = client.subscribe({ collection: 'authors', event: 'create' });
        await subscription.ready();
        const names = Array.from({ length: 30 }, (_, n) => ({ name: `bulk ${n}` }));
        await server.rest.create('authors', names);
        const read = [];
        for await (const event of subscription) {
            if (event.type === 'create') {
                read.push((await client.items('authors').read(event.data.id)).name);
                if (read.length === 30) {
                    break;
                }
            }
        }
        assert.deepEqual(
            read,
            names.map(({ name }) => name),
        );
    });
});
