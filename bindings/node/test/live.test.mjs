// Live collections, against a scripted server whose rows the test decides.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createClient, DirectusRealtimeError } from 'directus-realtime';
import { liveFields } from '../dist/live/options.js';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { fold, follower } from './folding.mjs';
import { collectThoroughly, collectUntil } from './garbage.mjs';
import { until } from './waiting.mjs';

let server;
/** What the server stores, and its refusal of reads, if it refuses them. */
let stored, refusal;
before(async () => {
    server = await startScriptedServer({ withhold: ['items'], onMessage });
});
after(() => server.close());

/** Answers a read as the server does for a query that matches every row. */
function onMessage({ type, uid, query = {}, id, ids }, link) {
    if (type !== 'items') {
        return;
    }
    if (refusal !== undefined) {
        void link?.send({ type: 'items', status: 'error', error: refusal, uid });
        return;
    }
    const keys = id === undefined ? ids : [id];
    const asked = query.filter?.id?._in ?? keys;
    const rows = stored.filter((row) => asked === undefined || asked.map(String).includes(String(row.id)));
    const shown = rows.map((row) => {
        const fields = query.fields ?? ['*'];
        return fields.includes('*') ? row : Object.fromEntries(fields.map((field) => [field, row[field]]));
    });
    void link?.send({ type: 'items', data: shown, uid });
}

/** Sends an event to the newest subscription to a collection. */
function tell(event, data, collection = 'posts') {
    const { uid } = server.messages.findLast(
        (message) => message.type === 'subscribe' && message.collection === collection,
    );
    return server.newest.send({ type: 'subscription', event, data, uid });
}

const create = (row) => (stored.push(row), tell('create', [row]));
function update(row) {
    stored = stored.map((each) => (each.id === row.id ? row : each));
    return tell('update', [row]);
}
function remove(id) {
    stored = stored.filter((row) => row.id !== id);
    return tell('delete', [id]);
}

const POST = { id: 1, title: 'first' };
const TIMEOUT = { timeoutMs: 60_000 };

/** A test with a client of its own, and rows. */
function test(name, body, { rows = [POST, { id: 2, title: 'second' }], ...options } = {}) {
    it(name, async (t) => {
        [stored, refusal] = [rows, undefined];
        const client = createClient(server.url, {
            accessToken: 'x',
            reconnectMinMs: 1,
            reconnectMaxMs: 10,
            ...options,
        });
        t.after(() => client.close());
        await body(client, t);
    });
}

const titles = (rows) => rows.map(({ title }) => title);

