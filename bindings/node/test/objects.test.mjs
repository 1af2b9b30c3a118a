// What clients, scopes and subscriptions have in common as objects.
import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { reactive, toRaw } from 'vue';
import { createClient } from 'directus-realtime';
import { startScriptedServer } from '../../../tests/scripted_server/scripted_server.mjs';
import { collector, until } from './waiting.mjs';

let server, client;
before(async () => {
    server = await startScriptedServer();
    client = createClient(server.url, { accessToken: 'secret' });
    await client.connected();
});
after(async () => {
    await client.close();
    await server.close();
});

it('methods of clients, scopes, subscriptions and items work when destructured', async () => {
    const { subscribe, unsubscribe, hasSubscription, getActiveSubscriptions, request, items } = client;
    const { connected, stats, scope, useRealtime, setToken, sendMessage, unsubscribeAll } = client;
    await connected();
    const { ready, unsubscribe: end } = subscribe({ collection: 'posts', uid: 'a' }, () => {});
    await ready();
    assert.equal(hasSubscription('a'), true);
    end();
    assert.equal(unsubscribe('a'), false);
    assert.deepEqual(getActiveSubscriptions(), []);
    assert.equal((await request({ type: 'ping' })).type, 'pong');
    const { read } = items('posts');
    assert.deepEqual(await read(), []);
    sendMessage({ type: 'ping' });
    setToken('another');
    assert.equal(stats().subscriptions, 0);
    const { subscribe: inScope, close } = scope();
    inScope({ collection: 'posts', uid: 'b' }, () => {});
    close();
    assert.equal(hasSubscription('b'), false);
    useRealtime().subscribe({ collection: 'posts', uid: 'c' }, () => {});
    assert.equal(unsubscribeAll(), 1);
    const { close: closeOther, connect, disconnect, reconnect, ref, unref } = createClient(server.url);
    for (const call of [connect, disconnect, reconnect, unref, ref]) {
        call();
    }
    await closeOther();
});

it('console.log of clients, scopes and subscriptions shows their state and no secrets', async () => {
    assert.equal(inspect(client), "Client { state: 'connected', subscriptions: 0 }");
    const scope = client.scope();
    assert.equal(inspect(scope), 'Scope { closed: false }');
    const subscription = scope.subscribe({ collection: 'posts', uid: 'a' }, () => {});
    const shown = "Subscription { uid: 'a', collection: 'posts', persistent: false, ended: false }";
    assert.equal(inspect(subscription, { breakLength: Infinity }), shown);
    assert.match(inspect({ deep: { client } }), /state: 'connected'/);
    scope.close();
    assert.match(inspect(subscription), /ended: true/);
    assert.equal(JSON.stringify(client).includes('secret'), false);
});

it('an event is as if its data had been parsed before: printed, copied, written, or behind a proxy of Vue', async () => {
    const collect = collector();
    const subscription = client.subscribe({ collection: 'posts', uid: 'a' }, collect);
    await subscription.ready();
    // Letters of one, two and four bytes; a batch of one is in ASCII.
    const titles = ['x', 'ü"],[0,1', '😀'];
    for (const title of titles) {
        await server.newest.load('posts', { count: 2, item: { title } });
    }
    await until(() => collect.events.length === 7, 'the events');
    subscription.unsubscribe();
    const events = collect.events.slice(1);
    const expected = titles.flatMap((title) => [0, 1].map((id) => ({ id, title })));
    const shown = expected.map((data, at) => {
        const origin = { type: 'create', uid: 'a', collection: 'posts', sequence: events[0].sequence + at };
        return { ...origin, index: 0, count: 1, data };
    });
    // Each way touches the data of another event first.
    const ways = [
        (event) => ({ ...event }),
        (event) => structuredClone(event),
        (event) => JSON.parse(JSON.stringify(event)),
        (event) => Object.assign({}, toRaw(reactive(event)), { data: toRaw(reactive(event).data) }),
        (event) => Object.fromEntries(Object.entries(event)),
        (event) => runInNewContext(`(${inspect(event)})`),
    ];
    ways.forEach((way, at) => {
        assert.deepEqual(JSON.parse(JSON.stringify(way(events[at]))), shown[at], String(way));
        assert.equal(events[at].data, events[at].data);
    });
    const watched = reactive(events[0]);
    watched.data = { id: 7 };
    watched.data.id++;
    assert.deepEqual(events[0].data, { id: 8 });
});

it('events of one batch are parsed together where their data is read, and look the same', async () => {
    const [posts, unread] = [[], []];
    const isParsed = (event) => 'value' in Object.getOwnPropertyDescriptor(event, 'data');
    const read = client.subscribe({ collection: 'posts', uid: 'a' }, (event) => {
        if (event.type === 'create') {
            assert.equal(event.data.title, 'ü"],[0,1');
            posts.push(event);
        }
    });
    await read.ready();
    let first = 0;
    const more = async (collection) => {
        const item = { title: 'ü"],[0,1' };
        await server.newest.load(collection, { first, count: 500, item });
        first += 500;
    };
    // Batches are as the events happen to come.
    await until(async () => {
        await more('posts');
        return posts.some(isParsed) && posts.some((event) => !isParsed(event));
    }, 'events of both kinds');
    await until(() => posts.length === first, 'the events');
    assert.deepEqual(
        posts.map(({ data }) => data.id),
        posts.map((_, at) => at),
    );
    const shapes = posts.map((event) => Object.keys({ ...event }).join());
    assert.deepEqual([...new Set(shapes)], [shapes[0]]);
    const parsed = posts.find(isParsed);
    assert.deepEqual({ ...structuredClone(parsed) }, { ...parsed });
    const printed = runInNewContext(`(${inspect(parsed)})`);
    assert.equal(JSON.stringify(printed), JSON.stringify(parsed));
    parsed.data = 7;
    assert.equal(reactive(parsed).data, 7);
    read.unsubscribe();

    const other = client.subscribe({ collection: 'codes', uid: 'b' }, (event) => unread.push(event));
    await other.ready();
    await until(async () => {
        await more('codes');
        return unread.length > 1000;
    }, 'events that are not read');
    assert.equal(isParsed(unread.at(-1)), false);
    other.unsubscribe();
});

it('a meta may be between the data of two events', async () => {
    const seen = [];
    const subscription = client.subscribe({ collection: 'notes', uid: 'a' }, (event) => {
        if (event.type !== 'init') {
            seen.push([event.data, event.meta]);
        }
    });
    await subscription.ready();
    const { uid } = await until(
        () => server.messages.find(({ type, collection }) => type === 'subscribe' && collection === 'notes'),
        'the subscribe',
    );
    const expected = [];
    for (let id = 0; id < 400; id++) {
        const meta = id % 100 < 50 ? { n: id } : undefined;
        expected.push([{ id }, meta]);
        server.newest.send({ type: 'subscription', event: 'create', data: [{ id }], meta, uid });
    }
    await until(() => seen.length === expected.length, 'the events');
    assert.deepEqual(seen, expected);
    subscription.unsubscribe();
});
