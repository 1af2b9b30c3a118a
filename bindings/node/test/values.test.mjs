// Values and options: what reaches the server is what was meant, or the call is refused.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { computed, reactive, readonly, ref, shallowRef } from 'vue';
import { createClient, DirectusRealtimeError } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { startServer } from './server.mjs';
import { collector, until } from './waiting.mjs';

const invalid = (pattern) => (error) => {
    assert.ok(error instanceof DirectusRealtimeError, `${error?.stack}`);
    assert.equal(error.code, 'DRT_ERR_INVALID_ARGUMENT');
    assert.match(error.message, pattern);
    return true;
};

let server, client;
before(async () => {
    // A write is answered with what it says.
    const onMessage = ({ type, action, data = null, uid }, link) => {
        if (type === 'items' && action !== 'read') {
            link.send({ type, data, uid });
        }
    };
    server = await startScriptedServer({ onMessage });
    client = createClient(server.url, { accessToken: 'x' });
    await client.connected();
});
after(async () => {
    await client.close();
    await server.close();
});

/** The last message of a type, no read: an `unsubscribe` from the test before may come after it. */
const lastSent = (type = 'items') =>
    server.messages.findLast((message) => message.type === type && message.action !== 'read');

let collections = 0;

/** The query that the server gets. The subscription is found by a collection of its own. */
async function queryOf(options) {
    const collection = `posts_${++collections}`;
    const subscription = client.subscribe({ collection, ...options }, () => {});
    const message = await until(
        () => server.messages.find((each) => each.type === 'subscribe' && each.collection === collection),
        'a subscribe',
    );
    subscription.unsubscribe();
    return message.query;
}

const FILTER = { title: { _eq: 'x' } };

describe('refs of Vue', () => {
    it('refs are unwrapped wherever they are in a query', async () => {
        const title = ref('x');
        for (const query of [
            ref({ filter: FILTER }),
            shallowRef({ filter: FILTER }),
            computed(() => ({ filter: FILTER })),
            ref(ref({ filter: FILTER })),
            reactive({ filter: FILTER }),
            readonly(reactive({ filter: FILTER })),
            { filter: ref(FILTER) },
            { filter: computed(() => FILTER) },
            { filter: { title: { _eq: title } } },
            reactive({ filter: { title: { _eq: title } } }),
            { filter: shallowRef({ title: ref({ _eq: computed(() => title.value) }) }) },
        ]) {
            assert.deepEqual(await queryOf({ query }), { filter: FILTER });
        }
        assert.deepEqual(await queryOf({ query: reactive({ sort: [ref('a'), computed(() => 'b')] }) }), {
            sort: ['a', 'b'],
        });
    });

    it('a ref without a query is no query', async () => {
        for (const query of [ref(), ref(null), shallowRef(undefined)]) {
            assert.equal(await queryOf({ query }), undefined);
        }
        assert.throws(
            () => client.subscribe({ collection: 'posts', query: ref('x') }),
            invalid(/^`query` is 'x'/),
        );
    });

    it('options may be refs, as a whole and one by one', async () => {
        const options = reactive({ collection: ref('posts'), uid: 'feed', query: { filter: FILTER } });
        const subscription = client.subscribe(options, () => {});
        assert.deepEqual([subscription.uid, subscription.collection], ['feed', 'posts']);
        subscription.unsubscribe();
        const raw = { collection: ref('posts'), uid: computed(() => 'a'), persistent: ref(true) };
        const other = client.subscribe(ref(raw), () => {});
        assert.deepEqual([other.uid, other.collection, other.persistent], ['a', 'posts', true]);
        other.unsubscribe();
    });

    it('refs are unwrapped in items, keys and messages', async () => {
        const items = client.items('posts');
        await items.create(ref({ title: ref('x') }));
        assert.deepEqual(lastSent().data, { title: 'x' });
        await items.create([ref({ title: 'x' }), { title: computed(() => 'y') }]);
        assert.deepEqual(lastSent().data, [{ title: 'x' }, { title: 'y' }]);
        await items.update(ref(5), reactive({ title: 'x' }));
        assert.deepEqual([lastSent().id, lastSent().data], ['5', { title: 'x' }]);
        client.sendMessage(ref({ type: 'greeting', to: ref('all') }));
        const greeting = await until(() => lastSent('greeting'), 'the message');
        assert.equal(greeting.to, 'all');
    });
});