describe('the rows', () => {
    test('the rows are a frozen array, replaced by changes, in which unchanged rows are the same', async (client) => {
        const posts = await client.live({ collection: 'posts' }).ready(TIMEOUT);
        const before = posts.rows;
        assert.deepEqual(before, stored);
        assert.ok(Object.isFrozen(before));
        assert.equal(posts.rows, before);
        void update({ id: 2, title: 'changed' });
        await until(() => posts.rows !== before, 'the change');
        assert.deepEqual(
            [titles(before), titles(posts.rows)],
            [
                ['first', 'second'],
                ['first', 'changed'],
            ],
        );
        assert.equal(posts.rows[0], before[0]);
        void create({ id: 3, title: 'third' });
        await until(() => posts.rows.length === 3, 'the new row');
        void remove(1);
        await until(() => posts.rows.length === 2, 'the delete');
        assert.deepEqual(posts.rows, stored);
    });

    test('a row is found by its key, however that is written', async (client) => {
        const posts = await client.live({ collection: 'posts' }).ready(TIMEOUT);
        for (const key of [2, '2', 2n]) {
            assert.equal(posts.get(key), posts.rows[1]);
        }
        assert.equal(posts.get(3), undefined);
        assert.throws(() => posts.get({}), { argument: 'key' });
        void update({ id: 2, title: 'changed' });
        await until(() => posts.get(2).title === 'changed', 'the change');
        void create({ id: 3, title: 'third' });
        await until(() => posts.get(3), 'the new row');
        void remove(2);
        await until(() => posts.get(2) === undefined, 'the delete');
    });

    test('a gap without changes tells the status only, and leaves the rows as they are', async (client) => {
        const follow = follower();
        const posts = await client.live({ collection: 'posts' }, follow).ready(TIMEOUT);
        const before = posts.rows;
        const told = () => follow.updates.map(({ status, changes }) => [status, changes.length]);
        void server.newest.drop();
        await until(() => told().length === 3, 'the gap');
        assert.equal(posts.rows, before);
        assert.deepEqual(told(), [
            ['current', 2],
            ['stale', 0],
            ['current', 0],
        ]);
        stored = [{ id: 0, title: 'missed' }, ...stored];
        void server.newest.drop();
        await until(() => told().length === 5, 'the second gap');
        assert.deepEqual(told().slice(3), [
            ['stale', 0],
            ['current', 1],
        ]);
        const [{ kind, key, newIndex }, ...others] = follow.updates.at(-1).changes;
        assert.deepEqual([kind, key, newIndex, others], ['added', 0, 0, []]);
        assert.equal(posts.rows[1], before[0]);
    });

    test('verify() tells whether the rows are those of the server, and repairs them', async (client) => {
        const posts = await client.live({ collection: 'posts' }).ready(TIMEOUT);
        assert.deepEqual(await posts.verify(), { equal: true, rows: 2 });
        stored = [
            { id: 2, title: 'by hand' },
            { id: 3, title: 'third' },
        ];
        const found = await posts.verify(TIMEOUT);
        assert.deepEqual(found, { equal: false, rows: 2, added: 1, modified: 1, removed: 1 });
        await until(() => posts.rows.length === 2 && posts.get(3), 'the repair');
        assert.deepEqual(posts.rows, stored);
        const abort = new AbortController();
        const aborted = assert.rejects(posts.verify({ signal: abort.signal }), { name: 'AbortError' });
        abort.abort();
        await aborted;
        await assert.rejects(posts.verify({ timeout: 5 }), { message: /did you mean `timeoutMs`/ });
        posts.close();
        await assert.rejects(posts.verify(), { code: 'DRT_ERR_CLOSED' });
    });
});

describe('updates', () => {
    test('a callback gets the steps, and the rows are those that they have left', async (client) => {
        let wrong;
        const follow = follower();
        const posts = client.live({ collection: 'posts', uid: 'posts' }, (update) => {
            follow(update);
            if (follow.rows.some((row, at) => row !== posts.rows[at]) || update.count !== posts.rows.length) {
                wrong = update;
            }
        });
        await posts.ready(TIMEOUT);
        for (let id = 3; id < 30; id++) {
            void create({ id, title: `${id}` });
        }
        void remove(5);
        void update({ id: 7, title: 'changed' });
        await until(() => titles(posts.rows).includes('changed') && !posts.get(5), 'the changes');
        await until(() => posts.rows.length === stored.length, 'all rows');
        assert.equal(wrong, undefined);
        assert.deepEqual(follow.rows, stored);
        const { uid, collection, revision, error } = follow.updates[0];
        assert.deepEqual([uid, collection, revision, error], ['posts', 'posts', 1, undefined]);
        const revisions = follow.updates.map((update) => update.revision);
        assert.deepEqual(
            revisions,
            revisions.toSorted((a, b) => a - b),
        );
    });

    test('updates are merged while the promise of a callback is pending', async (client) => {
        const follow = follower();
        let proceed;
        const posts = client.live({ collection: 'posts' }, (update) => {
            follow(update);
            return new Promise((resolve) => (proceed = resolve));
        });
        await posts.ready(TIMEOUT);
        for (let id = 3; id < 10; id++) {
            void create({ id, title: `${id}` });
            await until(() => posts.rows.length === id, 'the row');
        }
        assert.deepEqual([follow.updates.length, client.stats().queuedEvents], [1, 7]);
        proceed();
        await until(() => follow.updates.length === 2, 'the merged update');
        assert.equal(follow.updates[1].changes.length, 7);
        assert.deepEqual(follow.rows, posts.rows);
        assert.deepEqual([client.stats().queuedEvents, client.stats().queuedBytes], [0, 0]);
    });

    test(
        'what waits for a slow callback is bounded, and no change is lost',
        async (client) => {
            const follow = follower();
            let proceed;
            const posts = client.live({ collection: 'posts' }, (update) => {
                follow(update);
                return new Promise((resolve) => (proceed = resolve));
            });
            await posts.ready(TIMEOUT);
            const long = 'x'.repeat(2000);
            for (let id = 3; id < 30; id++) {
                void create({ id, title: `${id} ${long}` });
                await until(() => posts.rows.length === id, 'the row');
                assert.ok(client.stats().queuedBytes <= 16 * 1024);
            }
            void remove(1);
            await until(() => posts.rows.length === 28, 'the delete');
            assert.ok(client.stats().overflows > 0);
            proceed();
            await until(() => follow.updates.length === 2, 'the merged update');
            assert.deepEqual(follow.rows, posts.rows);
            assert.equal(follow.updates[1].changes.length, 28);
        },
        { queueBytes: 16 * 1024 },
    );

    test('the first update of a loop adds the rows that are there', async (client) => {
        const posts = await client.live({ collection: 'posts' }).ready(TIMEOUT);
        let list = [];
        let count = 0;
        for await (const { status, changes } of posts) {
            list = fold(list, changes);
            assert.equal(status, 'current');
            assert.deepEqual(list, posts.rows);
            count++;
            if (count === 1) {
                void create({ id: 3, title: 'third' });
            } else if (list.length === 3) {
                void remove(1);
            } else {
                break;
            }
        }
        assert.deepEqual(list, stored);
        // It goes on.
        assert.equal(posts.ended, false);
        void create({ id: 4, title: 'fourth' });
        await until(() => posts.rows.length === 3, 'the row');
        const loop = posts[Symbol.asyncIterator]();
        assert.equal((await loop.next()).value.changes.length, 3);
        const next = loop.next();
        posts.close();
        assert.deepEqual(await next, { value: undefined, done: true });
        for await (const _ of posts) {
            assert.fail('an update after the end');
        }
    });

    test('an update that has only moved a row keeps its object', async (client) => {
        const posts = await client.live({ collection: 'posts', query: { sort: ['title'] } }).ready(TIMEOUT);
        const [first, second] = posts.rows;
        stored = stored.toReversed();
        void server.newest.drop();
        await until(() => posts.rows[0].id === second.id, 'the new order');
        assert.deepEqual([posts.rows[0] === second, posts.rows[1] === first], [true, true]);
    });
});