describe('a query', () => {
    const refused = (query, pattern) =>
        assert.throws(() => client.subscribe({ collection: 'posts', query }, () => {}), invalid(pattern));

    it('a query that JSON cannot carry is refused, and the error has the path', async () => {
        refused(new Map([['filter', FILTER]]), /^`query` is a Map/);
        refused(ref(new Map([['filter', FILTER]])), /^`query` is a Map/);
        refused(new Set(), /^`query` is a Set/);
        refused(
            new URLSearchParams({ limit: '5' }),
            /^`query` is a URLSearchParams|^`query` is an URLSearchParams/,
        );
        refused(Promise.resolve({}), /^`query` is a Promise: await it first/);
        refused(new Date(), /^`query` is '\d{4}-.*object/);
        refused(() => ({}), /^`query` is a function/);
        refused({ filter: new Map() }, /^`query\.filter` is a Map/);
        refused({ filter: () => FILTER }, /^`query\.filter` is a function/);
        refused(
            { filter: { 'a b': { _in: [1, Symbol('s')] } } },
            /^`query\.filter\['a b'\]\._in\[1\]` is a symbol/,
        );
        refused({ filter: { n: { _eq: NaN } } }, /^`query\.filter\.n\._eq` is NaN/);
        refused({ filter: { at: { _gt: new Date('x') } } }, /^`query\.filter\.at\._gt` is an invalid date/);
        const circle = { filter: {} };
        circle.filter.again = circle;
        refused(circle, /^`query\.filter\.again` is a reference to an object that contains it/);
        await assert.rejects(client.items('posts').read(new Map()), invalid(/^`query` is a Map/));
        await assert.rejects(client.items('posts').read(1, new Map()), invalid(/^`query` is a Map/));
        assert.deepEqual(client.getActiveSubscriptions(), []);
    });

    it('a condition that is undefined is refused, not dropped', async () => {
        refused({ filter: { author: { _eq: undefined } } }, /^`query\.filter\.author\._eq` is undefined/);
        refused({ filter: { author: { _eq: ref() } } }, /^`query\.filter\.author\._eq` is undefined/);
        refused({ filter: { author: undefined } }, /^`query\.filter\.author` is undefined/);
        refused({ filter: { id: { _in: [1, undefined] } } }, /^`query\.filter\.id\._in\[1\]` is undefined/);
        // A parameter as a whole may be left out so.
        assert.deepEqual(await queryOf({ query: { filter: undefined, limit: 5 } }), { limit: 5 });
    });

    it('query parameters that the server would ignore are refused', async () => {
        refused({ filters: FILTER }, /^`query\.filters` is not a query parameter: did you mean `filter`\?/);
        refused({ Filter: FILTER }, /did you mean `filter`\?/);
        refused({ group_by: ['x'] }, /did you mean `groupBy`\?/);
        refused(FILTER, /^`query\.title` is not a query parameter: it belongs in `query\.filter`/);
        refused({ _and: [FILTER] }, /^`query\._and` .*belongs in `query\.filter`/);
        refused(
            { whatever: 5 },
            /^`query\.whatever` is not a query parameter: there is `fields`, `filter`, /,
        );
        const items = client.items('posts');
        await assert.rejects(items.read({ title: 'x' }), invalid(/^`query\.title` is not a query parameter/));
        await assert.rejects(
            items.read(1, { timeoutMs: 5 }),
            invalid(/^`query\.timeoutMs` .*belongs in `options`, which come after the query/),
        );
        await assert.rejects(items.create({}, { timeoutMs: 5 }), invalid(/`query\.timeoutMs`/));
    });
});

describe('values', () => {
    class Money {
        constructor(amount) {
            this.amount = amount;
        }
        toJSON() {
            return `${this.amount} EUR`;
        }
    }
    class Post {
        title = 'x';
    }

    it('dates, big integers and objects with toJSON are sent as JSON writes them', async () => {
        const at = new Date(0);
        const price = new Money(5);
        const filter = {
            at: { _gt: at },
            n: { _eq: 5n },
            big: { _eq: 9007199254740993n },
            price: { _eq: price },
        };
        assert.deepEqual(await queryOf({ query: { filter } }), {
            filter: {
                at: { _gt: '1970-01-01T00:00:00.000Z' },
                n: { _eq: 5 },
                big: { _eq: '9007199254740993' },
                price: { _eq: '5 EUR' },
            },
        });
        const item = { at, n: -5n, nothing: null, left: undefined, post: new Post() };
        await client.items('posts').create(item);
        assert.deepEqual(
            lastSent().data,
            JSON.parse('{"at":"1970-01-01T00:00:00.000Z","n":-5,"nothing":null,"post":{"title":"x"}}'),
        );
        const same = { title: 'x' };
        await client.items('posts').create([{ ['__proto__']: 1 }, Object.create(null), { a: same, b: same }]);
        assert.deepEqual(lastSent().data, [JSON.parse('{"__proto__":1}'), {}, { a: same, b: same }]);
    });

    it('values that JSON would change silently are refused', async () => {
        const items = client.items('posts');
        const refused = (item, pattern) => assert.rejects(items.create(item), invalid(pattern));
        await refused({ n: Infinity }, /^`item\.n` is Infinity/);
        await refused({ tags: new Set(['a']) }, /^`item\.tags` is a Set/);
        await refused({ tags: [undefined] }, /^`item\.tags\[0\]` is undefined/);
        await refused({ at: new Date(NaN) }, /^`item\.at` is an invalid date/);
        await refused({ author: Promise.resolve(1) }, /^`item\.author` is a Promise: await it first/);
        await refused({ show() {} }, /^`item\.show` is a function/);
        await refused([{}, new Map()], /^`item` is a Map/);
        await assert.rejects(items.update(1, { n: NaN }), invalid(/^`changes\.n` is NaN/));
        await assert.rejects(client.request({ type: 'x', m: new Map() }), invalid(/^`message\.m` is a Map/));
        assert.throws(() => client.sendMessage(new Map()), invalid(/^`message` is a Map/));
    });

    it('big integers are valid keys', async () => {
        const items = client.items('posts');
        await items.update(9007199254740993n, { title: 'x' });
        assert.equal(lastSent().id, '9007199254740993');
        const { filter } = await queryOf({ item: 9007199254740993n });
        assert.match(JSON.stringify(filter), /9007199254740993/);
    });
});

describe('an option that does not exist', () => {
    it('an unknown option is refused by every method, with a suggestion', async () => {
        const meant = (name) => new RegExp(` is not an option of .*: did you mean \`${name}\`\\?$`);
        const make = (options) => createClient('http://127.0.0.1:1', options);
        assert.throws(() => make({ accesstoken: 'x' }), invalid(meant('accessToken')));
        assert.throws(
            () => make({ access_token: 'x' }),
            invalid(/^`access_token` is not an option of a client: did/),
        );
        assert.throws(() => make({ heartbeat: 5 }), invalid(meant('heartbeatMs')));
        assert.throws(
            () => make({ url: 'x' }),
            invalid(/^`url` is not an option of a client: there is `access/),
        );
        const subscribe = (more) => client.subscribe({ collection: 'posts', ...more }, () => {});
        assert.throws(
            () => subscribe({ filter: FILTER }),
            invalid(/^`filter` is not an option of a subscription: it belongs in `query`$/),
        );
        assert.throws(() => subscribe({ filters: FILTER }), invalid(/did you mean `filter` in `query`\?$/));
        assert.throws(() => subscribe({ persistant: true }), invalid(meant('persistent')));
        assert.throws(() => subscribe({ events: 'create' }), invalid(meant('event')));
        assert.throws(() => subscribe({ primary_key: 'x' }), invalid(meant('primaryKey')));
        assert.throws(() => client.scope({ sygnal: undefined }), invalid(meant('signal')));
        assert.throws(
            () => client.useRealtime({ abort: undefined }),
            invalid(/^`abort` is not an option of a scope/),
        );
        const scope = client.scope();
        assert.throws(() => scope.subscribe({ collection: 'posts', UID: 'x' }), invalid(meant('uid')));
        scope.close();
        await assert.rejects(client.connected({ timeout: 5 }), invalid(meant('timeoutMs')));
        await assert.rejects(client.request({ type: 'ping' }, { timeout: 5 }), invalid(meant('timeoutMs')));
        await assert.rejects(client.items('posts').read({}, { timeOutMs: 5 }), invalid(meant('timeoutMs')));
        const subscription = subscribe({});
        await assert.rejects(subscription.ready({ timeout_ms: 5 }), invalid(meant('timeoutMs')));
        subscription.unsubscribe();
        assert.deepEqual(client.getActiveSubscriptions(), []);
    });
});

describe('on a server', () => {
    let real;
    before(async () => void (real = await startServer()));
    after(() => real.close());

    it('filters with refs, dates and big integers select the right items on a server', async (t) => {
        const field = { field: 'big', type: 'bigInteger', schema: {}, meta: {} };
        await real.rest.request('POST', '/fields/posts', field);
        const reader = createClient(real.url, { accessToken: real.token });
        t.after(() => reader.close());
        const collect = collector();
        const filter = computed(() => ({ big: { _eq: 9007199254740993n } }));
        await reader.subscribe({ collection: 'posts', query: ref({ filter }) }, collect).ready();
        const dated = collector();
        const hourAgo = new Date(Date.now() - 3_600_000);
        const query = { filter: { date_created: { _gt: hourAgo } } };
        await reader.subscribe({ collection: 'messages', query }, dated).ready();
        await real.rest.create('posts', { title: 'other' });
        await real.rest.create('posts', { title: 'wanted', big: '9007199254740993' });
        const { data } = await collect.find('create');
        assert.equal(data.title, 'wanted');
        assert.equal(collect.events.filter(({ type }) => type === 'create').length, 1);
        await reader.items('messages').create({ channel_id: 'lobby', text: 'x' });
        await dated.find('create');
        const key = data.id;
        assert.equal((await reader.items('posts').read(BigInt(key))).title, 'wanted');
    });
});