describe('the end', () => {
    const uids = (client) => client.getActiveSubscriptions().map(({ uid }) => uid);

    test('a live collection is a subscription among the others', async (client) => {
        const live = (uid, more) => client.live({ collection: 'posts', uid, ...more });
        const [one, two] = [live('one'), live('two', { persistent: true })];
        client.subscribe({ collection: 'codes', uid: 'three' }, () => {});
        assert.deepEqual(uids(client), ['one', 'two', 'three']);
        assert.equal(client.hasSubscription('one'), true);
        assert.equal(live('one'), one);
        assert.equal(client.unsubscribe('one'), true);
        assert.deepEqual([one.ended, one.status, client.unsubscribe('one')], [true, 'ended', false]);
        live('one');
        assert.equal(client.unsubscribeCollection('posts'), 1);
        assert.deepEqual(uids(client), ['two', 'three']);
        assert.equal(client.unsubscribeAll(), 1);
        two.unsubscribe();
        assert.deepEqual(uids(client), []);
    });

    test('a uid is that of a subscription or of a live collection', async (client) => {
        client.subscribe({ collection: 'posts', uid: 'events' }, () => {});
        client.live({ collection: 'posts', uid: 'rows' });
        assert.throws(() => client.live({ collection: 'posts', uid: 'events' }), {
            code: 'DRT_ERR_INVALID_ARGUMENT',
            argument: 'uid',
            message: /that of a subscription/,
        });
        assert.throws(() => client.subscribe({ collection: 'posts', uid: 'rows' }), {
            code: 'DRT_ERR_INVALID_ARGUMENT',
            argument: 'uid',
            message: /that of a live collection/,
        });
        assert.deepEqual(uids(client), ['events', 'rows']);
    });

    test('scopes and signals end live collections, but for the persistent ones', async (client) => {
        const abort = new AbortController();
        const scope = client.scope();
        const [ending, lasting] = [false, true].map((persistent) =>
            scope.live({ collection: 'posts', persistent }),
        );
        const aborted = client.live({ collection: 'posts', signal: abort.signal });
        await ending.ready(TIMEOUT);
        const { rows } = ending;
        scope.close();
        assert.deepEqual([ending.ended, ending.status, lasting.ended], [true, 'ended', false]);
        assert.equal(ending.rows, rows);
        assert.throws(() => scope.live({ collection: 'posts' }), /scope is closed/);
        abort.abort();
        assert.equal(aborted.ended, true);
        assert.throws(() => client.live({ collection: 'posts', signal: abort.signal }), {
            name: 'AbortError',
        });
        for (const dispose of ['dispose', 'asyncDispose']) {
            const posts = client.live({ collection: 'posts' });
            void posts[Symbol[dispose]]();
            assert.equal(posts.ended, true);
        }
        lasting.close();
        lasting.close();
        assert.equal(client.stats().subscriptions, 0);
    });

    test('no callback runs after close(), and ready() rejects', async (client) => {
        const posts = client.live({ collection: 'posts' }, () => assert.fail('an update'));
        const ready = assert.rejects(posts.ready(), { code: 'DRT_ERR_CLOSED' });
        posts.close();
        await ready;
        await assert.rejects(posts.ready(), { code: 'DRT_ERR_CLOSED' });
        await client.request({ type: 'ping' });
    });

    test('nothing follows when a callback has closed it', async (client) => {
        let calls = 0;
        const posts = client.live({ collection: 'posts' }, () => {
            calls++;
            posts.close();
        });
        const loop = posts[Symbol.asyncIterator]();
        const ready = assert.rejects(posts.ready(), { code: 'DRT_ERR_CLOSED' });
        assert.deepEqual(await loop.next(), { value: undefined, done: true });
        await ready;
        void create({ id: 3, title: 'third' });
        await client.request({ type: 'ping' });
        assert.deepEqual([calls, posts.rows.length], [1, 2]);
    });

    test('close() of the client ends its live collections', async (client) => {
        const posts = await client.live({ collection: 'posts' }).ready(TIMEOUT);
        const loop = posts[Symbol.asyncIterator]();
        await loop.next();
        const next = loop.next();
        await client.close();
        assert.deepEqual([posts.status, (await next).done], ['ended', true]);
        assert.deepEqual(posts.rows, stored);
        assert.throws(() => client.live({ collection: 'posts' }), { code: 'DRT_ERR_CLOSED' });
    });

    test('ready() and loops reject when the client fails', async () => {
        const client = createClient('http://127.0.0.1:1', {
            accessToken: 'x',
            reconnectAttempts: 1,
            reconnectMaxMs: 2,
        });
        const posts = client.live({ collection: 'posts' });
        const loop = assert.rejects(posts[Symbol.asyncIterator]().next(), { code: 'DRT_ERR_IO' });
        await assert.rejects(posts.ready(TIMEOUT), { code: 'DRT_ERR_IO' });
        await loop;
        assert.deepEqual([posts.status, posts.ended], ['loading', false]);
        await client.close();
    });

    test('a live collection of a destructured composable lasts until it ends', async (client) => {
        const { live } = client.useRealtime();
        const follow = follower();
        live({ collection: 'posts', uid: 'kept' }, follow);
        await until(() => follow.rows.length === 2, 'the rows');
        await collectThoroughly();
        void create({ id: 3, title: 'third' });
        await until(() => follow.rows.length === 3, 'the new row');
        assert.equal(client.unsubscribe('kept'), true);
    });

    test('a scope that is garbage-collected ends its live collections', async (client, t) => {
        const warnings = [];
        const listen = (warning) => warnings.push(warning.message);
        process.on('warning', listen);
        t.after(() => process.off('warning', listen));
        (() => void client.scope().live({ collection: 'posts', uid: 'lost' }))();
        await collectUntil(() => !client.hasSubscription('lost'), 'the end');
        await until(() => warnings.length > 0, 'the warning');
        assert.match(warnings[0], /garbage-collected/);
    });
});

describe('refusals', () => {
    test('a refusal is the last update, and rejects ready() and loops', async (client) => {
        refusal = { code: 'FORBIDDEN', message: 'You have no permission.' };
        const updates = [];
        const posts = client.live({ collection: 'posts' }, (update) => void updates.push(update));
        const server = { code: 'FORBIDDEN', message: refusal.message };
        const loop = posts[Symbol.asyncIterator]();
        const refused = (error) => {
            assert.ok(error instanceof DirectusRealtimeError);
            assert.deepEqual([error.code, error.server], ['DRT_ERR_SERVER', server]);
            return true;
        };
        const rejected = assert.rejects(loop.next(), refused);
        await assert.rejects(posts.ready(TIMEOUT), refused);
        await rejected;
        assert.deepEqual(await loop.next(), { value: undefined, done: true });
        assert.deepEqual([posts.ended, posts.status, posts.error], [true, 'ended', server]);
        const { status, error } = updates.at(-1);
        assert.deepEqual([status, error], ['ended', server]);
        assert.equal(client.hasSubscription(posts.uid), false);
    });

    test('options that do not exist are refused, and queries that cannot be held', async (client) => {
        const wrong = (options, expected) =>
            assert.throws(() => client.live({ collection: 'posts', ...options }), {
                code: 'DRT_ERR_INVALID_ARGUMENT',
                ...expected,
            });
        wrong({ collection: undefined }, { argument: 'collection' });
        wrong({ depends_on: 'authors' }, { message: /did you mean `dependsOn`/ });
        wrong({ filter: {} }, { message: /it belongs in `query`/ });
        wrong({ query: { filters: {} } }, { message: /did you mean `filter`/ });
        wrong({ dependsOn: [''] }, { argument: 'dependsOn' });
        wrong({ dependsOn: 'a,b' }, { argument: 'dependsOn' });
        wrong({ dependsOn: [5] }, { argument: 'dependsOn[0]' });
        wrong({ verifyMs: -1 }, { argument: 'verifyMs' });
        wrong({ query: { aggregate: { count: '*' } } }, { argument: 'query', message: /aggregate/ });
        wrong({ query: { fields: ['title'] } }, { argument: 'query', message: /`primaryKey`/ });
        assert.throws(() => client.live({ collection: 'posts' }, 5), { argument: 'callback' });
        assert.equal(client.stats().subscriptions, 0);
    });

    test('Infinity and 0 are never', () => {
        for (const verifyMs of [Infinity, 0]) {
            assert.equal(liveFields({ collection: 'posts', verifyMs }, 'uid').verify_ms, 2 ** 32 - 1);
        }
        assert.equal(liveFields({ collection: 'posts', verifyMs: 5 }, 'uid').verify_ms, 5);
    });

    test("the uid of another collection's live collection is refused", (client) => {
        const posts = client.live({ collection: 'posts', uid: 'mine' });
        assert.equal(client.live({ collection: 'posts', uid: 'mine' }), posts);
        const expected = { argument: 'uid', message: /of "posts": use another/ };
        assert.throws(() => client.live({ collection: 'authors', uid: 'mine' }), expected);
    });

    test('the options reach the server', async (client) => {
        const query = { fields: ['id', 'title'], filter: { title: { _nnull: true } } };
        const dependsOn = ['authors', 'tags'];
        await client.live({ collection: 'posts', query, dependsOn, verifyMs: Infinity }).ready(TIMEOUT);
        const collections = server.messages.filter(({ type }) => type === 'subscribe').slice(-4);
        assert.deepEqual(
            collections.map(({ collection }) => collection),
            ['posts', 'posts', 'authors', 'tags'],
        );
        const read = server.messages.findLast(({ type }) => type === 'items');
        assert.deepEqual(read.query, { ...query, limit: -1 });
    });
});
